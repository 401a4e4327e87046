"""Run below the launcher by pytest in the agent's environment; no test of this project."""

from __future__ import annotations

from agents import chain


def test_the_agent_answers() -> None:
    assert chain().invoke("go") == 10

"""The model on an agent's page is a name, however little is known about it."""

from __future__ import annotations

from typing import Any

import pytest

from etaoi_tui.detail.document.model import KeyValues
from etaoi_tui.detail.pages.agent_snapshot import agent_sections


@pytest.mark.parametrize(
    ("llm", "model"),
    [
        ("gpt-5", "gpt-5"),
        ({"provider": "openai", "class": "ChatOpenAI", "model": "gpt-5"}, "gpt-5"),
        ({"provider": "mine", "class": "Rehearsed"}, "Rehearsed"),
    ],
)
def test_the_model_is_named(llm: Any, model: str) -> None:
    (facts,) = agent_sections({"llm": llm})[0].blocks
    assert isinstance(facts, KeyValues)
    assert dict(facts.rows)["model"] == model

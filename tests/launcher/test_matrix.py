"""Every way in which a Python program runs LangChain is seen, with our SDK and without it, nothing twice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.launcher.launching import PROGRAMS, launch, whole_trees

WAYS = {
    # ways, one after the other in one program: roots, spans
    "sync": (1, 4),
    "fails concurrent threads stream streams_events": (1 + 2 + 3 + 1 + 1, 6 + 8 + 12 + 1 + 4),
    "fork": (2, 8),
    "fork_process": (2, 8),
    "spawn": (2, 8),
    "forkserver": (2, 8),
    "child_program": (1, 4),
}


@pytest.mark.parametrize("sdk", ["with the SDK", "without it"])
@pytest.mark.parametrize("ways", WAYS)
def test_every_run_is_recorded_once(tmp_path: Path, ways: str, sdk: str) -> None:
    variables = {} if sdk == "with the SDK" else {"WITHOUT_SDK": "1"}
    ran = launch(tmp_path, sys.executable, PROGRAMS / "agents.py", *ways.split(), variables=variables)
    assert ran.code == 0, ran.err
    spans = [span for span in ran.spans() if span["kind"] != "agent_context"]
    assert (whole_trees(spans), len(spans)) == WAYS[ways]
    if ways.startswith("fails"):
        assert {span["status"] for span in spans} == {"ok", "error"}
        assert any("no such order" in (span["error"] or "") for span in spans)
    if ways == "sync":
        assert {span["name"]: span["kind"] for span in spans}["double"] == "tool"
        (model,) = [span for span in spans if span["kind"] == "llm"]
        assert model["output"]["text"] == "a b c" if sdk != "with the SDK" else True

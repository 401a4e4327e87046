"""What a run says by reference is found as if it stood in the run."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage, HumanMessage

from etaoi_collector.recording.directory import recordings_dir
from etaoi_collector.wire.references import MARK
from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot
from etaoi_tui.sdk.langchain.payloads import ModelInput
from tests.catalogue.test_find import matches, search


@pytest.mark.parametrize("words", ["kumquat 3", "KUMQUAT", '"kumquat 70 and"', "in:kumquat", "nowhere"])
def test_a_message_of_a_long_talk_is_found_in_every_run_that_has_it(tmp_path: Path, words: str) -> None:
    folder = recordings_dir(tmp_path)
    folder.mkdir(parents=True)
    path = folder / "run-20260102-030400-abcd.msgpack"
    tracer = open_tracer(sink=str(path))
    talk: list[BaseMessage] = [
        HumanMessage(f"kumquat {number} and more", id=str(number)) for number in range(90)
    ]
    for size in (10, 40, 60, 80, 90):
        payload = ModelInput([MessageSnapshot(talk[:size])], None, None, set())
        tracer.end(tracer.start("llm", "m", payload=payload))
    tracer.close(20)
    assert MARK in path.read_bytes()
    expected = matches(path, words)
    assert {hit.trace_id: hit.matches for hit in search(tmp_path, words)} == {
        trace: len(spans) for trace, spans in expected.items()
    }
    assert len(expected) == {"kumquat 3": 5, '"kumquat 70 and"': 2, "nowhere": 0}.get(words, 5)

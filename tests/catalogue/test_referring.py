"""What a run says by reference is found as if it stood in the run."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage, HumanMessage

from etaoi_collector.recording.directory import recordings_dir
from etaoi_collector.wire.references import MARK, VALUES_BEGIN, Resolver
from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot
from etaoi_tui.sdk.langchain.payloads import ModelInput
from tests.catalogue.test_find import matches, search


def record_talk(state: Path) -> Path:
    """Record five model calls of a growing talk."""
    folder = recordings_dir(state)
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
    return path


def found(state: Path, words: str) -> dict[str, int]:
    """Return the matching spans of each run."""
    return {hit.trace_id: hit.matches for hit in search(state, words)}


@pytest.mark.parametrize("words", ["kumquat 3", "KUMQUAT", '"kumquat 70 and"', "in:kumquat", "nowhere"])
def test_a_message_of_a_long_talk_is_found_in_every_run_that_has_it(tmp_path: Path, words: str) -> None:
    expected = matches(record_talk(tmp_path), words)
    assert found(tmp_path, words) == {trace: len(spans) for trace, spans in expected.items()}
    assert len(expected) == {"kumquat 3": 5, '"kumquat 70 and"': 2, "nowhere": 0}.get(words, 5)


@pytest.mark.parametrize("words", ['"sent before"', "in:RECORDING", "unknown", "kumquat"])
def test_what_stands_for_a_value_that_was_never_recorded_is_found(tmp_path: Path, words: str) -> None:
    path = record_talk(tmp_path)
    data = bytearray(path.read_bytes())
    first_digest = data.index(b"\xc4\x10", data.index(VALUES_BEGIN)) + 2
    data[first_digest] ^= 0xFF
    path.write_bytes(data)
    expected = matches(path, words)
    assert found(tmp_path, words) == {trace: len(spans) for trace, spans in expected.items()}
    assert expected


def test_what_stands_for_more_than_one_event_may_hold_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = record_talk(tmp_path)
    assert not found(tmp_path, '"left out: this event"')
    monkeypatch.setattr(Resolver.__init__, "__defaults__", (2_000,))
    expected = matches(path, '"left out: this event"')
    assert found(tmp_path, '"left out: this event"') == {trace: len(ids) for trace, ids in expected.items()}
    assert 0 < len(expected) < 5

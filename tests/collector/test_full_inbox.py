"""Frames for which the reader has no room are decoded once: when they are read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from etaoi_collector.ingest import pipeline
from etaoi_collector.ingest.inbox import Inbox
from etaoi_collector.ingest.pipeline import Ingest, Stats
from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.source_items import EventBatch
from etaoi_collector.wire.events import SpanStart
from tests.collector.making import an_id, frame_of, start

FRAMES = 60
PER_FRAME = 5


def _frame(number: int) -> bytes:
    """Five events, one of them none."""
    first = number * PER_FRAME
    events: list[Any] = [start(first + at) for at in range(PER_FRAME)]
    events[2] = b"\x01"
    events[3] = events[3] | {"metadata": {"name": "x", "etaoi_tui.dropped": "2"}}
    return frame_of(events)


def _take_all(inbox: Inbox) -> list[str]:
    ids = []
    while items := inbox.take(1.0, 50):
        for item in items:
            assert isinstance(item, EventBatch)
            ids += [event.span_id for event in item.events if isinstance(event, SpanStart)]
    return ids


def _run(path: Path, most: int, *, steps: bool) -> tuple[list[str], Stats, int]:
    recorder = Recorder(path=path, segment_bytes=4_000)
    inbox = Inbox(recorder.frames, max_events=most)
    ingest = Ingest(recorder, inbox, lambda: 1.0)
    connection = ingest.open("p", "c", b"")
    inbox.take(1.0, 50)
    for number in range(FRAMES):
        if steps:
            for _ in ingest.frame_steps(connection, _frame(number)):
                pass
        else:
            ingest.frame(connection, _frame(number))
        if number == FRAMES // 2:
            assert ingest.stats().events == (number + 1) * PER_FRAME
    ids = _take_all(inbox)
    stats = ingest.stats()
    recorder.close()
    return ids, stats, inbox.lost


@pytest.mark.parametrize("steps", [True, False])
def test_all_arrives_in_order_and_is_counted_as_if_there_was_room(tmp_path: Path, steps: bool) -> None:
    roomy_ids, roomy, _ = _run(tmp_path / "roomy", 100_000, steps=steps)
    ids, full, lost = _run(tmp_path / "full", 20, steps=steps)
    assert ids == roomy_ids == [an_id(100 + n) for n in range(FRAMES * PER_FRAME) if n % PER_FRAME != 2]
    assert lost == 0
    assert (full.overflowed, roomy.overflowed) == ((FRAMES - 4) * PER_FRAME, 0)
    assert full.events == roomy.events == FRAMES * PER_FRAME
    assert full.rejected == roomy.rejected == FRAMES
    assert full.dropped_by_clients == roomy.dropped_by_clients == 2 * FRAMES
    assert full.events_by_kind == roomy.events_by_kind
    assert (full.frames, full.bytes) == (roomy.frames, roomy.bytes)


def test_nothing_is_decoded_without_a_subscriber(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(path=tmp_path / "a")
    inbox = Inbox(recorder.frames, max_events=PER_FRAME)
    ingest = Ingest(recorder, inbox, lambda: 1.0)
    connection = ingest.open("p", "c", b"")
    inbox.take(1.0, 50)
    ingest.frame(connection, _frame(0))
    with monkeypatch.context() as without:
        without.delattr(pipeline, "decode_at_once")
        ingest.frame(connection, _frame(1))
    assert len(inbox) == 2 * PER_FRAME

    batch_sizes: list[int] = []

    class Listener:
        def put(self, item: Any, size: int = 0) -> None:
            batch_sizes.append(len(item.events))

    ingest.join(Listener(), 0)
    ingest.frame(connection, _frame(2))
    assert batch_sizes == [PER_FRAME]
    assert len(_take_all(inbox)) == 3 * (PER_FRAME - 1)
    recorder.close()

"""What a page shows of a span whose end never came: how long it ran at least, and until when at most."""

from __future__ import annotations

from etaoi_collector.store.model import Connection
from tests.detail.pages import end, start, text_of
from tests.detail.recorded import Recorded
from tests.detail.test_recordings import describe_in

SILENT = "its last event came 12.0s before"


def killed() -> Recorded:
    """An agent that was killed 12 seconds after it had last said something."""
    recorded = Recorded()
    recorded.store.connection_opened(Connection(1, "127.0.0.1:1", 0.0))
    recorded.send(start(1, "sub_agent", {}), start(2, "tool", {}, at=1, parent=1))
    recorded.send(start(3, "tool", {}, at=2, parent=1), end(3, "tool", {}, at=3, parent=1))
    recorded.store.connection_closed(1, recorded.spans[0].trace.ended_at + 12)
    return recorded


def test_a_lost_span_shows_how_long_its_client_was_silent() -> None:
    recorded = killed()
    lost, ended = recorded.spans[1], recorded.spans[2]
    assert SILENT not in text_of(describe_in(recorded, lost), "overview"), "it may still come back"
    recorded.store.finish()
    text = text_of(describe_in(recorded, lost), "overview")
    assert "≥14.0s" in text and SILENT in text
    assert SILENT not in text_of(describe_in(recorded, ended), "overview")


def test_a_client_clock_ahead_of_ours_shows_no_silence() -> None:
    recorded = killed()
    trace = recorded.spans[0].trace
    trace.session.left_at = trace.ended_at - 1
    recorded.store.finish()
    assert "came" not in text_of(describe_in(recorded, recorded.spans[1]), "overview")

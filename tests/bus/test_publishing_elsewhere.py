"""Publishing into a viewer that runs elsewhere, with the words of a collector of one's own."""

from __future__ import annotations

import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from etaoi_collector import BusEvent, Collector, CollectorOptions, Record, RemoteError, connect
from etaoi_collector.sources import remote_publisher
from tests.collector.serving import PATIENCE, wait_for


def started(state: Path, port: int = 0, token: str | None = None) -> Collector:
    return Collector(CollectorOptions(port=port, state=state, record=Record.NONE, token=token))


def tell_a_run(bus: object, name: str) -> None:
    bus.emit_execution_started("main", name, {"topic": "cats"})  # type: ignore[attr-defined]
    bus.emit_tool_call_started("main", "writer", "c", "search", {"q": "cats"}, execution_id=name)  # type: ignore[attr-defined]
    bus.emit_tool_call_completed("main", "writer", "c", "search", "3 cats", execution_id=name)  # type: ignore[attr-defined]
    bus.publish({"type": "budget", "stream_id": "main", "execution_id": name, "data": {"left": 0.4}})  # type: ignore[attr-defined]
    bus.emit_execution_completed("main", name, {"found": 3})  # type: ignore[attr-defined]


def start_and_end_rows(events: list[BusEvent]) -> list[tuple[object, ...]]:
    return [(e.kind, e.name, e.node_kind, e.node, e.input, e.output) for e in events]


@pytest.mark.parametrize("token", [None, "secret"])
def test_it_gives_what_a_collector_of_ones_own_gives(tmp_path: Path, token: str | None) -> None:
    with started(tmp_path / "own") as own:
        tell_a_run(own, "run-1")
        here = start_and_end_rows(own.history(kinds=("span_start", "span_end")))
    with started(tmp_path / "viewer", token=token) as viewer, connect(viewer.endpoint, token=token) as bus:
        for number in range(20):
            tell_a_run(bus, f"run-{number}")
            (search,) = bus.history(kinds="span_end", name="search", execution=f"run-{number}")
            assert (search.node, search.input, search.output) == ("writer", {"q": "cats"}, "3 cats")
        there = bus.history(kinds=("span_start", "span_end"), execution="run-1")
        assert start_and_end_rows(there) == here
        assert len(viewer.history(kinds="span_end", name="search")) == 20
        assert viewer.stats().clients == 1 and viewer.stats().rejected == 0


def test_what_is_published_while_the_viewer_is_away_comes_when_it_is_back(tmp_path: Path) -> None:
    with started(tmp_path / "first") as viewer:
        port = urlsplit(viewer.endpoint).port or 0
        bus = connect(viewer.endpoint)
        tell_a_run(bus, "run-1")
        assert bus.flush(PATIENCE)
    tell_a_run(bus, "run-2")
    assert not bus.flush(0.05)
    with bus, started(tmp_path / "second", port) as viewer:
        assert bus.flush(PATIENCE)
        (search,) = viewer.history(kinds="span_end", name="search")
        assert search.execution == "run-2" and search.span["status"] == "ok"


def test_threads_publish_in_their_own_order_and_nothing_is_lost(tmp_path: Path) -> None:
    with started(tmp_path) as viewer, connect(viewer.endpoint) as bus:

        def publish(thread: int) -> None:
            for number in range(200):
                bus.publish({"type": f"n{number}", "stream_id": f"s{thread}", "data": {"n": number}})

        threads = [threading.Thread(target=publish, args=(n,)) for n in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert bus.flush(PATIENCE)
        for thread in range(4):
            rows = viewer.history(kinds="span_start", stream=f"s{thread}")
            assert [row.name for row in rows] == [f"n{number}" for number in range(200)]


def test_too_much_for_a_viewer_that_is_away_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_publisher, "MOST_WAITING", 20_000)
    with started(tmp_path) as viewer:
        bus = connect(viewer.endpoint)
    for number in range(100):
        bus.publish({"type": f"n{number}", "stream_id": "s", "data": {"text": "x" * 500}})
    assert 0 < bus.stats().dropped_by_clients < 100
    bus.close()
    with pytest.raises(RemoteError, match="left already"):
        bus.publish({"type": "late", "stream_id": "s"})


def test_a_viewer_that_wants_a_token_refuses(tmp_path: Path) -> None:
    with started(tmp_path, token="secret") as viewer:
        bus = connect(viewer.endpoint, token="secret")
        bus._token = "wrong"
        bus.publish({"type": "a", "stream_id": "s"})
        assert not bus.flush(PATIENCE)

        def refused() -> bool:
            with pytest.raises(RemoteError, match="token"):
                bus.publish({"type": "b", "stream_id": "s"})
            return True

        wait_for(refused)
        bus.close()

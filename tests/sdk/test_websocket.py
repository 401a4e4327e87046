from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.sync.server import ServerConnection

from etaoi_collector.wire.handshake import Hello, encode_mismatch, encode_welcome
from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.tracer import SessionInfo, Tracer
from etaoi_tui.sdk.transport import websocket
from etaoi_tui.sdk.transport.endpoint import Endpoint
from etaoi_tui.sdk.transport.pipeline import Pipeline
from etaoi_tui.sdk.transport.send_queue import SendQueue
from etaoi_tui.sdk.transport.websocket import WebSocketOutlet, retry_delay
from tests.sdk.viewer import Viewer


@pytest.fixture
def viewer() -> Iterator[Viewer]:
    with Viewer() as fake_viewer:
        yield fake_viewer


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["metadata"]["name"] for event in events if event["kind"] == "span_start"]


def connected(viewer: Viewer, **options: Any) -> Tracer:
    return open_tracer(server_url=viewer.url, **options)


def until(holds: Any, what: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def test_events_arrive_and_a_flush_waits_for_the_acknowledgement(viewer: Viewer) -> None:
    tracer = connected(viewer, public_key="pk", secret_key="sk", project_token="jwt")
    root = tracer.start("sub_agent", "root", payload={"inputs": "x"})
    tracer.text(tracer.start("llm", "m", parent=root), "hello")
    tracer.end(root)
    assert tracer.flush(60)
    kinds = sorted(event["kind"] for event in viewer.wait_events(4))
    assert kinds == ["span_delta", "span_end", "span_start", "span_start"]
    assert tracer.stats.acknowledged == 4
    (hello,) = viewer.hellos
    assert (hello.role, hello.schema_version) == ("ingest", "0.5.1")
    request = {name.lower(): value for name, value in viewer.requests[0].items()}
    assert request["x-etaoi-public-key"] == "pk" and request["x-etaoi-secret-key"] == "sk"
    assert request["x-etaoi-project-token"] == "jwt"
    tracer.close()


def test_on_loopback_nothing_is_compressed(viewer: Viewer) -> None:
    tracer = connected(viewer)
    tracer.start("llm", "m")
    viewer.wait_events(1)
    assert "sec-websocket-extensions" not in {name.lower() for name in viewer.requests[0]}
    tracer.close()


def test_proxy_variables_never_apply_to_loopback(viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    tracer = connected(viewer)
    tracer.start("llm", "m")
    viewer.wait_events(1)
    tracer.close()


def test_a_viewer_that_starts_late_gets_everything_from_the_root_on() -> None:
    with Viewer() as first:
        port = first.port
    tracer = open_tracer(server_url=f"ws://127.0.0.1:{port}/ingest")
    tracer.end(tracer.start("agent_context", "context"))
    tracer.start("sub_agent", "root")
    assert not tracer.flush()
    assert tracer.stats.state == "absent"
    with Viewer(port=port) as late:
        late.wait_events(3)
        assert names(late.events) == ["context", "root"]
        tracer.close()


def test_a_restarted_viewer_gets_snapshots_and_open_spans_with_the_same_ids(viewer: Viewer) -> None:
    tracer = connected(viewer)
    tracer.end(tracer.start("agent_context", "context"))
    root = tracer.start("sub_agent", "root")
    tracer.end(tracer.start("tool", "done", parent=root))
    first_events = {event["event_id"]: event for event in viewer.wait_events(5)}
    assert tracer.flush(60)
    viewer.stop()
    tracer.end(tracer.start("tool", "meanwhile", parent=root))
    with Viewer(port=viewer.port) as again:
        events = again.wait_events(5)
        assert names(events) == ["context", "root", "meanwhile"]
        assert all(event == first_events[event["event_id"]] for event in events[:3])
        tracer.close()


def test_frames_without_a_pong_are_sent_again_with_the_same_ids(viewer: Viewer) -> None:
    tracer = connected(viewer)
    tracer.start("sub_agent", "root")
    viewer.wait_events(1)
    assert tracer.flush(60)
    # From here on the viewer reads nothing, so it answers no ping.
    blocked = viewer.connections[0]
    with blocked.protocol_mutex:
        for number in range(50):
            tracer.end(tracer.start("tool", str(number)))
        until(lambda: tracer.stats.sent == 101, "the frames were not sent")
        assert tracer.stats.acknowledged == 1
        blocked.socket.close()
    viewer.wait(lambda: len(set(names(viewer.events))) == 51)
    assert tracer.flush(60)
    ids = {event["event_id"] for event in viewer.events}
    assert len(ids) == 101
    assert tracer.stats.resent >= 100
    assert tracer.stats.dropped == 0
    tracer.close()


def test_a_flush_outlasts_broken_connections(viewer: Viewer) -> None:
    tracer = connected(viewer)
    for number in range(20):
        tracer.start("tool", str(number))
        assert tracer.flush(60)
        # A pong says that the socket was read; what was not kept yet would go with the connection.
        viewer.wait(lambda: len(set(names(viewer.events))) == 2 * number + 1)  # noqa: B023
        viewer.break_off()
        tracer.start("tool", f"after {number}")
        assert tracer.flush(60), tracer.stats
        viewer.wait(lambda: len(set(names(viewer.events))) == 2 * number + 2)  # noqa: B023
    assert tracer.stats.dropped == 0
    tracer.close()


def test_a_flush_ends_when_a_broken_connection_turns_out_to_be_a_viewer_that_left(viewer: Viewer) -> None:
    """It has an hour; a viewer that is gone is known to be gone at the next try."""
    tracer = connected(viewer)
    tracer.start("tool", "t")
    assert tracer.flush(60)
    viewer.stop()
    tracer.start("tool", "too late")
    assert not tracer.flush(3600)
    assert tracer.stats.acknowledged == 1 and tracer.stats.dropped == 0
    tracer.close()


@pytest.mark.parametrize("lasting", [False, True])
def test_a_viewer_that_drops_every_connection_is_approached_ever_more_slowly(
    lasting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slam(connection: ServerConnection, hello: Hello) -> bool:
        connection.send(encode_welcome(hello.schema_version, "t"))
        return False

    failures: list[int] = []

    def at_once(failed: int, *, loopback: bool, chance: float) -> float:
        failures.append(failed)
        return 0.0

    monkeypatch.setattr(websocket, "retry_delay", at_once)
    hours = itertools.count(step=3600)
    with Viewer(greet=slam) as viewer:
        stats = Stats()
        clock = (lambda: float(next(hours))) if lasting else (lambda: 0.0)
        outlet = WebSocketOutlet(Endpoint(viewer.url), stats, clock=clock)
        tracer = Tracer(Pipeline(outlet, stats))
        tracer.start("llm", "m")
        viewer.wait(lambda: len(viewer.hellos) >= 5)
        tracer.close()
    assert failures[:4] == ([0, 0, 0, 0] if lasting else [1, 2, 3, 4])


def test_the_delay_doubles_up_to_a_bound_and_no_two_agents_keep_step() -> None:
    delays = [retry_delay(failures, loopback=False, chance=1.0) for failures in range(12)]
    assert delays[1:8] == [2 * delay for delay in delays[:7]]
    assert delays[-1] == delays[-2] == 30
    assert retry_delay(20, loopback=True, chance=1.0) == 1
    spread = {retry_delay(3, loopback=False, chance=chance) for chance in (0.0, 0.5, 1.0)}
    assert len(spread) == 3 and min(spread) > 0.5 * max(spread)


def test_an_idle_agent_sleeps_until_it_is_woken(viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float | None] = []

    class Watched(SendQueue):
        def wait(self, timeout: float | None, until: Callable[[], bool]) -> bool:
            waits.append(timeout)
            return super().wait(timeout, until)

    stats = Stats()
    pipeline = Pipeline(WebSocketOutlet(Endpoint(viewer.url), stats, Watched(stats)), stats)
    tracer = Tracer(pipeline)
    tracer.start("tool", "t")
    assert tracer.flush(60)
    until(lambda: pipeline.asleep, "the sender did not go to sleep")
    until(lambda: waits[-1] is not None and waits[-1] >= 1, "the link looks more than once a second")
    works: list[object] = []
    monkeypatch.setattr(pipeline, "_work", lambda *_: works.append(1))
    wait_count = len(waits)
    until(lambda: len(waits) > wait_count, "the link stopped to look after its connection")
    assert works == [] and pipeline.asleep
    monkeypatch.undo()
    tracer.start("tool", "woken")
    viewer.wait_events(2)
    tracer.close()


@pytest.mark.parametrize("how", ["4401", "4400", "mismatch", "403", "421"])
def test_a_refusal_is_final_and_logged_in_one_line(how: str, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(connection: ServerConnection, hello: Hello) -> bool:
        if how == "mismatch":
            connection.send(encode_mismatch(hello.schema_version))
            connection.close(4400, "schema")
        else:
            connection.close(int(how), "no")
        return False

    caplog.set_level(logging.INFO, logger="etaoi_tui.sdk")
    with Viewer(greet=refuse, status=int(how) if how in ("403", "421") else None) as viewer:
        tracer = connected(viewer)
        tracer.start("llm", "m")
        until(lambda: tracer.stats.state == "stopped", tracer.stats.problem)
        tracer.start("llm", "m")
        assert not tracer.flush()
        assert tracer.stats.waiting == 0
        assert len(viewer.hellos) <= 1
        tracer.close()
    lines = [record.message for record in caplog.records if record.name == "etaoi_tui.sdk"]
    assert len(lines) == 1 and f"127.0.0.1:{viewer.port}" in lines[0]


def test_a_flush_is_true_only_if_nothing_was_dropped_since_it_was_called(viewer: Viewer) -> None:
    tracer = connected(viewer)
    assert tracer.start("sub_agent", "root") and tracer.flush(60)

    def flood() -> None:
        for number in range(500):
            tracer.end(tracer.start("tool", str(number), payload={"input": "x" * 200}))

    threads = [threading.Thread(target=flood) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    dropped_before = tracer.stats.dropped + tracer.stats.dropped_payloads
    assert tracer.flush(60)
    after = tracer.stats
    assert after.dropped + after.dropped_payloads == dropped_before
    assert after.acknowledged == after.encoded == 16_001 - after.dropped
    tracer.close()


def test_a_flush_in_which_something_is_dropped_is_false() -> None:
    stats = Stats()
    with Viewer() as first_viewer:
        url = first_viewer.url
    tracer = Tracer(Pipeline(WebSocketOutlet(Endpoint(url), stats, SendQueue(stats, max_events=10)), stats))
    for number in range(100):
        tracer.start("tool", str(number))
    assert not tracer.flush(60)
    with Viewer(port=first_viewer.port) as viewer:
        assert tracer.flush(60)
        for number in range(100):
            tracer.start("tool", str(number))
        flushed = tracer.flush(60)
        assert flushed == (tracer.stats.acknowledged == 110)
        viewer.wait_events(10)
        tracer.close()


def test_control_characters_of_a_server_are_removed_before_logging(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(connection: ServerConnection, hello: Hello) -> bool:
        connection.send(encode_mismatch("\x1b]0;owned\x07\n\u202e" + "x" * 5_000))
        connection.close(4401, "\x1b[31mred\nline")
        return False

    with Viewer(greet=refuse) as viewer:
        tracer = connected(viewer)
        tracer.start("llm", "m")
        until(lambda: tracer.stats.state == "stopped", tracer.stats.problem)
        tracer.close()
    (line,) = [record.message for record in caplog.records if record.name == "etaoi_tui.sdk"]
    assert line.isprintable() and len(line) < 400
    assert tracer.stats.problem.isprintable()


def test_a_welcome_needs_no_server_version() -> None:
    def greet(connection: ServerConnection, hello: Hello) -> bool:
        connection.send(b"\x82\xa4kind\xa7welcome\xaeschema_version\xa50.5.1")
        return True

    with Viewer(greet=greet) as viewer:
        tracer = connected(viewer)
        tracer.start("llm", "m")
        assert tracer.flush(60)
        tracer.close()
        assert len(viewer.hellos) == 1


@pytest.mark.parametrize("answer", ["text", b"\xc1", b"\x83\xa4kind\xa7welcome", b"", None])
def test_a_strange_answer_is_no_reason_to_stop_for_good(answer: Any) -> None:
    tries = []

    def greet(connection: ServerConnection, hello: Hello) -> bool:
        tries.append(1)
        if len(tries) == 1:
            if answer is not None:
                connection.send(answer)
            connection.close()
            return False
        connection.send(b"\x84\xa4kind\xa7welcome\xaeschema_version\xa10\xaeserver_version\xa10\xa5extra\xc3")
        connection.send("chatter")
        for _ in range(40):
            connection.send(b"more chatter than the client's queue holds")
        return True

    with Viewer(greet=greet) as viewer:
        tracer = connected(viewer)
        tracer.start("llm", "m")
        viewer.wait_events(1)
        assert tracer.flush(60)
        tracer.close()


def test_without_a_viewer_there_is_one_line_at_most_and_closing_is_quick(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with Viewer() as first_viewer:
        url = first_viewer.url
    caplog.clear()
    tracer = open_tracer(server_url=url)
    for _ in range(5):
        tracer.start("llm", "m")
        assert not tracer.flush()
    tracer.close()
    assert len(caplog.records) == 1
    out, err = capfd.readouterr()
    assert out == "" and err == ""


def test_a_viewer_that_reads_nothing_stops_neither_the_host_nor_its_end() -> None:
    hold = threading.Event()

    def keep(connection: ServerConnection, events: list[dict[str, Any]]) -> None:
        hold.wait(120)

    with Viewer(keep=keep) as viewer:
        endpoint, stats = Endpoint(viewer.url), Stats()
        outlet = WebSocketOutlet(endpoint, stats, SendQueue(stats, max_bytes=4_000_000))
        tracer = Tracer(Pipeline(outlet, stats), session=SessionInfo.of("s"))
        root = tracer.start("sub_agent", "root")
        for number in range(1200):
            tracer.end(tracer.start("tool", str(number), parent=root, payload={"x": "y" * 50_000}))
        until(lambda: tracer.stats.dropped_payloads > 0, "nothing was dropped")
        assert tracer.stats.waiting_bytes < 10_000_000
        closing = threading.Thread(target=tracer.close)
        closing.start()
        closing.join(60)  # the viewer reads on only after that
        assert not closing.is_alive()
        assert tracer.stats.state == "closed"
        hold.set()


def test_an_ordinary_burst_arrives_completely_in_bounded_frames(viewer: Viewer) -> None:
    tracer = connected(viewer)
    root = tracer.start("sub_agent", "root")
    for number in range(5000):
        tracer.end(tracer.start("tool", str(number), parent=root, payload={"input": "x" * 300}))
    assert tracer.flush(60)
    viewer.wait_events(10_001)
    assert len({event["event_id"] for event in viewer.events}) == len(viewer.events) == 10_001
    assert max(map(len, viewer.frames)) <= 1024 * 1024
    assert tracer.stats.dropped == 0
    tracer.close()

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.tracer import SessionInfo, Tracer
from etaoi_tui.sdk.transport.local import DropOutlet, EmitOutlet, InMemorySink, MsgpackDropSink
from etaoi_tui.sdk.transport.pipeline import Pipeline


def by_kind(tracer: Tracer, kind: str) -> list[dict[str, Any]]:
    return [event for event in tracer.sink.events if event["kind"] == kind]


def test_children_share_their_parents_trace_and_session(tracer: Tracer) -> None:
    root = tracer.start("sub_agent", "root")
    child = tracer.start("llm", "child", parent=root)
    other = tracer.start("sub_agent", "other")
    first, second, third = by_kind(tracer, "span_start")
    assert first["parent_span_id"] is None
    assert second["parent_span_id"] == first["span_id"]
    assert second["trace_id"] == first["trace_id"] != third["trace_id"]
    assert {event["session_id"] for event in (first, second, third)} == {str(tracer.session.session_id)}
    assert (root.trace_id, child.parent_id) == (child.trace_id, root.span_id)
    assert other.parent_id is None


def test_unknown_kinds_are_sent_as_middleware_with_their_own_kind_in_metadata(tracer: Tracer) -> None:
    for kind in ("retriever", "event", "guardrail", "agent", "tool"):
        tracer.end(tracer.start(kind, "n"))
    starts = by_kind(tracer, "span_start")
    assert [event["node_kind"] for event in starts] == [
        *("middleware", "middleware", "middleware", "sub_agent", "tool")
    ]
    assert starts[0]["metadata"]["ls_retriever_name"] == "n"
    assert starts[1]["metadata"]["event"] == "n"
    assert starts[2]["metadata"]["etaoi_tui.kind"] == "guardrail"


def test_tokens_come_as_few_deltas_with_offsets_and_before_the_end(tracer: Tracer) -> None:
    span = tracer.start("llm", "m")
    for number in range(500):
        tracer.text(span, f"{number} ")
        tracer.text(span, "hm ", "reasoning")
    tracer.end(span, {"response": 1})
    events = tracer.sink.events
    assert events[-1]["kind"] == "span_end"
    deltas = [event["payload"] for event in events if event["kind"] == "span_delta"]
    assert len(deltas) <= 20
    answer = [payload for payload in deltas if "channel" not in payload]
    assert "".join(payload["text"] for payload in answer) == "".join(f"{n} " for n in range(500))
    at = 0
    for payload in answer:
        assert payload["at"] == at
        at += len(payload["text"])
    assert "".join(p["text"] for p in deltas if p.get("channel") == "reasoning") == "hm " * 500


def test_a_delta_comes_after_earlier_text(tracer: Tracer) -> None:
    span = tracer.start("llm", "m")
    tracer.text(span, "before ")
    tracer.delta(span, {"note": 1})
    tracer.text(span, "after ")
    tracer.end(span)
    payloads = [event["payload"] for event in by_kind(tracer, "span_delta")]
    assert [payload.get("text", "note") for payload in payloads] == ["before ", "note", "after "]


def test_a_second_end_is_ignored(tracer: Tracer) -> None:
    span = tracer.start("llm", "m")
    tracer.end(span)
    tracer.end(span, error="late")
    (end,) = by_kind(tracer, "span_end")
    assert end["error"] is None


def test_backdated_spans_and_ticks_keep_their_times(tracer: Tracer) -> None:
    span = tracer.start("eou", "e", at=1_700_000_000.25)
    tracer.end(span, at=1_700_000_001_000_000_000)
    tracer.tick("user", "speaking", at=1_700_000_002.0)
    assert [event["timestamp"] for event in tracer.sink.events] == [
        "2023-11-14T22:13:20.250000Z",
        "2023-11-14T22:13:21.000000Z",
        "2023-11-14T22:13:22.000000Z",
    ]


def test_one_bad_value_costs_nothing_else(tracer: Tracer) -> None:
    class Bad:
        @property
        def __dict__(self) -> Any:  # type: ignore[override]
            raise SystemError("bad")

    span = tracer.start("tool", "t", payload={"a": Bad(), "b": 1 << 90}, metadata={Bad(): Bad()})
    tracer.end(span, {"out": "\ud800", 5: {None: Bad()}}, error=ValueError(Bad()))
    tracer.start("tool", "next")
    assert len(tracer.sink.events) == 3
    assert tracer.stats.failed == 0


def test_an_event_that_cannot_be_encoded_is_counted_and_the_next_one_arrives(tracer: Tracer) -> None:
    class Bad:
        def __bool__(self) -> bool:
            raise RuntimeError

    tracer.start("tool", "t", agent_name=Bad())  # type: ignore[arg-type]
    tracer.start("tool", "next")
    assert [event["metadata"]["name"] for event in tracer.sink.events] == ["next"]
    assert tracer.stats.failed == 1


def test_no_thread_starts_before_the_first_event() -> None:
    threads_before = threading.active_count()
    tracer = open_tracer(sink="memory")
    assert threading.active_count() == threads_before
    tracer.start("llm", "m")
    assert threading.active_count() == threads_before + 1
    tracer.close()
    assert threading.active_count() == threads_before


def test_the_sender_is_woken_once_for_many_events(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = Stats()
    pipeline = Pipeline(DropOutlet(MsgpackDropSink(), stats), stats, window=30)
    wakes = []
    wake = pipeline.wake
    monkeypatch.setattr(pipeline, "wake", lambda: (wakes.append(1), wake()))
    tracer = Tracer(pipeline)
    for number in range(500):
        tracer.text(tracer.start("llm", str(number)), "token")
    assert len(wakes) == 1
    assert tracer.flush(60)
    assert stats.sent == 1000
    tracer.close()


def test_tracers_of_one_destination_share_one_sender_and_keep_their_sessions() -> None:
    sink = InMemorySink()
    threads_before = threading.active_count()
    first, second = open_tracer(sink=sink, session_id="a"), open_tracer(sink=sink, session_id="b")
    first.start("llm", "m")
    second.start("llm", "m")
    assert threading.active_count() == threads_before + 1
    first.close()
    second.start("llm", "m")
    sessions = [event["session_id"] for event in sink.events]
    assert sessions == [str(first.session.session_id)] + [str(second.session.session_id)] * 2
    second.close()


def test_another_session_can_be_named_per_span(tracer: Tracer) -> None:
    other = SessionInfo.of("other", "ada")
    tracer.end(tracer.start("llm", "m", session=other))
    for event in tracer.sink.events:
        assert event["session_id"] == str(other.session_id)
        assert event["user_id"] == "ada"


def test_a_sink_that_raises_is_counted_and_does_no_harm() -> None:
    class Broken:
        def emit(self, envelope: dict[str, Any]) -> None:
            raise OSError("full")

    tracer = open_tracer(sink=Broken())
    tracer.start("llm", "m")
    assert tracer.flush() in (True, False)
    assert tracer.stats.failed == 1
    assert "full" in tracer.stats.problem
    tracer.close()


class _Blocked:
    """A sink that keeps the sender busy until it is released."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.entered = threading.Event()
        self.events: list[dict[str, Any]] = []

    def emit(self, envelope: dict[str, Any]) -> None:
        self.entered.set()
        assert self.go_on.wait(60)
        self.events += envelope["batch"]


def test_a_slow_sender_drops_text_first_and_reports_it() -> None:
    sink = _Blocked()
    stats = Stats()
    tracer = Tracer(Pipeline(EmitOutlet(sink, stats), stats, intake=1000))
    root = tracer.start("sub_agent", "root")
    assert sink.entered.wait(60)
    llm = tracer.start("llm", "m", parent=root)
    for _ in range(6000):
        tracer.text(llm, "12345")
    spans = [tracer.start("tool", str(n), parent=root, payload={"x": n}) for n in range(3000)]
    for span in spans:
        tracer.end(span, {"x": 1})
    last = tracer.start("sub_agent", "last root")
    sink.go_on.set()
    tracer.end(llm)
    tracer.end(root)
    assert tracer.flush(60)
    final_stats = tracer.stats
    assert final_stats.dropped_text > 1000
    assert final_stats.dropped_payloads > 0
    assert final_stats.dropped_spans > 0
    starts = {e["span_id"]: e for e in sink.events if e["kind"] == "span_start"}
    ends = [e["span_id"] for e in sink.events if e["kind"] == "span_end"]
    assert set(ends) <= set(starts)
    assert {"root", "last root"} <= {e["metadata"]["name"] for e in starts.values()}
    counts = [int(e["metadata"].get("etaoi_tui.dropped", 0)) for e in sink.events]
    assert sum(counts) >= final_stats.dropped
    deltas = [e["payload"] for e in sink.events if e["kind"] == "span_delta"]
    assert sum(len(p["text"]) for p in deltas) == 5 * (6000 - final_stats.dropped_text)
    assert last.parent_id is None
    tracer.close()


def test_text_keeps_its_order_among_other_deltas() -> None:
    sink = InMemorySink()
    tracer = open_tracer(sink=sink)
    llm = tracer.start("llm", "m")
    for number in range(20):
        for word in range(30):
            tracer.text(llm, f"{number}.{word} ")
        tracer.text(llm, f"why {number}", "reasoning")
        tracer.delta(llm, {"note": number})
        if number % 7 == 0:
            assert tracer.flush(60)
    tracer.text(llm, "end")
    tracer.end(llm)
    text, notes = "", []
    for event in sink.events:
        payload = event["payload"]
        if "text" in payload and "channel" not in payload:
            assert payload["at"] == len(text)
            text += payload["text"]
        elif "note" in payload:
            notes.append(payload["note"])
            assert text.endswith(f"{payload['note']}.29 ")
    assert notes == list(range(20))
    assert text == "".join(f"{number}.{word} " for number in range(20) for word in range(30)) + "end"
    tracer.close()


def test_text_after_a_pause_and_after_the_end_is_sent() -> None:
    sink = InMemorySink()
    tracer = open_tracer(sink=sink)
    llm = tracer.start("llm", "m")
    tracer.text(llm, "one ")
    deadline = time.monotonic() + 60
    while llm.pieces is not None and time.monotonic() < deadline:  # until nobody looks for more
        time.sleep(0.01)
    assert llm.pieces is None
    tracer.text(llm, "two ")
    tracer.end(llm)
    tracer.text(llm, "three")
    texts = [event["payload"]["text"] for event in sink.events if event["kind"] == "span_delta"]
    assert "".join(texts) == "one two three"
    tracer.close()


def test_sixteen_threads_at_full_speed_lose_nothing_uncounted() -> None:
    sink = InMemorySink()
    tracer = open_tracer(sink=sink)

    def work() -> None:
        for number in range(1500):
            tracer.end(tracer.start("tool", str(number), payload={"n": number}))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tracer.flush(60)
    assert len(sink.events) + tracer.stats.dropped == 2 * 16 * 1500
    tracer.close()


def test_reading_the_events_in_memory_waits_for_the_sender(tracer: Tracer) -> None:
    gate = threading.Event()
    tracer.start("tool", "late", payload=lambda: {"passed": gate.wait(20)})
    tracer.flush(0.6)
    opens = threading.Timer(0.6, gate.set)
    opens.start()
    assert [event["payload"] for event in tracer.sink.events] == [{"passed": True}]
    opens.join()

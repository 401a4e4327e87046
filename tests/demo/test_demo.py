"""The demo: the same seed tells the same story, through the real SDK, socket and collector."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.projections.objects import span_object
from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.sources.live import LiveSource
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span, Status
from etaoi_tui.demo.clock import Clock, Story
from etaoi_tui.demo.play import LENGTH
from etaoi_tui.feed import Feed
from tests.headless.running import PATIENCE, finish, run, running, send

Shape = tuple[str, str, str, float, tuple["Shape", ...]]

KINDS = {
    "agent_context",
    "sub_agent",
    "middleware",
    "llm",
    "tool",
    "voice_session",
    "voice_agent",
    "voice_turn",
    "voice_input",
    "voice_output",
    "vad",
    "eou",
}


class Watched:
    """What a collector got from one run of the agent."""

    def __init__(self, seed: int) -> None:
        collector = Collector(CollectorOptions(port=0, record=Record.NONE))
        collector.bind()
        collector.start()
        try:
            send(collector.endpoint, seed=seed)
            source = LiveSource(collector)
            self.store = Store()
            feed = Feed(source, self.store)
            deadline = time.monotonic() + PATIENCE
            while not self._complete():
                assert time.monotonic() < deadline
                feed.tick(100, time.time())
            payloads = RecordedPayloads(source)
            self.spans: list[dict[str, Any]] = [
                span_object(span, payloads, time.time())
                for trace in self.store.traces.values()
                for span in trace.spans
            ]
            self.streamed = {
                span.span_id: payloads.streamed(span).answer
                for trace in self.store.traces.values()
                for span in trace.spans
                if span.kind == "llm"
            }
        finally:
            collector.stop()
            collector.close_recording()

    def _complete(self) -> bool:
        connections = self.store.connections.values()
        return bool(connections) and all(one.closed_at is not None for one in connections)

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """All spans of a kind."""
        return [span for span in self.spans if span["kind"] == kind]

    def shapes(self) -> list[Shape]:
        """The trees without what differs from run to run: ids, and the time of day."""
        return [shape(root) for trace in self.store.traces.values() for root in trace.roots]


def shape(span: Span) -> Shape:
    """A span's tree as plain values."""
    length = round(span.duration(0.0) or 0.0, 3)
    return (span.kind, span.name, span.status, length, tuple(shape(child) for child in span.children or ()))


@pytest.fixture(scope="module")
def watched() -> Watched:
    """One run with the first seed."""
    return Watched(1)


def test_everything_arrives_and_ends(watched: Watched) -> None:
    """No event lost, rejected or repeated, and no span left open."""
    store = watched.store
    assert (store.rejected, store.repeats, store.refused_frames) == (0, 0, 0)
    assert all(
        trace.dropped == 0 and trace.running == 0 and not trace.placeholders
        for trace in store.traces.values()
    )
    assert {span["kind"] for span in watched.spans} == KINDS
    assert len(store.sessions) == 2


def test_the_same_seed_gives_the_same_tree(watched: Watched) -> None:
    """Kinds, names, states, durations and order."""
    assert Watched(1).shapes() == watched.shapes()


def test_another_seed_tells_another_story(watched: Watched) -> None:
    """And the same kinds of things happen in it."""
    other = Watched(2)
    assert other.shapes() != watched.shapes()
    assert {span["kind"] for span in other.spans} == KINDS


def test_a_tool_fails_and_works_the_second_time(watched: Watched) -> None:
    """The retry is there to be found."""
    tests = [span for span in watched.of_kind("tool") if span["name"] == "run_tests"]
    assert [span["status"] for span in tests] == ["error", "ok"]
    assert "exit 1" in tests[0]["error"]


def test_tools_run_side_by_side(watched: Watched) -> None:
    """Three tools of one node overlap."""
    first = [
        span
        for span in watched.of_kind("tool")
        if span["agent"] == "researcher" and span["name"] in ("search_web", "fetch_page", "read_file")
    ]
    assert len({span["parent_span_id"] for span in first}) == 1
    assert max(span["started_at"] for span in first) < min(span["ended_at"] for span in first)


def test_model_calls_have_what_a_detail_shows(watched: Watched) -> None:
    """Messages, usage with cache and reasoning tokens, first token, and an answer that was streamed."""
    calls = [span for span in watched.of_kind("llm") if span["agent"] == "researcher"]
    assert len(calls) == 3
    for call in calls:
        assert call["input"][0]["role"] == "system"
        assert call["output"]["text"]
        assert call["ttft_ms"] > 0
    assert calls[0]["usage"]["reasoning"] == 128
    assert any(call["usage"]["cache_read"] for call in calls)
    assert len(calls[0]["output"]["tool_calls"]) == 3
    assert watched.streamed == {call["span_id"]: call["output"]["text"] for call in watched.of_kind("llm")}


def test_middleware_shows_what_it_changed(watched: Watched) -> None:
    """A changed system prompt, a removed tool, shortened messages."""
    probes = [span for span in watched.spans if "lc_probe" in span["attributes"]]
    diffs = [span["output"]["diff"] for span in probes]
    assert any(diff.get("system_text_changed") for diff in diffs)
    assert any(diff.get("tools_removed") == ["run_tests"] for diff in diffs)
    assert any(diff.get("messages_removed") for diff in diffs)
    answered = [span for span in probes if "response" in span["output"]]
    assert len(answered) >= 6


def test_the_phone_call_is_complete(watched: Watched) -> None:
    """Turns with all stages, an interruption, and the states of both sides."""
    assert len(watched.of_kind("voice_turn")) == 4
    assert (
        len(watched.of_kind("voice_input")) == len(watched.of_kind("eou")) == len(watched.of_kind("vad")) == 3
    )
    agent_speech = watched.of_kind("voice_output")
    assert [span["status"] for span in agent_speech].count(Status.CANCELLED) == 1
    for kind, metrics in (("eou", "eou"), ("voice_output", "tts"), ("voice_input", "stt"), ("vad", "vad")):
        assert all(span["voice_metrics"]["type"] == metrics for span in watched.of_kind(kind))
    session = watched.of_kind("voice_session")[0]
    states = watched.store.sessions[session["session_id"]].states
    assert states == {"agent": "listening", "user": "listening"}


def test_a_fast_run_has_the_durations_of_the_story(watched: Watched) -> None:
    """Nothing lies in the future, and half a minute stays half a minute."""
    started = min(trace.started_at for trace in watched.store.traces.values())
    ended = max(trace.ended_at for trace in watched.store.traces.values())
    assert ended <= time.time() + 1
    assert abs(ended - started - LENGTH) < 4


def test_without_a_terminal_it_prints_its_tree(tmp_path: Path) -> None:
    """Once, also with `--loop`, with exit code 0, and without a recording."""
    done = run(tmp_path, "demo", "--speed", "200", "--port", "0", "--loop")
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 1
    assert "◆ researcher" in done.stdout
    assert "RuntimeError('exit 1" in done.stdout
    assert run(tmp_path, "ls", "--json").stdout == ""


def test_a_signal_ends_it_and_its_agent(tmp_path: Path) -> None:
    """Ctrl-C in the middle of the story."""
    with running(tmp_path, "demo", "--speed", "0.5", "--port", "0") as process:
        assert process.stderr is not None
        assert "scripted agent" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, talk = finish(process)
    assert (process.returncode, talk) == (0, "")


def test_the_agent_ends_with_whoever_started_it() -> None:
    """Even when that was killed and could tell it nothing."""
    command = [sys.executable, "-m", "etaoi_tui.demo", "--stop-at-eof", "--loop", "--url", "ws://127.0.0.1:9"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as agent:
        assert agent.stdin is not None
        agent.stdin.close()
        assert agent.wait(PATIENCE) == 0


def test_stories_side_by_side_go_on_when_all_are_done() -> None:
    """The clock alone decides who is next."""
    steps: list[tuple[float, str]] = []

    def part(name: str, *pauses: float) -> Story:
        for pause in pauses:
            yield pause
            steps.append((clock.elapsed, name))

    def whole() -> Story:
        yield [part("a", 1, 3), part("b", 2), part("c")]
        steps.append((clock.elapsed, "all"))

    waited: list[float] = []
    clock = Clock(speed=2, length=4, now=lambda: 100.0, wait=waited.append)
    clock.play(whole())
    assert steps == [(1, "a"), (2, "b"), (4, "a"), (4, "all")]
    assert max(waited) == 2.0
    assert clock.at == 102.0


@pytest.mark.parametrize("seed", range(20))
def test_streamed_pieces_are_the_whole_text(seed: int) -> None:
    """However it is cut, nothing is missing and nothing comes twice."""
    from etaoi_tui.demo.span_writer import SpanWriter
    from etaoi_tui.sdk.tracer import Tracer

    stage = SpanWriter(Tracer(None), Clock(wait=lambda _: None), random.Random(seed))
    pieces: list[dict[str, Any]] = []
    stage.note = lambda span, payload: pieces.append(dict(payload))  # type: ignore[method-assign]
    text = "The quick brown fox.\n\n1. **jumps** over  it"
    stage.clock.play(stage.stream(stage.start("llm", "m"), text, 1.0))
    assert "".join(piece["text"] for piece in pieces) == text
    assert [piece["at"] for piece in pieces] == [
        sum(len(piece["text"]) for piece in pieces[:number]) for number in range(len(pieces))
    ]

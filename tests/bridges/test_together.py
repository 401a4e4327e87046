"""All agent systems at once on one viewer: real voxagent, loomcycle, LangGraph and livekit, and a Hive bus.

Once each in a process of its own, once all in one process and one event loop. Every run says its own word, so
whatever is mixed up is found in the bytes of the recording.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from etaoi_collector.collector import Collector
from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.store import Store
from etaoi_collector.store.model import Span, SpanFlag, Trace
from etaoi_collector.wire.event_ref import NO_EVENT
from etaoi_tui.detail.span_document import describe_span
from etaoi_tui.feed import Feed
from etaoi_tui.sdk.ids import bridge_uuid, session_uuid
from tests.bridges.real import DRIVERS, VERSIONS
from tests.collector.serving import serving, wait_for
from tests.livekit.recorded_run import NEWEST, OWN
from tests.real_env import ROOT, real_env

pytestmark = pytest.mark.real_clients

SYSTEMS = ("voxagent", "loomcycle", "hive", "langgraph", "voice")
RUNS = 4
WORD = re.compile(rb"(voxagent|loomcycle|hive|langgraph|voice)#(\d+)")
WRONG = (
    SpanFlag.CONFLICT | SpanFlag.ID_CLASH | SpanFlag.PARENT_CYCLE | SpanFlag.CLOCK_BACKWARDS | SpanFlag.LATE
)
ONE_LOOK = ["llm", "tool", "llm"]
Run = tuple[str, int]
TREES: dict[str, Any] = {
    "voxagent": ["turn helper", *ONE_LOOK],
    "loomcycle": ["turn helper", *ONE_LOOK],
    "hive": ["task stream", ["sub_agent helper", ["turn iteration", *ONE_LOOK]]],
}


@functools.cache
def python() -> Path:
    """An environment with all of them."""
    return real_env("livekit-newest", *NEWEST, *OWN, *(VERSIONS[name]["newest"] for name in VERSIONS))


def start(systems: tuple[str, ...], url: str) -> subprocess.Popen[str]:
    """Let some systems run in one process."""
    paths = (str(ROOT), str(ROOT / "collector"))
    return subprocess.Popen(
        [str(python()), str(DRIVERS / "together.py"), ",".join(systems), url, str(RUNS)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "ETAOI_DISABLED": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Watched:
    """What a viewer has after several processes sent it their runs."""

    def __init__(self, folder: Path, processes: list[tuple[str, ...]]) -> None:
        with serving(folder) as (collector, source):
            running = [start(systems, collector.endpoint) for systems in processes]
            for process in running:
                output, complained = process.communicate(timeout=120)
                assert process.returncode == 0, complained[-4_000:]
                assert '"done"' in output
                assert "etaoi-tui:" not in complained
            self.store = Store()
            self._take(collector, source)
            self.words = {trace: self._words_of(trace, source) for trace in self.store.traces.values()}
            """The runs whose words lie in a trace; the one that is in all its answers is its own."""
            self.pages = {
                span.span_id: [tab.title for tab in describe_span(span, RecordedPayloads(source), 0.0).tabs]
                for span in self.all_spans()
            }
            self.connections = collector.stats()
            collector.recorder.flush()
            assert collector.recorder.path is not None
            self.recorded = collector.recorder.path.read_bytes()

    def all_spans(self) -> list[Span]:
        """Every span of every trace."""
        return [span for trace in self.store.traces.values() for span in trace.spans]

    def _take(self, collector: Collector, source: Any) -> None:
        feed = Feed(source, self.store)
        wait_for(lambda: collector.stats().clients == 0)
        for _ in range(1_000):
            feed.work(50.0, 0.0)
            if self.store.events >= collector.stats().events and not feed.behind:
                return
        raise AssertionError("the store did not get all events")

    def _words_of(self, trace: Trace, source: Any) -> set[Run]:
        words: set[Run] = set()
        for span in trace.spans:
            for ref in (span.start_ref, span.end_ref, *(span.deltas or ())):
                if ref != NO_EVENT:
                    matches = WORD.findall(bytes(source.read(ref)))
                    words |= {(system.decode(), int(number)) for system, number in matches}
        return words

    def runs(self) -> dict[Trace, set[Run]]:
        """The traces that are more than an agent's snapshot."""
        return {trace: words for trace, words in self.words.items() if not trace.only_context}

    def runs_of(self, system: str) -> list[Trace]:
        """The traces that hold a system's words."""
        return [trace for trace, words in self.runs().items() if any(system == one for one, _ in words)]


@pytest.fixture(scope="module", params=["apart", "in one process"])
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """All five, each in a process of its own or all in one."""
    processes = [(name,) for name in SYSTEMS] if request.param == "apart" else [SYSTEMS]
    return Watched(tmp_path_factory.mktemp("together"), processes)


def spans_below(span: Span) -> Iterator[Span]:
    yield span
    for child in span.children or ():
        yield from spans_below(child)


def outline(span: Span) -> Any:
    """Kinds, and the names of what is no model call and no tool."""
    own = span.kind if span.kind in ("llm", "tool") else f"{span.kind} {re.split('[- ][0-9]', span.name)[0]}"
    inside = [outline(child) for child in span.children or ()]
    return [own, *inside] if inside else own


def test_every_word_is_in_the_trace_of_its_run(watched: Watched) -> None:
    own: dict[str, list[int]] = {}
    for words in watched.runs().values():
        assert len({system for system, _ in words}) == 1, words
        system = next(iter(words))[0]
        own.setdefault(system, []).append(max(number for _, number in words))
        # A session that goes on sends what was said before; in all else there is one word.
        assert len(words) == 1 or words == {("loomcycle", 0), ("loomcycle", RUNS - 1)}
    assert {system: sorted(numbers) for system, numbers in own.items()} == {
        **{system: list(range(RUNS)) for system in SYSTEMS},
        "voice": [0, 0],  # the call, and its turn: livekit's wire has a trace for each
    }


def test_every_run_is_a_whole_tree_of_its_own_system(watched: Watched) -> None:
    for system, tree in TREES.items():
        for trace in watched.runs_of(system):
            (root,) = trace.roots
            assert outline(root) == tree, system
    for trace in watched.runs_of("langgraph"):
        (root,) = trace.roots
        visible = [span for span in trace.spans if not span.flags & SpanFlag.INTERNAL]
        assert [span.kind for span in visible if span is not root] == ONE_LOOK
        assert (root.kind, root.name) == ("sub_agent", "helper")
    call, turn = sorted(watched.runs_of("voice"), key=lambda trace: trace.started_at)
    (root,) = call.roots
    assert (root.kind, turn.roots) == ("voice_session", [])
    kinds = Counter(span.kind for span in spans_below(root))
    assert (kinds["llm"], kinds["tool"], kinds["turn"] + kinds["voice_turn"]) == (2, 1, 1)
    assert len(call.spans) + len(turn.spans) == sum(kinds.values())


def test_nothing_is_lost_rejected_repeated_or_left_open(watched: Watched) -> None:
    store = watched.store
    assert (store.rejected, store.repeats, store.dropped) == (0, 0, 0)
    for trace in store.traces.values():
        assert (trace.running, trace.errors) == (0, 0)
        for span in trace.spans:
            assert span.flags & SpanFlag.STARTED and span.flags & SpanFlag.ENDED
            assert not span.flags & WRONG, f"{span.kind} {span.name} {SpanFlag(span.flags & WRONG)!r}"
    stats = watched.connections
    assert stats.connections == (5 if len(store.connections) > 1 else 1) == len(store.connections)


def test_sessions_are_joined_and_separated_by_their_ids(watched: Watched) -> None:
    visit = str(session_uuid("visit-9"))
    expected: dict[str, set[Run]] = {visit: {("voxagent", 0), ("voice", 0)}}
    expected[visit] |= {("langgraph", number) for number in range(RUNS)}
    for number in range(1, RUNS):
        expected[str(session_uuid(f"voxagent-{number}"))] = {("voxagent", number)}
    for number in range(RUNS):
        own = str(session_uuid(f"own-{0 if number == RUNS - 1 else number}"))
        expected.setdefault(own, set()).add(("loomcycle", number))
        stream = str(bridge_uuid("hive", "stream", f"stream-{number // 2}"))
        expected.setdefault(stream, set()).add(("hive", number))
    runs_by_session: dict[str, set[Run]] = {}
    for trace, words in watched.runs().items():
        runs_by_session.setdefault(trace.session.session_id, set()).add(max(words))
    assert runs_by_session == expected


def test_tokens_are_those_of_each_run(watched: Watched) -> None:
    for system in ("loomcycle", "hive"):
        counts = {(trace.input_tokens, trace.output_tokens) for trace in watched.runs_of(system)}
        assert counts == {(30, 5)}, system


def test_a_turn_shows_what_went_in_and_out_and_only_a_call_is_voice(watched: Watched) -> None:
    for system in ("voxagent", "loomcycle", "hive", "langgraph"):
        root = watched.runs_of(system)[0].roots[0]
        assert watched.pages[root.span_id][0] == "Input/Output", system
    (session,) = [span for span in watched.all_spans() if span.kind == "voice_session"]
    for span in spans_below(session):
        if span.kind in ("turn", "voice_turn"):
            assert watched.pages[span.span_id][0] in ("Voice", "Turn")


def test_no_secret_of_any_system_is_in_the_bytes_of_the_recording(watched: Watched) -> None:
    """A bearer among arguments, an agent's own secret and dependencies, a header in a tool's input."""
    assert b"hive#0" in watched.recorded and b"voxagent#0" in watched.recorded
    assert b"SECRET" not in watched.recorded

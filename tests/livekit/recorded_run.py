"""Runs a scenario in an environment with livekit-agents, and reads the events that the SDK recorded."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.real_env import ETAOI, ROOT, real_env

DRIVERS = Path(__file__).parent / "drivers"
NEWEST = ("livekit-agents", "livekit-plugins-langchain", "langchain>=1.0", "langgraph", *ETAOI)
OLDEST = ("livekit-agents==1.2.0", *ETAOI)
OWN = ("msgpack>=1.0.8", "msgspec>=0.19")
SLACK = 0.03
"""Seconds that a recorded time may differ from the real one, on an event loop that is never late."""


@dataclass
class RecordedSpan:
    """A span with all that the SDK reported of it; times in seconds since the epoch."""

    id: str
    kind: str
    name: str
    parent_id: str | None
    trace_id: str
    session_id: str
    speech_id: str | None
    start: float
    payload: dict[str, Any]
    metadata: dict[str, str]
    end: float = -1.0
    error: str | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    deltas: list[dict[str, Any]] = field(default_factory=list)
    children: list[RecordedSpan] = field(default_factory=list)

    def all(self, kind: str) -> list[RecordedSpan]:
        """Its children of one kind, by start."""
        return sorted((child for child in self.children if child.kind == kind), key=lambda one: one.start)

    def only(self, kind: str) -> RecordedSpan:
        """Its one child of a kind."""
        (child,) = self.all(kind)
        return child

    def delta_values(self, key: str) -> list[Any]:
        """The values of a key in its deltas, in order."""
        return [delta[key] for delta in self.deltas if key in delta]

    def under(self) -> Iterator[RecordedSpan]:
        """Itself and all below it."""
        yield self
        for child in self.children:
            yield from child.under()


@dataclass
class RecordedRun:
    """One run: its spans as a tree, its ticks, and the fakes' log."""

    raw: dict[str, Any]
    spans: dict[str, RecordedSpan]
    roots: list[RecordedSpan]
    ticks: list[tuple[str, str, float]]

    @property
    def call(self) -> RecordedSpan:
        """The one voice session."""
        (session,) = [root for root in self.roots if root.kind == "voice_session"]
        return session

    @property
    def turns(self) -> list[RecordedSpan]:
        """All turns, by start."""
        turns = [span for span in self.spans.values() if span.kind == "voice_turn"]
        return sorted(turns, key=lambda one: one.start)

    def log(self, what: str, match: Callable[[dict[str, Any]], bool] = lambda _: True) -> list[float]:
        """When something really happened."""
        return [one["at"] for one in self.raw["log"] if one["what"] == what and match(one)]

    def near(self, recorded: float, real: float, *, slack: float = SLACK) -> bool:
        """Whether a recorded time is the real one, as exactly as this run's event loop allows."""
        return abs(recorded - real) <= slack + self.raw["lag"]


def read(raw: dict[str, Any]) -> RecordedRun:
    """Make spans of events."""
    spans: dict[str, RecordedSpan] = {}
    ticks: list[tuple[str, str, float]] = []
    for event in raw["events"]:
        at = datetime.fromisoformat(event["timestamp"]).timestamp()
        kind = event["kind"]
        if kind == "state_tick":
            ticks.append((event["subject"], event["state"], at))
        elif kind == "span_start":
            assert event["span_id"] not in spans, "one start for each span"
            spans[event["span_id"]] = RecordedSpan(
                event["span_id"],
                event["node_kind"],
                event["metadata"].get("name", ""),
                event["parent_span_id"],
                event["trace_id"],
                event["session_id"],
                event["speech_id"],
                at,
                event["payload"],
                event["metadata"],
            )
        elif kind == "span_delta":
            spans[event["span_id"]].deltas.append(event["payload"])
        else:
            span = spans[event["span_id"]]
            assert span.end < 0, "one end for each span"
            span.end, span.error = at, event["error"]
            span.payload = {**span.payload, **event["payload"]}
            span.metrics = event["voice_metrics"] or {}
            span.speech_id = event["speech_id"] or span.speech_id
    roots: list[RecordedSpan] = []
    for span in spans.values():
        if span.parent_id is None:
            roots.append(span)
        else:
            spans[span.parent_id].children.append(span)
    return RecordedRun(raw, spans, roots, ticks)


def environment(version: str) -> Path:
    """Return the Python of the newest or oldest livekit-agents that the SDK is made for."""
    requirements = NEWEST if version == "newest" else OLDEST
    return real_env(f"livekit-{version}", *requirements, *OWN)


def start(version: str, script: str, scenario: str, sdk: str = "ours") -> Callable[[], RecordedRun]:
    """Start a scenario, followed by our SDK or the ``reference``; the returned function waits and reads."""
    python = environment(version)
    out = tempfile.NamedTemporaryFile(suffix=".json")
    running = subprocess.Popen(
        [str(python), str(DRIVERS / script), scenario, out.name, *(["reference"] if sdk != "ours" else [])],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'collector'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def wait() -> RecordedRun:
        output, _ = running.communicate(timeout=150)
        assert running.returncode == 0, output
        raw = json.loads(Path(out.name).read_text())
        raw["console_output"] = output
        return read(raw) if sdk == "ours" else RecordedRun(raw, {}, [], [])

    return wait


DRIVER_OF = {
    **dict.fromkeys(("call", "troubles", "preemptive", "text", "late", "hostile"), "scenarios.py"),
    **dict.fromkeys(("graph_after_voice", "voice_after_graph", "chain_in_tool", "both"), "more.py"),
    "their_graph": "more.py",
    **dict.fromkeys(("driven", "flaky_model", "twice", "job", "no_prompts"), "more.py"),
    **dict.fromkeys(("measured", "streaming", "shared"), "detectors.py"),
    "realtime": "realtime.py",
}
"""Scenarios and the driver files that they are in."""

_pool = ThreadPoolExecutor(4)
_runs: dict[tuple[str, str, str], Future[RecordedRun]] = {}


def prepare(runs: Iterable[tuple[str, str, str]]) -> None:
    """Start runs of (version, scenario, SDK), some at a time: they wait more than they work."""
    for version, scenario, sdk in runs:
        if (version, scenario, sdk) not in _runs:
            environment(version)
            _runs[version, scenario, sdk] = _pool.submit(_run, version, scenario, sdk)


def _run(version: str, scenario: str, sdk: str) -> RecordedRun:
    return start(version, DRIVER_OF[scenario], scenario, sdk)()


def run_once(version: str, scenario: str, sdk: str = "ours") -> RecordedRun:
    """Return the recorded run of a scenario; each is run once."""
    prepare([(version, scenario, sdk)])
    return _runs[version, scenario, sdk].result(timeout=900)

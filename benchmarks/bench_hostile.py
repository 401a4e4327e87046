"""The longest tick while a history comes in that is shaped to hurt: 16,000 spans, 256 a tick, on the screen.

The app runs in this process without a terminal; CPU time of each tick, its frame, and the look for garbage
after it, which Python leaves to the viewer. As many ordinary spans, right below one root, stand beside it.
Afterwards the store must hold every span, and rows must be shown.
"""

from __future__ import annotations

import asyncio
import gc
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

from benchmarks.report import Done, Row
from etaoi_collector.wire.metadata_keys import SYNTHETIC_END
from etaoi_tui.garbage import Garbage, accounted_objects
from tests import generate
from tests.app.world import world
from tests.generate import Event

SPANS = 16_000
PER_TICK = 256
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def _id(text: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, text))


class History:
    """Events a millisecond apart, of spans that are named by short texts."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def _event(self, kind: str, span: str, parent: str | None, trace: str, node_kind: str) -> Event:
        number = len(self.events)
        at = EPOCH + timedelta(milliseconds=number)
        event: Event = {
            "kind": kind,
            "event_id": str(uuid.UUID(int=number + 1)),
            "session_id": _id("session"),
            "trace_id": _id(f"trace {trace}"),
            "span_id": _id(span),
            "parent_span_id": None if parent is None else _id(parent),
            "node_kind": node_kind,
            "timestamp": at.isoformat().replace("+00:00", "Z"),
            "metadata": {"name": span},
            "payload": {},
        }
        self.events.append(event)
        return event

    def start(self, span: str, parent: str | None = None, *, trace: str = "t", kind: str = "tool") -> None:
        self._event("span_start", span, parent, trace, kind)["run_id"] = _id("run")

    def fail(self, span: str, parent: str | None = None) -> None:
        self._event("span_end", span, parent, "t", "tool")["error"] = f"ValueError('{span}')"

    def guess_failed(self, span: str, parent: str) -> None:
        """Tell of a failure that somebody made up: the true end comes later."""
        self.fail(span, parent)
        self.events[-1]["metadata"][SYNTHETIC_END] = "true"

    def end(self, span: str, parent: str) -> None:
        self._event("span_end", span, parent, "t", "tool")


def _flat(history: History, spans: int) -> None:
    history.start("root")
    for n in range(spans - 1):
        history.start(f"s{n}", "root")


def _clashing_ids(history: History, spans: int) -> None:
    """Children of one span come from as many traces, each of which then has a span of its parent's id."""
    half = (spans - 1) // 2
    history.start("x")
    for n in range(half):
        history.start(f"s{n}", "x", trace=str(n))
    for n in range(half):
        history.start("x", trace=str(n))


def _clashing_chain(history: History, spans: int) -> None:
    for trace in "ab":
        for n in range(spans // 2):
            history.start(f"s{n}", f"s{n - 1}" if n else None, trace=trace)


def _ring(history: History, spans: int) -> None:
    for n in range(spans):
        history.start(f"s{n}", f"s{(n + 1) % spans}")


def _adopted_far_below(history: History, spans: int) -> None:
    """Spans with children come to hang below a long chain, and each could close a ring with it."""
    third = spans // 3
    for n in range(third):
        history.start(f"s{n}", f"s{n - 1}" if n else None)
    for n in range(third):
        history.start(f"child {n}", f"ghost {n}")
    for n in range(third):
        history.start(f"ghost {n}", f"s{third - 1}")


def _ghost_turn(history: History, spans: int) -> None:
    for n in range(spans - 1):
        history.start(f"s{n}", "turn", kind="llm")
    history.start("turn", "call", kind="voice_turn")
    history.start("call", kind="voice_session")


def _failing_children(history: History, spans: int) -> None:
    history.start("root")
    history.fail("root")
    for n in range(spans // 2 - 1):
        history.start(f"s{n}", "root")
        history.fail(f"s{n}", "root")


def _recovered_failures(history: History, spans: int) -> None:
    """Each of many children is said to have failed, and then was well."""
    history.start("root")
    for n in range(spans - 1):
        history.start(f"s{n}", "root")
        history.guess_failed(f"s{n}", "root")
    for n in range(spans - 1):
        history.end(f"s{n}", "root")


SHAPES: dict[str, Callable[[History, int], None]] = {
    "ids that clash, below one span": _clashing_ids,
    "ids that clash, in a chain": _clashing_chain,
    "a ring of parents": _ring,
    "adopted far below": _adopted_far_below,
    "a turn that comes after its children": _ghost_turn,
    "failures below a failure": _failing_children,
    "failures that are taken back": _recovered_failures,
}


async def _longest_ms(shape: Callable[[History, int], None]) -> tuple[float, Done]:
    """CPU milliseconds of the longest tick, and the spans that were there at the end."""
    history = History()
    shape(history, SPANS)
    span_total = len({(event["trace_id"], event["span_id"]) for event in history.events})
    longest = 0.0
    async with world() as (w, pilot):
        # Every pane, and all that is imported for it, is on the screen before time is taken.
        call = w.scribe.start("voice_session", "before")
        turn = w.scribe.start("voice_turn", "turn", call)
        model = w.scribe.start("llm", "model", turn)
        for span in (model, turn, call):
            w.scribe.end(span)
        for _ in range(3):
            await w.tick(pilot)
        garbage = Garbage()
        garbage.prepared(accounted_objects(w.app.store))
        gc.disable()
        for frame in generate.frames(history.events, PER_TICK):
            w.source.send_bytes(frame)
            w.time = EPOCH.timestamp() + SPANS / 1000
            began = time.thread_time()
            w.app.tick()
            await pilot.pause()
            garbage.look(accounted_objects(w.app.store), may_wait=False)
            longest = max(longest, time.thread_time() - began)
        gc.enable()
        gc.unfreeze()
        held = sum(trace.span_count for trace in w.app.store.traces.values()) - 3
        render = w.tree.rows.spans
        if not render or render[0].trace.trace_id == call.trace_id:
            raise RuntimeError("the history is not on the screen")
    return longest * 1000, Done(held, "spans in the store", span_total)


def measure() -> Iterator[Row]:
    """A row for each shape."""
    flat, _ = asyncio.run(_longest_ms(_flat))
    for name, shape in SHAPES.items():
        longest, done = asyncio.run(_longest_ms(shape))
        yield Row(f"longest tick, {name}", longest, "ms", "<= 100 ms", "ordinary spans", flat, done=done)

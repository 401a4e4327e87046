"""Hypothesis strategies: complete histories of well-behaved clients, and what a network makes of them.

Clients never reuse an id and every time stamp is unique, so a history has exactly one right tree: the one
that its events give in the order of their time stamps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.scribe import Clock, Event, Open, Scribe

KINDS = (
    "sub_agent",
    "middleware",
    "llm",
    "tool",
    "voice_session",
    "voice_turn",
    "voice_input",
    "agent_context",
)
ERRORS = (
    None,
    None,
    None,
    "ValueError('no')",
    "CancelledError()",
    "GraphInterrupt(())",
    "interrupted",
    "span_end_synthesized_on_detach",
    "synthesized_on_turn_close",
)
NAMES = st.one_of(st.none(), st.sampled_from(("search", "model", "tools")), st.text(max_size=12))
PIECES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)


@dataclass(frozen=True)
class Arrival:
    """What reached the collector of a history.

    Attributes:
        events: in order of arrival; repeats carry the same event id.
        lost: events of the history that never arrive, in time order.
    """

    events: list[Event]
    lost: list[Event]


@st.composite
def histories(draw: st.DrawFn, *, max_steps: int = 30, all_end: bool = False) -> list[Event]:
    """A history in time order: one or two clients, several traces, spans that outlive their parents.

    Args:
        draw: given by hypothesis.
        max_steps: how many things happen at most; each is one event.
        all_end: every span gets its end; otherwise some stay open.
    """
    clock = Clock()
    scribes = [Scribe(f"history:{number}", clock=clock) for number in range(draw(st.integers(1, 2)))]
    for scribe in scribes[1:]:
        if draw(st.booleans()):
            scribe.session_id = scribes[0].session_id
    started: list[tuple[Scribe, Open]] = []
    running: list[tuple[Scribe, Open]] = []
    events: list[Event] = []
    for _ in range(draw(st.integers(1, max_steps))):
        step = draw(
            st.sampled_from(("root", "child", "child", "child", "text", "text", "end", "end", "tick"))
        )
        if step == "child" and not started:
            step = "root"
        if step in ("text", "end") and not running:
            step = "root"
        if step == "root":
            scribe = draw(st.sampled_from(scribes))
            span = scribe.start(draw(st.sampled_from(KINDS)), draw(NAMES))
            started.append((scribe, span))
            running.append((scribe, span))
        elif step == "child":
            scribe, parent = draw(st.sampled_from(started))
            # A voice turn's trace is not its parent's: the reference SDK does this, so a history may.
            elsewhere = scribe.new_id() if draw(st.integers(0, 7)) == 7 else None
            span = scribe.start(draw(st.sampled_from(KINDS)), draw(NAMES), parent, trace_id=elsewhere)
            started.append((scribe, span))
            running.append((scribe, span))
        elif step == "text":
            scribe, span = draw(st.sampled_from(running))
            scribe.say(span, draw(PIECES))
        elif step == "end":
            scribe, span = running.pop(draw(st.integers(0, len(running) - 1)))
            scribe.end(span, {}, error=draw(st.sampled_from(ERRORS)))
        else:
            scribe = draw(st.sampled_from(scribes))
            scribe.tick(
                draw(st.sampled_from(("agent", "user"))),
                draw(st.sampled_from(("listening", "speaking", "thinking"))),
            )
        for writer in scribes:
            events += writer.take()
        clock.advance(draw(st.integers(0, 1_000_000)))
    if all_end:
        for scribe, span in running:
            scribe.end(span)
            events += scribe.take()
    return events


@st.composite
def arrivals(
    draw: st.DrawFn,
    history: Sequence[Event],
    *,
    reorder: bool = True,
    repeat: bool = True,
    lose: bool = False,
) -> Arrival:
    """The same history as a bad network delivers it.

    Args:
        draw: given by hypothesis.
        history: in time order.
        reorder: any order.
        repeat: any event may come a second and a third time.
        lose: any event may be missing.
    """
    indexes = list(range(len(history)))
    lost = set(draw(st.lists(st.sampled_from(indexes), unique=True))) if lose and indexes else set()
    delivered = [index for index in indexes if index not in lost]
    if repeat and delivered:
        delivered += draw(st.lists(st.sampled_from(delivered), max_size=len(delivered)))
    if reorder:
        delivered = draw(st.permutations(delivered))
    return Arrival(
        events=[history[index] for index in delivered], lost=[history[index] for index in sorted(lost)]
    )


def delivered(*, lose: bool = False, all_end: bool = False) -> st.SearchStrategy[tuple[list[Event], Arrival]]:
    """A history together with one way in which it arrived."""
    return histories(all_end=all_end).flatmap(
        lambda history: st.tuples(st.just(history), arrivals(history, lose=lose))
    )

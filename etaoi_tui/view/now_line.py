"""What the first line says of what runs: a chip for each agent, with its newest words."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from etaoi_collector.projections.trace_names import title
from etaoi_collector.store.model import Span, Trace
from etaoi_tui.kinds.registry import KINDS
from etaoi_tui.text import one_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.activity import SLOTS, Activity, Work, agent_name, doing
from etaoi_tui.view.middleware.tokens import CHARACTERS_A_TOKEN
from etaoi_tui.view.row_summaries import Summaries

_RATE_SECONDS = 4.0
"""Time over which the rate of a stream is measured."""

_RATE_AFTER = 0.5
"""Seconds of a stream before which it has no rate."""

_DELTAS_READ = 400
"""Pieces of one stream that are read in a tick at most."""

_WORDS = 200
"""Characters of the newest words that are kept for a chip."""


class Chip(msgspec.Struct, frozen=True):
    """What one agent does.

    Attributes:
        number: Its key is ``alt`` and this.
        waits: It waits for a person.
        agent: Its name.
        doing: The glyph and the name of what is open.
        kind: The colour name of that.
        since: How long it has been open, or how fast its words come.
        words: Newest words, arguments, or the question.
        newest: The end of the words matters more than their beginning.
    """

    number: int
    waits: bool
    agent: str
    doing: str
    kind: str
    since: str
    words: str
    newest: bool


class NowLine:
    """Makes the chips.

    Args:
        activity: Knows what runs.
        summaries: Reads what a span was given, and the pieces of a stream.
        now: The present for a run, in seconds since the epoch.
    """

    def __init__(self, activity: Activity, summaries: Summaries, now: Callable[[Trace], float]) -> None:
        self._activity = activity
        self._summaries = summaries
        self._now = now
        self._streams: dict[Span, _Stream] = {}

    def chips(self) -> tuple[Chip, ...]:
        """Return a chip for each agent that has a number."""
        chips = [
            self._chip(number, work)
            for number, work in enumerate(self._activity.slots(), 1)
            if work is not None
        ]
        if not chips:
            self._streams.clear()
        return tuple(chips)

    def doing(self, trace: Trace) -> str:
        """Say in two words what a run does now; empty between two steps."""
        works = [work for work in self._activity.work_of(trace) if not work.idle]
        return doing(works[0]) if works else ""

    def target(self, number: int) -> Span | Trace | None:
        """Return where the key of a number goes; None when nothing has it."""
        work = self._activity.slots()[number - 1] if 1 <= number <= SLOTS else None
        return work.span if isinstance(work, Work) else work

    def _chip(self, number: int, work: Work | Trace) -> Chip:
        if isinstance(work, Trace):
            since = fmt.duration(max(self._now(work) - _waits_since(work), 0.0))
            words = one_line(work.waits_for or "", _WORDS)
            return Chip(number, True, title(work), "waits for you", "voice", since, words, False)
        span = work.span
        now = self._now(span.trace)
        since = fmt.duration(span.duration(now))
        if work.streams:
            rate = self._rate(span, now)
            since = f"≈{fmt.rate(rate)}" if rate is not None else since
            words = one_line(" ".join(span.tail.split())[-_WORDS:], 4 * _WORDS)
        else:
            words = "" if work.idle else one_line(self._summaries.of(span), _WORDS)
        kind = KINDS.for_kind(span.kind).colour
        return Chip(number, False, agent_name(work), doing(work), kind, since, words, work.streams)

    def _rate(self, span: Span, now: float) -> float | None:
        """Return tokens a second of a stream, by the characters of its newest pieces."""
        stream = self._streams.get(span)
        if stream is None:
            if len(self._streams) >= 2 * SLOTS:
                self._streams.clear()
            stream = self._streams[span] = _Stream(len(span.deltas or ()))
        refs = (span.deltas or [])[stream.read :]
        stream.read += len(refs)
        characters = sum(len(self._summaries.fields(ref).text or "") for ref in refs[-_DELTAS_READ:])
        return stream.add(now, characters)


class _Stream:
    """How many characters came when."""

    def __init__(self, read: int) -> None:
        self.read = read
        self._pieces: deque[tuple[float, int]] = deque()

    def add(self, now: float, characters: int) -> float | None:
        """Take in what came since the last look, and return tokens a second."""
        pieces = self._pieces
        pieces.append((now, characters))
        while now - pieces[0][0] > _RATE_SECONDS:
            pieces.popleft()
        seconds = now - pieces[0][0]
        if seconds < _RATE_AFTER:
            return None
        # What the first look found came before it.
        return sum(count for _, count in list(pieces)[1:]) / CHARACTERS_A_TOKEN / seconds


def _waits_since(trace: Trace) -> float:
    began = [wait.began_at for wait in (trace.waits or {}).values() if wait.ended_at is None]
    return min(began, default=trace.ended_at)

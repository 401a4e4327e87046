"""Gathers from a run's spans what its row in the catalogue says: names, errors, and where its events lie."""

from __future__ import annotations

from etaoi_collector.store.listed_run import LONGEST_NAME, MOST_NAMES
from etaoi_collector.store.model import Span, Trace
from etaoi_collector.wire.event_ref import OFFSET_BITS, ORDINAL_BITS

BLOCK_BITS = 20
"""A run's place is known to blocks of so many bits of a file's offset: to a mebibyte."""

OPEN_LOOKED_AT = 2_000
"""Spans without an end that are looked at again in one go."""

_TO_BLOCK = ORDINAL_BITS + BLOCK_BITS
_OFFSET = (1 << OFFSET_BITS) - 1
_IN_SEGMENT = OFFSET_BITS - BLOCK_BITS


class RunScan:
    """What is known of one run; goes on where it stopped when more of the run has arrived."""

    __slots__ = (
        "_first", "_last", "_last_in", "_open", "_scanned", "agents", "errors", "models",
        "names", "question", "tools",
    )  # fmt: skip

    def __init__(self) -> None:
        self.question = ""
        self._begin()

    def _begin(self) -> None:
        self.agents: dict[str, None] = {}
        self.tools: dict[str, None] = {}
        self.models: dict[str, None] = {}
        self.errors: dict[str, None] = {}
        self.names: dict[str, None] = {}
        self._first: dict[int, int] = {}
        """The first reference in each block, by the block's number over all segments."""
        self._last_in: dict[int, int] = {}
        """The last one."""
        self._open: list[Span] = []
        """Spans of which more is to come."""
        self._scanned = 0
        self._last: Span | None = None

    def look(self, trace: Trace, most: int | None = None) -> bool:
        """Look at spans that are new or were open.

        Args:
            trace: The run.
            most: New spans to look at; None for all.

        Returns:
            Whether nothing is left to look at.
        """
        members = trace.spans
        scanned = self._scanned
        if scanned and (scanned > len(members) or members[scanned - 1] is not self._last):
            self._begin()  # spans moved from one run to another
            scanned = 0
        limit = len(self._open) if most is None else OPEN_LOOKED_AT
        again, self._open = self._open[:limit], self._open[limit:]
        until = len(members) if most is None else min(len(members), scanned + most)
        for spans in (again, members[scanned:until]):
            for span in spans:
                self._take(span)
                if span.ended_at is None:
                    self._open.append(span)
        if until:
            self._scanned, self._last = until, members[until - 1]
        return until == len(members)

    def extents(self) -> list[tuple[int, int, int]]:
        """Return where its events lie: segment, offset of a record, offset where reading ends."""
        extents: list[tuple[int, int, int]] = []
        previous_block = -2
        for block in sorted(self._first):
            segment = block >> _IN_SEGMENT
            end = ((self._last_in[block] >> ORDINAL_BITS) & _OFFSET) + 1
            if block == previous_block + 1 and extents and extents[-1][0] == segment:
                extents[-1] = (segment, extents[-1][1], end)
            else:
                extents.append((segment, (self._first[block] >> ORDINAL_BITS) & _OFFSET, end))
            previous_block = block
        return extents

    def _take(self, span: Span) -> None:
        kind, name = span.kind, span.name
        if kind == "tool":
            names = self.tools
        elif kind == "llm":
            names, name = self.models, span.model or name
        elif kind == "sub_agent":
            names = self.agents
        else:
            names = self.names
        if name not in names:
            _keep(names, name)
        if span.agent and span.agent not in self.agents:
            _keep(self.agents, span.agent)
        if span.error:
            _keep(self.errors, " ".join(span.error[:LONGEST_NAME].split()))
        self._lie_at(span.start_ref, span.end_ref)
        deltas = span.deltas
        if deltas:
            first, last = deltas[0], deltas[-1]
            self._lie_at(first, last)
            if last >> _TO_BLOCK > (first >> _TO_BLOCK) + 1:
                self._lie_at(*deltas)

    def _lie_at(self, *refs: int) -> None:
        firsts, lasts = self._first, self._last_in
        for ref in refs:
            if ref >= 0:
                block = ref >> _TO_BLOCK
                last = lasts.get(block)
                if last is None:
                    firsts[block] = lasts[block] = ref
                elif ref > last:
                    lasts[block] = ref
                elif ref < firsts[block]:
                    firsts[block] = ref


def _keep(names: dict[str, None], name: str) -> None:
    if name and len(names) < MOST_NAMES:
        names[name[:LONGEST_NAME]] = None

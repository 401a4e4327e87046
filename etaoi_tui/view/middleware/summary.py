"""What a chain of middleware came to, in the few words of a row."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import Raw

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.kinds.appearance import RowReader
from etaoi_tui.view.middleware.row_groups import bracket_of

CHARACTERS_A_TOKEN = 4
"""A usual value for English prose: tokens made of it are shown as an estimate."""

_HOOKS_READ = 64

_PROBE = int(SpanFlag.PROBE)


class Entry(msgspec.Struct, gc=False):
    """A message that came or went."""

    len: int | None = None


class LengthChange(msgspec.Struct, gc=False):
    """How a system prompt grew, in characters."""

    before_len: int | None = None
    after_len: int | None = None


class Diff(msgspec.Struct, gc=False):
    """What one hook says that it changed."""

    messages_count_delta: int | None = None
    messages_added: list[Entry] = []
    messages_removed: list[Entry] = []
    messages_changed: list[Raw] = []
    tools_added: list[str] = []
    tools_removed: list[str] = []
    system_text_changed: bool | None = None
    system_text_delta: LengthChange | None = None
    system_added: list[Raw] = []
    system_removed: list[Raw] = []
    model_changed: Raw | None = None

    @property
    def messages(self) -> int:
        """How many messages more there are."""
        return len(self.messages_added) - len(self.messages_removed) or self.messages_count_delta or 0

    @property
    def tools(self) -> int:
        """How many tools more there are."""
        return len(self.tools_added) - len(self.tools_removed)

    @property
    def characters(self) -> int:
        """How many characters more the request has."""
        grown = sum(e.len or 0 for e in self.messages_added) - sum(e.len or 0 for e in self.messages_removed)
        system = self.system_text_delta
        if system is not None:
            grown += (system.after_len or 0) - (system.before_len or 0)
        return grown


_diff = msgspec.msgpack.Decoder(Diff).decode


class Changed:
    """The changes of several hooks together."""

    def __init__(self) -> None:
        self.messages = self.edited = self.tools = self.characters = 0
        self.system = self.model = False

    def add(self, diff: Diff) -> None:
        """Count one more hook's changes."""
        self.messages += diff.messages
        self.edited += len(diff.messages_changed)
        self.tools += diff.tools
        self.characters += diff.characters
        self.system |= bool(diff.system_text_changed or diff.system_added or diff.system_removed)
        self.model |= diff.model_changed is not None

    def in_words(self, spent: str = "", *, short: bool = False) -> str:
        """Say what changed: ``+2 messages · ≈+312 tokens · 18ms · −1 tool, another model``.

        Args:
            spent: The time it took, which stands behind the sizes: rows are cut at their end.
            short: Say it with shorter words.
        """
        sizes = []
        if self.messages:
            sizes.append(f"{self.messages:+d} " + ("msg" if short else f"message{_s(self.messages)}"))
        tokens = round(self.characters / CHARACTERS_A_TOKEN)
        if tokens:
            sizes.append(f"≈{tokens:+,} " + ("tok" if short else f"token{_s(tokens)}"))
        others = []
        if self.tools:
            others.append(f"{self.tools:+d} tool{_s(self.tools)}")
        if self.edited:
            others.append(f"{self.edited} edited")
        if self.system:
            others.append("prompt" if short else "system prompt")
        if self.model:
            others.append("model" if short else "another model")
        if not sizes and not others:
            sizes = ["no change"] if spent else []
        parts = [*sizes, *([spent] if spent else []), *([", ".join(others)] if others else [])]
        return (" " if short else " · ").join(part.replace("-", "−") for part in parts)


def probe_diff(span: Span, rows: RowReader) -> Diff | None:
    """Find what a hook says that it changed: in a delta of our SDK, in the start or end of the reference."""
    for ref in (*reversed(span.deltas or ()), span.end_place, span.start_place):
        raw = rows.fields(ref).diff
        if bytes(raw):
            try:
                return _diff(raw)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
    return None


def changes_in_words(diff: Diff) -> str:
    """Say what one hook changed."""
    total = Changed()
    total.add(diff)
    return total.in_words()


def hooks_inside(head: Span) -> list[Span]:
    """Return the hooks of a chain, from the outermost one inwards."""
    found: list[Span] = []
    stack = [head]
    while stack and len(found) < _HOOKS_READ:
        span = stack.pop()
        found.append(span)
        stack += [child for child in reversed(span.children or ()) if child.marks & _PROBE]
    return found


class MiddlewareChain(NamedTuple):
    """The middleware of a call that one row stands for."""

    hooks: list[Span]
    """Of the last attempt, the outermost first."""
    attempts: int
    seconds: float | None
    """What all of them took by themselves; None while that is not known."""
    rough: bool
    """The time is that between marks, not one that was measured."""
    spans: list[Span]
    """Every span that this was read from."""


def middleware_chain(head: Span) -> MiddlewareChain:
    """Return the chain that a row stands for."""
    beside = bracket_of(head)
    return _marked(beside) if beside and head.marks & SpanFlag.PLUMBING else _nested(head)


def _nested(head: Span) -> MiddlewareChain:
    way = [head]
    attempts = 1
    while len(way) < _HOOKS_READ:
        below = [child for child in way[-1].children or () if child.marks & _PROBE or child.kind == "llm"]
        if not below:
            break
        attempts = max(attempts, len(below))
        if not below[-1].marks & _PROBE:
            break
        way.append(below[-1])
    ended = head.marks & SpanFlag.ENDED
    seconds = sum(own_seconds(hook) for hook in way if hook.marks & SpanFlag.ENDED) if ended else None
    return MiddlewareChain(way, attempts, seconds, False, way)


def _marked(members: list[Span]) -> MiddlewareChain:
    """Read marks beside a call: between them lies what the hooks took, and the call."""
    calls = [span for span in members if not span.marks & _PROBE]
    newest: dict[str, Span] = {}
    for span in members:
        if span.marks & SpanFlag.PLUMBING:
            newest[span.name] = span
    seconds: float | None = None
    if calls and calls[-1].ended_at is not None:
        seconds = max(0.0, calls[0].started_at - members[0].started_at)
        if members[-1] is not calls[-1]:
            seconds += max(0.0, members[-1].started_at - calls[-1].ended_at)
    return MiddlewareChain(list(newest.values()), max(len(calls), 1), seconds, True, members)


def own_seconds(span: Span) -> float:
    """Return an ended span's duration without the time in which something inside it ran."""
    end = span.ended_at
    if end is None:
        return 0.0
    covered = 0.0
    reached = span.started_at
    for child in span.children or ():
        begin = max(child.started_at, reached)
        stop = min(child.ended_at if child.ended_at is not None else end, end)
        if stop > begin:
            covered += stop - begin
            reached = stop
    return max(0.0, end - span.started_at - covered)


def _s(number: int) -> str:
    return "" if abs(number) == 1 else "s"

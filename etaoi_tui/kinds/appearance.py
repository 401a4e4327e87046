"""How one kind of span looks in a row: its glyph, its word, its colour, and the summary behind its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, get_args

import msgspec
from msgspec import Raw

from etaoi_collector.store.model import Span

ColourName = Literal["llm", "tool", "agent", "middleware", "voice"]
"""The colours that themes have for kinds."""

COLOURS: frozenset[str] = frozenset(get_args(ColourName))

ANY_KIND = "*"
"""Stands among a viewer's kinds for every kind, also those that nobody has heard of."""


class ToolCallName(msgspec.Struct, gc=False):
    """A tool call in a model's response."""

    name: str | None = None


class ResponseFields(msgspec.Struct, gc=False):
    """A model's response, as far as rows show it."""

    text: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallName] | None = None
    server_tool_calls: list[ToolCallName] | None = None


class RowFields(msgspec.Struct, gc=False):
    """The fields of an event's payload that rows show; what a payload does not have keeps its default."""

    input: str | None = None
    inputs: str | None = None
    output: str | None = None
    outputs: str | None = None
    documents: int | None = None
    arguments: str | None = None
    response: ResponseFields | None = None
    text: str | None = None
    transcript: str | None = None
    diff: Raw = Raw()
    after: Raw = Raw()
    end_of_utterance_delay: float | None = None
    tools: list[Raw] = []


class RowReader(Protocol):
    """What a summary is made from: the span's recorded events, and the summaries of other spans."""

    def fields(self, ref: int) -> RowFields:
        """Return the usual fields of the event at a reference; empty ones if it cannot be read."""

    def event(self, ref: int) -> dict[str, Any]:
        """Return the whole event at a reference, decoded; empty if it cannot be read."""

    def of(self, span: Span) -> str:
        """Return another span's summary."""

    def characters_a_token(self, call: Span | None) -> float:
        """Return how many characters of a model call one token is, for estimates."""


def no_summary(span: Span, rows: RowReader) -> str:
    """Show nothing behind the name."""
    return ""


class KindAppearance(msgspec.Struct, frozen=True, kw_only=True):
    """How spans of some kinds look in a row.

    Attributes:
        kinds: The kinds of span, as producers send them; `ANY_KIND` stands for all.
        glyph: One character, one cell wide.
        word: The kind in words; empty to show the kind itself.
        colour: The name of the colour that names and bars of this kind have.
        summary: Makes the few words behind a span's name; data from outside, made safe where it is drawn.
        applies: Narrows the kinds down; None to take every span of them.
        priority: Of several that apply, the lowest comes first.
        shows_errors: Whether `summary` also says what went wrong; else an error stands in its place.
        follows_children: Whether the summary depends on spans below, so that it is made for each drawing.
    """

    kinds: tuple[str, ...]
    glyph: str
    word: str
    colour: ColourName = "voice"
    summary: Callable[[Span, RowReader], str] = no_summary
    applies: Callable[[Span], bool] | None = None
    priority: int = 50
    shows_errors: bool = False
    follows_children: bool = False

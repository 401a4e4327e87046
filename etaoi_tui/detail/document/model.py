"""What a detail shows, before it has a width: tabs of foldable sections of blocks.

Text in here is as it came from outside; it becomes printable when lines are laid out. Styles are names such
as ``role.user`` or ``diff.added``; what they look like is the widget's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from etaoi_tui.detail.document.json_printer import dump_json

StyledText = tuple[str, str]
"""A piece of text and the name of its style; ``""`` is plain."""

STYLES = (
    "title",
    "muted",
    "note",
    "key",
    "error",
    "warning",
    "ok",
    "running",
    "accent",
    "tag",
    "code",
    "head",
    "role.system",
    "role.user",
    "role.ai",
    "role.agent",
    "role.tool",
    "role.other",
    "json.key",
    "json.string",
    "json.number",
    "json.literal",
    "json.punct",
    "diff.added",
    "diff.removed",
    "diff.same",
    "diff.added.word",
    "diff.removed.word",
    "voice.user",
    "voice.stt",
    "voice.eou",
    "voice.callback",
    "voice.ttft",
    "voice.llm",
    "voice.tool",
    "voice.tts",
    "voice.playout",
    "voice.speech",
    "voice.unexplained",
)
"""Every style name that a document may use."""


@dataclass(frozen=True, slots=True)
class Text:
    """Prose or program output, wrapped by words; line feeds in it break lines."""

    text: str
    style: str = ""
    prose: bool = False
    """Light up headings, lists, rules and code of Markdown, leaving every character where it is."""
    language: str = ""
    """What it is the source of, as it would stand behind a fence of Markdown; empty for plain text."""


@dataclass(frozen=True, slots=True)
class StyledLine:
    """One line of differently styled pieces, wrapped when it is too long."""

    runs: Sequence[StyledText]


@dataclass(frozen=True, slots=True)
class Json:
    """A value, printed with indentation. A value that is text stays text."""

    value: Any


@dataclass(frozen=True, slots=True)
class JsonText:
    """Text that should be JSON: printed with indentation if it is, as it is with a note if not."""

    text: str


@dataclass(frozen=True, slots=True)
class KeyValues:
    """Names and values in two aligned columns."""

    rows: Sequence[tuple[str, str | Sequence[StyledText]]]


@dataclass(frozen=True, slots=True)
class Diff:
    """Lines that were added (``+``), removed (``-``), kept (blank) or left out here (``@``).

    A line of runs has styles of its own, for the words in it that differ.
    """

    lines: Sequence[tuple[str, str | Sequence[StyledText]]]


@dataclass(frozen=True, slots=True)
class Sides:
    """Two texts next to each other, as pairs of diff lines; None where one side has nothing.

    Where the lines are too narrow for two columns, the pairs stand below each other.
    """

    pairs: Sequence[tuple[tuple[str, Sequence[StyledText]] | None, tuple[str, Sequence[StyledText]] | None]]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in aligned columns under a header; a column whose name starts with ``>`` is right-aligned.

    A cell that is a piece of styled text has a colour of its own.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str | StyledText]]


@dataclass(frozen=True, slots=True)
class BarRow:
    """Words, a bar, and words behind it.

    Attributes:
        before: The words before it; all rows of a block have the same width here.
        share: Its length, of 1 for the longest that there is room for; None for no bar.
        style: The look of the bar.
        after: What stands behind all bars, where there is room.
    """

    before: Sequence[StyledText]
    share: float | None
    style: str
    after: Sequence[StyledText] = ()


@dataclass(frozen=True, slots=True)
class Bars:
    """Rows with a bar each, as long as the page's width allows; no row is wrapped for its bar."""

    rows: Sequence[BarRow]


@dataclass(frozen=True, slots=True)
class Trend:
    """Values over time as one line of columns, with the style of each; None where there is no value."""

    values: Sequence[tuple[float | None, str]]


@dataclass(frozen=True, slots=True)
class Groups:
    """Titled groups of names and values; in two columns where there is room."""

    groups: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    two_columns: int = 110
    """Cells from which two columns stand side by side."""


Block = Text | StyledLine | Json | JsonText | KeyValues | Diff | Sides | Table | Groups | Bars | Trend


@dataclass(frozen=True, slots=True)
class Section:
    """A titled, foldable group of blocks.

    ``key`` names it across refreshes and across spans of the same kind, so that a fold survives both.
    """

    key: str
    title: str
    blocks: Sequence[Block]
    summary: str = ""
    """Shown at the right end of the title line."""
    preview: str = ""
    """What is in it, shown behind the title while it is closed."""
    open: bool = True
    glyph: str = ""
    style: str = "title"
    bar: bool = False
    """Draw a bar in the section's style along its blocks, as chats do."""
    level: int = 0
    """Indentation, for a section that belongs to the one before."""
    group: bool = False
    """It has no blocks of its own: while it is closed, the sections ``inside`` it are not there."""
    inside: str = ""
    """Key of the group that the section belongs to."""
    target: str = ""
    """Id of the span that it comes from, for a reader who wants to go there."""
    quiet: bool = False
    """Its title is a line among others: it does not look like a heading."""
    over: str = ""
    """Which budget was crossed with it, shown before the summary."""

    @property
    def foldable(self) -> bool:
        """Whether there is anything to open or close."""
        return self.group or bool(self.blocks)


@dataclass(frozen=True, slots=True)
class Tab:
    """One page of a document. Its sections are made when it is first looked at."""

    key: str
    title: str
    build: Callable[[], Sequence[Section]]
    _sections: list[Sequence[Section]] = field(default_factory=list, compare=False, repr=False)

    @property
    def sections(self) -> Sequence[Section]:
        """The sections, in order."""
        if not self._sections:
            self._sections.append(self.build())
        return self._sections[0]


@dataclass(frozen=True, slots=True)
class Document:
    """All that a detail pane shows of one span.

    Attributes:
        key: Names the span: the same key is the same thing, grown.
        headline: Its title line, shown above every tab's sections.
        tabs: Its pages; at least one.
        default: Key of the page to open first.
        live: True while more is expected.
        notes: What could not be shown, in words.
        sums: What it comes to, for the pane's title; the most important first, as only the first may fit.
        over: Which budget it crossed, for the title as well.
    """

    key: str
    headline: Sequence[StyledText]
    tabs: Sequence[Tab]
    default: str = ""
    live: bool = False
    notes: Sequence[str] = ()
    sums: Sequence[str] = ()
    over: str = ""

    def tab(self, key: str) -> Tab | None:
        """Return the tab with this key, if there is one."""
        return next((tab for tab in self.tabs if tab.key == key), None)

    def tab_to_open(self, wanted: str) -> str:
        """Return the key of the tab to open for a reader who wants a key, or has no wish (empty)."""
        return wanted if self.tab(wanted) is not None else self.default or self.tabs[0].key

    def tab_beside(self, key: str, step: int) -> str:
        """Return the key of the tab ``step`` to the right of another, around the ends."""
        keys = [tab.key for tab in self.tabs]
        return keys[((keys.index(key) if key in keys else 0) + step) % len(keys)]


def plain(value: str | Sequence[StyledText]) -> str:
    """Return text, or the text of runs."""
    return value if isinstance(value, str) else "".join(text for text, _ in value)


def block_text(block: Block) -> str:
    """Return a block's content as it came, for the clipboard."""
    match block:
        case Text() | JsonText():
            return block.text
        case StyledLine():
            return plain(block.runs)
        case Json():
            return dump_json(block.value)
        case KeyValues():
            return "\n".join(f"{key}: {plain(value)}" for key, value in block.rows)
        case Diff():
            return "\n".join(f"{sign}{plain(text)}" for sign, text in block.lines)
        case Sides():
            pairs = [(one,) if one == other else (one, other) for one, other in block.pairs]
            lines = [side for pair in pairs for side in pair if side is not None]
            return "\n".join(f"{sign}{plain(runs)}" for sign, runs in lines)
        case Groups():
            return "\n\n".join(
                "\n".join([title, *(f"{name}  {value}" for name, value in rows)])
                for title, rows in block.groups
            )
        case Table():
            head = [name.lstrip(">") for name in block.columns]
            rows = [[cell if isinstance(cell, str) else cell[0] for cell in row] for row in block.rows]
            return "\n".join("\t".join(row) for row in [head, *rows])
        case Bars():
            return "\n".join(f"{plain(row.before)} {plain(row.after)}".rstrip() for row in block.rows)
        case Trend():
            return " ".join("·" if value is None else f"{value:g}" for value, _ in block.values)


def section_text(section: Section) -> str:
    """Return a section's content as it came, for the clipboard."""
    return "\n\n".join(block_text(block) for block in section.blocks)

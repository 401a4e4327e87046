"""What stands on the screen before anything arrived: where it listens, what to paste, what was recorded."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable
from functools import partial
from typing import ClassVar

import msgspec
from rich.cells import cell_len
from textual.binding import Binding, BindingType

from etaoi_collector.sources.base import SourceKind, SourceStatus
from etaoi_collector.store.model import Connection
from etaoi_tui.clipboard import copy_locally
from etaoi_tui.launcher.recipes import recipes
from etaoi_tui.text import one_line
from etaoi_tui.widgets.row_view import Piece, RowView
from etaoi_tui.widgets.styles import StyleTable

_USES = 28
"""Cells of what an agent uses, before the line to copy."""
_INDENT = 6
"""Cells before a line to copy that stands below its name."""
_RECORDINGS = 3
"""Recordings that there should be room for."""
_KNOCKS = 2
"""Newest of those who were not let in that are shown; the page of problems has all."""


class RecentRecording(msgspec.Struct, frozen=True):
    """A recording that can be opened from the empty screen."""

    path: str
    when: str
    size: str
    what: str


class Welcome(RowView):
    """Says what to do; its rows are recent recordings, the newest first."""

    BINDING_GROUP_TITLE = "Welcome"
    HELP = """\
Nothing has arrived yet. Run your agent with one of the lines, in another terminal: a number chooses one, y
copies it. Enter opens the recording under the cursor instead of listening.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"choose({number})", "choose", show=False) for number in range(1, 10)),
        Binding("y", "copy", "copy", show=False),
    ]
    LOOKS: ClassVar[StyleTable] = {
        **RowView.LOOKS,
        "welcome--title": "color: $ink; text-style: bold",
        "welcome--live": "color: $running; text-style: bold",
        "welcome--code": "color: $kind-tool",
        "welcome--muted": "color: $quiet",
        "welcome--text": "color: $ink",
        "welcome--knock": "color: $failure",
    }

    def __init__(self, status: SourceStatus, *, demo: bool = False, id: str | None = None) -> None:
        """Make the screen of a live run.

        Args:
            status: Where agents connect, and what they need.
            demo: A scripted agent is about to connect.
            id: Textual id.
        """
        super().__init__(id=id)
        self._status = status
        self._demo = demo
        self._recipes = recipes(_http(status.endpoint), token=status.token)
        self._recipe = 0
        self._knocks: list[str] = []
        self._clients: list[str] = []
        self._offers: list[RecentRecording] = []
        self._cursor = 0
        self._fitted: tuple[tuple[object, ...], list[list[Piece]]] = ((), [])
        """What the words depend on, and the words: each line of them is drawn by itself."""

    def show_callers(self, connections: Iterable[Connection], knocks: list[str]) -> None:
        """Say who is connected without having sent a span, and who came and was not let in.

        Args:
            connections: All there were.
            knocks: Sentences on who was not let in, or asked for what is not here.
        """
        clients = [one.client or one.peer for one in connections if one.closed_at is None]
        if (clients, knocks) != (self._clients, self._knocks):
            self._clients, self._knocks = clients, list(knocks)
            self.refresh()

    def action_choose(self, number: int) -> None:
        """Choose a line to copy."""
        if number <= len(self._recipes):
            self._recipe = number - 1
            self.refresh()

    def action_copy(self) -> None:
        """Copy the chosen line."""
        line = self._recipes[self._recipe].line
        self.app.copy_to_clipboard(line)
        # The desktop's tools may take their time.
        self.run_worker(partial(copy_locally, line), thread=True, exit_on_error=False)
        self.app.notify(f"Copied: {line}", markup=False)

    def show_offers(self, offers: list[RecentRecording]) -> None:
        """List recordings."""
        self._offers = offers
        self.refresh()

    @property
    def chosen(self) -> RecentRecording | None:
        """The recording under the cursor."""
        return self._offers[self._cursor] if self._cursor < len(self._offers) else None

    @property
    def row_count(self) -> int:
        """How many recordings are listed."""
        return len(self._offers)

    @property
    def cursor_row(self) -> int | None:
        """The recording under the cursor."""
        return self._cursor

    def set_cursor_row(self, row: int) -> None:
        """Put the cursor on a recording."""
        self._cursor = row

    @property
    def HEADER_HEIGHT(self) -> int:  # type: ignore[override]
        """The words above the recordings."""
        return min(len(self._fitting_words()), max(self.size.height - 1, 0))

    def draw_header(self, line: int, width: int) -> list[Piece]:
        """Draw a line of the words."""
        return self._fitting_words()[line]

    def draw_row(self, row: int, line: int, width: int) -> list[Piece]:
        """Draw a recording."""
        offer = self._offers[row]
        head = f"   {offer.when}  {offer.size.rjust(8)}  "
        return [
            (head, "welcome--muted"),
            (one_line(offer.what, max(width - cell_len(head), 1)), "welcome--text"),
        ]

    def _fitting_words(self) -> list[list[Piece]]:
        """Leave out empty lines where the screen is small, then the ends of the last commands not chosen."""
        key = (self.size, self._recipe, tuple(self._knocks), tuple(self._clients), len(self._offers))
        if self._fitted[0] != key:
            self._fitted = (key, self._fit())
        return self._fitted[1]

    def _fit(self) -> list[list[Piece]]:
        room = self.size.height - min(len(self._offers), _RECORDINGS)
        whole = {self._recipe}
        words = self._words(whole)
        for number in range(len(self._recipes)):
            more = self._words(whole | {number})
            if sum(map(bool, more)) <= room:
                whole.add(number)
                words = more
        while len(words) > room and [] in words:
            words.remove([])
        return words

    def _words(self, whole: Collection[int]) -> list[list[Piece]]:
        """Return the lines above the recordings.

        Args:
            whole: Numbers of the lines to copy of which nothing is left out.
        """
        words: list[list[Piece]] = [[], [("  Watching for agents", "welcome--title")], []]
        if self._clients:
            for client in self._clients[:3]:
                words.append(
                    [("  ● ", "welcome--live"), (f"{one_line(client, 60)} is connected", "welcome--text")]
                )
            words.append([("    but has sent no run yet. Run your agent.", "welcome--muted")])
        else:
            does = "Following" if self._status.kind is SourceKind.REMOTE else "Listening on"
            words.append([("  ● ", "welcome--live"), (f"{does} {self._status.endpoint}", "welcome--text")])
        if self._demo:
            return [*words, [("    The scripted agent of the demo starts in a moment.", "welcome--muted")]]
        words += [[], [("  Type one of these (a number chooses, y copies):", "welcome--muted")], []]
        for number in range(len(self._recipes)):
            words += self._recipe_lines(number, whole=number in whole)
        words += [
            [],
            [
                ("  etaoi-tui doctor", "welcome--code"),
                (" says why nothing shows, ", "welcome--muted"),
                ("etaoi-tui demo", "welcome--code"),
                (" plays an agent.", "welcome--muted"),
            ],
            [],
        ]
        if self._knocks:
            width = max(self.size.width - 4, 20)
            words += [
                [(f"  ✗ {one_line(knock, width)}", "welcome--knock")] for knock in self._knocks[-_KNOCKS:]
            ]
            words += [[]]
        if self._offers:
            words += [[("  Recorded before (⏎ opens one instead of listening):", "welcome--muted")]]
        return words

    def _recipe_lines(self, number: int, *, whole: bool) -> list[list[Piece]]:
        """Draw a line to copy: beside its name, or below it where it is whole and has no room there."""
        recipe = self._recipes[number]
        chosen = number == self._recipe
        head = f" {'▸' if chosen else ' '} {number + 1} "
        uses = recipe.uses.ljust(_USES)
        room = max(self.size.width - cell_len(head + uses) - 2, 8)
        first: list[Piece] = [
            (head, "welcome--live" if chosen else "welcome--muted"),
            (uses, "welcome--text"),
        ]
        if cell_len(recipe.line) <= room or not whole:
            return [[*first, (one_line(recipe.line, room), "welcome--code")]]
        lines = wrap_command(recipe.line, max(self.size.width - _INDENT - 2, 8))
        return [first, *([(" " * _INDENT, ""), (line, "welcome--code")] for line in lines)]


def wrap_command(line: str, width: int) -> list[str]:
    """Break a command at its blanks, so that what is copied from the screen still is that command.

    Args:
        line: A line for a shell, or of Python.
        width: Characters of each part.
    """
    more = "" if line.startswith("import ") else " \\"  # Python goes on in brackets and behind a semicolon
    parts = textwrap.wrap(line, width - len(more), break_long_words=False, break_on_hyphens=False)
    return [part + more for part in parts[:-1]] + parts[-1:]


def _http(endpoint: str) -> str:
    """Return a viewer's URL as programs of all kinds are told it."""
    return f"http{endpoint.removeprefix('ws').removesuffix('/ingest')}"

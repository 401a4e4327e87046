"""What stands on the screen before anything arrived: where it listens, what to paste, what was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len

from etaoi_collector.sources.base import SourceKind, SourceStatus
from etaoi_tui.text import one_line
from etaoi_tui.widgets.row_view import Piece, RowView
from etaoi_tui.widgets.styles import StyleTable


@dataclass(frozen=True, slots=True)
class RecentRecording:
    """A recording that can be opened from the empty screen."""

    path: str
    when: str
    size: str
    what: str


class Welcome(RowView):
    """Says what to do; its rows are recent recordings, the newest first."""

    BINDING_GROUP_TITLE = "Welcome"
    HELP = """\
Nothing has arrived yet. Run your agent with one of the snippets, in another terminal. Enter opens the
recording under the cursor instead of listening.
"""
    LOOKS: ClassVar[StyleTable] = {
        **RowView.LOOKS,
        "welcome--title": "color: $ink; text-style: bold",
        "welcome--live": "color: $running; text-style: bold",
        "welcome--code": "color: $kind-tool",
        "welcome--muted": "color: $quiet",
        "welcome--text": "color: $ink",
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
        self._clients: list[str] = []
        self._offers: list[RecentRecording] = []
        self._cursor = 0

    def show_clients(self, clients: list[str]) -> None:
        """Say who is connected without having sent a span."""
        if clients != self._clients:
            self._clients = clients
            self.refresh()

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
        return min(len(self._words()), max(self.size.height - 1, 0))

    def draw_header(self, line: int, width: int) -> list[Piece]:
        """Draw a line of the words."""
        return self._words()[line]

    def draw_row(self, row: int, line: int, width: int) -> list[Piece]:
        """Draw a recording."""
        offer = self._offers[row]
        head = f"   {offer.when}  {offer.size.rjust(8)}  "
        return [
            (head, "welcome--muted"),
            (one_line(offer.what, max(width - cell_len(head), 1)), "welcome--text"),
        ]

    def _words(self) -> list[list[Piece]]:
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
        words += [[], [("  In your agent:", "welcome--muted")], []]
        attach = "etaoi_tui.attach(agent)"
        if self._status.token:
            attach = f'etaoi_tui.attach(agent, server_url="{self._status.endpoint}", project_token=...)'
        elif ":8787/" not in self._status.endpoint:
            attach = f'etaoi_tui.attach(agent, server_url="{self._status.endpoint}")'
        words += [
            [("      import etaoi_tui", "welcome--code")],
            [(f"      {attach}", "welcome--code")],
            [],
            [("  The etaoi SDK from PyPI works as it is.", "welcome--muted")],
            [
                ("  etaoi-tui demo", "welcome--code"),
                (" shows what it looks like without an agent.", "welcome--muted"),
            ],
            [],
        ]
        if self._offers:
            words += [[("  Recorded before (⏎ opens one instead of listening):", "welcome--muted")]]
        return words

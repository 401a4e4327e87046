"""What did not go well: rejected events, losses, repeats, odd files. What is counted is explained."""

from __future__ import annotations

from collections.abc import Sequence

from etaoi_collector.store import Store
from etaoi_collector.wire.event_ref import unpack_event_ref
from etaoi_tui.detail.document.model import Document, KeyValues, Section, Tab, Table, Text
from etaoi_tui.kinds.registry import KINDS
from etaoi_tui.screens.document_modal import DocumentModal
from etaoi_tui.text import printable
from etaoi_tui.view import format as fmt
from etaoi_tui.view.column import COLUMNS
from etaoi_tui.view.faults import Fault

_MOST_ROWS = 500


class Problems(DocumentModal):
    """A page over the screen."""

    TITLE_TEXT = "problems"

    def __init__(
        self, store: Store, notices: list[str], faults: Sequence[Fault] = (), settings: Sequence[str] = ()
    ) -> None:
        """Make a page of what has been counted so far.

        Args:
            store: Counts and keeps reasons.
            notices: Sentences about the source.
            faults: What failed in the viewer itself.
            settings: What of commands and the user's settings was left out, with its file.
        """
        super().__init__(problems_document(store, notices, faults, settings))


def problems_document(
    store: Store, notices: list[str], faults: Sequence[Fault] = (), settings: Sequence[str] = ()
) -> Document:
    """Describe everything that was lost, rejected, repeated or odd."""
    return Document(
        key="problems",
        headline=[],
        tabs=[Tab("problems", "Problems", lambda: [*_own(faults, settings), *_sections(store, notices)])],
    )


def _own(faults: Sequence[Fault], settings: Sequence[str]) -> list[Section]:
    """What is the viewer's own: its failures first, each with its traceback."""
    sections = []
    for number, fault in enumerate(reversed(faults)):
        times = f"  {fault.times:,} times" if fault.times > 1 else ""
        sections.append(
            Section(
                f"fault:{number}",
                f"{fault.what} failed: {printable(fault.error)}",
                [Text(printable(fault.trace, newline=True))],
                summary=fmt.clock(fault.at) + times,
                open=number == 0,
                style="error",
            )
        )
    if settings:
        sections.append(Section("settings", "Left out of commands and settings", [Text("\n".join(settings))]))
    return sections


def _sections(store: Store, notices: list[str]) -> list[Section]:
    counted = [
        ("events taken", f"{store.events - store.rejected:,}"),
        ("rejected", f"{store.rejected:,}  events that could not be read; each cost itself only"),
        ("frames refused", f"{store.refused_frames:,}  larger than --max-frame"),
        ("dropped by agents", f"{store.dropped:,}  told by their SDK: its buffer was full"),
        ("repeats", f"{store.repeats:,}  sent again after a reconnect; shown once"),
        (
            "left memory",
            f"{fmt.count(store.evicted_traces, 'trace')} with {fmt.count(store.evicted_spans, 'span')}; "
            "they are in the recording",
        ),
    ]
    sections = [Section("counted", "Counted", [KeyValues(counted)])]
    if notices:
        sections.append(Section("source", "Said of the source", [Text("\n".join(notices))], style="title"))
    if KINDS.failures:
        text = Text("\n".join(KINDS.failures), "warning")
        sections.append(Section("viewers", "Viewers of kinds", [text], style="warning"))
    if COLUMNS.failures:
        text = Text("\n".join(COLUMNS.failures), "warning")
        sections.append(Section("columns", "Columns of the tree", [text], style="warning"))
    if store.rejects:
        rows = []
        for reject in store.rejects[-_MOST_ROWS:]:
            where = "not kept"
            if reject.event_ref >= 0:
                segment, offset, _ = unpack_event_ref(reject.event_ref)
                where = f"file {segment + 1}, byte {offset:,}"
            rows.append((str(reject.connection), where, f"{reject.ordinal + 1:,}", reject.reason))
        listed = len(rows)
        summary = fmt.count(store.rejected, "event")
        if listed < store.rejected:
            summary += f", {listed} of them here"
        table = Table(("client", "where", ">event", "why"), rows)
        sections.append(Section("rejects", "Rejected", [table], summary=summary))
    disconnected = [c for c in store.connections.values() if c.closed_at is not None]
    if store.connections:
        clients = [
            (
                str(c.number),
                c.client or "?",
                c.peer,
                fmt.clock(c.opened_at),
                _end(c.closed_at, c.close_code),
                f"{c.events:,}",
            )
            for c in list(store.connections.values())[-_MOST_ROWS:]
        ]
        summary = f"{fmt.count(len(store.connections), 'client')}, {len(disconnected)} gone"
        table = Table((">no", "client", "peer", "came", "went", ">events"), clients)
        sections.append(Section("clients", "Clients", [table], summary=summary))
    return sections


def _end(closed_at: float | None, code: int | None) -> str:
    if closed_at is None:
        return "connected"
    return f"{fmt.clock(closed_at)}" + (f" ({code})" if code is not None else "")

"""What can be copied from the span under the cursor, and an honest word about where it went."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from etaoi_collector.pricing.totals import Totals
from etaoi_collector.projections.objects import span_object
from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.recording.directory import state_dir
from etaoi_collector.store.model import Span
from etaoi_tui.clipboard import LARGEST_FOR_TERMINALS, copy_locally, save_copied
from etaoi_tui.export.door import EXPORTERS, Extract
from etaoi_tui.json_text import dumps
from etaoi_tui.screens.one_answer import OneAnswer
from etaoi_tui.text import one_line
from etaoi_tui.view import format as fmt

_MOST_SPANS = 20_000
"""Spans of a subtree that one copy holds; more is a matter for ``etaoi-tui show --json``."""

_PREVIEW = 46


class CopyMenu(OneAnswer, ModalScreen[None]):
    """A list of things to copy; a letter or Enter takes one."""

    CSS = """
    CopyMenu { align: center middle; }
    CopyMenu Vertical {
        width: 76; max-width: 96%; height: auto; max-height: 90%; background: $surface;
        border: round $primary;
    }
    CopyMenu OptionList { height: auto; max-height: 100%; border: none; background: $surface; }
    CopyMenu:ansi OptionList > .option-list--option-highlighted {
        background: ansi_blue; color: ansi_bright_white; text-style: bold;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,y", "dismiss(None)", "close", show=False),
        Binding("j", "move(1)", "down", show=False),
        Binding("k", "move(-1)", "up", show=False),
    ]

    def __init__(
        self, span: Span, payloads: RecordedPayloads, shown_value: tuple[str, str] | None, now: float
    ) -> None:
        """Make a menu.

        Args:
            span: The span under the cursor.
            payloads: Reads its events.
            shown_value: Label and text of what the detail shows under its cursor.
            now: Seconds since the epoch, for durations of what runs.
        """
        super().__init__()
        self._span = span
        self._payloads = payloads
        self._now = now
        trace = span.trace
        self._choices: list[tuple[str, str, str, Callable[[], str]]] = []
        if shown_value is not None:
            label, text = shown_value
            self._choices.append(("v", f"value: {label}", text, lambda: text))
        self._choices += [
            ("n", "name", span.name, lambda: span.name),
            ("s", "span id", span.span_id, lambda: span.span_id),
            ("t", "trace id", trace.trace_id, lambda: trace.trace_id),
            ("e", "session id", trace.session.session_id, lambda: trace.session.session_id),
            ("d", "span as JSON", "one object", self._span_json),
            ("b", "subtree as JSON", "one object a line", lambda: self._subtree("json-lines")),
            ("m", "subtree as Markdown", "for an issue", lambda: self._subtree("markdown")),
        ]
        if span.error:
            self._choices.insert(1, ("r", "error", span.error, lambda: span.error or ""))

    def compose(self) -> ComposeResult:
        """Make the menu."""
        with Vertical() as box:
            box.border_title = "copy"
            box.border_subtitle = "letter or ⏎ · esc closes"
            yield OptionList(
                *(
                    Option(
                        # No colours: the menu's own must stay readable in the row under the cursor.
                        Content.assemble(
                            (f" {key} ", "bold"),
                            f" {one_line(label, 22):<22}  ",
                            (one_line(preview, _PREVIEW), "dim"),
                        ),
                        id=key,
                    )
                    for key, label, preview, _ in self._choices
                )
            )

    def on_key(self, event: object) -> None:
        """A letter takes its entry."""
        key = getattr(event, "key", "")
        if any(key == choice[0] for choice in self._choices):
            getattr(event, "stop", lambda: None)()
            self._copy(key)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click takes an entry."""
        event.stop()
        if event.option_id is not None:
            self._copy(event.option_id)

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        options = self.query_one(OptionList)
        if rows > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def _copy(self, key: str) -> None:
        if self.answered:
            return
        label, make = next((c[1], c[3]) for c in self._choices if c[0] == key)
        self.dismiss(None)
        text = make()
        size = len(text.encode("utf-8", "replace"))
        what = f"{label.removeprefix('value: ').lower()}, {fmt.size(size)}"
        tool = copy_locally(text)
        if size <= LARGEST_FOR_TERMINALS:
            self.app.copy_to_clipboard(text)
            # What a terminal does with OSC 52 it does not say.
            self._say(f"Copied {what} · {tool}" if tool is not None else f"Sent to the terminal: {what}")
            return
        if tool is not None:
            self._say(f"Copied {what} · {tool}")
            return
        try:
            path = save_copied(text, state_dir() / "copied")
        except OSError as error:
            self._say(f"Too large for the clipboard, and no file can be written: {error}", bad=True)
        else:
            self._say(f"Too large for the clipboard, saved: {path}")

    def _say(self, text: str, *, bad: bool = False) -> None:
        self.app.notify(text, severity="error" if bad else "information")

    def _span_json(self) -> str:
        return dumps(span_object(self._span, self._payloads, self._now, Totals(wait=True)))

    def _subtree(self, format_name: str) -> str:
        extract = Extract(
            [], self._payloads.source, self._now, subtree=self._span, plumbing=True, most_spans=_MOST_SPANS
        )
        return EXPORTERS.get(format_name).text(extract)

"""Pipes a value through a command and shows what comes out."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from etaoi_tui.detail.document.model import Document, JsonText, Section, StyledLine, Tab, Text
from etaoi_tui.external_programs import Piped, pipe_through
from etaoi_tui.screens.document_modal import DocumentModal
from etaoi_tui.screens.one_answer import OneAnswer


class PipePrompt(OneAnswer, ModalScreen[Document | None]):
    """Asks for a command, runs it, and answers with a page of what came out.

    Args:
        label: What the value is.
        text: The value.
    """

    CSS = """
    PipePrompt { align: center bottom; }
    PipePrompt Vertical {
        width: 84; max-width: 96%; height: 3; margin-bottom: 2; background: $surface; border: round $primary;
    }
    PipePrompt Input, PipePrompt Input:focus { border: none; height: 1; padding: 0 1; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "close", show=False)]

    last = "jq ."
    """What was typed last in this viewer."""

    def __init__(self, label: str, text: str) -> None:
        super().__init__()
        self._label = label
        self._text = text

    def compose(self) -> ComposeResult:
        """Make the line to type in."""
        with Vertical() as box:
            box.border_title = f"pipe {self._label.lower()} through"
            box.border_subtitle = "⏎ runs · esc closes"
            yield Input(self.last, placeholder="a command, such as jq .")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        command = event.value.strip()
        if not command:
            self.dismiss(None)
            return
        type(self).last = command
        event.input.disabled = True
        self.query_one(Vertical).border_subtitle = "running · esc stops"
        self._run(command)

    @work(exclusive=True, exit_on_error=False)
    async def _run(self, command: str) -> None:
        try:
            piped = await pipe_through(command, self._text)
        except OSError as error:
            self.app.notify(f"Cannot run a shell: {error.strerror or error}", severity="error")
            self.dismiss(None)
            return
        self.dismiss(result_document(command, self._label, piped))


class PipeResult(DocumentModal):
    """Shows what came out."""

    TITLE_TEXT = "pipe"


def result_document(command: str, label: str, piped: Piped) -> Document:
    """Make the page of a command's output.

    Args:
        command: As it was typed.
        label: What the value is.
        piped: What came out.
    """
    status_text = piped.note or ("" if piped.code == 0 else f"exit status {piped.code}")
    output = piped.output.strip("\n")
    is_json = output.lstrip()[:1] in ("{", "[")
    blocks: list[StyledLine | JsonText | Text] = [StyledLine([(status_text, "error")])] if status_text else []
    if output:
        blocks.append(JsonText(output) if is_json and not status_text else Text(output))
    elif not status_text:
        blocks.append(StyledLine([("no output", "muted")]))
    section = Section("output", f"{label} | {command}", blocks)
    return Document("pipe", [], [Tab("output", "Output", lambda: [section])])

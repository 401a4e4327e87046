"""What a person asks of the app from within a workspace."""

from __future__ import annotations

from textual.message import Message

from etaoi_tui.viewer_options import ChosenRecording


class RecordingChosen(Message):
    """The person wants to see a recording instead, at a span of it if one is named."""

    def __init__(self, path: str, trace_id: str = "", span_id: str = "") -> None:
        super().__init__()
        self.recording = ChosenRecording(path, trace_id, span_id)


class ValueOpened(Message):
    """The person wants to see a value in a program of their own."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class ThemeAsked(Message):
    """The person wants other colours."""

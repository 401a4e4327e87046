"""Joins streamed text from its pieces: by offset where they carry one, in order of arrival where not.

An offset (``at``, in characters of its channel) makes repeats harmless and losses visible: a piece that
never came shows as a gap of known length instead of as garbled text.
"""

from __future__ import annotations

from bisect import insort
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_collector.store.model import Span

ANSWER = ""
"""The channel of the answer itself; others, such as ``reasoning``, have names."""


class Channel:
    """The pieces of one channel."""

    __slots__ = ("_loose", "pieces", "text")

    def __init__(self) -> None:
        self.text = ""
        """What is known without a gap, from the first character."""
        self._loose: list[tuple[int, str]] = []
        self.pieces = 0

    def add(self, text: str, at: int | None) -> None:
        """Take one more piece."""
        self.pieces += 1
        if at is None:
            # No offsets: arrival is the only order there is.
            if self._loose:
                last, piece = self._loose[-1]
                at = last + len(piece)
            else:
                at = len(self.text)
        if at > len(self.text):
            insort(self._loose, (at, text))
            return
        self.text += text[len(self.text) - at :]
        while self._loose and self._loose[0][0] <= len(self.text):
            start, piece = self._loose.pop(0)
            self.text += piece[len(self.text) - start :]

    def parts(self) -> list[str | int]:
        """Return the text in order, with the length of each gap between its parts."""
        parts: list[str | int] = [self.text] if self.text else []
        text_length = len(self.text)
        for start, piece in self._loose:
            if start > text_length:
                parts.append(start - text_length)
                parts.append(piece)
                text_length = start + len(piece)
            elif start + len(piece) > text_length:
                parts[-1] = f"{parts[-1]}{piece[text_length - start :]}"
                text_length = start + len(piece)
        return parts

    @property
    def display_text(self) -> str:
        """The text with a note where characters are missing."""
        if not self._loose:
            return self.text
        return "".join(
            part
            if isinstance(part, str)
            else f"‹{part:,} {'character' if part == 1 else 'characters'} missing›"
            for part in self.parts()
        )

    @property
    def missing(self) -> int:
        """Characters known to be missing."""
        return sum(part for part in self.parts() if isinstance(part, int))


class AssembledStream:
    """Everything that one span's deltas brought.

    Attributes:
        span: Whose deltas they are.
        read: Deltas taken so far.
        unread: Deltas that could not be read.
        channels: Text by channel, the answer under ``ANSWER``.
    """

    __slots__ = ("channels", "read", "span", "unread")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.read = 0
        self.unread = 0
        self.channels: dict[str, Channel] = {}

    def feed(self, payload: Any) -> None:
        """Take one delta's payload; None for one that could not be read."""
        self.read += 1
        if not isinstance(payload, dict):
            self.unread += 1
            return
        text = payload.get(keys.TEXT)
        if not isinstance(text, str) or not text:
            return
        at = payload.get("at")
        if isinstance(at, bool) or not isinstance(at, int) or at < 0:
            at = None
        name = payload.get("channel")
        channel = name if isinstance(name, str) and name not in ("text", "answer", "content") else ANSWER
        self.channels.setdefault(channel, Channel()).add(text, at)

    @property
    def answer(self) -> str:
        """The answer so far, gaps marked."""
        channel = self.channels.get(ANSWER)
        return channel.display_text if channel else ""

    @property
    def complete(self) -> bool:
        """Whether every delta that arrived has been taken."""
        return self.read >= len(self.span.deltas or ())

"""How commands speak to people: sentences on stderr, failures with exit code 1, outside text made safe."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import click

from etaoi_collector.wire.errors import EtaoiError
from etaoi_tui.text import printable


class CommandError(EtaoiError, click.ClickException):
    """The command cannot do what was asked: one sentence on stderr, exit code 1."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))

    def show(self, file: object = None) -> None:
        """Write the sentence to stderr."""
        echo(f"etaoi-tui: {self.message}")


def echo(sentence: str) -> None:
    """Write a sentence for a person to stderr, so that stdout stays data."""
    click.echo(printable(sentence), err=True)


_LOOKS: dict[str, dict[str, Any]] = {
    "failure": {"fg": "red"},
    "running": {"fg": "yellow"},
    "llm": {"fg": "bright_blue"},
    "tool": {"fg": "cyan"},
    "agent": {"fg": "green"},
    "quiet": {"dim": True},
    "strong": {"bold": True},
}
"""What a line's pieces look like on a terminal, in its own sixteen colours."""

Piece = tuple[str, str]
"""Text, and the name of its look; empty for plain."""


class SafeOutput:
    """A text stream through which nothing reaches a terminal that it could obey: the net under `printable`.

    Whatever a command forgets to make printable costs nothing: line feeds and tabs pass, every other control
    character becomes visible.

    Args:
        stream: Where the text goes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text, made harmless."""
        self._stream.write("\t".join(printable(piece, newline=True) for piece in text.split("\t")))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def write_pieces(self, pieces: Iterable[Piece]) -> None:
        """Write pieces of a line, in colours on a terminal unless ``NO_COLOR`` is set (no-color.org)."""
        if os.environ.get("NO_COLOR") or not self._stream.isatty():
            self.write("".join(text for text, _ in pieces))
            return
        for text, look in pieces:
            text_shown = printable(text, newline=True)
            self._stream.write(click.style(text_shown, **_LOOKS[look]) if look in _LOOKS else text_shown)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def write_pieces(out: TextIO, pieces: Iterable[Piece]) -> None:
    """Write pieces of a line to any stream; colours are for terminals behind a `SafeOutput`."""
    if isinstance(out, SafeOutput):
        out.write_pieces(pieces)
    else:
        out.write("".join(text for text, _ in pieces))


def guard_output() -> None:
    """Make standard output and standard error safe to write anything to.

    A terminal that cannot show a character shows a question mark instead of ending the command.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
        if stream is not None and not isinstance(stream, SafeOutput):
            setattr(sys, name, SafeOutput(stream))

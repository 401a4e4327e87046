"""How commands speak to people: sentences on stderr, failures with exit code 1, outside text made safe."""

from __future__ import annotations

import sys

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


def tolerate_any_encoding() -> None:
    """Let a terminal that cannot show a character show a question mark instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")

"""What keys, palette, footer and mouse do: functions with `@command`, a family a file.

Every module of this folder is imported by `load_commands`, so a new command is
a new file here and nothing else.
"""

from __future__ import annotations

import sys

from etaoi_tui.view.command import Command, CommandTable, command, find_commands

__all__ = ["Command", "CommandTable", "command", "load_commands"]


def load_commands() -> CommandTable:
    """Return all commands of this folder; what is wrong with some stands in the table's `problems`."""
    return find_commands(sys.modules[__name__])

"""Which commands the footer offers where the person is: only what works there."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from etaoi_tui.view.command import Command, CommandTable, Pane

_OF_CALLS = {"call.request", "call.diff"}
"""Offered only where there is a model call."""

_ON_EMPTY = {"pane.open", "palette.open", "help.show", "app.quit", "problems.show"}
"""All that there is to do while nothing has arrived."""


def on_welcome(commands: CommandTable, pane: Pane, *, recordings: bool) -> list[Command]:
    """Return what can be done before anything arrived.

    Args:
        commands: All there are.
        pane: That has the keys.
        recordings: Whether there is a recording to open.
    """
    useful = _ON_EMPTY if recordings else _ON_EMPTY - {"pane.open"}
    return [one for one in commands.for_footer(pane) if one.id in useful]


def in_pane(
    commands: CommandTable, pane: Pane, *, about_a_call: bool, has_lanes: bool, in_lanes: bool
) -> list[Command]:
    """Return a pane's commands, the most important first.

    Args:
        commands: All there are.
        pane: That has the keys.
        about_a_call: The selected span is a model call, or a hook of one.
        has_lanes: The selected trace is a voice call, or worked for a turn of one.
        in_lanes: The lanes stand there.
    """
    offered = [one for one in commands.for_footer(pane) if about_a_call or one.id not in _OF_CALLS]
    if pane == "detail" or not has_lanes:
        return offered
    # Behind the three that every pane has first.
    toggle = _labelled(commands, "voice.toggle", "tree" if in_lanes else "lanes")
    if not in_lanes:
        return [*offered[:3], *toggle, *offered[3:]]
    rest = [one for one in offered[3:] if one.id not in _OF_CALLS]
    worst = _labelled(commands, "voice.worst", "worst turn")
    return [*offered[:3], *toggle, *worst, *rest[:2], *_labelled(commands, "voice.axis", "axis"), *rest[2:]]


def _labelled(commands: CommandTable, command_id: str, label: str) -> Iterable[Command]:
    command = commands.get(command_id)
    return () if command is None else (replace(command, label=label),)

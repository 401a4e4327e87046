"""What the ways to run a command have in common."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etaoi_tui.console import CommandError, echo
from etaoi_tui.launcher import foreground
from etaoi_tui.launcher.environment import Mode, Plan, plan

if TYPE_CHECKING:
    from etaoi_collector.collector import Collector
    from etaoi_tui.launcher.standby import Standby


def fail(cause: foreground.CannotRun) -> int:
    """Say why the command could not be started; returns the exit code that a shell gives it."""
    echo(f"etaoi-tui: {cause}")
    return cause.code


def prepare(url: str, token: str | None, mode: Mode) -> Plan:
    """Return what a command is started with.

    Raises:
        CommandError: The mode asks for variables that the user has set otherwise.
    """
    planned = plan(url, token, mode, os.environ, Path.cwd())
    if mode is not Mode.AUTO and planned.left_alone:
        raise CommandError(f"{planned.left_alone[0]}; unset that to send to the viewer.")
    return planned


def notes(planned: Plan) -> str:
    return f" ({'; '.join(planned.left_alone)})" if planned.left_alone else ""


def reached(host: str) -> str:
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def described(command: Sequence[str]) -> str:
    """Return a command line for people."""
    return shlex.join(command)


def split_command(words: Sequence[str]) -> tuple[str, ...]:
    """Return the command without the ``--`` that may stand before it.

    Raises:
        click.UsageError: There is no command.
    """
    command = tuple(words[1:] if words and words[0] == "--" else words)
    if not command:
        raise click.UsageError("Say what to run: etaoi-tui run -- python agent.py")
    return command


def finish(collector: Collector) -> None:
    """Stop a collector; another launcher whose program still sends goes on in its place."""
    collector.hand_over()
    collector.stop()


def tell_recording(collector: Collector, when: str = "") -> None:
    """Say where a collector recorded to."""
    recorder = collector.recorder
    if recorder.warning:
        echo(f"etaoi-tui: {recorder.warning}")
    if recorder.path is not None:
        echo(f"etaoi-tui: recorded to {recorder.path}{when}; etaoi-tui --replay last opens it.")


def end_standby(standby: Standby) -> None:
    """Stop waiting for the end of the collector that was used, and say what was recorded since it came."""
    collector = standby.end()
    if collector is not None:
        finish(collector)
        collector.close_recording()
        since = time.strftime("%H:%M:%S", time.localtime(standby.since))
        tell_recording(collector, f" from {since} on, when that one ended")

"""``etaoi-tui run -- CMD``: starts a program so that its agents are seen."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from etaoi_collector.collector import CollectorOptions
from etaoi_collector.options import DEFAULT_PORT
from etaoi_collector.port_holder import Holder, holder_of
from etaoi_tui.console import CommandError, echo
from etaoi_tui.launcher import foreground
from etaoi_tui.launcher.environment import Mode, Plan, plan


def fail(cause: foreground.CannotRun) -> int:
    """Say why the command could not be started; returns the exit code that a shell gives it."""
    echo(f"etaoi-tui: {cause}")
    return cause.code


def run(
    command: Sequence[str], options: CollectorOptions, *, mode: Mode, view: bool, theme: str | None
) -> int:
    """Run a command.

    Args:
        command: Its words.
        options: Where to listen if nobody does yet, and what to record to.
        mode: How the program is made to report.
        view: Show the viewer, and keep what the command prints for its own pane.
        theme: The viewer's colours.

    Returns:
        The command's exit code.
    """
    try:
        file = foreground.find_command(command, os.environ.get("PATH"))
    except foreground.CannotRun as error:
        return fail(error)
    holder = holder_of(options.host, options.port) if options.port else None
    if view:
        from etaoi_tui.cli.run_in_view import run_in_view

        return run_in_view(file, command, options, holder, mode=mode, theme=theme)
    if holder is not None:
        return _in_running_viewer(file, command, options, holder, mode)
    return _with_own_collector(file, command, options, mode)


def _in_running_viewer(
    file: str, command: Sequence[str], options: CollectorOptions, holder: Holder, mode: Mode
) -> int:
    """Become the command; the viewer that runs already takes what it sends."""
    url = f"http://{reached(options.host)}:{options.port}"
    planned = prepare(url, options.token, mode)
    echo(f"etaoi-tui: seen in the {holder.name} that listens on port {options.port}{_notes(planned)}.")
    try:
        foreground.replace_process(file, command, os.environ | planned.variables)
    except OSError as error:
        sentence = f"{command[0]} cannot be run: {error.strerror}."
        return fail(foreground.CannotRun(sentence, foreground.NOT_EXECUTABLE))


def _with_own_collector(file: str, command: Sequence[str], options: CollectorOptions, mode: Mode) -> int:
    from etaoi_tui.cli.collector_context import running_collector

    elsewhere = None
    if options.port == DEFAULT_PORT:
        from dataclasses import replace

        elsewhere = replace(options, port=0, otlp_ports=())
    with running_collector(options, elsewhere) as collector:
        collector.wait_ready(5.0)
        url = collector.endpoint.replace("ws", "http", 1).removesuffix("/ingest")
        planned = prepare(url, options.token, mode)
        attached = "etaoi-tui" if url.endswith(f":{DEFAULT_PORT}") else f"etaoi-tui --attach {url}"
        echo(f"etaoi-tui: to watch it, type {attached} in another terminal{_notes(planned)}.")
        try:
            code = foreground.run(file, command, os.environ | planned.variables)
        except foreground.CannotRun as error:
            return fail(error)
        collector.stop()
        recorder = collector.recorder
        if recorder.warning:
            echo(f"etaoi-tui: {recorder.warning}")
        if recorder.path is not None:
            echo(f"etaoi-tui: recorded to {recorder.path}; etaoi-tui --replay last opens it.")
    return foreground.end_like(code)


def prepare(url: str, token: str | None, mode: Mode) -> Plan:
    """Return what a command is started with.

    Raises:
        CommandError: The mode asks for variables that the user has set otherwise.
    """
    planned = plan(url, token, mode, os.environ, Path.cwd())
    if mode is not Mode.AUTO and planned.left_alone:
        raise CommandError(f"{planned.left_alone[0]}; unset that to send to the viewer.")
    return planned


def _notes(planned: Plan) -> str:
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

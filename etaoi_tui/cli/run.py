"""``etaoi-tui run -- CMD``: starts a program so that its agents are seen."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from etaoi_collector.collector import CollectorOptions
from etaoi_collector.options import DEFAULT_PORT, Sharing
from etaoi_collector.port_holder import Holder, holder_of
from etaoi_tui.cli.run_shared import end_standby, fail, finish, notes, prepare, reached, tell_recording
from etaoi_tui.console import CommandError, echo
from etaoi_tui.launcher import foreground
from etaoi_tui.launcher.environment import Mode


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
    """Run the command; the viewer that runs already takes what it sends; if it ends, this process does."""
    if holder.wants_token and options.token is None:
        raise CommandError("The viewer that runs wants its token: give it with --token or ETAOI_TUI_TOKEN.")
    host = reached(options.host)
    planned = prepare(f"http://{host}:{options.port}", options.token, mode)
    echo(f"etaoi-tui: seen in the {holder.name} that listens on port {options.port}{notes(planned)}.")
    from etaoi_tui.launcher.standby import Standby

    standby = Standby(options, host)
    try:
        code = foreground.run(file, command, os.environ | planned.variables)
    except foreground.CannotRun as error:
        return fail(error)
    finally:
        end_standby(standby)
    return foreground.end_like(code)


def _with_own_collector(file: str, command: Sequence[str], options: CollectorOptions, mode: Mode) -> int:
    from etaoi_tui.cli.collector_context import running_collector

    options = replace(options, shares=Sharing.HANDS_ON)
    elsewhere = replace(options, port=0, otlp_ports=()) if options.port == DEFAULT_PORT else None
    with running_collector(options, elsewhere) as collector:
        collector.wait_ready(5.0)
        url = collector.endpoint.replace("ws", "http", 1).removesuffix("/ingest")
        planned = prepare(url, options.token, mode)
        attached = "etaoi-tui" if url.endswith(f":{DEFAULT_PORT}") else f"etaoi-tui --attach {url}"
        echo(f"etaoi-tui: to watch it, type {attached} in another terminal{notes(planned)}.")
        try:
            code = foreground.run(file, command, os.environ | planned.variables)
        except foreground.CannotRun as error:
            return fail(error)
        finish(collector)
        tell_recording(collector)
    return foreground.end_like(code)

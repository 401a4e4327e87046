"""``etaoi-tui run --view -- CMD``: the viewer in front, the command behind it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from etaoi_collector.collector import CollectorOptions
from etaoi_collector.options import DEFAULT_PORT, Sharing
from etaoi_collector.port_holder import Holder
from etaoi_collector.recording.directory import recordings_dir
from etaoi_collector.sources.base import Source
from etaoi_tui.cli import start_viewer
from etaoi_tui.cli.collector_context import running_collector
from etaoi_tui.cli.run_shared import described, end_standby, fail, finish, prepare, reached
from etaoi_tui.console import CommandError, echo
from etaoi_tui.launcher.background import BackgroundCommand
from etaoi_tui.launcher.environment import Mode
from etaoi_tui.launcher.foreground import CannotRun
from etaoi_tui.launcher.program_source import ProgramSource
from etaoi_tui.launcher.standby import Standby
from etaoi_tui.viewer_options import ViewerOptions


def run_in_view(
    file: str,
    command: Sequence[str],
    options: CollectorOptions,
    holder: Holder | None,
    *,
    mode: Mode,
    theme: str | None,
) -> int:
    """Show the viewer while a command runs; leaving it ends the command.

    Returns:
        The command's exit code.

    Raises:
        CommandError: There is no terminal.
    """
    if not start_viewer.has_terminal():
        raise CommandError("--view needs a terminal.")
    with ExitStack() as open_things:
        if holder is not None:
            source, url = _running_viewer(options, open_things)
            recorder = None
        else:
            options = replace(options, shares=Sharing.HANDS_ON)
            elsewhere = replace(options, port=0, otlp_ports=()) if options.port == DEFAULT_PORT else None
            collector = open_things.enter_context(running_collector(options, elsewhere))
            collector.wait_ready(5.0)
            from etaoi_collector.sources.live import LiveSource

            open_things.callback(finish, collector)
            source, recorder = LiveSource(collector), collector.recorder
            url = collector.endpoint.replace("ws", "http", 1).removesuffix("/ingest")
        planned = prepare(url, options.token, mode)
        output = recordings_dir(options.state).parent / "output" / f"run-{os.getpid()}.log"
        command_text = described(command)
        try:
            program = BackgroundCommand(file, command, os.environ | planned.variables, command_text, output)
        except CannotRun as error:
            return fail(error)
        try:
            start_viewer.view(ViewerOptions(ProgramSource(source, program, planned.left_alone), theme=theme))
        finally:
            was_running = program.code is None
            code = program.end()
            if was_running:
                echo(f"etaoi-tui: {command_text} ran still, and was ended.")
            echo(f"etaoi-tui: what it printed is in {output}")
            if recorder is not None and recorder.path is not None:
                echo(f"etaoi-tui: recorded to {recorder.path}")
    return 128 - code if code < 0 else code


def _running_viewer(options: CollectorOptions, open_things: ExitStack) -> tuple[Source, str]:
    from etaoi_tui.cli import tail

    host = reached(options.host)
    source = tail.opened(f"ws://{host}:{options.port}", token=options.token)
    open_things.callback(end_standby, Standby(options, host))
    open_things.callback(source.close)
    return source, f"http://{host}:{options.port}"

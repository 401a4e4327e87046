"""The command line. Only click is imported here; what a command needs is imported when it runs.

Exit codes: 0 when it did what was asked, 1 when it could not, 2 for a command line that makes no sense.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etaoi_tui.cli import params

if TYPE_CHECKING:
    from etaoi_collector.collector import CollectorOptions
    from etaoi_collector.query import Query

DEFAULT_PORT = 8787

_NEW_OBJECTS = 20_000
"""After how many a command looks for garbage. Imports make hardly any, and to look at every 700, as Python
does by itself, takes a fortieth of a start."""

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _listening(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that listens for agents."""
    for option in reversed(
        [
            click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
            click.option(
                "--port",
                type=click.IntRange(0, 65535),
                default=DEFAULT_PORT,
                show_default=True,
                help="Port to listen on; 0 takes a free one.",
            ),
            click.option(
                "--no-otlp-ports",
                is_flag=True,
                help="Leave OpenTelemetry's ports 4318 and 4317 alone; without --port they are used if free.",
            ),
            click.option(
                "--token",
                envvar="ETAOI_TUI_TOKEN",
                help="Secret that clients must bring; needed beyond loopback. [env: ETAOI_TUI_TOKEN]",
            ),
            click.option(
                "--allow-host",
                "allow_hosts",
                multiple=True,
                metavar="NAME",
                help="Another name under which clients may reach this endpoint.",
            ),
            click.option(
                "--max-frame",
                callback=params.byte_count,
                metavar="SIZE",
                help="Largest message that is taken, such as 512MB.  [default: 1GiB]",
            ),
        ]
    ):
        command = option(command)
    return command


_theme = click.option(
    "--theme",
    envvar="ETAOI_TUI_THEME",
    callback=params.theme_name,
    metavar="NAME",
    help="Colours: dark, light or ansi.",
)


@click.group(invoke_without_command=True, context_settings=_CONTEXT)
@_listening
@click.option(
    "--record", type=click.Path(path_type=Path), metavar="FILE", help="Record this run to FILE; replaces it."
)
@click.option("--no-record", is_flag=True, help="Keep no recording of this run.")
@click.option(
    "--replay", metavar="FILE|last|N", help="Show a recording instead of listening; 2 is the second newest."
)
@click.option("--attach", metavar="URL", help="Show what another viewer has, instead of listening.")
@click.option(
    "--keep-runs",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many automatic recordings to keep.  [default: 20]",
)
@click.option(
    "--keep-bytes",
    callback=params.byte_count,
    metavar="SIZE",
    help="How much automatic recordings may take in all.  [default: 2GiB]",
)
@click.option(
    "--keep-spans",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many spans to keep in memory; the oldest runs stay in the recording.  [default: 2,000,000]",
)
@_theme
@click.version_option(package_name="etaoi-tui", message="etaoi-tui %(version)s")
@click.pass_context
def main(context: click.Context, /, **options: Any) -> None:
    """Watch LLM agents think, live, in a second terminal.

    Without a command: listens for agents, records what they send, and shows it; where another etaoi-tui
    listens already, shows what that one has. Without a terminal it prints spans as lines instead.
    """
    from etaoi_tui.console import guard_output

    gc.set_threshold(_NEW_OBJECTS)
    guard_output()
    if context.invoked_subcommand is not None:
        _refuse_stray_options(context)
        return
    if options["record"] is not None and options["no_record"]:
        raise click.UsageError("--record and --no-record exclude each other.")
    from etaoi_tui.cli import start_viewer as launch

    replay = options.pop("replay")
    theme = options.pop("theme")
    attach = options.pop("attach")
    keep_spans = options.pop("keep_spans")
    if replay is not None:
        _refuse_listening_options(context, "--replay", "--theme")
        context.exit(launch.replay(replay, theme=theme))
    if attach is not None:
        _refuse_listening_options(context, "--attach", "--theme", "--token")
        context.exit(launch.attach(attach, token=options["token"], theme=theme))
    joins = not set(_command_line_options(context)) - {"--theme", "--token"}
    context.exit(launch.live(_collector_options(options), theme=theme, joins=joins, keep_spans=keep_spans))


@main.command()
@click.option(
    "-o",
    "--output",
    "record",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Where to; an older recording there is replaced.",
)
@_listening
@click.option(
    "--for",
    "seconds",
    callback=params.seconds,
    metavar="TIME",
    help="Stop after this time, such as 60s or 5m.",
)
@click.pass_context
def record(context: click.Context, /, seconds: float | None, **options: Any) -> None:
    """Record what agents send, without a viewer.

    Prints one JSON line when the endpoint listens and one when recording has stopped. In the latter `frames`
    and `events` are what arrived. `rejected` of the events could not be read; the file has them all the
    same. `dropped` more were left out by clients before sending, as far as they tell. What the file lacks
    are `unrecorded_frames`, because writing failed, and `refused_frames`, which were too large to take.
    `problem` says what went wrong, or is null.
    """
    from etaoi_tui.cli.record import run

    context.exit(run(_collector_options(options, watched=False), seconds=seconds))


@main.command("run", context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- CMD...")
@click.option("--view", is_flag=True, help="Show the viewer here; what the command prints has a page there.")
@click.option("--langsmith", is_flag=True, help="Only set LangSmith's variables; put nothing into programs.")
@click.option("--otel", is_flag=True, help="Only set OpenTelemetry's variables; put nothing into programs.")
@_listening
@click.option(
    "--record", type=click.Path(path_type=Path), metavar="FILE", help="Record this run to FILE; replaces it."
)
@click.option("--no-record", is_flag=True, help="Keep no recording of this run.")
@_theme
@click.pass_context
def run_command(context: click.Context, /, command: tuple[str, ...], **options: Any) -> None:
    """Run CMD so that its agents are seen, without a change in its code.

    CMD has this terminal, its signals and its exit code to itself. What it does is shown by the etaoi-tui
    that listens already; else it is recorded, and shown by the next one that you start elsewhere.

    Python programs get a handler for LangChain and a processor for OpenTelemetry; Node programs the latter;
    all others the variables of LangSmith, OpenTelemetry, Logfire, Langfuse, Traceloop and Phoenix. What you
    have set of these yourself stays as it is. The same holds for all programs that CMD starts.
    """
    if options["record"] is not None and options["no_record"]:
        raise click.UsageError("--record and --no-record exclude each other.")
    view, theme = options.pop("view"), options.pop("theme")
    langsmith, otel = options.pop("langsmith"), options.pop("otel")
    if langsmith and otel:
        raise click.UsageError("--langsmith and --otel exclude each other.")
    if theme is not None and not view:
        raise click.UsageError("--theme means nothing without --view.")
    from etaoi_tui.cli.run import run
    from etaoi_tui.cli.run_shared import split_command
    from etaoi_tui.launcher.environment import Mode

    mode = Mode.LANGSMITH if langsmith else Mode.OTEL if otel else Mode.AUTO
    words = split_command(command)
    context.exit(run(words, _collector_options(options, watched=view), mode=mode, view=view, theme=theme))


@main.command(short_help="Find out why nothing shows.")
@click.argument("url", required=False)
@click.option("--token", envvar="ETAOI_TUI_TOKEN", help="The viewer's secret. [env: ETAOI_TUI_TOKEN]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def doctor(context: click.Context, url: str | None, token: str | None, as_json: bool) -> None:
    """Look at the way from an agent to the viewer at URL, ws://127.0.0.1:8787 by default.

    Says who holds the port, whether a sample gets through (it is not kept), whether recordings can be
    written, what the terminal can do, and, run where the agent runs, which tracers its Python has, where
    they send to and the line to add. Ends with 1 when something is in the way.
    """
    from etaoi_tui.cli.doctor import run

    context.exit(run(url, token=token, as_json=as_json))


@main.command("ls")
@click.argument("file", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def list_traces(context: click.Context, file: str | None, as_json: bool) -> None:
    """List the traces in FILE; without FILE, the automatic recordings."""
    if file is None:
        from etaoi_tui.cli import list_recordings

        context.exit(list_recordings.run(sys.stdout, as_json=as_json))
    from etaoi_tui.cli import recordings as commands

    context.exit(commands.ls(file, as_json=as_json))


@main.command()
@click.argument("file")
@click.option("--trace", metavar="ID", help="Only this trace; the beginning of its id is enough.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a span.")
@click.option(
    "--format",
    "format_name",
    metavar="NAME",
    help="Write another format: json-lines, markdown, text-log, text-tree, or one of a plugin.",
)
@click.option("--all", "plumbing", is_flag=True, help="Show a framework's inner steps, too.")
@click.option(
    "--where",
    callback=params.query,
    metavar="QUERY",
    help="Print only spans that match, as with / in the viewer.",
)
@click.option("--voice", is_flag=True, help="Show voice calls: a line a turn, its silence taken apart.")
@click.pass_context
def show(
    context: click.Context,
    file: str,
    trace: str | None,
    as_json: bool,
    format_name: str | None,
    plumbing: bool,
    voice: bool,
    where: Query | None,
) -> None:
    """Print the traces in FILE as trees.

    FILE may be `last`, the newest automatic recording, 2, the one before it, or the beginning of a name.
    """
    from etaoi_tui.cli import recordings as commands

    if format_name is not None and (as_json or voice):
        raise click.UsageError("--format cannot be combined with --json or --voice.")
    if voice:
        if plumbing:
            raise click.UsageError("--all cannot be combined with --voice, which shows turns.")
        if where is not None:
            raise click.UsageError("--where cannot be combined with --voice, which shows turns.")
        context.exit(commands.show_voice(file, wanted=trace, as_json=as_json))
    format_name = format_name or ("json-lines" if as_json else "text-tree")
    context.exit(commands.show(file, wanted=trace, format_name=format_name, plumbing=plumbing, where=where))


@main.command(short_help="Search all recordings for QUERY.")
@click.argument("query")
@click.option(
    "--since",
    callback=params.seconds,
    metavar="TIME",
    help="Only runs that ended within this time, such as 2d or 3h.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="Stop after so many runs.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a run.")
@click.pass_context
def find(context: click.Context, query: str, since: float | None, limit: int, as_json: bool) -> None:
    """Search all recordings, and what other programs left behind, for QUERY.

    QUERY is what / takes in the viewer: words, and fields such as tool:fetch, err:timeout or 'dur>2s'. Prints
    runs, the newest recording first, and in each the first spans that match.
    """
    from etaoi_tui.cli.find import run

    context.exit(run(query, since=since, limit=limit, as_json=as_json))


@main.command(short_help="Print what the viewer at URL has, and what comes.")
@click.argument("url", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--all", "plumbing", is_flag=True, help="Print a framework's inner steps, too.")
@click.option(
    "--where",
    callback=params.query,
    metavar="QUERY",
    help="Print only spans that match, as with / in the viewer.",
)
@click.option("--new", "only_new", is_flag=True, help="Print only what comes, not what was recorded before.")
@click.option("--no-wait", is_flag=True, help="End with the viewer instead of waiting for the next one.")
@click.option("--token", envvar="ETAOI_TUI_TOKEN", help="The viewer's secret. [env: ETAOI_TUI_TOKEN]")
@click.pass_context
def tail(context: click.Context, /, url: str | None, **options: Any) -> None:
    """Follow the viewer at URL, ws://127.0.0.1:8787 by default: what it has recorded, then what comes.

    Prints a line when a span is seen running and one when it ends. Changes nothing there.
    """
    from etaoi_tui.cli.tail import run

    context.exit(run(url, **options))


@main.command(short_help="Show the prices and context windows in use.")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
def prices(models: tuple[str, ...]) -> None:
    """Show where prices and context windows come from, how old they are, and those of MODEL.

    Your own prices go first; the output says in which file they are looked for.
    """
    from etaoi_collector.pricing.report import price_report

    for line in price_report(models):
        click.echo(line)


@main.command(short_help="Watch a scripted agent.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same tree.")
@click.option("--loop", is_flag=True, help="Start again and again until you quit.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=None,
    help=f"Port to listen on.  [default: {DEFAULT_PORT}, or a free one if it is taken]",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="How many times as fast as in real life.",
)
@_theme
@click.pass_context
def demo(
    context: click.Context, seed: int, loop: bool, port: int | None, speed: float, theme: str | None
) -> None:
    """Watch a scripted agent: it plans, uses tools, fails, tries again, and takes a phone call."""
    from etaoi_tui.cli import start_viewer as launch

    context.exit(launch.demo(seed=seed, loop=loop, port=port, speed=speed, theme=theme))


def _collector_options(options: dict[str, Any], *, watched: bool = True) -> CollectorOptions:
    """Turn command line options into the collector's, leaving what was not given to its own defaults."""
    from etaoi_collector.collector import CollectorOptions, Record
    from etaoi_collector.options import OTLP_GRPC_PORT, OTLP_HTTP_PORT

    given_options = {name: value for name, value in options.items() if value is not None}
    if not given_options.pop("no_otlp_ports", False) and "--port" not in _command_line_options(
        click.get_current_context()
    ):
        given_options["otlp_ports"] = (OTLP_HTTP_PORT, OTLP_GRPC_PORT)
    if given_options.pop("no_record", False):
        given_options["record"] = Record.NONE
    return CollectorOptions(**given_options, watched=watched)


def _command_line_options(context: click.Context) -> list[str]:
    """Return the options that stand on the command line itself."""
    from click.core import ParameterSource

    return [
        param.opts[-1]
        for param in context.command.params
        if param.name and context.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
    ]


def _refuse_stray_options(context: click.Context) -> None:
    given_options = _command_line_options(context)
    if given_options:
        raise click.UsageError(
            f"{given_options[0]} stands before {context.invoked_subcommand!r}; "
            "write it behind, if it belongs there."
        )


def _refuse_listening_options(context: click.Context, *allowed: str) -> None:
    stray = [option for option in _command_line_options(context) if option not in allowed]
    if stray:
        raise click.UsageError(f"{stray[0]} means nothing with {allowed[0]}, which listens for nobody.")

"""The command line itself: help, version, mistakes, pipes that close."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click
import pytest

import etaoi_collector
from etaoi_collector.collector import CollectorOptions, Record
from etaoi_tui.cli import main as cli
from etaoi_tui.cli import params
from tests import generate
from tests.headless.running import PATIENCE, command, environment, invoke

VERSION = etaoi_collector.__version__


def test_version() -> None:
    """The version that is installed."""
    done = invoke("--version")
    assert (done.exit_code, done.stdout) == (0, f"etaoi-tui {VERSION}\n")


@pytest.mark.parametrize("name", [None, "record", "ls", "show", "demo"])
def test_help_tells_every_option(name: str | None) -> None:
    """No command and no visible option is without a word of help."""
    commanded = cli.main if name is None else cli.main.commands[name]
    assert commanded.help
    for param in commanded.params:
        if isinstance(param, click.Option) and not param.hidden:
            assert param.help, param.name
    done = invoke(*([name] if name else []), "--help")
    assert done.exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bogus"],
        ["record"],
        ["record", "-o", "x", "--for", "soon"],
        ["record", "-o", "x", "--for", "0s"],
        ["record", "-o", "x", "--max-frame", "lots"],
        ["--port", "99999"],
        ["--theme", "pink"],
        ["demo", "--theme", "pink"],
        ["--record", "x", "--no-record"],
        ["--replay", "x", "--record", "y"],
        ["--replay", "x", "--port", "1"],
        ["--port", "1", "ls"],
        ["show"],
        ["demo", "--speed", "0"],
        ["nonsense"],
    ],
)
def test_a_command_line_that_makes_no_sense(arguments: list[str]) -> None:
    """Exit code 2 and a hint, before anything is opened."""
    done = invoke(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Usage:" in done.stderr


def test_options_reach_the_collector(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is not given keeps the collector's own default."""
    options_seen: list[CollectorOptions] = []
    joined: list[bool] = []
    spans: list[int | None] = []

    def take(options: CollectorOptions, *, theme: str | None, joins: bool, keep_spans: int | None) -> int:
        options_seen.append(options)
        joined.append(joins)
        spans.append(keep_spans)
        return 0

    monkeypatch.setattr("etaoi_tui.cli.start_viewer.live", take)
    monkeypatch.delenv("ETAOI_TUI_TOKEN", raising=False)
    file = tmp_path / "run.msgpack"
    for arguments in (
        [],
        ["--no-record", "--allow-host", "a", "--allow-host", "b"],
        ["--record", str(file), "--max-frame", "2MiB", "--keep-runs", "3", "--keep-bytes", "1GB"],
        ["--no-otlp-ports", "--keep-spans", "5000"],
        ["--port", "0"],
    ):
        assert invoke(*arguments).exit_code == 0
    plain, unrecorded, chosen, alone, elsewhere = options_seen
    assert joined == [True, False, False, False, False]
    assert plain == CollectorOptions(otlp_ports=(4318, 4317))
    assert alone == CollectorOptions() and elsewhere == CollectorOptions(port=0)
    assert (unrecorded.record, unrecorded.allow_hosts) == (Record.NONE, ("a", "b"))
    assert (chosen.record, chosen.max_frame) == (file, 2 << 20)
    assert (chosen.keep_runs, chosen.keep_bytes) == (3, 10**9)
    assert spans == [None, None, None, 5000, None]


def test_the_token_comes_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it need not stand in the shell's history."""
    tokens: list[str | None] = []

    def take(options: CollectorOptions, *, theme: str | None, joins: bool, keep_spans: int | None) -> int:
        tokens.append(options.token)
        return 0

    monkeypatch.setattr("etaoi_tui.cli.start_viewer.live", take)
    monkeypatch.setenv("ETAOI_TUI_TOKEN", "secret")
    invoke()
    invoke("--token", "other")
    assert tokens == ["secret", "other"]


@pytest.mark.parametrize(
    ("text", "expected"), [("90", 90.0), ("500ms", 0.5), ("60s", 60.0), ("1.5 m", 90.0), ("2h", 7200.0)]
)
def test_time_spans(text: str, expected: float) -> None:
    """As people write them."""
    context = click.Context(cli.main)
    assert params.seconds(context, cli.main.params[0], text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("1000", 1000), ("512MB", 512_000_000), ("2GiB", 2 << 30), ("1.5 kb", 1500)]
)
def test_sizes(text: str, expected: int) -> None:
    """As people write them."""
    context = click.Context(cli.main)
    assert params.byte_count(context, cli.main.params[0], text) == expected


def test_a_closed_pipe_is_no_error_message(tmp_path: Path) -> None:
    """`etaoi-tui show FILE --json | head -1` ends in silence."""
    path = tmp_path / "run.msgpack"
    generate.write_trace(path, 4_000)
    process = subprocess.Popen(
        command("show", path, "--json"),
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"{")
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.wait(PATIENCE)


def test_a_terminal_that_knows_no_unicode(tmp_path: Path) -> None:
    """Question marks instead of an encoding error."""
    path = tmp_path / "run.msgpack"
    generate.write_trace(path, 100)
    done = subprocess.run(
        command("show", path),
        env={**environment(tmp_path), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"? researcher" in done.stdout

"""Runs the real command in a process of its own, as a script would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import IO, Any

from click.testing import CliRunner, Result

from etaoi_tui.cli.main import main

PATIENCE = 60


def command(*arguments: str | Path) -> list[str]:
    """The command line that runs this checkout's etaoi-tui."""
    return [sys.executable, "-m", "etaoi_tui", *map(str, arguments)]


def environment(state: Path) -> dict[str, str]:
    """An environment with a state folder of its own and no settings of whoever runs the tests."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("ETAOI", "AGENTVIZ"))
    }
    return {**inherited, "ETAOI_TUI_STATE_DIR": str(state)}


def run(state: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, without a terminal."""
    return subprocess.run(
        command(*arguments),
        env=environment(state),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def run_here(state: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command that reads and prints, like `run` but in this process, which saves the start."""
    variables = environment(state)
    result = invoke(*arguments, env={name: variables.get(name) for name in {*os.environ, *variables}})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess([*arguments], result.exit_code, result.stdout, result.stderr)


@contextmanager
def running(state: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Run the command next to the test; it is killed if the test forgets it."""
    process = subprocess.Popen(
        command(*arguments),
        env=environment(state),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE)


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Wait for the end; return what is left to read of stdout and stderr, little as it must be.

    Unlike ``communicate`` it does not lose what a ``readline`` before it has buffered.
    """
    process.wait(PATIENCE)
    assert process.stdout is not None
    assert process.stderr is not None
    return process.stdout.read(), process.stderr.read()


def read_object(stream: IO[str] | None) -> dict[str, Any]:
    """Read one JSON object from one line."""
    assert stream is not None
    value = json.loads(stream.readline())
    assert isinstance(value, dict)
    return value


def invoke(*arguments: str | Path, env: Mapping[str, str | None] | None = None) -> Result:
    """Run the command in this process, stdout and stderr apart."""
    # Click kept both together until 8.2, unless told otherwise by an argument that it knows no more.
    options = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}
    words = [str(argument) for argument in arguments]
    return CliRunner(**options).invoke(main, words, prog_name="etaoi-tui", env=env)


def objects(text: str) -> list[dict[str, Any]]:
    """Read one JSON object from each line."""
    return [json.loads(line) for line in text.splitlines()]


def send(url: str, *, seed: int = 1, speed: float = 200) -> None:
    """Let the demo's agent stream to an endpoint, fast."""
    done = subprocess.run(
        [sys.executable, "-m", "etaoi_tui.demo", "--url", url, "--seed", str(seed), "--speed", str(speed)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr

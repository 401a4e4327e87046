"""Programs that share a collector: the one that it was started for may end first, and nothing is lost."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from etaoi_collector.port_holder import holder_of
from tests.headless.running import PATIENCE, command, environment, objects, run, run_here
from tests.launcher.launching import PROGRAMS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="ports are shared as POSIX systems do")

SPANS_OF_A_RUN = 4
"""Spans of one run of the program: its own, a model's, a step's, a tool's."""


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something holds that other processes bring about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Steady:
    """A program below the launcher that goes on until it is told to end."""

    def __init__(self, folder: Path, name: str, port: int, variables: dict[str, str]) -> None:
        self.folder, self.name = folder, name
        words = [sys.executable, str(PROGRAMS / "steady.py"), str(folder), name]
        self.process = subprocess.Popen(
            [*command("run", "--port", str(port), "--"), *words],
            env=environment(folder) | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def runs(self) -> int:
        """How often the agent ran so far."""
        try:
            return int((self.folder / f"{self.name}.count").read_text())
        except OSError:
            return 0

    def wait_for_more(self, runs: int = 3) -> None:
        """Wait until it ran some more times."""
        target_runs = self.runs + runs
        wait_for(lambda: self.runs >= target_runs)

    def end(self) -> str:
        """Tell it to end; returns what the launcher said."""
        (self.folder / f"{self.name}.end").touch()
        _, stderr = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, stderr
        return stderr


@contextmanager
def steady(folder: Path, name: str, port: int, **variables: str) -> Iterator[Steady]:
    """Run a steady program, at most until the block ends."""
    program = Steady(folder, name, port, variables)
    try:
        program.wait_for_more(1)
        yield program
    finally:
        (folder / f"{name}.end").touch()  # the program itself, whatever became of its launcher
        if program.process.poll() is None:
            program.process.kill()
            program.process.communicate()


def spans_in_all_recordings(state: Path) -> set[str]:
    """Ids of the spans that ended; what our SDK had sent at the change is in two recordings."""
    span_ids: set[str] = set()
    for recording in sorted((state / "recordings").glob("*.msgpack")):
        result = run_here(state, "show", str(recording), "--json", "--all")
        assert result.returncode == 0, result.stderr
        span_ids |= {span["span_id"] for span in objects(result.stdout) if span["ended_at"] is not None}
    return span_ids


@pytest.mark.parametrize("without_sdk", ["", "1"], ids=["our SDK", "injected"])
def test_the_second_goes_on_when_the_first_ends(tmp_path: Path, port: int, without_sdk: str) -> None:
    with (
        steady(tmp_path, "first", port, WITHOUT_SDK=without_sdk) as first,
        steady(tmp_path, "second", port, WITHOUT_SDK=without_sdk) as second,
    ):
        second.wait_for_more()
        first_stderr = first.end()
        assert "recorded to " in first_stderr and "on, when that one ended" not in first_stderr
        assert holder_of("127.0.0.1", port) is not None
        second.wait_for_more()
        second_stderr = second.end()
    assert f"listens on port {port}" in second_stderr
    assert "on, when that one ended" in second_stderr
    runs = first.runs + second.runs
    assert len(spans_in_all_recordings(tmp_path)) == SPANS_OF_A_RUN * runs
    assert holder_of("127.0.0.1", port) is None


def test_a_third_waits_for_the_second(tmp_path: Path, port: int) -> None:
    with (
        steady(tmp_path, "first", port) as first,
        steady(tmp_path, "second", port) as second,
        steady(tmp_path, "third", port) as third,
    ):
        first.end()
        third.wait_for_more()
        assert "on, when that one ended" in second.end()
        third.wait_for_more()
        assert "on, when that one ended" in third.end()
        runs = first.runs + second.runs + third.runs
    assert len(spans_in_all_recordings(tmp_path)) == SPANS_OF_A_RUN * runs


def test_a_viewer_that_is_killed_is_followed(tmp_path: Path, port: int) -> None:
    """What was told while nobody listened may be lost; what comes later is not."""
    with steady(tmp_path, "first", port) as first, steady(tmp_path, "second", port) as second:
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(PATIENCE)
        wait_for(lambda: holder_of("127.0.0.1", port) is not None)
        second.wait_for_more()
        assert "on, when that one ended" in second.end()
    (newest,) = (path for path in [max((tmp_path / "recordings").glob("*.msgpack"))])
    result = run_here(tmp_path, "show", str(newest), "--json")
    assert "agent" in result.stdout


def test_a_port_that_somebody_else_listens_on_is_not_shared(tmp_path: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port), reuse_port=True):
        done = run(tmp_path, "run", "--port", str(port), "--", "true")
        assert done.returncode == 1
        assert f"Port {port} on 127.0.0.1 is taken" in done.stderr

"""A disk that is full stops the recording, with a word about it, and nothing else."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.terminal import Terminal
from benchmarks.viewer import free_port, private_state, wait_listening
from tests.real.evidence import listed, recorded_event_ids

ROOM = 2 << 20
EVENTS = 8_000
"""About five times as much as there is room for."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of `ROOM` bytes; skips where the user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small tmpfs needs root; the test with a file size limit runs instead")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _send(url: str) -> int:
    command = [sys.executable, "-m", "tests.load", url, "--events", str(EVENTS), "--mark", "after-the-flood"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert not result["broken"], "the collector closed the connection"
    return int(result["events"])


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))


def _viewer_goes_on(recording: Path, prepare: Callable[[], None] | None = None) -> str:
    port = free_port()
    command = [sys.executable, "-m", "etaoi_tui", "--port", str(port), "--record", str(recording)]
    with private_state() as env, Terminal(command, env=env, prepare=prepare) as terminal:
        wait_listening(port, terminal)
        url = f"ws://127.0.0.1:{port}/ingest"
        assert _send(url) == EVENTS
        terminal.wait_for("after-the-flood")
        # It still takes clients, and shows what they send.
        assert _send(url) == EVENTS
        assert terminal.process.poll() is None
        terminal.wait_quiet(0.5, timeout=10)
        terminal.press("q")
        terminal.wait_end()
        assert terminal.process.returncode == 0
        return terminal.text()


def _opens(recording: Path) -> None:
    assert recording.stat().st_size <= ROOM
    recorded_ids = recorded_event_ids(recording)
    assert len(recorded_ids) > 200
    assert listed(recording)


def test_viewer_on_a_full_disk(small_disk: Path) -> None:
    """A real file system without room."""
    recording = small_disk / "run.msgpack"
    assert "disk" in _viewer_goes_on(recording).lower()
    _opens(recording)


def test_viewer_at_the_limit_of_file_size(tmp_path: Path) -> None:
    """The same with a limit that the system sets on files, which every user can have."""
    recording = tmp_path / "run.msgpack"
    assert "recording stopped" in _viewer_goes_on(recording, _limit).lower()
    _opens(recording)


def test_recorder_at_the_limit_of_file_size(tmp_path: Path) -> None:
    """``etaoi-tui record`` says what it could not keep, and ends like any other run."""
    recording = tmp_path / "run.msgpack"
    command = [sys.executable, "-m", "etaoi_tui", "record", "-o", str(recording), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_limit
    ) as recorder:
        try:
            assert recorder.stdout is not None
            listening = json.loads(recorder.stdout.readline())
            assert _send(listening["url"]) == EVENTS
            recorder.send_signal(signal.SIGTERM)
            out, err = recorder.communicate(timeout=20)
        finally:
            recorder.kill()
    stopped = json.loads(out.splitlines()[-1])
    assert stopped["event"] == "stopped"
    assert stopped["events"] == EVENTS + 2
    assert 0 < stopped["unrecorded_frames"] < stopped["frames"]
    assert stopped["problem"]
    assert stopped["problem"] in err
    assert recorder.returncode == 1
    _opens(recording)

"""A viewer that is killed while events pour in has lost at most the last moment of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.terminal import Terminal
from benchmarks.viewer import free_port, private_state, wait_listening
from tests.collector.serving import wait_for
from tests.real.evidence import listed, recorded_event_ids

RATE = 5_000
BEFORE_THE_KILL = 5_000
"""Events that are sent by then."""
FLUSHED_AFTER = 1.0
"""Seconds. A collector flushes ten times a second, but on a busy machine its turn may come late."""


def _log(path: Path) -> list[tuple[float, list[str]]]:
    """The sender's log; a last line that breaks off is left out."""
    lines = path.read_text().splitlines(keepends=True)
    return [tuple(json.loads(line)) for line in lines if line.endswith("\n")]


def _sent_before(log: Path, moment: float) -> set[str]:
    return {event_id for at, ids in _log(log) if at < moment for event_id in ids}


def _kill_under_load(process_id: int, url: str, log: Path) -> float:
    """Send at `RATE`, kill the process once enough is on its way, and return the moment of the kill."""
    command = [
        sys.executable,
        "-m",
        "tests.load",
        url,
        "--rate",
        str(RATE),
        "--seconds",
        "60",
        "--log",
        str(log),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout is not None
        assert json.loads(sender.stdout.readline())["event"] == "connected"
        wait_for(lambda: len(_sent_before(log, time.time() - FLUSHED_AFTER)) > BEFORE_THE_KILL)
        killed = time.time()
        os.kill(process_id, signal.SIGKILL)
        sender.wait(60)
    return killed


def _everything_is_there(recording: Path, log: Path, killed: float) -> None:
    sent = _sent_before(log, killed - FLUSHED_AFTER)
    missing = sent - recorded_event_ids(recording)
    assert not missing, f"{len(missing)} of {len(sent)} events are not in the recording"


def test_viewer_killed_under_load(tmp_path: Path) -> None:
    """The viewer in a real terminal."""
    recording, log = tmp_path / "run.msgpack", tmp_path / "sent.jsonl"
    port = free_port()
    command = [sys.executable, "-m", "etaoi_tui", "--port", str(port), "--record", str(recording)]
    with private_state() as env, Terminal(command, env=env) as terminal:
        wait_listening(port, terminal)
        killed = _kill_under_load(terminal.process.pid, f"ws://127.0.0.1:{port}/ingest", log)
        assert terminal.process.wait(10) == -signal.SIGKILL
    _everything_is_there(recording, log, killed)


def test_recorder_killed_under_load(tmp_path: Path) -> None:
    """The collector without a screen, and its recording can be listed afterwards."""
    recording, log = tmp_path / "run.msgpack", tmp_path / "sent.jsonl"
    command = [sys.executable, "-m", "etaoi_tui", "record", "-o", str(recording), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as recorder:
        try:
            assert recorder.stdout is not None
            listening = json.loads(recorder.stdout.readline())
            killed = _kill_under_load(recorder.pid, listening["url"], log)
        finally:
            recorder.kill()
    _everything_is_there(recording, log, killed)
    traces = listed(recording)
    assert len({trace["trace_id"] for trace in traces}) == len(traces) > 10

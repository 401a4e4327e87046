"""The scripted agent in a process of its own, for as long as a block runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from etaoi_tui.console import echo

_ENDS_WITHIN = 2.0
_SWITCHES = ("ETAOI_DISABLED", "AGENTVIZ_DISABLED")


@contextmanager
def agent_process(url: str, *, seed: int, speed: float, loop: bool) -> Iterator[subprocess.Popen[bytes]]:
    """Run the scripted agent. It ends with the block, and with this process, however that ends.

    Args:
        url: The endpoint that it streams to.
        seed: The same seed gives the same tree.
        speed: How many times as fast as in real life.
        loop: Start again and again.
    """
    command = [sys.executable, "-m", "etaoi_tui.demo", "--stop-at-eof"]
    command += ["--url", url, "--seed", str(seed), "--speed", str(speed), *(["--loop"] if loop else [])]
    environment = {name: value for name, value in os.environ.items() if name not in _SWITCHES}
    agent = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )
    try:
        yield agent
    finally:
        if agent.poll() is None:
            agent.terminate()
        try:
            _, error_output = agent.communicate(timeout=_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            agent.kill()
            _, error_output = agent.communicate()
        if agent.returncode not in (0, -signal.SIGTERM) and error_output.strip():
            echo(f"The demo's agent failed: {error_output.decode(errors='replace').strip().splitlines()[-1]}")

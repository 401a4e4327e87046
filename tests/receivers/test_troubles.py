"""Descriptors that run out, and the same trouble again and again."""

from __future__ import annotations

import asyncio
import errno
import subprocess
import sys
import textwrap
from pathlib import Path

from etaoi_collector.receivers.loop_troubles import EVERY, LoopTroubles

PROGRAM = """
    import resource, socket, sys, time
    from pathlib import Path
    from etaoi_collector.collector import Collector, CollectorOptions, Record
    collector = Collector(CollectorOptions(port=0, record=Record.NONE, state=Path(sys.argv[1]))).bind()
    collector.start()
    assert collector.wait_ready(60)
    port = int(collector.endpoint.split(":")[2].split("/")[0])
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    mine = []
    try:
        while True:
            mine.append(socket.create_connection(("127.0.0.1", port)))
    except OSError:
        pass
    deadline = time.monotonic() + 60
    while "file descriptors" not in collector.trouble and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(3)  # the loop tries again each second
    for one in mine:
        one.close()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as again:
                again.sendall(b"GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
                if b"200" in again.recv(100):
                    print("answers again", collector.trouble)
                    break
        except OSError:  # too slow, or closed before it was read
            continue
    collector.stop()
"""


def test_without_descriptors_one_line_is_said_and_clients_are_taken_again(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.startswith("answers again new clients wait: this program has no file descriptors"), (
        done.stderr
    )
    assert len(done.stderr) < 200, done.stderr


def test_the_same_trouble_is_said_once_a_minute() -> None:
    now = 0.0
    warnings: list[str] = []
    troubles = LoopTroubles(warnings.append, lambda: now)
    loop = asyncio.new_event_loop()
    for second in range(int(EVERY) * 2):
        now = float(second)
        troubles(loop, {"message": "accept", "exception": OSError(errno.EMFILE, "x")})
    troubles(loop, {"message": "another", "exception": ValueError("y")})
    loop.close()
    assert len(warnings) == 3 and warnings[2] == "another: ValueError('y')"

"""What a program pays that nobody watches: memory within its bound, whatever it records."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.sdk.test_processes import read_trace

MIB = 1 << 20

GROWTH = """
    import sys, threading, time
    from pathlib import Path
    import etaoi_tui

    def peak():
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024

    tracer = etaoi_tui.open_tracer(server_url="ws://127.0.0.1:9/ingest")
    size, total = int(sys.argv[1]), int(sys.argv[2])
    tracer.end(tracer.start("tool", "first", payload={"x": "y"}))
    time.sleep(0.5)
    before = peak()
    for number in range(max(200, total // (size + 1_000))):  # two events without payload: a kilobyte
        span = tracer.start("tool", "n", payload={"input": str(number) * (size // len(str(number)))})
        tracer.end(span, payload={"output": str(number) * (size // len(str(number)))})
    time.sleep(1)
    print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
@pytest.mark.parametrize("size", [200, 5_000, 60_000, 1_000_000])
def test_memory_without_a_viewer_stays_within_64_mib(size: int) -> None:
    """The median of three where one does not fit: by how much a heap outgrows what is in it is chance."""
    peaks = [_peak(size)]
    if peaks[0] > 64 * MIB:
        peaks += [_peak(size), _peak(size)]
    assert median(peaks) <= 64 * MIB, [f"{peak / MIB:.0f} MiB" for peak in peaks]


def _peak(size: int) -> int:
    """Bytes by which memory grew at most while nobody took the events."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(GROWTH), str(size), str(300 * MIB)],
        capture_output=True,
        text=True,
        timeout=280,
        check=True,
    )
    return int(done.stdout)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that others may look into; a session of pytest that begins closes those above `tmp_path`."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")
def test_a_read_only_folder_is_reported_once_and_used_when_it_becomes_writable(
    tmp_path: Path, open_folder: Path
) -> None:
    folder = open_folder / "out"
    folder.mkdir(mode=0o555)
    program = """
        import os, sys, time, logging
        logging.basicConfig(level=logging.WARNING, format="%(message)s")
        import etaoi_tui
        first = etaoi_tui.open_tracer(sink=sys.argv[2])  # what it imports, the other user may not read
        first.end(first.start("tool", "first"))
        first.flush(60)
        os.setuid(65534)
        tracer = etaoi_tui.open_tracer(sink=sys.argv[1])
        for number in range(20):
            tracer.end(tracer.start("tool", f"early {number}"))
            tracer.flush(0.2)
        print("now", flush=True)
        sys.stdin.readline()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not os.path.exists(sys.argv[1]):
            tracer.end(tracer.start("tool", "late"))
            tracer.flush(0.5)
            time.sleep(0.1)
        tracer.end(tracer.start("tool", "last"))
        print(tracer.flush(60), flush=True)
    """
    path = folder / "a.msgpack"
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(path), str(tmp_path / "first")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None and running.stdout is not None
        assert running.stdout.readline() == "now\n"
        folder.chmod(0o777)
        out, error = running.communicate("\n", timeout=120)
    assert out == "True\n" and len(error.splitlines()) == 1, error
    names = [event["metadata"].get("name") for event in read_trace(path) if event["kind"] == "span_start"]
    assert names[-1] == "last"

"""CPU time of a key press, while one trace of N spans is on the screen.

Main-thread CPU of a real process in a real pty, less what it uses while nothing happens. The peer is the Tree
of Textual itself with as many rows.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import msgpack

from benchmarks.processor import key_ms, wait_idle
from benchmarks.report import Done, Row
from benchmarks.terminal import Terminal
from benchmarks.viewer import Client, live
from tests import generate
from tests.generate import Scribe

SIZES = (1_000, 100_000, 1_000_000)
PEER_SIZES = (1_000, 100_000)
PRESSES = 100
MARK = "all-rows-are-there"


def write_stream(path: Path, frames: Iterable[bytes]) -> None:
    """Write messages as ``[time, frame]``, as `tests.load` reads them."""
    pack = msgpack.Packer().pack
    with path.open("wb") as file:
        for frame in frames:
            file.write(pack([0.0, frame]))


def _ours(spans: int) -> tuple[float, int]:
    """Milliseconds a key press in the viewer, and frames seen."""
    scribe = Scribe("rows")
    scribe.clock.at = time.time_ns() // 1000
    pieces = generate.big_trace(scribe, spans)
    first = next(pieces)
    with TemporaryDirectory() as folder, live() as (terminal, url):
        head, rest = (Path(folder) / name for name in ("head", "rest"))
        write_stream(head, generate.frames(first, 64))
        write_stream(rest, generate.frames(chain.from_iterable(pieces), 64))
        with (
            Client(url, "--from", str(head), "--hold") as head_client,
            Client(url, "--from", str(rest), "--mark", MARK, "--hold") as rest_client,
        ):
            head_client.go()
            head_client.sent()
            terminal.wait_for("big")
            terminal.wait_quiet(0.3, timeout=3)
            # The newest row is followed at first; going to the top ends that, so that the trace stays shown.
            terminal.press("g")
            rest_client.go()
            rest_client.sent()
            terminal.wait_for(MARK, timeout=300)
            wait_idle(terminal)
            return key_ms(terminal, "j", presses=PRESSES)


def _peer(rows: int) -> tuple[float, int]:
    """The same for a stock Tree."""
    with Terminal([sys.executable, "-m", "benchmarks.peer_tree", str(rows)]) as terminal:
        terminal.wait_for("row-0000005", timeout=60)
        wait_idle(terminal)
        return key_ms(terminal, "j", presses=PRESSES)


def measure() -> Iterator[Row]:
    """A row for each size."""
    for spans in SIZES:
        peer = _peer(spans)[0] if spans in PEER_SIZES else None
        key, frames = _ours(spans)
        yield Row(
            f"CPU a key press, {spans:,} spans",
            key,
            "ms",
            "same at any size",
            "" if peer is None else "stock Tree",
            peer,
            done=Done(frames, "frames drawn"),
        )

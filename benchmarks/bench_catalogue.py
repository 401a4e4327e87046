"""The catalogue and the search across recordings, over four recordings that are in the page cache.

Floors: starting the command at all, and lowering and looking through the same bytes in one process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.report import Done, Row
from etaoi_collector.recording.catalogue.database import FILE_NAME
from etaoi_collector.recording.catalogue.run_collector import RunCollector
from etaoi_collector.recording.catalogue.writer import CatalogueWriter
from etaoi_collector.recording.directory import recordings_dir
from etaoi_collector.sources.replay import ReplaySource
from etaoi_collector.store import Store
from etaoi_tui.feed import Feed
from tests import generate

EVENTS = 800_000
RECORDINGS = 4
TIMES = 3
MANY = 100
"""Runs that `find` says at most."""
RARE = "zebrafish"
"""A word that stands in one run alone, the newest."""
WRITTEN_EVENTS = 100_000
TICK = 1 / 12


def _run(state: Path, *arguments: str, lines: int = 1) -> tuple[float, float, float]:
    """Run the command; return seconds to its first line and to its end, and its CPU seconds.

    Raises:
        RuntimeError: it failed, or said less than so many lines.
    """
    times_before = os.times()
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "etaoi_tui", *arguments],
        env={**os.environ, "ETAOI_TUI_STATE_DIR": str(state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.readline()
    first = time.perf_counter() - began
    line_count = 1 + process.stdout.read().count(b"\n")
    if process.wait() or line_count < lines:
        raise RuntimeError(f"{arguments}: status {process.returncode}, {line_count} lines, not {lines}")
    after = os.times()
    used = (
        after.children_user
        + after.children_system
        - times_before.children_user
        - times_before.children_system
    )
    return first, time.perf_counter() - began, used


def _medians(state: Path, *arguments: str, lines: int = 1) -> tuple[float, float, float]:
    runs = [_run(state, *arguments, lines=lines) for _ in range(TIMES)]
    first, whole, used = (median(values) for values in zip(*runs, strict=True))
    return first, whole, used


def _scan_seconds(paths: list[Path]) -> float:
    """Seconds of CPU to lower all bytes and look for a word in them."""
    began = time.process_time()
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(256 << 10):
                piece.lower().find(RARE.encode())
    return time.process_time() - began


def _write(folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    paths = [folder / f"run-20260102-0{number}0000-abcd.msgpack" for number in range(RECORDINGS)]
    for number, path in enumerate(paths):
        last = RARE if number == RECORDINGS - 1 else ""
        generate.write_trace(path, EVENTS // RECORDINGS, seed=number, last=last)
    return paths


def _follow_cost(path: Path, state: Path) -> tuple[float, float]:
    """Return CPU seconds of folding as much as comes in, in ticks, without and with a catalogue beside it."""

    def fold(follow: bool, folder: Path) -> float:
        source, store = ReplaySource(path), Store()
        feed = Feed(source, store)
        writer = CatalogueWriter(folder, RunCollector(store, source), lambda: path)
        used = 0.0
        while not feed.ended and store.events < WRITTEN_EVENTS:
            began = time.process_time()
            feed.work(1000 * TICK, 0.0)
            changes = store.drain_changes()
            if follow:
                writer.follow(changes)
            used += time.process_time() - began
        if follow:
            writer.finish(store.events, everything=False)
        source.close()
        if store.events < WRITTEN_EVENTS:
            raise RuntimeError(f"{store.events:,} of {WRITTEN_EVENTS:,} events were folded")
        store.release()
        return used

    fold(True, state / "warm")
    pairs = [(fold(False, state), fold(True, state / f"follow{number}")) for number in range(TIMES)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def measure() -> Iterator[Row]:
    """Medians of several runs; processor time stands beside times that a busy machine stretches."""
    with TemporaryDirectory(prefix="etaoi-bench-") as folder:
        state = Path(folder)
        paths = _write(recordings_dir(state))
        size = sum(path.stat().st_size for path in paths)
        listed = Done(RECORDINGS, "recordings in the list")
        _, first_time, _ = _run(state, "ls", lines=RECORDINGS)
        what = f"ls of {EVENTS:,} events"
        yield Row(f"{what}, never read before", first_time, "s", done=listed)
        _, floor, floor_used = _medians(state, "--version")
        _, whole, used = _medians(state, "ls", lines=RECORDINGS)
        yield Row(f"{what}, in the catalogue", whole, "s", "<= 0.3 s", "--version", floor, done=listed)
        yield Row(f"{what}, in the catalogue, CPU", used, "s", "", "--version", floor_used, done=listed)
        catalogue_bytes = sum(file.stat().st_size for file in state.glob(f"{FILE_NAME}*"))
        yield Row(
            "catalogue, share of the recordings", catalogue_bytes / size * 100, "%", "<= 5 %", done=listed
        )
        first, whole, used = _medians(state, "find", RARE)
        scan = _scan_seconds(paths)
        one_run = Done(1, "run found")
        what = f"find a word of one run in {EVENTS:,} events"
        peer = "lower() and find()", scan
        yield Row(f"{what}, first hit", first, "s", "<= 0.3 s", "--version", floor, done=one_run)
        yield Row(f"{what}, all", whole, "s", "<= 3 s", *peer, done=one_run)
        yield Row(f"{what}, CPU", used, "s", "", *peer, done=one_run)
        _, whole, _ = _medians(state, "find", "nobody", lines=MANY)
        one_run = Done(MANY, "runs found")
        yield Row(f"find a word of every run, first {MANY} runs", whole, "s", "<= 3 s", done=one_run)
        bare, followed = _follow_cost(paths[0], state)
        more = (followed / bare - 1) * 100
        folded = Done(WRITTEN_EVENTS, "events folded")
        yield Row(
            "folding with a catalogue beside it, more CPU", more, "%", "<= 3 %", done=folded, may_be_zero=True
        )

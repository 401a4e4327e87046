"""What `etaoi-tui run` costs a program: at its start, and each LangChain run, beside LangSmith's tracer.

All ways are started in turns, so that a busy moment hits each of them. The viewer and LangSmith's endpoint
are the same collector in another process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.report import Done, Row
from etaoi_tui.launcher.environment import Mode, plan

ROUNDS = 3
STARTS = 9
DRIVER = Path(__file__).with_name("launcher_driver.py")
FOREIGN = ("ETAOI", "AGENTVIZ", "LANGSMITH", "LANGCHAIN", "OTEL", "PYTHONPATH", "NODE_OPTIONS")


def measure() -> Iterator[Row]:
    """Medians over rounds; budgets are those of the launcher."""
    with TemporaryDirectory(prefix="etaoi-bench-") as folder:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        plain |= {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        recorder = subprocess.Popen(
            [sys.executable, "-m", "etaoi_tui", "record", "-o", f"{folder}/run.msgpack", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=plain,
        )
        try:
            assert recorder.stdout is not None
            url = json.loads(recorder.stdout.readline())["url"].replace("ws", "http", 1)
            url = url.removesuffix("/ingest")
            yield from _measure(url, plain, Path(folder))
        finally:
            recorder.terminate()
            recorder.wait()


def _measure(url: str, plain: dict[str, str], folder: Path) -> Iterator[Row]:
    injected = plain | plan(url, None, Mode.AUTO, {}, folder).variables
    ways = {
        "plain": plain,
        "ours, without the SDK": injected | {"WITHOUT_SDK": "1"},
        "ours, with the SDK": injected,
        "LangSmith's tracer": plain | plan(url, None, Mode.LANGSMITH, {}, folder).variables,
        "ours, no viewer": plain | plan("http://127.0.0.1:9", None, Mode.AUTO, {}, folder).variables
        | {"WITHOUT_SDK": "1"},
    }  # fmt: skip
    starts: dict[str, list[float]] = {"plain": [], "ours": []}
    for number in range(STARTS + 2):
        for name, env in (("plain", plain), ("ours", injected)):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", "pass"], env=env, check=True)
            if number > 1:  # byte code is written by the first
                starts[name].append((time.perf_counter() - begun) * 1000)
    start, floor = median(starts["ours"]), median(starts["plain"])
    done = Done(len(starts["ours"]), "programs that ended well", STARTS)
    yield Row(
        "start of a Python program", start - floor, "ms", "<= 20 ms", "the program itself", floor, done=done
    )
    runs: dict[str, list[float]] = {name: [] for name in ways}
    cpus: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, env in ways.items():
            driver = subprocess.run([sys.executable, DRIVER], env=env, check=True, stdout=subprocess.PIPE)
            report = json.loads(driver.stdout.splitlines()[-1])
            runs[name].append(report["run"])
            cpus[name].append(report["cpu"])
    for what, figures, budget in (
        ("a LangChain run", runs, "<= 40 us"),
        ("the same, CPU of all threads", cpus, ""),
    ):
        base = median(figures["plain"])
        peer = median(figures["LangSmith's tracer"]) - base
        for name in ("ours, without the SDK", "ours, with the SDK", "ours, no viewer"):
            cost = median(figures[name]) - base
            done = Done(len(figures[name]), "programs that ended well", ROUNDS)
            yield Row(
                f"{what}, {name}",
                cost,
                "us",
                budget,
                "LangSmith's tracer",
                peer,
                done=done,
                may_be_zero=True,
            )

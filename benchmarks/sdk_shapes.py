"""What a tracer costs programs of six shapes, beside the peers.

Each tracer has a process of its own, in the peers' environment; they take turns, so that one works at a time.
A figure is what a program costs with the tracer over what it costs without in the same round; the CPU is that
of the whole process until everything recorded has left. ``ROUNDS`` in the environment says how many rounds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.report import Done, Row
from benchmarks.sdk_peers import PEERS, collector
from tests.real_env import ETAOI, ROOT, real_env

TRACERS = ("bare", "no-op handler", "ours", "etaoi", "openinference", "langsmith")
SHAPES = ("supervisor", "swarm", "debate with full state", "deep agent with files", "streaming chat", "RAG")
ROUNDS = int(os.environ.get("ROUNDS", "3"))
RUNS = {"RAG": 12, "debate with full state": 6, "streaming chat": 2}
"""Runs of a shape in one round, so that each takes about as long."""
_USUAL_RUNS = 3
_UNIT = "times the bare program"


class _Tracer:
    """A tracer's process."""

    def __init__(self, name: str, python: str, url: str, sink: str) -> None:
        self.name = name
        self.reported = 0
        """Spans or events that were reported; whole runs, where the tracer reports none."""
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.shape_driver", name, url, sink],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None and self._process.stderr is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name}: {self._process.stderr.read()[-1000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def run(self, shape: str, times: int) -> tuple[float, float]:
        """Return wall and CPU seconds of so many runs."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{shape} {times}\n")
        self._process.stdin.flush()
        answer = self._read()
        if not answer["reported"]:
            raise RuntimeError(f"{self.name}: nothing was recorded of {shape}")
        self.reported += answer["reported"]
        return answer["wall"], answer["cpu"]

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(10)


@contextmanager
def _takes_everything() -> Iterator[tuple[str, list[int]]]:
    """Serve HTTP that says yes to whatever is posted: what LangSmith's client sends to.

    Yields its address, and the sizes of what was posted.
    """
    posted: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            posted.append(len(self.rfile.read(size)))
            body = b"{}"
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = _answer

        def log_message(self, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", posted
    finally:
        server.shutdown()
        server.server_close()


def measure() -> Iterator[Row]:
    """Yield what each tracer costs each shape, and its median over the shapes."""
    python = str(real_env("sdk-peers", *ETAOI, *PEERS, "-e", str(ROOT)))
    with ExitStack() as stack:
        url, (sink, posted) = stack.enter_context(collector()), stack.enter_context(_takes_everything())
        tracers = []
        for name in TRACERS:
            tracers.append(_Tracer(name, python, url, sink))
            stack.callback(tracers[-1].close)
        wall: dict[tuple[str, str], list[float]] = {}
        cpu: dict[tuple[str, str], list[float]] = {}
        for round_ in range(-1, ROUNDS):  # the first one only warms up
            order = tracers[round_ % len(tracers) :] + tracers[: round_ % len(tracers)]
            for shape in SHAPES:
                times = {each.name: each.run(shape, RUNS.get(shape, _USUAL_RUNS)) for each in order}
                for name, (took, spent) in times.items() if round_ >= 0 else ():
                    wall.setdefault((name, shape), []).append(took / times["bare"][0])
                    cpu.setdefault((name, shape), []).append(spent / times["bare"][1])
        least = (ROUNDS + 1) * len(SHAPES)
        done = {each.name: Done(each.reported, "runs, spans or events told of", least) for each in tracers}
        done["langsmith"] = Done(len(posted), "requests taken")
    for words, figures, budget in (("wall", wall, "<= 1.05"), ("CPU", cpu, "<= 1.10")):
        for name in TRACERS[1:]:
            medians = [statistics.median(figures[name, shape]) for shape in SHAPES]
            for shape, median in zip(SHAPES, medians, strict=True):
                yield Row(f"{shape}, {words}: {name}", median, _UNIT, done=done[name])
            yield Row(
                f"median over {len(SHAPES)} shapes, {words}: {name}", statistics.median(medians), _UNIT,
                budget if name == "ours" else "", done=done[name],
            )  # fmt: skip

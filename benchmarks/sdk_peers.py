"""What a callback costs the agent, beside the peers.

All tracers run interleaved in one process, in an environment of their own that is made on first use; ours and
the reference also send to a live collector in another process. Ratios are of the cost over an empty handler.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.report import Done, Row
from tests.real_env import ETAOI, ROOT, real_env

PEERS = (
    "langchain", "langgraph", "openinference-instrumentation-langchain", "opentelemetry-sdk",
    "langfuse", "langsmith",
)  # fmt: skip
EMPTY = "no-op handler"
REFERENCE = {"ours, ws": "etaoi, ws", "ours, memory": "etaoi, ws", "ours, noop": "etaoi, noop"}
OPERATIONS = {
    "chain": "chain pair, 4 messages",
    "chain_of_20_messages": "chain pair, 20 messages",
    "llm": "model pair",
    "llm_and_50_tokens": "model pair and 50 tokens",
    "tool_call": "tool pair",
}


@contextmanager
def collector() -> Iterator[str]:
    """Run a collector in a process of its own; yields its URL."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "etaoi_tui",
            "record",
            "--port",
            "0",
            "-o",
            str(Path(folder) / "run.msgpack"),
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            yield str(ready["url"])
        finally:
            process.terminate()
            process.wait(10)


def run_peers() -> dict[str, Any]:
    """Measure in the peers' environment.

    Raises:
        RuntimeError: the environment cannot be made, or the program broke.
    """
    python = real_env("sdk-peers", *ETAOI, *PEERS, "-e", str(ROOT))
    with collector() as url:
        done = subprocess.run(
            [str(python), "-m", "benchmarks.peer_callbacks", url],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the peers' program broke: {done.stderr[-1000:]}")
    results: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return results


def measure() -> Iterator[Row]:
    """Yield the cost of each tracer over an empty handler, and of whole agent runs."""
    results = run_peers()
    called = Done(results["calls"], "timed calls")
    done_of = {name: Done(count, "events written by the SDK") for name, count in results["written"].items()}
    for operation, words in OPERATIONS.items():
        figures = results["pairs"][operation]
        empty = figures[EMPTY]
        yield Row(f"{words}: {EMPTY}", empty, "us", done=called)
        for name, figure in figures.items():
            if name == EMPTY:
                continue
            beside = REFERENCE.get(name, "")
            other = figures[beside] - empty if beside in figures else None
            budget = "<= 1/5 of etaoi" if name == "ours, ws" else ""
            yield Row(
                f"{words}: {name}, net",
                figure - empty,
                "us",
                budget,
                beside,
                other,
                done=done_of.get(name, called),
                may_be_zero=True,
            )
    tokens = results["pairs"]["llm_and_50_tokens"], results["pairs"]["llm"]
    for name in tokens[0]:
        floor = (tokens[0][EMPTY] - tokens[1][EMPTY]) / 50
        budget = "<= 0.4 us" if name == "ours, ws" else ""
        cost = (tokens[0][name] - tokens[1][name]) / 50 - floor
        done = done_of.get(name, called)
        yield Row(f"a token: {name}, net", cost, "us", budget, done=done, may_be_zero=True)
    empty = results["agents"][EMPTY][0]
    for name, (wall, _) in results["agents"].items():
        budget = "<= 1.10 of an empty handler" if name == "ours, ws" else ""
        what = f"agent run, 5 model and tool calls, wall: {name}"
        yield Row(what, wall, "ms", budget, EMPTY, empty, done=done_of.get(name, called))
    empty = results["agents"][EMPTY][1]
    for name, (_, cpu) in results["agents"].items():
        what = f"agent run, the agent's own thread, CPU: {name}"
        yield Row(what, cpu, "ms", "", EMPTY, empty, done=done_of.get(name, called))
    for name, why in results["failed"].items():
        print(f"not measured: {name}: {why}", file=sys.stderr)

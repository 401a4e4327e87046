"""The launcher with environments of the agent's own, in which nothing of ours is installed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.headless.running import PATIENCE, command, environment
from tests.launcher.launching import PROGRAMS, Launched, launch, whole_trees
from tests.real_env import real_env

pytestmark = pytest.mark.real_clients


@pytest.fixture(scope="module")
def python() -> Path:
    """An agent's environment."""
    return real_env(
        "launcher",
        "langchain>=1.0",
        "langgraph>=1.0",
        "opentelemetry-sdk",
        "opentelemetry-distro",
        "opentelemetry-exporter-otlp-proto-http",
        "uvicorn",
        "pytest",
    )


@pytest.mark.parametrize("way", ["sync", "concurrent", "threads", "fork_process", "spawn"])
def test_langchain_without_our_sdk(tmp_path: Path, python: Path, way: str) -> None:
    ran = launch(tmp_path, python, PROGRAMS / "agents.py", way)
    assert ran.code == 0, ran.err
    roots = {"sync": 1, "concurrent": 2, "threads": 3, "fork_process": 2, "spawn": 2}[way]
    spans = ran.spans()
    assert (whole_trees(spans), len(spans)) == (roots, 4 * roots)


def test_opentelemetry_spans_and_the_programs_own_exporter(tmp_path: Path, python: Path) -> None:
    ran = launch(tmp_path, python, PROGRAMS / "spans.py")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out) == ["chat m", "invoke_agent helper"]
    spans = ran.spans()
    assert whole_trees(spans) == 1
    (call,) = [span for span in spans if span["kind"] == "llm"]
    assert call["model"] == "m"
    assert call["usage"]["input_tokens"] == 12


def test_a_span_arrives_when_it_starts(tmp_path: Path, python: Path) -> None:
    ran = launch(tmp_path, python, PROGRAMS / "spans.py", "die")
    assert ran.code == 3
    assert {span["kind"]: span["ended_at"] is None for span in ran.spans()} == {
        "sub_agent": True,
        "llm": False,
    }


def test_opentelemetry_instrument(tmp_path: Path, python: Path) -> None:
    ran = launch(
        tmp_path,
        python.with_name("opentelemetry-instrument"),
        "--traces_exporter",
        "console",
        "--metrics_exporter",
        "none",
        "--logs_exporter",
        "none",
        python,
        PROGRAMS / "spans.py",
        variables={"OWN_PROVIDER": "0"},
    )
    assert ran.code == 0, ran.err
    assert "invoke_agent helper" in ran.out  # the console exporter that the user asked for
    assert {span["kind"] for span in ran.spans()} >= {"sub_agent", "llm"}


def test_pytest(tmp_path: Path, python: Path) -> None:
    ran = launch(
        tmp_path,
        python,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        PROGRAMS,
        "--confcutdir",
        PROGRAMS,
        PROGRAMS / "test_agent.py",
    )
    assert ran.code == 0, ran.out + ran.err
    assert whole_trees(ran.spans()) == 1


def test_uvicorn_that_reloads(tmp_path: Path, python: Path) -> None:
    for name in ("web.py", "agents.py"):
        (tmp_path / name).write_text((PROGRAMS / name).read_text())
    port = free_port()
    words = (python, "-m", "uvicorn", "web:app", "--reload", "--port", str(port))
    with served(tmp_path, port, "/", *words) as state:
        assert ask(port, "/") == b"10"
        (tmp_path / "web.py").write_text((PROGRAMS / "web.py").read_text() + "\nCHANGED = 1\n")
        time.sleep(3)
        wait_for(port, "/")
    spans = Launched(0, "", "", state).spans()
    assert len({span["trace_id"] for span in spans}) >= 3
    assert whole_trees(spans) >= 3


def test_langgraph_dev(tmp_path: Path) -> None:
    python = real_env("langgraph-dev", "langgraph-cli[inmem]", "langchain>=1.0")
    (tmp_path / "graph.py").write_text((PROGRAMS / "graph.py").read_text())
    (tmp_path / "langgraph.json").write_text(
        json.dumps({"dependencies": ["."], "graphs": {"agent": "./graph.py:graph"}})
    )
    port = free_port()
    words = (
        python.with_name("langgraph"),
        "dev",
        "--no-browser",
        "--no-reload",
        "--port",
        str(port),
    )
    with served(tmp_path, port, "/ok", *words) as state:
        body = {"assistant_id": "agent", "input": {"messages": [{"role": "user", "content": "hi"}]}}
        assert b"four words it says" in ask(port, "/runs/wait", body)
    spans = Launched(0, "", "", state).spans()
    assert whole_trees(spans) == 1
    assert {span["kind"] for span in spans} >= {"llm"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def ask(port: int, path: str, body: Any = None) -> bytes:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return bytes(answer.read())


def wait_for(port: int, path: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            ask(port, path)
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@contextmanager
def served(folder: Path, port: int, path: str, *words: str | Path) -> Iterator[Path]:
    """Run a server below the launcher until the block ends; yields the state folder."""
    state = folder / "state"
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [*command("run", "--port", "0", "--"), *map(str, words)],
            env=environment(state),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
        )
        try:
            wait_for(port, path)
            yield state
        finally:
            os.killpg(server.pid, signal.SIGINT)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()

"""The programs in the README's section about listening, as they stand there, against a real agent."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from etaoi_collector import Collector, CollectorOptions, Record
from tests.collector.serving import PATIENCE, wait_for
from tests.real_env import ROOT

SECTION = "## A second viewer, and programs that listen"
ADDRESS = "127.0.0.1:8787"

AGENT = '''
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from tests.chat_model import FakeChatModel

@tool
def search(query: str) -> str:
    """Search."""
    return f"3 {query}"

@tool
def fetch(url: str) -> str:
    """Fetch."""
    raise ValueError("no such page")

USAGE = {"input_tokens": 1_000_000, "output_tokens": 0, "total_tokens": 1_000_000}

class Model(FakeChatModel):
    model_name: str = "gpt-4o"
    provider: str = "openai"

    def answer(self, messages, stop, **kwargs):
        calls = [("search", {"query": "cats"})]
        if FAILS:
            calls.append(("fetch", {"url": "nowhere"}))
        done = any(message.type == "tool" for message in messages)
        return AIMessage(
            "3 cats" if done else "",
            tool_calls=[] if done else [{"name": n, "args": a, "id": n} for n, a in calls],
            usage_metadata=USAGE,
            response_metadata={"model_name": "gpt-4o"},
        )

agent = create_agent(Model(), [search, fetch], name="finder")
'''

RUN = (
    AGENT
    + """
import os
import etaoi_tui
with etaoi_tui.attach(agent, server_url=os.environ["ENDPOINT"]) as handle:
    try:
        agent.invoke({"messages": [("user", "find the cats")]})
    except ValueError:
        pass
    handle.flush(60)
"""
)


def programs() -> list[str]:
    section = (ROOT / "README.md").read_text("utf-8").partition(SECTION)[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def python(source: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-c", source],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector(CollectorOptions(port=0, record=Record.NONE)) as shared_collector:
        yield shared_collector


def lines_printed_by(collector: Collector, program: str, lines: int, **flags: Any) -> list[str]:
    """Run a program on a viewer, let the agent work before and after it came; returns what it printed."""
    address = collector.endpoint.removeprefix("ws://").partition("/")[0]
    assert ADDRESS in program
    agent = f"FAILS = {flags.get('fails', False)}\n{RUN}"
    finish(python(agent, ENDPOINT=collector.endpoint))
    watcher = python(program.replace(ADDRESS, address))
    try:
        wait_for(lambda: collector.stats().viewers == 1)
        finish(python(agent, ENDPOINT=collector.endpoint))
        assert watcher.stdout is not None
        return [watcher.stdout.readline().strip() for _ in range(lines)]
    finally:
        watcher.terminate()
        watcher.communicate(timeout=PATIENCE)


def test_there_are_three_and_a_bus() -> None:
    assert len(programs()) == 4


def test_a_program_without_a_bus_has_one() -> None:
    assert finish(python(programs()[3])) == "writer {'q': 'cats'} 3 cats\n"


@pytest.mark.parametrize(("fails", "deletes"), [(False, False), (False, True)])
def test_what_an_agent_called_and_did_not_call(tmp_path: Path, fails: bool, deletes: bool) -> None:
    agent = AGENT.replace("search(query", "delete(query") if deletes else AGENT
    (tmp_path / "test_agent.py").write_text(f"FAILS = {fails}\n{agent}\n{programs()[0]}", "utf-8")
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "test_agent.py")]
    done = subprocess.run(
        tests,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=280,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    assert (done.returncode == 0) is not deletes, done.stdout


def test_a_watchdog_says_what_failed_and_where(collector: Collector) -> None:
    (line,) = lines_printed_by(collector, programs()[1], 1, fails=True)
    assert line.startswith("tool fetch of finder failed:") and "no such page" in line


def test_the_cost_of_a_running_viewer(collector: Collector) -> None:
    lines = lines_printed_by(collector, programs()[2], 4)
    assert lines == [f"gpt-4o 1000000 tokens, ${2.5 * calls:.4f} in all" for calls in (1, 2, 3, 4)]

"""The agent's program runs the same with us, without us, and when everything of ours is broken."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda

import etaoi_tui
from etaoi_collector.store.model import Status, status_of_error
from etaoi_tui.sdk.attach import AttachedHandle, attach
from etaoi_tui.sdk.langchain.callback_handler import AgentVizHandler, EtaoiHandler, SilentHandler
from etaoi_tui.sdk.langchain.middleware import instrument
from etaoi_tui.sdk.transport.local import InMemorySink
from tests.sdk.langchain.models import ScriptedModel, calls
from tests.sdk.langchain.programs import Guard, double, fail, politeness
from tests.sdk.langchain.trees import Forest

Watch = Callable[..., AttachedHandle]
Look = Callable[[AttachedHandle], Forest]


class Hostile:
    """A value that fights back wherever it is touched."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no eq")

    def __hash__(self) -> int:
        return 1

    def __deepcopy__(self, memo: Any) -> Any:
        raise RuntimeError("no copy")


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class BrokenSink:
    def emit(self, envelope: Any) -> None:
        raise OSError(28, "No space left on device")


@pytest.fixture
def silent_server() -> Iterator[int]:
    """A server that accepts and never says a word."""
    connections: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            try:
                while True:
                    connections.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.close()
        for connection in connections:
            connection.close()


def run_everything() -> list[Any]:
    """Sync, async, streamed and threaded runs, good and bad; returns all that a program could see of them."""
    outcomes: list[Any] = []

    def agent(*answers: Any) -> Any:
        hooks = instrument([Guard(), politeness()])
        return create_agent(ScriptedModel(answers=list(answers)), [double, fail], middleware=hooks, name="a")

    def tell(call: Callable[[], Any]) -> None:
        try:
            result = call()
            messages = result["messages"] if isinstance(result, dict) and "messages" in result else None
            outcomes.append([(m.type, m.content) for m in messages] if messages else result)
        except Exception as error:
            outcomes.append((type(error).__name__, str(error)))

    ask: Any = {"messages": [HumanMessage("hello", id="m")]}
    good = (calls(("double", {"number": 21})), "done")
    bad = (calls(("fail", {"number": 10**30})), "done")
    for answers in (good, bad, (ConnectionError("gone"),)):
        tell(lambda answers=answers: agent(*answers).invoke(ask))
        tell(lambda answers=answers: asyncio.run(agent(*answers).ainvoke(ask)))
        tell(lambda answers=answers: len(list(agent(*answers).stream(ask, stream_mode="messages"))))
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(agent(*good).invoke, ask) for _ in range(8)]
        for run in runs:
            tell(run.result)
    odd = RunnableLambda(lambda value: len(value), name="odd")
    tell(lambda: odd.invoke({"hostile": Hostile(), 3: "\ud800", None: b"\xff", "big": 10**40}))
    tell(lambda: odd.batch([{"a": Hostile()}, {"b": 1}]))
    tell(lambda: RunnableLambda(lambda value: 1 / 0).invoke(1))
    return outcomes


@pytest.fixture(scope="module")
def alone() -> list[Any]:
    return run_everything()


@pytest.mark.parametrize(
    "trouble",
    ["fine", "no viewer", "a viewer that is silent", "a sink that raises", "a full disk", "disabled", "noop"],
)
def test_results_and_exceptions_are_the_same_whatever_is_broken(
    trouble: str,
    alone: list[Any],
    silent_server: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    options: dict[str, Any] = {
        "fine": {"sink": "memory"},
        "no viewer": {"server_url": f"ws://127.0.0.1:{closed_port()}/ingest"},
        "a viewer that is silent": {"server_url": f"ws://127.0.0.1:{silent_server}/ingest"},
        "a sink that raises": {"sink": BrokenSink()},
        "a full disk": {"sink": "/dev/full/etaoi.msgpack"},
        "disabled": {},
        "noop": {"sink": "noop"},
    }[trouble]
    if trouble == "disabled":
        monkeypatch.setenv("ETAOI_DISABLED", "true")
    with caplog.at_level(logging.WARNING, "etaoi_tui"), attach(**options):
        results = run_everything()
    assert results == alone
    assert len([record for record in caplog.records if record.name.startswith("etaoi_tui")]) <= 1


def test_a_handler_that_breaks_inside_never_reaches_the_host(
    watch: Watch, alone: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from etaoi_tui.sdk.tracer import Tracer

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("broken tracer")

    watch()
    for name in ("start", "end", "text", "delta"):
        monkeypatch.setattr(Tracer, name, broken)
    with caplog.at_level(logging.WARNING):
        assert run_everything() == alone
    assert len([record for record in caplog.records if "etaoi-tui" in record.getMessage()]) == 1
    assert not [record for record in caplog.records if record.name.startswith("langchain_core")]


@pytest.mark.parametrize("name", ["ETAOI_DISABLED", "AGENTVIZ_DISABLED"])
@pytest.mark.parametrize("value", ["1", "true", "YES"])
def test_disabled_is_free_and_silent(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    chain = RunnableLambda(lambda value: value)
    kind = type(chain)
    threads = threading.active_count()
    handle = attach(chain)
    assert type(chain) is kind
    assert threading.active_count() == threads
    assert isinstance(handle.handler, SilentHandler)
    assert (handle.session_id, handle.user_id) == (None, None)
    assert isinstance(EtaoiHandler(), SilentHandler)
    chain.invoke(1, {"callbacks": [handle.handler, EtaoiHandler()]})
    handle.detach()


def test_disabled_attach_imports_no_langchain() -> None:
    program = "import sys, etaoi_tui; etaoi_tui.attach(object())"
    program += "; print([m for m in sys.modules if 'langchain' in m])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "ETAOI_DISABLED": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_without_langchain_one_sentence_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['langchain_core'] = None\n"
        "import etaoi_tui\n"
        "try:\n    etaoi_tui.attach()\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert "pip install 'etaoi-tui-sdk[langchain]'" in done.stdout
    assert done.stdout.count("\n") == 1


def test_a_handler_of_ones_own_reports_and_closes(forest: Look) -> None:
    sink = InMemorySink()
    handler = etaoi_tui.EtaoiHandler(sink=sink, session_id="mine", user_id="ann")
    assert AgentVizHandler is EtaoiHandler
    chain = RunnableLambda(lambda value: value, name="chain")
    chain.invoke(1, {"callbacks": [handler]})
    asyncio.run(chain.ainvoke(1, {"callbacks": [handler]}))
    handler.close()
    chain.invoke(1, {"callbacks": [handler]})
    tree = Forest(sink.events)
    assert len(tree.roots) == 2
    assert {root.start["user_id"] for root in tree.roots} == {"ann"}


def test_detach_lets_running_spans_end_properly(watch: Watch, forest: Look) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def wait(value: int) -> int:
        inside.set()
        assert go_on.wait(60)
        RunnableLambda(lambda value: value, name="too late").invoke(value)
        return value

    chain = RunnableLambda(wait, name="slow")
    sink = InMemorySink()
    handle = watch(chain, sink=sink)
    thread = threading.Thread(target=chain.invoke, args=(7,))
    thread.start()
    assert inside.wait(60)
    handle.detach()
    handle.detach()
    go_on.set()
    thread.join(60)
    chain.invoke(8)
    tree = Forest(sink.events)
    assert [span.name for span in tree.spans if span.kind != "agent_context"] == ["slow"]
    assert tree.one("slow").error is None
    assert json.loads(tree.one("slow").payload["outputs"]) == 7


def test_the_handle_is_a_context_manager(forest: Look) -> None:
    chain = RunnableLambda(lambda value: value, name="chain")
    with attach(chain, sink="memory", session_id="s", user_id="ann") as handle:
        chain.invoke(1)
        assert handle.user_id == "ann"
        assert handle.session_id == uuid.uuid5(uuid.NAMESPACE_URL, "etaoi:session:s")
    chain.invoke(1)
    assert len(forest(handle).roots) == 1


def test_a_finished_run_leaves_nothing_behind(watch: Watch) -> None:
    handle = watch(sink="msgpack-drop")
    chain = RunnableLambda(lambda value: value)
    from etaoi_tui.sdk.langchain.runs import runs_of

    assert handle.tracer is not None
    runs = runs_of(handle.tracer)
    for _ in range(5_000):
        chain.invoke(1)
    gc.collect()
    assert not runs.open
    assert sum(len(generation) for generation in (runs._new, runs._old)) <= 2 * 2048


def test_sixteen_threads_keep_their_trees_apart(watch: Watch, forest: Look) -> None:
    handle = watch()
    inner = RunnableLambda(lambda value: value, name="inner")
    outer = RunnableLambda(lambda value: [inner.invoke(value) for _ in range(10)], name="outer")

    def work(number: int) -> None:
        for _ in range(20):
            outer.invoke(number)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    tree = forest(handle)
    assert len(tree.roots) == 320
    for root in tree.roots:
        assert len(root.children) == 10
        assert len({json.loads(child.payload["inputs"]) for child in root.children}) == 1
    assert handle.stats.dropped_spans == 0


def test_a_file_sink_writes_what_replay_opens(tmp_path: Path) -> None:
    path = tmp_path / "run.msgpack"
    agent = create_agent(ScriptedModel(answers=["done"]), name="a")
    with attach(agent, sink=path):
        agent.invoke({"messages": [("user", "hi")]})
    assert path.stat().st_size > 1_000


def test_every_cut_text_leaves_valid_json(
    watch: Watch, forest: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETAOI_MAX_TEXT", "500")
    chain = RunnableLambda(lambda value: value, name="long")
    handle = watch(chain)
    chain.invoke({"messages": [HumanMessage("x" * 10_000)], "more": list(range(1000))})
    payload = forest(handle).one("long").payload
    assert isinstance(json.loads(payload["inputs"]), dict)
    assert isinstance(json.loads(payload["outputs"]), dict)
    assert len(payload["inputs"]) < 2_000


def test_secrets_are_masked_on_this_side_of_the_wire(watch: Watch, forest: Look) -> None:
    chain = RunnableLambda(lambda value: value, name="secretive")
    handle = watch(chain, redact=["customer"])
    chain.invoke({"api_key": "sk-abcdefghijklmnopqrstuvwxyz123456", "customer": "ACME"})
    assert "abcdefghijklmnop" not in json.dumps(handle.sink.events)
    assert "ACME" not in forest(handle).one("secretive").payload["inputs"]


def test_the_reference_errors_that_ended_its_stream_end_nothing_here(watch: Watch, forest: Look) -> None:
    answers = [calls(("double", {"number": 12345678901234567890123})), "done"]
    agent = create_agent(ScriptedModel(answers=answers), [double], name="big")
    handle = watch(agent)
    agent.invoke({"messages": [("user", "hi \ud800")]})
    agent.invoke({"messages": [("user", "again")]})
    tree = forest(handle)
    assert len(tree.named("big")) == 2
    assert all(status_of_error(span.error) is Status.OK for span in tree.spans)
    assert tree.of("llm")[0].payload["response"]["tool_calls"][0]["args"] == {
        "number": "12345678901234567890123"
    }


def test_runs_inside_a_voice_turn_are_its_children_in_the_same_session(watch: Watch, forest: Look) -> None:
    from etaoi_tui.sdk.tracer import use_span

    chain = RunnableLambda(lambda value: value, name="thinking") | RunnableLambda(lambda value: value)
    handle = watch(chain, session_id="call-7")
    tracer = handle.tracer
    assert tracer is not None
    turn = tracer.start("voice_turn", "turn", speech_id="speech_1")
    with use_span(turn):
        chain.invoke(1)
    tracer.end(turn)
    tree = forest(handle)
    (root,) = tree.roots
    assert root.kind == "voice_turn"
    assert len(root.children) == 1
    assert all(span.metadata["lk_speech_id"] == "speech_1" for span in root.children[0].walk())
    sessions = {span.start["session_id"] for span in tree.spans}
    assert sessions == {str(uuid.uuid5(uuid.NAMESPACE_URL, "etaoi:session:call-7"))}

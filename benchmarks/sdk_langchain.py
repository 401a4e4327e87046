"""What LangChain runs cost under our handler, by size: big states, long requests, work in between.

Each figure stands beside the same program under an empty handler.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.callbacks import BaseCallbackHandler, CallbackManager
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableLambda

from benchmarks.report import Done, Row
from benchmarks.timing import median_microseconds
from etaoi_tui.sdk.attach import AttachedHandle, attach
from etaoi_tui.sdk.langchain.middleware import instrument

ROUNDS = 5
CALLS = 60
PAUSE = 0.1
WORK_SECONDS = 0.0005


class _Empty(BaseCallbackHandler):
    run_inline = True

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        """Without this, LangChain would make text of the messages for `on_llm_start`."""


class _Passes(AgentMiddleware):
    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return handler(request)


def _big_state() -> dict[str, Any]:
    return {"documents": ["z" * 50_000 for _ in range(100)], "messages": [HumanMessage("q")], "step": 3}


def _chain(state: Any) -> Callable[[CallbackManager], None]:
    def run(manager: CallbackManager) -> None:
        started = manager.on_chain_start(None, state, name="node")
        started.on_chain_end(state)

    return run


def _working_chain(manager: CallbackManager) -> None:
    started = manager.on_chain_start(None, {"messages": []}, name="node")
    _work()
    started.on_chain_end({"messages": []})
    _work()


def _work() -> None:
    until = time.perf_counter() + WORK_SECONDS
    while time.perf_counter() < until:
        pass


def _compare(
    operation: Callable[[CallbackManager], None], handle: AttachedHandle
) -> tuple[float, float, Done]:
    """Return microseconds a callback under our handler and an empty one, interleaved, and what ours wrote."""
    encoded_before = handle.stats.encoded
    managers = {"ours": handle.handler, "empty": _Empty()}
    rounds: dict[str, list[float]] = {name: [] for name in managers}
    for _ in range(ROUNDS):
        for name, handler in managers.items():
            manager = CallbackManager(handlers=[handler], inheritable_handlers=[handler])
            rounds[name].append(median_microseconds(functools.partial(operation, manager), CALLS))
            time.sleep(PAUSE)  # the sender comes to rest
    handle.flush(20)
    done = Done(handle.stats.encoded - encoded_before, "events written", 2 * ROUNDS * CALLS)
    return statistics.median(rounds["ours"]) / 2, statistics.median(rounds["empty"]) / 2, done


def _hook_cost(messages: int) -> tuple[float, float, Done]:
    """Return microseconds that an instrumented wrap hook adds, those of the bare hook, and what was seen."""
    no_model: Any = None
    request = ModelRequest(
        model=no_model, messages=[HumanMessage("word " * 60, id=str(n)) for n in range(messages)]
    )
    answer = ModelResponse(result=[AIMessage("done")])
    bare, probed = _Passes(), _Passes()
    instrument([probed])
    figures: dict[str, list[float]] = {"bare": [], "probed": []}

    def measure(_: Any) -> None:
        for name, hook in (("bare", bare), ("probed", probed)):
            call = functools.partial(hook.wrap_model_call, request, lambda sent: answer)
            figures[name].append(median_microseconds(call, CALLS))
            time.sleep(PAUSE)  # the sender comes to rest

    chain = RunnableLambda(measure)
    with attach(chain, sink="msgpack-drop") as handle:
        for _ in range(ROUNDS):
            chain.invoke(1)
        handle.flush(20)
        done = Done(handle.stats.encoded, "events written", ROUNDS * CALLS)
    bare_cost = statistics.median(figures["bare"])
    return statistics.median(figures["probed"]) - bare_cost, bare_cost, done


def measure() -> Iterator[Row]:
    """Yield what states, requests and work cost."""
    handle = attach(sink="msgpack-drop")
    try:
        peer = "empty handler"
        ours, empty, done = _compare(_chain(_big_state()), handle)
        yield Row("a chain callback with a 5 MB state", ours, "us", "<= 200 us", peer, empty, done=done)
        history = {"messages": [HumanMessage("word " * 60, id=str(n)) for n in range(200)]}
        ours, empty, done = _compare(_chain(history), handle)
        yield Row("a chain callback with 200 messages", ours, "us", "", peer, empty, done=done)
        ours, empty, done = _compare(_working_chain, handle)
        yield Row("a callback and 0.5 ms of work", ours, "us", "<= 1.05", peer, empty, done=done)
    finally:
        handle.detach()
    for messages in (20, 200):
        cost, bare, done = _hook_cost(messages)
        budget = "<= 200 us" if messages == 200 else ""
        what = f"an instrumented hook, {messages} messages, net"
        yield Row(what, cost, "us", budget, "the bare hook", bare, done=done)

"""What LangChain runs cost under our handler, by size: big states, long requests, work in between.

``python -m benchmarks.sdk_langchain``. Each figure stands beside the same program under an empty handler.
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

from benchmarks.report import Row, table
from benchmarks.timing import median_microseconds
from etaoi_tui.sdk.attach import AttachedHandle, attach
from etaoi_tui.sdk.langchain.middleware import instrument

ROUNDS = 7
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


def _compare(operation: Callable[[CallbackManager], None], handle: AttachedHandle) -> tuple[float, float]:
    """Return microseconds under our handler and under an empty one, interleaved."""
    managers = {"ours": handle.handler, "empty": _Empty()}
    rounds: dict[str, list[float]] = {name: [] for name in managers}
    for _ in range(ROUNDS):
        for name, handler in managers.items():
            manager = CallbackManager(handlers=[handler], inheritable_handlers=[handler])
            rounds[name].append(median_microseconds(functools.partial(operation, manager), CALLS))
            time.sleep(PAUSE)
    return statistics.median(rounds["ours"]), statistics.median(rounds["empty"])


def _hook_cost(messages: int) -> tuple[float, float]:
    """Return microseconds that one instrumented wrap hook adds, and that the bare hook takes."""
    request: Any = ModelRequest(
        model=None, messages=[HumanMessage("word " * 60, id=str(n)) for n in range(messages)]
    )  # type: ignore[arg-type]
    answer = ModelResponse(result=[AIMessage("done")])
    bare, probed = _Passes(), _Passes()
    instrument([probed])
    figures: dict[str, list[float]] = {"bare": [], "probed": []}

    def measure(_: Any) -> None:
        for name, hook in (("bare", bare), ("probed", probed)):
            call = functools.partial(hook.wrap_model_call, request, lambda sent: answer)
            figures[name].append(median_microseconds(call, CALLS))
            time.sleep(PAUSE)

    chain = RunnableLambda(measure)
    with attach(chain, sink="msgpack-drop"):
        for _ in range(ROUNDS):
            chain.invoke(1)
    bare_cost = statistics.median(figures["bare"])
    return statistics.median(figures["probed"]) - bare_cost, bare_cost


def measure() -> Iterator[Row]:
    """Yield what states, requests and work cost."""
    handle = attach(sink="msgpack-drop")
    try:
        ours, empty = _compare(_chain(_big_state()), handle)
        yield Row(
            "a chain callback with a 5 MB state", ours / 2, "us", "<= 200 us", "empty handler", empty / 2
        )
        history = {"messages": [HumanMessage("word " * 60, id=str(n)) for n in range(200)]}
        ours, empty = _compare(_chain(history), handle)
        yield Row("a chain callback with 200 messages", ours / 2, "us", "", "empty handler", empty / 2)
        ours, empty = _compare(_working_chain, handle)
        yield Row("a callback and 0.5 ms of work", ours / 2, "us", "<= 1.05", "empty handler", empty / 2)
    finally:
        handle.detach()
    for messages in (20, 200):
        cost, bare = _hook_cost(messages)
        budget = "<= 200 us" if messages == 200 else ""
        yield Row(
            f"an instrumented hook, {messages} messages, net", cost, "us", budget, "the bare hook", bare
        )


if __name__ == "__main__":
    print(table(measure()))

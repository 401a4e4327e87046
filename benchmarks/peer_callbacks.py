"""Runs inside the peers' environment: times callbacks under each tracer, interleaved in one process.

Prints JSON: ``{"pairs": {operation: {tracer: microseconds}}, "agents": {tracer: [wall ms, cpu ms]}, "failed":
{tracer: why}, "calls": ..., "written": {tracer of ours: events}}``. Every figure is a median over rounds
(pairs) or a lower quartile over runs (agents).
"""

from __future__ import annotations

import functools
import json
import logging
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler, CallbackManager
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, LLMResult
from langchain_core.tools import tool

from benchmarks.timing import median_microseconds
from tests.sdk.langchain.models import ScriptedModel, calls

ROUNDS = int(os.environ.get("ROUNDS", "5"))
PAIRS = 150
PAUSE = 0.1
"""Seconds for the senders' threads to finish, so that they do not pay on the next one's time."""
AGENT_RUNS = int(os.environ.get("AGENT_RUNS", "120"))
TEXT = "What changed in version two of the protocol, and why? " * 6
MESSAGES: list[BaseMessage] = [HumanMessage(TEXT[:312]), AIMessage(TEXT[:312])] * 2
LONG_STATE: list[BaseMessage] = MESSAGES * 5
METADATA = {f"key_{number}": f"value {number}" for number in range(7)}
RESULT = LLMResult(
    generations=[
        [
            ChatGeneration(
                message=AIMessage(
                    TEXT, usage_metadata={"input_tokens": 9, "output_tokens": 5, "total_tokens": 14}
                )
            )
        ]
    ]
)
CHUNK = ChatGenerationChunk(message=AIMessageChunk(content="token "))


class Empty(BaseCallbackHandler):
    """Does nothing, inline: what LangChain itself costs."""

    run_inline = True

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        """Without this, LangChain would make text of the messages for `on_llm_start`."""


def chain(manager: CallbackManager) -> None:
    run = manager.on_chain_start(None, {"messages": list(MESSAGES)}, name="node")
    run.on_chain_end({"messages": list(MESSAGES)})


def chain_of_20_messages(manager: CallbackManager) -> None:
    run = manager.on_chain_start(None, {"messages": list(LONG_STATE)}, name="node")
    run.on_chain_end({"messages": list(LONG_STATE)})


def llm(manager: CallbackManager) -> None:
    (run,) = manager.on_chat_model_start({"name": "m"}, [MESSAGES], invocation_params={"model": "m"})
    run.on_llm_end(RESULT)


def llm_and_50_tokens(manager: CallbackManager) -> None:
    (run,) = manager.on_chat_model_start({"name": "m"}, [MESSAGES], invocation_params={"model": "m"})
    for _ in range(50):
        run.on_llm_new_token("token ", chunk=CHUNK)
    run.on_llm_end(RESULT)


def tool_call(manager: CallbackManager) -> None:
    run = manager.on_tool_start({"name": "search"}, "{'query': 'x'}", inputs={"query": "x", "limit": 3})
    run.on_tool_end("result " * 20)


OPERATIONS = (chain, chain_of_20_messages, llm, llm_and_50_tokens, tool_call)


@tool
def double(number: int) -> int:
    """Double a number."""
    return number * 2


def agent() -> tuple[Any, ScriptedModel]:
    """An agent and its model; setting the model's ``_calls`` to 0 lets it answer from the beginning."""
    answers = [calls(("double", {"number": 1})), calls(("double", {"number": 2}), start=2), "done"]
    model = ScriptedModel(answers=answers)
    return create_agent(model, [double], system_prompt="Be brief.", name="bench"), model


def tracers(url: str) -> tuple[dict[str, BaseCallbackHandler], dict[str, str], list[Callable[[], Any]]]:
    """Make one handler for each tracer; those that cannot be made are told with the reason."""
    dead = "http://127.0.0.1:9"
    finish: list[Callable[[], Any]] = []

    def ours(sink: Any) -> BaseCallbackHandler:
        from etaoi_tui.sdk.langchain.callback_handler import EtaoiHandler

        handler = EtaoiHandler(sink=sink, server_url=url)
        finish.append(lambda: handler.close())
        return handler

    def etaoi(sink: Any) -> BaseCallbackHandler:
        import etaoi as reference

        handle = reference.attach(agent()[0], sink=sink, server_url=url)
        finish.append(handle.detach)
        handler: BaseCallbackHandler = handle.handler
        return handler

    def openinference() -> BaseCallbackHandler:
        from openinference.instrumentation.langchain._tracer import OpenInferenceTracer
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        provider = TracerProvider()
        provider.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
        finish.append(provider.shutdown)
        handler: BaseCallbackHandler = OpenInferenceTracer(provider.get_tracer("bench"), False)
        return handler

    def langsmith() -> BaseCallbackHandler:
        from langchain_core.tracers import LangChainTracer
        from langsmith import Client

        return LangChainTracer(client=Client(api_url=dead, api_key="none"), project_name="bench")

    def langfuse() -> BaseCallbackHandler:
        os.environ.update(LANGFUSE_PUBLIC_KEY="pk", LANGFUSE_SECRET_KEY="sk", LANGFUSE_HOST=dead)
        from langfuse.langchain import CallbackHandler

        handler: BaseCallbackHandler = CallbackHandler()
        return handler

    makers: dict[str, Callable[[], BaseCallbackHandler]] = {
        "no-op handler": Empty,
        "ours, noop": lambda: ours("noop"),
        "ours, memory": lambda: ours("memory"),
        "ours, ws": lambda: ours("ws"),
        "etaoi, noop": lambda: etaoi("noop"),
        "etaoi, ws": lambda: etaoi("ws"),
        "openinference": openinference,
        "langsmith": langsmith,
        "langfuse": langfuse,
    }
    handlers: dict[str, BaseCallbackHandler] = {}
    failed: dict[str, str] = {}
    for name, make in makers.items():
        try:
            handlers[name] = make()
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}"
    return handlers, failed, finish


def manager_for(handler: BaseCallbackHandler) -> CallbackManager:
    manager = CallbackManager(handlers=[handler], inheritable_handlers=[handler])
    manager.add_metadata(METADATA)
    return manager


def time_pairs(handlers: dict[str, BaseCallbackHandler]) -> dict[str, dict[str, float]]:
    medians: dict[str, dict[str, float]] = {}
    for operation in OPERATIONS:
        rounds: dict[str, list[float]] = {name: [] for name in handlers}
        names = list(handlers)
        for turn in range(ROUNDS):
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                manager = manager_for(handlers[name])
                call = functools.partial(operation, manager)
                rounds[name].append(median_microseconds(call, PAIRS))
                time.sleep(PAUSE)  # the senders come to rest
        medians[operation.__name__] = {name: statistics.median(values) for name, values in rounds.items()}
    return medians


def time_agents(handlers: dict[str, BaseCallbackHandler]) -> dict[str, tuple[float, float]]:
    built = {name: agent() for name in handlers}
    walls: dict[str, list[float]] = {name: [] for name in handlers}
    cpus: dict[str, list[float]] = {name: [] for name in handlers}
    ask: Any = {"messages": [HumanMessage("double it", id="m")]}
    order = random.Random(7)
    for turn in range(AGENT_RUNS):
        names = list(handlers)
        order.shuffle(names)  # what one tracer's thread still has to do falls on each of the others alike
        for name in names:
            handler = handlers[name]
            time.sleep(0.03)  # the sender of the one before comes to rest
            runner, model = built[name]
            model._calls = 0
            begun, cpu = time.perf_counter(), time.thread_time()
            runner.invoke(ask, {"callbacks": [handler]})
            if turn >= 5:
                walls[name].append((time.perf_counter() - begun) * 1000)
                cpus[name].append((time.thread_time() - cpu) * 1000)
    return {name: (quartile(walls[name]), quartile(cpus[name])) for name in handlers}


def quartile(values: list[float]) -> float:
    return statistics.quantiles(values, n=4)[0]


WRITE = ("ours, memory", "ours, ws")
"""Handlers of ours that write events."""


def written(handler: Any) -> int:
    """Events that one of our handlers has encoded."""
    handler.tracer.flush(20)
    return int(handler.tracer.stats.encoded)


def main() -> None:
    logging.disable(logging.CRITICAL)
    handlers, failed, finish = tracers(sys.argv[1])
    results = {
        "pairs": time_pairs(handlers),
        "agents": time_agents(handlers),
        "failed": failed,
        "calls": ROUNDS * PAIRS * len(OPERATIONS),
        "written": {name: written(handlers[name]) for name in WRITE},
    }
    for end in finish:
        try:
            end()
        except Exception as error:
            failed.setdefault("at the end", repr(error))
    sys.stdout.write("\n" + json.dumps(results) + "\n")
    sys.stdout.flush()
    os._exit(0)  # peers without a server would retry for minutes at exit


if __name__ == "__main__":
    main()

"""Runs whose caller ends first end with it, and a true end wins over one that was made up."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph

from etaoi_collector.store.model import Span, Status
from etaoi_tui.sdk.attach import AttachedHandle
from tests.detail.recorded import Recorded
from tests.sdk.langchain.models import ScriptedModel

Watch = Callable[..., AttachedHandle]


_when_it_begins: list[Callable[[], None]] = []
"""Called when slow work begins: what is cut off must have begun, however long that takes."""


async def slow_work() -> None:
    for tell in _when_it_begins:
        tell()
    await asyncio.sleep(600)


class SlowModel(ScriptedModel):
    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        await slow_work()


class SlowRetriever(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> Any:
        return []

    async def _aget_relevant_documents(self, query: str, *, run_manager: Any) -> Any:
        await slow_work()


@tool
async def slow_tool(q: str) -> str:
    """Wait."""
    await slow_work()
    return q


def spans(handle: AttachedHandle) -> dict[str, Span]:
    handle.flush(60)
    recorded = Recorded()
    for event in handle.sink.events:
        recorded.send(event)  # not finished: what is open here would be running
    return {
        s.kind if s.kind != "middleware" else s.name: s
        for t in recorded.store.traces.values()
        for s in t.spans
    }


WORK: dict[str, Callable[[], Any]] = {
    "llm": lambda: SlowModel(answers=["late"]).ainvoke("slow"),
    "tool": lambda: slow_tool.ainvoke({"q": "x"}),
    "SlowRetriever": lambda: SlowRetriever().ainvoke("x"),
}


async def give_up(work: Callable[[], Any]) -> Any:
    try:
        async with asyncio.timeout(None) as patience:
            _when_it_begins[:] = [lambda: patience.reschedule(0.0)]
            await work()
    except TimeoutError:
        return {"messages": [("ai", "I gave up")]}


async def test_runs_cancelled_inside_a_step_end_with_the_step(watch: Watch) -> None:
    handle = watch()
    for name, work in WORK.items():
        graph = StateGraph(MessagesState)

        async def node(state: Any, work: Any = work) -> Any:
            return await give_up(work)

        graph.add_node("node", node).add_edge(START, "node")
        await graph.compile(name="patient").ainvoke({"messages": [("user", "x")]})
        spans_by_name = spans(handle)
        assert spans_by_name[name].status is Status.CANCELLED, name
        assert spans_by_name["patient"].status is spans_by_name["node"].status is Status.OK
        assert spans_by_name[name].ended_at is not None and spans_by_name[name].ended_at <= (
            spans_by_name["node"].ended_at or 0.0
        )
    assert handle.handler.open_runs == 0  # type: ignore[attr-defined]


async def test_a_task_of_a_group_that_another_one_broke_is_cancelled(watch: Watch) -> None:
    begun = asyncio.Event()
    _when_it_begins[:] = [begun.set]

    async def fail() -> None:
        await begun.wait()
        raise ValueError("broken")

    async def group(value: int) -> str:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(SlowModel(answers=["late"]).ainvoke("slow"))
                tasks.create_task(fail())
        except* ValueError:
            pass
        return "handled"

    handle = watch()
    assert await RunnableLambda(group, name="group").ainvoke(1) == "handled"
    spans_by_name = spans(handle)
    assert spans_by_name["llm"].status is Status.CANCELLED and spans_by_name["group"].status is Status.OK


def test_everything_below_ends_innermost_first(watch: Watch) -> None:
    handle = watch()
    handler: Any = handle.handler
    ids = [uuid.uuid4() for _ in range(4)]
    for above, run_id in zip([None, *ids], ids, strict=False):
        handler.on_chain_start(None, 1, run_id=run_id, parent_run_id=above, name=f"level {ids.index(run_id)}")
    handler.on_chain_error(ValueError("x"), run_id=ids[0])
    handle.flush(60)
    ended = [e["span_id"] for e in handle.sink.events if e["kind"] == "span_end"]
    started = [e["span_id"] for e in handle.sink.events if e["kind"] == "span_start"]
    assert ended == [*reversed(started[1:]), started[0]]
    assert handler.open_runs == 0
    statuses = [span.status for span in spans(handle).values()]
    assert statuses == [Status.ERROR, Status.CANCELLED, Status.CANCELLED, Status.CANCELLED]


def test_a_call_that_goes_on_without_its_caller_keeps_its_text_and_usage(watch: Watch) -> None:
    handle = watch()
    handler: Any = handle.handler
    root, call = uuid.uuid4(), uuid.uuid4()
    handler.on_chain_start(None, 1, run_id=root, name="bot")
    handler.on_chat_model_start(None, [[]], run_id=call, parent_run_id=root, metadata={"ls_model_name": "m"})
    handler.on_llm_new_token("half", run_id=call)
    handler.on_chain_error(asyncio.CancelledError(), run_id=root)
    assert spans(handle)["llm"].status is Status.CANCELLED
    message = AIMessage("whole", usage_metadata={"input_tokens": 5, "output_tokens": 7, "total_tokens": 12})
    handler.on_llm_end(LLMResult(generations=[[ChatGeneration(message=message)]]), run_id=call)
    spans_by_name = spans(handle)
    assert spans_by_name["llm"].status is Status.OK and spans_by_name["bot"].status is Status.CANCELLED
    assert spans_by_name["llm"].usage is not None and spans_by_name["llm"].usage.output_tokens == 7
    assert spans_by_name["llm"].trace.running == 0
    ends = [e for e in handle.sink.events if e["kind"] == "span_end" and e["node_kind"] == "llm"]
    assert [end["payload"].get("response", {}).get("text") for end in ends][-1] == "whole"


def test_a_thread_that_outlives_its_caller_ends_truly(watch: Watch) -> None:
    going, done = threading.Event(), threading.Event()

    def background(value: int) -> int:
        going.set()
        assert done.wait(60)
        return value + 1

    chain = RunnableLambda(background, name="background")

    def start(value: int) -> str:
        import contextvars

        context = contextvars.copy_context()
        thread = threading.Thread(target=lambda: context.run(chain.invoke, value))
        threads.append(thread)
        thread.start()
        assert going.wait(60)
        return "started"

    threads: list[threading.Thread] = []
    handle = watch()
    RunnableLambda(start, name="start").invoke(1)
    assert spans(handle)["background"].status is Status.CANCELLED
    done.set()
    threads[0].join()
    spans_by_name = spans(handle)
    assert (
        spans_by_name["background"].status is Status.OK
        and spans_by_name["background"].parent is spans_by_name["start"]
    )

"""What each callback leaves in the stream."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any, TypedDict

import pytest
from langchain_core.agents import AgentAction, AgentFinish
from langchain_core.callbacks import BaseCallbackHandler, dispatch_custom_event
from langchain_core.documents import Document
from langchain_core.language_models import FakeListLLM, GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from etaoi_collector.store.model import Status, status_of_error
from etaoi_tui.sdk.attach import AttachedHandle
from etaoi_tui.sdk.manual_spans import span as hand_made
from tests.sdk.langchain.models import ScriptedModel, calls
from tests.sdk.langchain.trees import Forest

Watch = Callable[..., AttachedHandle]
Look = Callable[[AttachedHandle], Forest]

CALLBACKS = {
    "on_llm_start", "on_chat_model_start", "on_llm_new_token", "on_stream_event", "on_llm_end",
    "on_llm_error",
    "on_chain_start", "on_chain_end", "on_chain_error", "on_tool_start", "on_tool_end", "on_tool_error",
    "on_retriever_start", "on_retriever_end", "on_retriever_error", "on_agent_action", "on_agent_finish",
    "on_text", "on_retry", "on_custom_event",
}  # fmt: skip
TELLS_EVENTS = hasattr(BaseCallbackHandler, "on_stream_event")
"""Whether this langchain-core is new enough for the events of its streaming protocol, version 3."""


def test_every_callback_of_langchain_is_answered() -> None:
    from etaoi_tui.sdk.langchain.handler import TracerHandler

    callbacks = {name for name in dir(BaseCallbackHandler) if name.startswith("on_")}
    assert callbacks == (CALLBACKS if TELLS_EVENTS else CALLBACKS - {"on_stream_event"})
    for name in CALLBACKS:
        assert getattr(TracerHandler, name) is not getattr(BaseCallbackHandler, name, None), name


def test_a_model_call_records_the_whole_request(watch: Watch, forest: Look) -> None:
    @tool
    def search(query: str, limit: int = 3) -> str:
        """Search the web."""
        return query

    picture = "data:image/png;base64," + "QUJD" * 100
    model = ScriptedModel(answers=["ok"]).bind_tools([search], tool_choice="auto")
    handle = watch(model)
    model.invoke(
        [
            SystemMessage("Be brief."),
            HumanMessage(
                [{"type": "text", "text": "See "}, {"type": "image_url", "image_url": {"url": picture}}]
            ),
            HumanMessage([{"type": "image", "base64": "QUJD", "mime_type": "image/webp"}]),
            AIMessage("", tool_calls=[{"name": "search", "args": {"query": "x"}, "id": "c1"}]),
            ToolMessage("found", tool_call_id="c1", name="search", status="error"),
        ],
        stop=["END"],
    )
    model.invoke("again")
    first, second = forest(handle).of("llm")
    messages = first.payload["input_messages"]
    assert [message["role"] for message in messages] == ["system", "human", "human", "ai", "tool"]
    assert messages[1]["text"] == "See "
    assert messages[1]["parts"] == [{"type": "image_url", "mime_type": "image/png", "bytes": 300}]
    (part,) = messages[2]["parts"]
    assert part["type"] in ("image_url", "image")  # langchain-core 1 gives every model the first
    assert (part["mime_type"], part["bytes"]) == ("image/webp", 3)
    assert messages[3]["tool_calls"] == [{"name": "search", "args": {"query": "x"}, "id": "c1"}]
    assert messages[4]["tool_call_id"] == "c1"
    assert messages[4]["status"] == "error"
    assert first.payload["tools"] == second.payload["tools"] == ["search"]
    assert first.payload["tools_hash"] == second.payload["tools_hash"]
    schema = json.loads(first.payload["tool_schemas"][0]["args_schema"])
    assert set(schema["properties"]) == {"query", "limit"}
    assert "tool_schemas" not in second.payload
    assert first.payload["invocation_params"]["stop"] == ["END"]
    assert first.payload["invocation_params"]["tool_choice"] == "auto"
    assert first.payload["invocation_params"]["temperature"] == 0.2


def test_a_model_call_records_the_whole_response(watch: Watch, forest: Look) -> None:
    answer = AIMessage(
        [
            {"type": "thinking", "thinking": "let me see"},
            {"type": "text", "text": "Yes."},
        ],
        usage_metadata={
            "input_tokens": 10,
            "output_tokens": 5,
            "total_tokens": 15,
            "input_token_details": {"cache_read": 4, "cache_creation": 2},
            "output_token_details": {"reasoning": 3},
        },
        response_metadata={
            "finish_reason": "stop",
            "model_name": "fake-gpt-5-2026",
            "model_provider": "fakeai",
        },
    )
    model = ScriptedModel(answers=[answer], candidates=2)
    handle = watch(model)
    model.generate([[HumanMessage("?")]])
    (call,) = forest(handle).of("llm")
    payload = call.payload
    assert payload["response"]["text"] == "Yes."
    assert payload["response"]["reasoning"] == "let me see"
    assert len(payload["candidates"]) == 2
    assert payload["finish_reason"] == "stop"
    assert payload["usage"]["cache_read_input_tokens"] == 4
    assert payload["usage"]["cache_creation_input_tokens"] == 2
    assert payload["usage"]["output_token_details"] == {"reasoning": 3}
    assert payload["model"] == payload["model_name"] == "fake-gpt-5-2026"
    assert payload["provider"] == "fakeai"
    assert "ttft_ms" not in payload


def test_a_completion_model_keeps_its_prompts(watch: Watch, forest: Look) -> None:
    model = FakeListLLM(responses=["one", "two"])
    handle = watch(model)
    model.generate(["first prompt", "second prompt"])
    tree = forest(handle)
    assert [call.payload["prompts"] for call in tree.of("llm")] == [["first prompt"], ["second prompt"]]
    assert [call.payload["response"]["text"] for call in tree.of("llm")] == ["one", "two"]


def test_tokens_and_tool_call_arguments_stream(watch: Watch, forest: Look) -> None:
    asks = calls(("search", {"query": "textual tree"}))
    model = ScriptedModel(answers=["The three changes that matter", asks])
    handle = watch(model)
    list(model.stream("?"))
    list(model.stream("?"))
    text, tools = forest(handle).of("llm")
    assert text.streamed == "The three changes that matter" == text.payload["response"]["text"]
    assert isinstance(text.payload["ttft_ms"], int)
    named = [delta["payload"]["tool_call"] for delta in tools.deltas if "tool_call" in delta["payload"]]
    assert named == [{"index": 0, "name": "search", "id": "call_1"}]
    streamed = "".join(
        d["payload"]["text"] for d in tools.deltas if d["payload"].get("channel") == "tool_call:0"
    )
    assert json.loads(streamed) == {"query": "textual tree"}


def test_reasoning_streams_on_a_channel_of_its_own(watch: Watch, forest: Look) -> None:
    class Thinker(ScriptedModel):
        def _stream(self, *args: Any, **kwargs: Any) -> Any:
            yield ChatGenerationChunk(message=AIMessageChunk([{"type": "thinking", "thinking": "hm "}]))
            reasoning = {"reasoning_content": "well"}
            yield ChatGenerationChunk(message=AIMessageChunk("", additional_kwargs=reasoning))
            yield ChatGenerationChunk(message=AIMessageChunk("Yes."))

    model = Thinker(answers=["Yes."])
    handle = watch(model)
    list(model.stream("?"))
    (call,) = forest(handle).of("llm")
    assert call.streamed == "Yes."
    thought = [d["payload"]["text"] for d in call.deltas if d["payload"].get("channel") == "reasoning"]
    assert "".join(thought) == "hm well"


@pytest.mark.skipif(not TELLS_EVENTS, reason="this langchain-core has no such stream")
async def test_protocol_events_stream_as_tokens_do(watch: Watch, forest: Look) -> None:
    model = ScriptedModel(answers=["one two three"])
    handle = watch(model)
    stream = await model.astream_events("?", version="v3")
    assert await stream.text == "one two three"
    (call,) = forest(handle).of("llm")
    assert call.streamed == "one two three"


def test_a_retriever_records_its_documents_and_contains_nested_runs(watch: Watch, forest: Look) -> None:
    class Shelf(BaseRetriever):
        def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
            RunnableLambda(lambda value: value, name="rewrite").invoke(
                query, {"callbacks": run_manager.get_child()}
            )
            return [Document("alpha", metadata={"score": 0.5, "source": "a.md"}, id="d1")]

    shelf = Shelf()
    handle = watch(shelf)
    shelf.invoke("where")
    tree = forest(handle)
    (root,) = tree.roots
    assert root.metadata["ls_retriever_name"] == "shelf"
    assert root.payload["inputs"] == "where"
    assert json.loads(root.payload["outputs"]) == [
        {"text": "alpha", "metadata": {"score": 0.5, "source": "a.md"}, "id": "d1", "score": 0.5}
    ]
    assert tree.one("rewrite").parent is root


def test_notes_retries_actions_and_custom_events_lie_on_their_run(watch: Watch, forest: Look) -> None:
    handle = watch()
    run = uuid.uuid4()
    handler: Any = handle.handler

    class Outcome:
        failed = True

        def exception(self) -> Exception:
            return TimeoutError("slow")

    class Retry:
        attempt_number = 2
        outcome = Outcome()
        upcoming_sleep = 1.5

    handler.on_chain_start(None, {"a": 1}, run_id=run, name="old style agent")
    handler.on_agent_action(AgentAction("search", {"q": "x"}, "I will search"), run_id=run)
    handler.on_text("thinking aloud", run_id=run)
    handler.on_retry(Retry(), run_id=run)
    handler.on_custom_event("progress", {"percent": 50}, run_id=run)
    handler.on_agent_finish(AgentFinish({"output": "done"}, "final"), run_id=run)
    handler.on_chain_end({"output": "done"}, run_id=run)
    tree = forest(handle)
    root = tree.one("old style agent")
    payloads = [delta["payload"] for delta in root.deltas]
    assert payloads[0] == {
        "agent_action": {"tool": "search", "tool_input": {"q": "x"}, "log": "I will search"}
    }
    assert payloads[1] == {"note": "thinking aloud"}
    assert payloads[2] == {"retry": {"attempt": 2, "error": "TimeoutError: slow", "wait_s": 1.5}}
    assert payloads[3] == {"agent_finish": {"return_values": {"output": "done"}, "log": "final"}}
    event = tree.one("progress")
    assert event.parent is root
    assert event.metadata["event"] == "progress"
    assert event.payload["data"] == {"percent": 50}
    assert event.end is not None
    assert event.end["timestamp"] == event.start["timestamp"]


def test_a_custom_event_of_langchain_reaches_the_run_that_sent_it(watch: Watch, forest: Look) -> None:
    def work(value: int) -> int:
        dispatch_custom_event("halfway", {"value": value})
        return value

    chain = RunnableLambda(work, name="work")
    handle = watch(chain)
    chain.invoke(3)
    tree = forest(handle)
    assert tree.one("halfway").parent is tree.one("work")


class Asked(TypedDict):
    answer: str


def test_an_interrupt_is_a_pause_and_the_resumed_run_goes_on(watch: Watch, forest: Look) -> None:
    builder = StateGraph(Asked)
    builder.add_node("ask", lambda state: {"answer": interrupt("may I?")})
    builder.add_edge(START, "ask")
    builder.add_edge("ask", END)
    graph = builder.compile(checkpointer=InMemorySaver())
    handle = watch(graph)
    thread: Any = {"configurable": {"thread_id": "t1"}}
    graph.invoke({"answer": ""}, thread)
    graph.invoke(Command(resume="yes"), thread)
    first, second = forest(handle).named("ask")
    assert status_of_error(first.error) is Status.PAUSED
    assert second.error is None
    assert [status_of_error(root.error) for root in forest(handle).roots] == [Status.OK, Status.OK]


def test_a_handover_to_the_graph_above_is_no_failure(watch: Watch, forest: Look) -> None:
    inner = StateGraph(Asked)
    inner.add_node("leave", lambda state: Command(goto="after", graph=Command.PARENT, update={"answer": "x"}))
    inner.add_edge(START, "leave")
    outer = StateGraph(Asked)
    outer.add_node("inner", inner.compile(), destinations=("after",))
    outer.add_node("after", lambda state: {"answer": state["answer"] + "!"})
    outer.add_edge(START, "inner")
    graph = outer.compile()
    handle = watch(graph)
    assert graph.invoke({"answer": ""}) == {"answer": "x!"}
    assert all(span.error is None for span in forest(handle).spans)


async def test_a_cancelled_task_ends_all_its_spans_as_cancelled(watch: Watch, forest: Look) -> None:
    reached = asyncio.Event()

    class Endless(ScriptedModel):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
            reached.set()
            await asyncio.Event().wait()

    async def call(value: str) -> Any:
        return await Endless(answers=["never"]).ainvoke(value)

    chain = RunnableLambda(call, name="caller") | RunnableLambda(lambda message: message)
    handle = watch(chain)
    task = asyncio.create_task(chain.ainvoke("?"))
    await asyncio.wait_for(reached.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    tree = forest(handle)
    assert {status_of_error(span.error) for span in tree.spans if span.kind != "agent_context"} == {
        Status.CANCELLED
    }
    assert tree.of("llm")


def test_a_stream_that_its_consumer_abandons_ends(watch: Watch, forest: Look) -> None:
    chain = RunnableLambda(lambda value: value) | ScriptedModel(answers=["a b c d e f"])
    handle = watch(chain)
    stream = chain.stream("?")
    next(stream)
    stream.close()
    tree = forest(handle)
    (call,) = tree.of("llm")
    assert status_of_error(call.error) is Status.CANCELLED
    assert call.streamed.startswith("a")
    assert all(span.end is not None for span in tree.spans)


async def test_an_abandoned_asynchronous_stream_of_an_agent_ends(watch: Watch, forest: Look) -> None:
    pytest.importorskip("langchain.agents.middleware")
    from langchain.agents import create_agent

    agent = create_agent(ScriptedModel(answers=["a b c d e f"]), name="streamer")
    handle = watch(agent)
    stream = agent.astream({"messages": [("user", "?")]}, stream_mode="messages")
    await anext(stream)
    await stream.aclose()
    tree = forest(handle)
    assert all(span.end is not None for span in tree.spans)
    assert status_of_error(tree.one("streamer").error) is Status.CANCELLED


def test_an_error_has_type_message_and_traceback(watch: Watch, forest: Look) -> None:
    def fail(value: int) -> int:
        raise ValueError(f"not {value}")

    chain = RunnableLambda(fail, name="fails")
    handle = watch(chain)
    with pytest.raises(ValueError, match="not 3"):
        chain.invoke(3)
    span = forest(handle).one("fails")
    assert span.error == "ValueError('not 3')"
    payload_text = json.dumps(span.payload)
    assert "ValueError" in payload_text
    assert "in fail" in payload_text
    assert "langchain_core/runnables" not in payload_text


def test_partial_text_stays_when_a_model_fails_while_it_streams(watch: Watch, forest: Look) -> None:
    class Breaks(ScriptedModel):
        def _stream(self, *args: Any, **kwargs: Any) -> Any:
            yield ChatGenerationChunk(message=AIMessageChunk("Half an "))
            raise ConnectionError("gone")

    model = Breaks(answers=["?"])
    handle = watch(model)
    with pytest.raises(ConnectionError):
        list(model.stream("?"))
    (call,) = forest(handle).of("llm")
    assert call.streamed == "Half an "
    assert call.error == "ConnectionError('gone')"
    assert "ttft_ms" in call.payload


def test_a_failed_tool_message_is_an_error(watch: Watch, forest: Look) -> None:
    @tool
    def broken(x: int) -> str:
        """Fail."""
        raise ValueError("no")

    broken.handle_tool_error = True
    from langchain_core.tools import ToolException

    @tool
    def handled(x: int) -> str:
        """Fail, and say so to the model."""
        raise ToolException("no")

    handled.handle_tool_error = True
    handle = watch(handled)
    handled.invoke({"type": "tool_call", "name": "handled", "args": {"x": 1}, "id": "c1"})
    span = forest(handle).one("handled")
    assert status_of_error(span.error) is Status.ERROR
    output = json.loads(span.payload["output"])
    assert output["status"] == "error"
    # Only langchain-core 1 tells the id before the answer has it.
    assert span.metadata.get("tool_call_id", output["tool_call_id"]) == "c1"


def test_manual_spans_and_runs_nest_both_ways(watch: Watch, forest: Look) -> None:
    @tool
    def lookup(x: int) -> int:
        """Look up."""
        with hand_made("cache", kind="tool"):
            return int(RunnableLambda(lambda value: value, name="deepest").invoke(x))

    handle = watch()
    with hand_made("request"):
        lookup.invoke({"x": 1})
        with hand_made("after"):
            pass
    lookup.invoke({"x": 2})
    tree = forest(handle)
    chain = []
    at: Any = tree.named("deepest")[0]
    while at is not None:
        chain.append(at.name)
        at = at.parent
    assert chain == ["deepest", "cache", "lookup", "request"]
    assert tree.one("after").parent is tree.one("request")
    assert [root.name for root in tree.roots] == ["request", "lookup"]


async def test_manual_spans_nest_across_tasks(watch: Watch, forest: Look) -> None:
    handle = watch()
    chain = RunnableLambda(lambda value: value, name="step")

    async def work(number: int) -> None:
        async with hand_made(f"job {number}"):
            await asyncio.gather(chain.ainvoke(1), chain.ainvoke(2))

    await asyncio.gather(*(work(number) for number in range(5)))
    tree = forest(handle)
    assert len(tree.roots) == 5
    assert all([child.name for child in root.children] == ["step", "step"] for root in tree.roots)


def test_a_child_of_an_unknown_run_is_a_labelled_root(watch: Watch, forest: Look) -> None:
    handle = watch()
    handler: Any = handle.handler
    parents = [uuid.uuid4(), uuid.uuid4()]
    for parent in parents:
        run = uuid.uuid4()
        handler.on_chain_start(None, 1, run_id=run, parent_run_id=parent, name="orphan")
        handler.on_chain_end(1, run_id=run)
    orphans = forest(handle).named("orphan")
    assert [orphan.metadata["etaoi_tui.unknown_parent"] for orphan in orphans] == [str(p) for p in parents]
    assert orphans[0].start["trace_id"] != orphans[1].start["trace_id"]


def test_a_child_that_starts_after_its_parents_end_is_still_its_child(watch: Watch, forest: Look) -> None:
    handle = watch()
    handler: Any = handle.handler
    parent, child = uuid.uuid4(), uuid.uuid4()
    handler.on_chain_start(None, 1, run_id=parent, name="parent")
    handler.on_chain_end(1, run_id=parent)
    handler.on_chain_start(None, 1, run_id=child, parent_run_id=parent, name="late")
    handler.on_chain_end(1, run_id=child)
    tree = forest(handle)
    assert tree.one("late").parent is tree.one("parent")


def test_state_is_recorded_as_it_was_at_the_call(watch: Watch, forest: Look) -> None:
    def change(state: dict[str, Any]) -> dict[str, Any]:
        state["items"].append("changed")
        state["late"] = True
        return {"ok": True}

    chain = RunnableLambda(change, name="changes")
    handle = watch(chain)
    chain.invoke({"items": ["given"]})
    span = forest(handle).one("changes")
    assert json.loads(span.payload["inputs"]) == {"items": ["given"]}
    assert span.payload["input_keys"] == ["items"]


def test_mixed_keys_and_hostile_values_cost_only_themselves(watch: Watch, forest: Look) -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    cyclic: dict[Any, Any] = {1: "a", "b": 10**30, None: Hostile(), "bytes": b"\xff", "lone": "\ud800"}
    cyclic["self"] = cyclic
    chain = RunnableLambda(lambda value: 1, name="odd")
    handle = watch(chain)
    chain.invoke(cyclic)
    chain.invoke(1)
    first, second = forest(handle).named("odd")
    assert json.loads(first.payload["inputs"])["b"] == str(10**30)
    assert second.payload["inputs"] == "1"


def test_generic_models_report_their_stream(watch: Watch, forest: Look) -> None:
    model = GenericFakeChatModel(messages=iter([AIMessage("to be or not")]))
    handle = watch(model)
    list(model.stream("?"))
    assert forest(handle).of("llm")[0].streamed == "to be or not"

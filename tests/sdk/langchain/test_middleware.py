"""`instrument`: every hook is a span with what it was given, sent down and returned; nested as it ran."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    ModelRequest,
    after_model,
    before_model,
    dynamic_prompt,
    wrap_model_call,
    wrap_tool_call,
)
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from etaoi_collector.store.model import Status, status_of_error
from etaoi_tui.detail.pages.probe import hook_snapshot
from etaoi_tui.sdk.attach import AttachedHandle
from etaoi_tui.sdk.langchain.middleware import instrument
from tests.sdk.langchain.models import ScriptedModel, calls
from tests.sdk.langchain.trees import Forest, SpanNode

Watch = Callable[..., AttachedHandle]
Look = Callable[[AttachedHandle], Forest]
ASK: dict[str, Any] = {"messages": [HumanMessage("hello", id="m1"), HumanMessage("more", id="m2")]}


@tool
def double(number: int) -> int:
    """Double a number."""
    return number * 2


class Adds(AgentMiddleware):
    """Adds a message, sync and async."""

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return handler(request.override(messages=[*request.messages, HumanMessage("remember the date")]))

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        return await handler(
            request.override(messages=[*request.messages, HumanMessage("remember the date")])
        )


class Trims(AgentMiddleware):
    """Drops the first message, replaces another under its id, hides the tools."""

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        remaining = [HumanMessage("MORE", id="m2") if m.id == "m2" else m for m in request.messages[1:]]
        return handler(request.override(messages=remaining, tools=[], model_settings={"stop": ["x"]}))


@dynamic_prompt
def polite(request: ModelRequest) -> str:
    return "Be polite. " + (request.system_prompt or "")


def through_three(watch: Watch, asked: dict[str, Any] = ASK) -> AttachedHandle:
    """Watch an agent whose one model call goes through all three."""
    agent = create_agent(
        ScriptedModel(answers=["done"]),
        [double],
        system_prompt="Sys.",
        middleware=instrument([Adds(), Trims(), polite]),
    )
    handle = watch(agent)
    agent.invoke(asked)
    return handle


def rebuild(tree: Forest, probe: SpanNode) -> list[tuple[str, str]]:
    """Return the messages that a hook sent down, (role, text) in order, from what was recorded alone."""
    bodies: dict[str, dict[str, Any]] = {}
    for span in tree.spans:
        payload = span.payload
        for message in payload.get("input_messages", ()):
            if "key" in message:
                bodies[message["key"]] = message
        diff = payload.get("diff", {})
        for entry in (*diff.get("messages_added", ()), *diff.get("messages_removed", ())):
            bodies[entry["key"]] = entry["message"]
        for pair in diff.get("messages_changed", ()):
            for entry in (pair["before"], pair["after"]):
                bodies[entry["key"]] = entry["message"]
    request_before, after = probe.payload["before"], probe.payload.get("after", {})
    system = after.get("system", request_before.get("system")) or {}
    text = system.get("text", "".join(block["text"] for block in system.get("blocks", ())))
    messages = [("system", text)] if text else []
    for entry in after.get("messages", request_before["messages"]):
        body = bodies[entry["key"]]
        messages.append((body["role"], body["text"]))
    return messages


def received(call: SpanNode) -> list[tuple[str, str]]:
    return [(message["role"], message["text"]) for message in call.payload["input_messages"]]


def seconds(span: SpanNode) -> float:
    assert span.end is not None
    begun, ended = (datetime.fromisoformat(event["timestamp"]) for event in (span.start, span.end))
    return (ended - begun).total_seconds()


def test_wrap_hooks_nest_as_they_ran_around_the_model_call(watch: Watch, forest: Look) -> None:
    tree = forest(through_three(watch))
    outer, trims, prompt = (
        tree.one(name) for name in ("Adds.wrap_model_call", "Trims.wrap_model_call", "polite.wrap_model_call")
    )
    (call,) = tree.of("llm")
    assert call.parent is prompt
    assert prompt.parent is trims
    assert trims.parent is outer
    assert outer.parent is tree.one("model")
    assert outer.metadata["lc_probe"] == "wrap_model_call"
    assert outer.metadata["probe_label"] == "Adds.wrap_model_call"
    assert seconds(outer) >= seconds(trims) >= seconds(prompt) >= seconds(call) > 0


def test_each_hook_records_its_changes(watch: Watch, forest: Look) -> None:
    tree = forest(through_three(watch))
    added = tree.one("Adds.wrap_model_call").payload
    assert [entry["preview"] for entry in added["before"]["messages"]] == ["hello", "more"]
    assert added["before"]["system"] == {"text": "Sys."}
    assert added["before"]["tools"] == ["double"]
    assert added["before"]["model"] == {"name": "fake-gpt-5", "provider": "fakeai"}
    assert added["diff"]["messages_count_delta"] == 1
    assert [entry["message"]["text"] for entry in added["diff"]["messages_added"]] == ["remember the date"]
    assert list(added["after"]) == ["messages"]
    trimmed = tree.one("Trims.wrap_model_call").payload["diff"]
    assert [entry["message"]["text"] for entry in trimmed["messages_removed"]] == ["hello"]
    (changed,) = trimmed["messages_changed"]
    assert (changed["before"]["message"]["text"], changed["after"]["message"]["text"]) == ("more", "MORE")
    assert trimmed["tools_removed"] == ["double"]
    assert trimmed["model_settings_changed"] == {"before": None, "after": {"stop": ["x"]}}
    prompt = tree.one("polite.wrap_model_call").payload
    assert prompt["after"] == {"system": {"text": "Be polite. Sys."}}
    assert prompt["diff"]["system_text_delta"] == {"before_len": 4, "after_len": 15}
    assert prompt["response"]["messages"][0]["preview"] == "done"
    assert prompt["response"]["changed"] is False


def test_the_exact_request_of_every_step_can_be_rebuilt(watch: Watch, forest: Look) -> None:
    long = "x" * 5_000
    messages = [HumanMessage(long, id="m1"), HumanMessage("more", id="m2"), AIMessage("ok")]
    tree = forest(through_three(watch, {"messages": messages}))
    start = [("human", long), ("human", "more"), ("ai", "ok")]
    date = ("human", "remember the date")
    sent = [("human", "MORE"), ("ai", "ok"), date]
    assert rebuild(tree, tree.one("Adds.wrap_model_call")) == [("system", "Sys."), *start, date]
    assert rebuild(tree, tree.one("Trims.wrap_model_call")) == [("system", "Sys."), *sent]
    last = rebuild(tree, tree.one("polite.wrap_model_call"))
    assert last == [("system", "Be polite. Sys."), *sent] == received(tree.of("llm")[0])


async def test_asynchronous_hooks_do_the_same(watch: Watch, forest: Look) -> None:
    agent = create_agent(ScriptedModel(answers=["done"]), [double], middleware=instrument([Adds(), polite]))
    handle = watch(agent)
    await asyncio.gather(*(agent.ainvoke(ASK) for _ in range(8)))
    tree = forest(handle)
    assert len(tree.roots) == 8
    for root in tree.roots:
        names = [span.name for span in root.walk()]
        assert names.count("Adds.awrap_model_call") == names.count("polite.awrap_model_call") == 1
        (call,) = (span for span in root.walk() if span.kind == "llm")
        assert call.parent is not None
        assert call.parent.name == "polite.awrap_model_call"
        assert call.parent.parent is not None
        assert call.parent.parent.name == "Adds.awrap_model_call"


def test_before_and_after_hooks_record_the_changed_state(watch: Watch, forest: Look) -> None:
    @before_model
    def compact(state: Any, runtime: Any) -> dict[str, Any]:
        return {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), HumanMessage("summary", id="s1")], "seen": 1}

    @after_model
    def idle(state: Any, runtime: Any) -> None:
        return None

    agent = create_agent(ScriptedModel(answers=["done"]), middleware=instrument([compact, idle]))
    handle = watch(agent)
    agent.invoke(ASK)
    tree = forest(handle)
    hook_span = next(span for span in tree.spans if span.metadata.get("lc_hook") == "before_model")
    hook = [span for span in tree.spans if span.metadata.get("lc_probe")]
    probe, after = hook
    assert hook_span.children == [probe]
    assert [entry["preview"] for entry in probe.payload["before"]["messages"]] == ["hello", "more"]
    assert [entry["preview"] for entry in probe.payload["after"]["messages"]] == ["summary"]
    assert len(probe.payload["diff"]["messages_removed"]) == 2
    assert probe.payload["diff"]["keys_set"] == ["seen"]
    assert probe.payload["response"]["keys"] == ["messages", "seen"]
    assert after.payload["response"] == {"none": True}
    assert after.payload["diff"] == {}
    assert "after" not in after.payload


def test_tool_hooks_record_changed_arguments_and_the_answer(watch: Watch, forest: Look) -> None:
    @wrap_tool_call
    def triple(request: Any, handler: Any) -> Any:
        call = {**request.tool_call, "args": {"number": request.tool_call["args"]["number"] * 3}}
        return handler(request.override(tool_call=call))

    model = ScriptedModel(answers=[calls(("double", {"number": 2})), "done"])
    agent = create_agent(model, [double], middleware=instrument([triple]))
    handle = watch(agent)
    agent.invoke(ASK)
    tree = forest(handle)
    probe = tree.one("triple.wrap_tool_call")
    assert probe.parent is tree.one("tools")
    assert tree.one("double").parent is probe
    assert probe.payload["before"]["tool_call"] == {"name": "double", "args": {"number": 2}, "id": "call_1"}
    assert probe.payload["diff"] == {"args_changed": {"number": {"before": 2, "after": 6}}}
    assert probe.payload["response"]["messages"][0]["message"]["text"] == "12"


def test_retries_short_circuits_and_failures_show(watch: Watch, forest: Look) -> None:
    @wrap_model_call
    def retry(request: Any, handler: Any) -> Any:
        try:
            return handler(request)
        except ConnectionError:
            return handler(request)

    @wrap_model_call
    def cached(request: Any, handler: Any) -> Any:
        return AIMessage("from the cache")

    @wrap_model_call
    def fails(request: Any, handler: Any) -> Any:
        raise ValueError("broken hook")

    agent = create_agent(
        ScriptedModel(answers=[ConnectionError("gone"), "done"]), middleware=instrument([retry])
    )
    handle = watch(agent)
    agent.invoke(ASK)
    tree = forest(handle)
    probe = tree.one("retry.wrap_model_call")
    assert [call.error for call in tree.of("llm")] == ["ConnectionError('gone')", None]
    assert [delta["payload"]["attempt"] for delta in probe.deltas] == [1, 1, 2]
    assert probe.deltas[1]["payload"]["error"] == "ConnectionError: gone"
    assert probe.payload["handler_calls"] == 2

    agent = create_agent(ScriptedModel(answers=["never"]), middleware=instrument([cached]))
    handle = watch(agent)
    agent.invoke(ASK)
    probe = forest(handle).one("cached.wrap_model_call")
    assert probe.payload["handler_calls"] == 0
    assert probe.payload["response"]["messages"][0]["message"]["text"] == "from the cache"

    agent = create_agent(ScriptedModel(answers=["never"]), middleware=instrument([fails]))
    handle = watch(agent)
    with pytest.raises(ValueError, match="broken hook"):
        agent.invoke(ASK)
    assert status_of_error(forest(handle).one("fails.wrap_model_call").error) is Status.ERROR


def test_hooks_land_in_the_session_of_their_own_agent_in_any_thread(watch: Watch, forest: Look) -> None:
    shared = instrument([Adds()])
    agents = [
        create_agent(ScriptedModel(answers=["done"]), middleware=shared, name=f"agent{n}") for n in range(4)
    ]
    handles = [watch(agent, session_id=f"session {n}") for n, agent in enumerate(agents)]
    threads = [threading.Thread(target=agent.invoke, args=(ASK,)) for agent in agents for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for number, handle in enumerate(handles):
        tree = forest(handle)
        probes = tree.named("Adds.wrap_model_call")
        assert len(probes) == 3
        assert {probe.start["session_id"] for probe in probes} == {str(handle.session_id)}
        assert all(probe.parent is not None and probe.parent.name == "model" for probe in probes)
        assert [root.name for root in tree.roots] == [f"agent{number}"] * 3


def test_instrumented_twice_or_unattached_changes_nothing(watch: Watch, forest: Look) -> None:
    middleware = [Adds()]
    assert instrument(instrument(middleware)) is middleware
    agent = create_agent(ScriptedModel(answers=["done"]), middleware=middleware)
    assert agent.invoke(ASK)["messages"][-1].content == "done"
    handle = watch(agent)
    agent.invoke(ASK)
    assert len(forest(handle).named("Adds.wrap_model_call")) == 1
    handle.detach()
    assert agent.invoke(ASK)["messages"][-1].content == "done"


def test_other_objects_than_middleware_are_refused() -> None:
    with pytest.raises(TypeError, match="takes AgentMiddleware objects, not function"):
        instrument([lambda request, handler: handler(request)])


def test_disabled_means_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETAOI_DISABLED", "1")
    middleware = Adds()
    instrument([middleware])
    assert "wrap_model_call" not in vars(middleware)


def test_a_message_changed_in_place_is_detected(watch: Watch, forest: Look) -> None:
    @wrap_model_call
    def edits(request: Any, handler: Any) -> Any:
        request.messages[0].content = "edited"
        return handler(request)

    agent = create_agent(ScriptedModel(answers=["done"]), middleware=instrument([edits]))
    handle = watch(agent)
    agent.invoke({"messages": [HumanMessage("hello", id="m1")]})
    tree = forest(handle)
    assert "after" in tree.one("edits.wrap_model_call").payload
    assert received(tree.of("llm")[0]) == [("human", "edited")]


def test_system_blocks_with_cache_marks_are_compared(watch: Watch, forest: Look) -> None:
    @wrap_model_call
    def marks(request: Any, handler: Any) -> Any:
        block = {"type": "text", "text": "Sys.", "cache_control": {"type": "ephemeral"}}
        return handler(request.override(system_message=SystemMessage([block])))

    agent = create_agent(
        ScriptedModel(answers=["done"]), system_prompt="Sys.", middleware=instrument([marks])
    )
    handle = watch(agent)
    agent.invoke(ASK)
    diff = forest(handle).one("marks.wrap_model_call").payload["diff"]
    assert diff["system_added"][0]["cache_control"] == {"type": "ephemeral"}
    assert "system_text_changed" not in diff


def test_a_tool_message_keeps_its_key_from_step_to_step() -> None:
    from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot, diff_messages, identify

    one = ToolMessage("12", tool_call_id="c1", id="a")
    other = ToolMessage("12", tool_call_id="c1", id="b")
    assert identify(MessageSnapshot([one]))[0]["key"] == identify(MessageSnapshot([other]))[0]["key"]
    many = [HumanMessage(f"m{n}", id=str(n)) for n in range(200)]
    assert diff_messages(MessageSnapshot(many), MessageSnapshot(list(many))) == {}
    assert diff_messages(MessageSnapshot(many), MessageSnapshot(many[::-1])) == {"messages_reordered": True}


def test_the_viewer_reads_a_hook_as_it_reads_the_references(watch: Watch, forest: Look) -> None:
    model = ScriptedModel(answers=["done"])
    agent = create_agent(model, [double], system_prompt="Sys.", middleware=instrument([Trims()]))
    handle = watch(agent)
    agent.invoke(ASK)
    probe = forest(handle).one("Trims.wrap_model_call")
    assert probe.end is not None
    later = [delta["payload"] for delta in probe.deltas] + [probe.end["payload"]]
    snapshot = hook_snapshot(probe.start["payload"], later)
    assert [message.get("text") for message in snapshot["before"]["messages"]] == ["hello", "more"]
    assert [message.get("text") for message in snapshot["after"]["messages"]] == ["MORE"]
    assert snapshot["after"]["system"] == snapshot["before"]["system"] == {"text": "Sys."}
    assert (snapshot["before"]["tools"], snapshot["after"]["tools"]) == (["double"], [])
    assert snapshot["response"]["messages"][0]["preview"] == "done"

"""What a call is compared with: the call before, the same step of the run before, the marked one."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from etaoi_tui.view.neighbouring_calls import call_near
from etaoi_tui.view.same_step import same_step
from tests.app.world import World, world
from tests.detail.recorded import Recorded
from tests.scribe import Scribe
from tests.xray.test_keys import page_text

NODE = {"lc_chain_kind": "graph_node", "name": "model"}


def run(scribe: Scribe, prompts: list[list[str]], name: str = "counter") -> None:
    """One run of an agent: a visit of its node for each list, a call (an attempt) for each prompt in it."""
    root = scribe.start("sub_agent", name, payload={"inputs": "{}"})
    for attempts in prompts:
        node = scribe.start("middleware", "model", root, metadata=NODE)
        for prompt in attempts:
            payload = {"input_messages": [{"role": "human", "text": prompt}]}
            call = scribe.start("llm", "gpt", node, payload)
            scribe.end(call, {"response": {"role": "ai", "text": "ok"}})
        scribe.end(node, {})
    scribe.end(root, {"outputs": "{}"})


def prompt_of(recorded: Recorded, span: Any) -> str:
    event = recorded.payloads.event(span.start_ref)
    assert isinstance(event, dict)
    return str(event["payload"]["input_messages"][0]["text"])


def test_a_step_is_a_visit_of_the_node_so_that_retries_do_not_shift_it() -> None:
    recorded, scribe = Recorded(), Scribe("bases")
    run(scribe, [["a1"], ["a2 try 1", "a2 try 2"], ["a3"]])
    run(scribe, [["other"]], name="another agent")
    run(scribe, [["b1 try 1", "b1 try 2"], ["b2", "b2 try 2"], ["b3"], ["b4"]])
    recorded.send(*scribe.take())
    calls = {prompt_of(recorded, span): span for span in recorded.spans if span.kind == "llm"}

    def beside(name: str) -> tuple[str, str]:
        match, words = same_step(calls[name])
        return ("" if match is None else prompt_of(recorded, match)), words

    assert beside("b3") == ("a3", "step 3 of the run before")
    assert beside("b2")[0] == "a2 try 1"
    assert beside("b2 try 2")[0] == "a2 try 2"
    assert beside("b1 try 2")[0] == "a1"
    assert beside("b4") == ("a3", "the run before has no step 4: this is its last, 3")
    assert beside("a1") == ("", "this agent has no run before this one")


def team(scribe: Scribe, name: str, tools: list[tuple[str, str, str]]) -> None:
    """One run of an agent with agents inside its tools, each with one call: tool, agent, prompt."""
    root = scribe.start("sub_agent", name)
    for tool, agent, prompt in tools:
        task = scribe.start("tool", tool, root)
        inner = scribe.start("sub_agent", agent, task)
        payload = {"input_messages": [{"role": "human", "text": prompt}]}
        call = scribe.start("llm", "gpt", inner, payload)
        for span in (call, inner, task):
            scribe.end(span, {})
    scribe.end(root, {})


def test_an_agent_inside_another_is_compared_with_the_one_at_its_place_and_else_with_the_most_alike() -> None:
    recorded, scribe = Recorded(), Scribe("places")
    team(
        scribe,
        "boss",
        [
            ("task", "finder", "a1"),
            ("task", "finder", "a2"),
            ("ask", "critic", "a3"),
            ("ask", "finder", "a4"),
        ],
    )
    team(scribe, "another", [("task", "finder", "x1")])
    team(
        scribe,
        "boss",
        [
            ("task", "finder", "b1"),
            ("task", "finder", "b2"),
            ("task", "finder", "b3"),
            ("call", "critic", "b4"),
            ("ask", "finder", "b5"),
        ],
    )
    team(scribe, "alone", [("task", "finder", "c1"), ("task", "finder", "c2")])
    recorded.send(*scribe.take())
    calls = {prompt_of(recorded, span): span for span in recorded.spans if span.kind == "llm"}

    def beside(name: str) -> str:
        nearest, _ = same_step(calls[name])
        return "" if nearest is None else prompt_of(recorded, nearest)

    assert (beside("b1"), beside("b2")) == ("a1", "a2"), "by the path, not the one before it in the same run"
    assert beside("b3") == "a1", "there was no third task: the first that is like it"
    assert beside("b4") == "a3", "another tool led to it, and it is the same agent"
    assert beside("b5") == "a4", "at its place was the critic: the one that the same tool led to"
    assert (beside("a1"), beside("c2")) == ("", "b5"), "no run before: the newest of the same agent"


def test_a_row_of_middleware_leads_to_its_call() -> None:
    recorded, scribe = Recorded(), Scribe("near")
    mark = {"lc_probe": "wrap_model_call", "probe_label": "A.wrap_model_call"}
    root = scribe.start("sub_agent", "a")
    node = scribe.start("middleware", "model", root, metadata=NODE)
    down = scribe.start("middleware", "A", node, metadata={**mark, "probe_phase": "pre_handler"})
    call = scribe.start("llm", "gpt", node)
    back = scribe.start("middleware", "A", node, metadata=mark)
    recorded.send(*scribe.take())
    spans = {span.span_id: span for span in recorded.spans}
    for one in (down, call, back, node):
        nearest = call_near(spans[one.span_id])
        assert nearest is not None
        assert nearest.span_id == call.span_id
    assert call_near(spans[root.span_id]) is spans[call.span_id]


def test_any_row_of_an_agent_leads_to_its_nearest_call() -> None:
    recorded, scribe = Recorded(), Scribe("nearest")
    root = scribe.start("sub_agent", "a")
    state_hook = scribe.start(
        "middleware", "Budget.before_model", root, metadata={"lc_probe": "before_model"}
    )
    first = scribe.start("llm", "gpt", root)
    tool = scribe.start("tool", "search", root)
    inner = scribe.start("sub_agent", "helper", tool)
    asked = scribe.start("llm", "mini", inner)
    second = scribe.start("llm", "gpt", root)
    lonely = scribe.start("tool", "alone")
    recorded.send(*scribe.take())
    spans = {span.span_id: span for span in recorded.spans}

    def near(one: str) -> str:
        nearest = call_near(spans[one])
        return "" if nearest is None else nearest.span_id

    assert near(root.span_id) == second.span_id
    assert near(state_hook.span_id) == first.span_id
    assert near(inner.span_id) == asked.span_id
    assert near(tool.span_id) == first.span_id
    assert near(lonely.span_id) == ""


async def two_runs(w: World, pilot: Pilot[Any]) -> None:
    run(w.scribe, [["first"], ["second"]])
    run(w.scribe, [["first, again"], ["second, again"]])
    await w.tick(pilot)
    w.tree.follow(False)
    w.app.main.show_trace(w.app.main.traces.newest())
    w.tree.move_to(2)
    await pilot.pause()


async def test_d_pressed_again_compares_with_the_next_and_says_so() -> None:
    async with world(size=(130, 60)) as (w, pilot):
        await two_runs(w, pilot)
        detail = w.app.main.detail

        async def press(key: str) -> str:
            await pilot.press(key)
            await w.tick(pilot)
            return page_text(detail)

        text = await press("d")
        assert "● call before" in text
        assert "first, again" in text
        text = await press("d")
        assert "● same step, run before" in text
        assert "step 2 of the run before" in text
        assert "first, again" not in text
        text = await press("d")
        assert "● call before" in text
        w.tree.move_to(1)
        await press("m")
        w.tree.move_to(2)
        await press("R")
        text = await press("d")
        assert "● marked call" in text
        assert "Against the marked call" in text

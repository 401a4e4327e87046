from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import etaoi_tui
from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.tracer import Tracer, current_span, push_default, remove_default, use_span


@pytest.fixture(autouse=True)
def attached(tracer: Tracer) -> Iterator[None]:
    push_default(tracer)
    yield
    remove_default(tracer)


def tree(tracer: Tracer) -> dict[str, str | None]:
    """Name of each span -> name of its parent."""
    starts = [event for event in tracer.sink.events if event["kind"] == "span_start"]
    names = {event["span_id"]: event["metadata"]["name"] for event in starts}
    return {names[e["span_id"]]: names.get(e["parent_span_id"]) for e in starts}


def ends(tracer: Tracer) -> dict[str, dict[str, Any]]:
    starts = {e["span_id"]: e["metadata"]["name"] for e in tracer.sink.events if e["kind"] == "span_start"}
    return {starts[e["span_id"]]: e for e in tracer.sink.events if e["kind"] == "span_end"}


def test_manual_spans_nest_and_record_input_and_output(tracer: Tracer) -> None:
    with etaoi_tui.span("outer"), etaoi_tui.span("find", kind="tool", input={"q": {1}}) as tool_span:
        tool_span.set_output(["a"])
        etaoi_tui.event("cache miss", key="k")
    assert tree(tracer) == {"outer": None, "find": "outer", "cache miss": "find"}
    start = next(e for e in tracer.sink.events if e["metadata"].get("name") == "find")
    assert json.loads(start["payload"]["input"]) == {"q": [1]}
    assert json.loads(ends(tracer)["find"]["payload"]["output"]) == ["a"]
    happened = next(e for e in tracer.sink.events if e["metadata"].get("event") == "cache miss")
    assert ends(tracer)["cache miss"]["timestamp"] == happened["timestamp"]
    assert json.loads(happened["payload"]["inputs"]) == {"key": "k"}


def test_manual_spans_nest_with_the_spans_of_a_framework_both_ways(tracer: Tracer) -> None:
    with etaoi_tui.span("mine"):
        framework = tracer.start("sub_agent", "framework", parent=current_span())
        with use_span(framework), etaoi_tui.span("inside"):
            pass
    assert tree(tracer) == {"mine": None, "framework": "mine", "inside": "framework"}


def test_manual_spans_nest_across_tasks_and_threads(tracer: Tracer) -> None:
    async def child(name: str) -> None:
        async with etaoi_tui.span(name):
            await asyncio.sleep(0)
            assert current_span() is not None

    async def main() -> None:
        async with etaoi_tui.span("root"):
            await asyncio.gather(child("a"), child("b"))
            await asyncio.to_thread(lambda: etaoi_tui.event("in a thread"))

    asyncio.run(main())

    def work() -> None:
        with etaoi_tui.span("copied"):
            pass

    with etaoi_tui.span("second"):
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(work,))
        thread.start()
        thread.join()
    assert tree(tracer) == {
        "root": None,
        **{"a": "root", "b": "root", "in a thread": "root"},
        **{"second": None, "copied": "second"},
    }
    assert current_span() is None


def test_decorated_functions_keep_results_names_and_exceptions(tracer: Tracer) -> None:
    @etaoi_tui.span("add", kind="tool")
    def add(a: int, b: int = 2) -> int:
        """Adds."""
        return a + b

    @etaoi_tui.span("fail")
    async def fail() -> None:
        raise KeyError("gone")

    assert add(1) == 3 and add(5, b=5) == 10
    assert add.__name__ == "add" and add.__doc__ == "Adds."
    with pytest.raises(KeyError, match="gone"):
        asyncio.run(fail())
    with pytest.raises(TypeError):
        add()  # type: ignore[call-arg]
    starts = [e for e in tracer.sink.events if e["kind"] == "span_start"]
    assert json.loads(starts[0]["payload"]["input"]) == {"a": 1}
    assert ends(tracer)["fail"]["error"] == "KeyError('gone')"


def test_a_decorated_generator_is_current_only_while_its_body_runs(tracer: Tracer) -> None:
    sent_values: list[Any] = []

    @etaoi_tui.span("count")
    def count(n: int) -> Iterator[Any]:
        try:
            for i in range(n):
                with etaoi_tui.span(f"step {i}"):
                    pass
                sent_values.append((yield f"{i} "))
        except ValueError:
            yield "caught"
        return "done"

    def consume() -> Iterator[Any]:
        result = yield from count(2)
        assert result == "done"

    assert list(consume()) == ["0 ", "1 "]
    generator = count(5)
    assert next(generator) == "0 "
    assert current_span() is None
    with etaoi_tui.span("elsewhere"):
        pass
    assert generator.send("sent") == "1 "
    assert generator.throw(ValueError()) == "caught"
    generator.close()
    assert "sent" in sent_values
    parents = tree(tracer)
    assert parents["step 0"] == "count" and parents["elsewhere"] is None
    errors = [e["error"] for e in tracer.sink.events if e["kind"] == "span_end" and e["payload"]]
    assert errors == [None, "GeneratorExit()"]


async def test_a_decorated_async_generator_streams_and_ends_when_abandoned(tracer: Tracer) -> None:
    closed: list[bool] = []

    @etaoi_tui.span("stream", kind="llm")
    async def stream() -> AsyncIterator[str]:
        try:
            for word in ("one ", "two ", "three "):
                await asyncio.sleep(0)
                yield word
        finally:
            closed.append(True)

    assert [word async for word in stream()] == ["one ", "two ", "three "]
    abandoned = stream()
    assert await anext(abandoned) == "one "
    await abandoned.aclose()
    assert closed == [True, True]
    finished = [e for e in tracer.sink.events if e["kind"] == "span_end"]
    assert json.loads(finished[0]["payload"]["response"]) == "one two three "
    assert finished[1]["error"] == "GeneratorExit()"
    text = "".join(e["payload"]["text"] for e in tracer.sink.events if e["kind"] == "span_delta")
    assert text == "one two three one "


def test_the_input_is_recorded_as_it_was_at_the_call(tracer: Tracer) -> None:
    state = {"messages": ["a"]}
    with etaoi_tui.span("s", input=state):
        state["messages"].append("b")
    start = next(e for e in tracer.sink.events if e["kind"] == "span_start")
    assert json.loads(start["payload"]["inputs"]) == {"messages": ["a"]}


def test_disabled_spans_run_the_code_and_record_nothing(
    monkeypatch: pytest.MonkeyPatch, tracer: Tracer
) -> None:
    monkeypatch.setenv("AGENTVIZ_DISABLED", "Yes")

    @etaoi_tui.span("f")
    def f() -> int:
        etaoi_tui.event("e")
        return 5

    with etaoi_tui.span("s") as entered:
        entered.set_output(1)
        entered.update(a=1)
        entered.write("x")
        assert f() == 5
    assert tracer.sink.events == []


def test_a_context_manager_left_in_another_context_does_no_harm(tracer: Tracer) -> None:
    manual_span = etaoi_tui.span("s")
    contextvars.copy_context().run(manual_span.__enter__)
    manual_span.__exit__(None, None, None)
    assert current_span() is None
    assert ends(tracer)["s"]["error"] is None


def test_the_innermost_tracer_is_used(tracer: Tracer) -> None:
    other = open_tracer(sink="memory")
    with use_span(other.start("sub_agent", "theirs")), etaoi_tui.span("inside"):
        pass
    assert tree(other) == {"theirs": None, "inside": "theirs"}
    assert tracer.sink.events == []
    other.close()

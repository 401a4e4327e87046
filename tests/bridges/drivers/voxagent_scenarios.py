"""What voxagent agents do in the tests. Runs in an environment that has voxagent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from three import Stage, classes_of, main
from voxagent import Agent
from voxagent.providers.base import ErrorChunk, MessageEndChunk, TextDeltaChunk
from voxagent.providers.registry import get_default_registry
from voxagent.subagent.definition import SubAgentDefinition
from voxagent_fakes import Scripted, Server, call, events_of, results, say, script, tool, weather

SECRET = "do-not-record-me"


async def run_with_tools(stage: Stage) -> None:
    model = script(
        "tools",
        [
            TextDeltaChunk(delta="Let me "),
            TextDeltaChunk(delta="look."),
            call("weather", "w1", q="Oslo"),
            call("report", "r1", q="x"),
            MessageEndChunk(),
        ],
        say("It is ", "sunny."),
    )
    agent = Agent(
        model,
        name="helper",
        system_prompt="Be kind.",
        tools=[tool("weather", weather), tool("report", lambda q: {"n": 1, "q": q})],
    )
    stage.watch(agent)
    deps = SimpleNamespace(token=SECRET)
    await stage.ends("run", agent.run("How is it in Oslo?", deps=deps, session_key="chat-7"))
    await stage.ends("stream", events_of(agent.run_stream("And now?", deps=deps, session_key="chat-7")))


async def sub_agents(stage: Stage) -> None:
    leaf = Agent(script("leaf", [ErrorChunk(error="leaf broke")]), name="leaf")
    middle = Agent(
        script("middle", [call("leaf", task="deep"), MessageEndChunk()], say("leaf said so")),
        name="middle",
        sub_agents=[leaf],
    )
    top = Agent(
        script("top", [call("middle", task="dig"), MessageEndChunk()], say("all done")),
        name="top",
        sub_agents=[middle],
    )
    stage.watch(top)
    await stage.ends("run", top.run("go"))


async def rings(stage: Stage) -> None:
    """Two agents that know each other, and a helper that both have."""
    depth = {"n": 0}

    def ping(messages: list[Any], signal: Any) -> Iterator[Any]:
        depth["n"] += 1
        if depth["n"] > 8 or any(message.role == "assistant" for message in messages):
            yield from say(f"enough {depth['n'] > 8}")
        else:
            yield call("other", task="again")
            yield MessageEndChunk()

    Scripted.scripts["ping"] = ping
    model = script("unused", say(""))
    a = Agent("scripted:ping", name="a")
    b = Agent("scripted:ping", name="b")
    helper = Agent(script("helper", say("helped")), name="helper")
    a.register_tool(SubAgentDefinition(b, name="other"))
    b.register_tool(SubAgentDefinition(a, name="other"))
    a.register_tool(SubAgentDefinition(helper, name="helper"))
    b.register_tool(SubAgentDefinition(helper, name="helper"))
    stage.watch(a)
    await stage.ends("run", a.run("go"))
    stage.tell(model)


async def failing_tools(stage: Stage) -> None:
    async def broken(q: str = "") -> str:
        raise ValueError(f"no {q}")

    model = script(
        "failing",
        [
            call("broken", "b1", q="luck"),
            call("nowhere", "n1", q="?"),
            call("broken", "b2", q="hope"),
            MessageEndChunk(),
        ],
        say("sorry"),
    )
    agent = Agent(model, tools=[tool("broken", broken, True)])
    stage.watch(agent)
    await stage.ends("run", agent.run("try"))
    await stage.ends("stream", events_of(agent.run_stream("try")))


async def errors(stage: Stage) -> None:
    chunk = Agent(script("err-chunk", [TextDeltaChunk(delta="half"), ErrorChunk(error="rate limited")]))
    raised = Agent(script("err-raise", [TextDeltaChunk(delta="half"), ConnectionError("gone")]))
    unknown = Agent("nosuch:model")
    for name, agent in (("chunk", chunk), ("raised", raised), ("unknown", unknown)):
        stage.watch(agent)
        await stage.ends(f"{name}.run", agent.run("x"))
        await stage.ends(f"{name}.stream", events_of(agent.run_stream("x")))


async def timeouts(stage: Stage) -> None:
    async def slow(q: str = "") -> str:
        await asyncio.sleep(0.08)
        return "slept to its end"

    model = script("timeout", [call("slow", "s1"), call("slow", "s2"), MessageEndChunk()], say("never"))
    agent = Agent(model, tools=[tool("slow", slow, True)])
    stage.watch(agent)
    await stage.ends("run", agent.run("x", timeout_ms=20))
    await stage.ends("stream", events_of(agent.run_stream("x", timeout_ms=20)))

    def waits(messages: list[Any], signal: Any) -> Iterator[Any]:
        yield TextDeltaChunk(delta="thinking")
        while not signal.aborted:
            yield 0.01

    Scripted.scripts["waits"] = waits
    patient = Agent("scripted:waits")
    stage.watch(patient)
    await stage.ends("model", patient.run("x", timeout_ms=20))


async def cancelled(stage: Stage) -> None:
    started = asyncio.Event()

    async def forever(q: str = "") -> str:
        started.set()
        await asyncio.sleep(30)
        return ""

    agent = Agent(
        script("cancel", [call("forever"), MessageEndChunk()]), tools=[tool("forever", forever, True)]
    )
    stage.watch(agent)
    task = asyncio.ensure_future(agent.run("x"))
    await started.wait()
    task.cancel()
    await stage.ends("run", task)
    stage.tell(["cancelled", task.cancelled()])


async def abandoned(stage: Stage) -> None:
    agent = Agent(script("abandon", say("one", "two", "three")), tools=[tool("weather", weather)])
    stage.watch(agent)
    stream = agent.run_stream("x")
    async for event in stream:
        stage.tell(event.event_type)
        if event.event_type == "text_delta":
            break
    await stream.aclose()
    stream = agent.run_stream("y")
    async for event in stream:
        if event.event_type == "text_delta":
            try:
                thrown = await stream.athrow(ValueError("thrown in"))
                stage.tell(["athrow", plain_event(thrown)])
            except BaseException as error:
                stage.tell(["athrow", type(error).__name__, str(error)])
    stage.tell([type(stream).__name__, stream.ag_running])


def plain_event(event: Any) -> Any:
    return [event.event_type, getattr(event, "error", None)]


async def late_tools(stage: Stage) -> None:
    model = script("late", [call("clock"), MessageEndChunk()], say("noon"))
    agent = Agent(model, name="late")
    stage.watch(agent)
    await stage.ends("before", agent.run("x"))

    @agent.tool
    def clock() -> str:
        """Tells the time."""
        return "12:00"

    await stage.ends("after", agent.run("x"))


async def concurrent(stage: Stage) -> None:
    def play(messages: list[Any], signal: Any) -> Iterator[Any]:
        who = next(m.content for m in messages if m.role == "user" and isinstance(m.content, str))
        if results(messages):
            yield from say(f"answer {who}")
        else:
            yield TextDeltaChunk(delta=f"hello {who}")
            yield 0.001
            yield call("weather", q=who)
            yield MessageEndChunk()

    Scripted.scripts["many"] = play
    agent = Agent("scripted:many", name="many", tools=[tool("weather", weather)])
    stage.watch(agent)
    await asyncio.gather(*(stage_run(stage, agent, number) for number in range(20)))
    stage.outcome.sort(key=str)


async def stage_run(stage: Stage, agent: Agent, number: int) -> None:
    await stage.ends(f"{number}", agent.run(f"p{number}"))


def sync_runs(stage: Stage) -> None:
    agent = Agent(script("sync", say("synced")), name="sync")
    stage.watch(agent)
    stage.tell(agent.run_sync("x").assistant_texts)

    async def inside() -> None:
        stage.tell(agent.run_sync("y").assistant_texts)

    asyncio.run(inside())
    asker = Agent(
        script("asker", [call("ask", q="z"), MessageEndChunk()], say("asked")),
        tools=[tool("ask", lambda q: agent.run_sync(q).assistant_texts[-1])],
    )
    stage.watch(asker)
    stage.tell(asker.run_sync("outside").assistant_texts)


async def toolsets(stage: Stage) -> None:
    server = Server()
    model = script(
        "mcp",
        [
            call("files_read_file", "f1", path="a.txt"),
            call("files_read_file", "f2", path="missing"),
            MessageEndChunk(),
        ],
        say("read"),
    )
    agent = Agent(model, name="reader", toolsets=[server])
    stage.watch(agent)
    await stage.ends("one", agent.run("x"))
    await stage.ends("two", agent.run("y"))
    stage.tell(server.log)


async def code_mode(stage: Stage) -> None:
    """A program in the sandbox calls tools; set up before the agent is watched, and after."""
    try:
        from voxagent.code.agent import CodeModeConfig, setup_code_mode_for_agent
    except ImportError:
        stage.tell("not in this version")
        return
    program = """
print(call_tool("default", "double.py", n=4))
print(call_tool("default", "broken.py", n=1))
"""

    async def double(n: int) -> int:
        return 2 * n

    def broken(n: int) -> int:
        raise ValueError("broken")

    for order in ("before", "after"):
        name = f"code-{order}"
        turns = ([call("execute_code", "c1", code=program), MessageEndChunk()], say("8"))
        agent = Agent(script(name, *turns), name=name, tools=[tool("double", double), tool("broken", broken)])
        if order == "after":
            stage.watch(agent)
        executor = setup_code_mode_for_agent(agent, CodeModeConfig(timeout_seconds=3))
        agent.register_tool(executor.get_execute_code_tool())
        if order == "before":
            stage.watch(agent)
        await stage.ends(order, agent.run("x"))


async def usage(stage: Stage) -> None:
    class CountedEnd(MessageEndChunk):
        usage: dict[str, int]

    model = script(
        "usage", [TextDeltaChunk(delta="hi"), CountedEnd(usage={"prompt_tokens": 7, "completion_tokens": 2})]
    )
    agent = Agent(model)
    stage.watch(agent)
    await stage.ends("run", agent.run("x"))


async def own_instance_attribute(stage: Stage) -> None:
    """Somebody has put a wrapper of their own on the agent before, and another one after."""
    agent = Agent(script("own", say("mine")))
    calls: list[str] = []
    first = agent.run

    def inner_wrapper(*args: Any, **kwargs: Any) -> Any:
        calls.append("before")
        return first(*args, **kwargs)

    agent.run = inner_wrapper
    handle = stage.watch(agent)
    middle = agent.run

    def after(*args: Any, **kwargs: Any) -> Any:
        calls.append("after")
        return middle(*args, **kwargs)

    agent.run = after
    await stage.ends("run", agent.run("x"))
    if handle is not None:
        handle.detach()
    stage.tell(agent.run is after)
    await stage.ends("again", agent.run("x"))
    stage.tell(calls)


async def no_trace(stage: Stage) -> None:
    server = Server()
    sub = Agent(script("sub", say("s")), name="sub")
    shared = tool("weather", weather)
    agent = Agent(
        script("bare", [call("weather"), MessageEndChunk()], say("done")),
        name="main",
        tools=[shared],
        sub_agents=[sub],
        toolsets=[server],
    )
    others = [agent, sub, server, *agent.tools]
    before = [dict(vars(each)) for each in others]
    classes = classes_of(*others)
    provider = get_default_registry().get_provider_class("scripted")
    second = None
    handle = stage.watch(agent)
    stage.tell(classes_of(*others) == classes)
    if handle is not None:
        second = stage.watch(agent)
        stage.tell_watched = [
            key for each in others for key in vars(each) if key in ("run", "direct_call_tool")
        ]
        assert len(stage.tell_watched) == 5, stage.tell_watched
        handle.detach()
        await agent.run("still watched by the second")
        second.detach()
    else:
        await agent.run("still watched by the second")
    keep = ("_mcp_manager", "_mcp_tools", "_mcp_connected", "log")
    after = [{key: value for key, value in vars(each).items() if key not in keep} for each in others]
    before = [{key: value for key, value in each.items() if key not in keep} for each in before]
    stage.tell(after == before)
    stage.tell(classes_of(*others) == classes)
    stage.tell(get_default_registry().get_provider_class("scripted") is provider is Scripted)
    await stage.ends("run", agent.run("x"))


async def beside_another(stage: Stage) -> None:
    """An agent that nobody watches, in the same process at the same time, with the same model and tool."""
    model = script("beside", [call("weather", q="Oslo"), MessageEndChunk()], say("said"))
    shared = tool("weather", weather)
    watched, other = (Agent(model, name=name, tools=[shared]) for name in ("watched", "other"))
    stage.watch(watched)
    runs = (watched.run("seen"), other.run("not seen"), other.run("not seen either"))
    await stage.ends("runs", asyncio.gather(*runs))
    stage.tell(sorted(key for key in vars(other) if key in ("run", "run_stream")))


async def inside_another(stage: Stage) -> None:
    """An agent in a tool function of another one, not registered as a sub-agent, and a span made by hand."""
    from etaoi_tui.sdk.manual_spans import span

    inner = Agent(script("inner", say("inner says")), name="inner")

    async def ask(q: str = "") -> str:
        return (await inner.run(q)).assistant_texts[-1]

    outer = Agent(
        script("outer", [call("ask", q="?"), MessageEndChunk()], say("ok")),
        name="outer",
        tools=[tool("ask", ask, True)],
    )
    stage.watch(outer)
    stage.watch(inner)
    with span("by hand") if stage.mode == "watched" else contextlib.nullcontext():
        await stage.ends("run", outer.run("x"))


async def secrets(stage: Stage) -> None:
    words = "the key is hunter2-of-the-house and ticket T-12345"
    sub = Agent(
        script(
            "told", [TextDeltaChunk(delta=words[:17]), TextDeltaChunk(delta=words[17:]), MessageEndChunk()]
        ),
        name="sub",
        secret_patterns=["T-[0-9]+"],
    )
    model = script("secret", [call("sub", task=words), MessageEndChunk()], say("kept"))
    agent = Agent(model, sub_agents=[sub], secrets_to_redact={"key": "hunter2-of-the-house"})
    stage.watch(agent)
    await stage.ends("run", agent.run(words))


async def detached_midway(stage: Stage) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def wait(q: str = "") -> str:
        started.set()
        await go_on.wait()
        return "waited"

    model = script("midway", [call("wait"), MessageEndChunk()], say("went on"))
    agent = Agent(model, tools=[tool("wait", wait, True)])
    handle = stage.watch(agent)
    task = asyncio.ensure_future(agent.run("x"))
    await started.wait()
    called = agent.run("called before, awaited after")
    if handle is not None:
        handle.detach()
    stage.tell("run" in vars(agent))
    go_on.set()
    await stage.ends("run", task)
    await stage.ends("called", called)
    await stage.ends("after", agent.run("not recorded"))
    stage.tell("run" in vars(agent))


SCENARIOS = {
    function.__name__: function
    for function in (
        run_with_tools,
        sub_agents,
        rings,
        failing_tools,
        errors,
        timeouts,
        cancelled,
        abandoned,
        late_tools,
        concurrent,
        sync_runs,
        toolsets,
        code_mode,
        usage,
        own_instance_attribute,
        no_trace,
        inside_another,
        beside_another,
        detached_midway,
        secrets,
    )
}

if __name__ == "__main__":
    main(SCENARIOS)

"""What loomcycle clients do in the tests. Runs in an environment that has loomcycle."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import grpc
from loomcycle import LoomcycleClient
from loomcycle_plays import HAS_NEWER, SEGMENTS, TWO_CALLS, agent_events, all_of, plain, scenario, transcript
from loomcycle_server import Server, event, pb, usage, use
from three import Stage, classes_of, main

WAIT = 1.0
"""Seconds that a run waits for others: long beside what a busy machine takes for an event."""


@scenario
async def stream(stage: Stage, server: Server, client: Any) -> None:
    server.scripts["finder"] = TWO_CALLS
    handles: list[Any] = []

    def on_handle(handle: Any) -> None:
        handles.append(handle)
        raise RuntimeError("a handler's own mistake")

    await stage.ends(
        "one",
        all_of(
            client.run_streaming(
                agent="finder",
                segments=SEGMENTS,
                user_id="u1",
                user_bearer="SECRET-bearer",
                on_handle=on_handle,
            )
        ),
    )
    await stage.ends("once", all_of(client.run_streaming(agent="finder", segments=iter(SEGMENTS))))
    await stage.ends(
        "more",
        all_of(
            client.continue_session(
                session_id="s_1", segments=({"role": "user", "content": [{"text": "And?"}]} for _ in range(1))
            )
        ),
    )
    stage.tell([plain(handle) for handle in handles])


@scenario
async def spelled_as_documented(stage: Stage, server: Server, client: Any) -> None:
    """``tool_use`` events, no usage, no tool ids, no ``started``."""
    server.scripts["old"] = [
        event("text", text="a"),
        event("tool_use", tool_use=use("Run", "", {"n": 1})),
        event("tool_result", tool_use=use("Run", "lc-0-0"), text="ok"),
        event("tool_result", tool_use=use("Ghost", "g"), text="from nowhere"),
        event("text", text="b"),
        event("done", stop_reason="max_iterations"),
    ]
    await stage.ends("run", all_of(client.run_streaming(agent="old", segments=SEGMENTS)))


@scenario
async def sub_agents(stage: Stage, server: Server, client: Any) -> None:
    gate = asyncio.Event()
    script = agent_events()
    server.scripts["boss"] = [*script[:4], gate, *script[4:]]
    server.add_agent("a_1", "run_1", "s_1", name="boss", started=10)
    children = (("digger", "ca_1"), ("l", "ca_2"), ("r", "ca_3"))
    for number, (name, agent_id) in enumerate(children, 1):
        server.add_agent(
            agent_id, f"crun_{number}", f"cs_{number}", parent="a_1", name=name, started=10 + number
        )
        at = 1_700_000_000.0 + number
        server.store(f"cs_{number}", f"crun_{number}", transcript(at, f"{name} says"))
    states = client.stream_user_run_states("u1")
    reader = asyncio.ensure_future(all_of(states))

    async def run() -> None:
        async for item in client.run_streaming(agent="boss", segments=SEGMENTS, user_id="u1"):
            if item.type == "usage" and not gate.is_set():
                for name, agent_id in children[:2]:
                    server.states.put_nowait(
                        pb.RunStateEvent(
                            run_id=f"crun_{agent_id[-1]}",
                            agent_id=agent_id,
                            agent=name,
                            user_id="u1",
                            parent_agent_id="a_1",
                            status="running",
                            ts="2026-01-02T03:04:05Z",
                        )
                    )
                await asyncio.sleep(0.05)
                gate.set()

    await stage.ends("run", run())
    server.states.put_nowait(None)
    await stage.ends("states", reader)
    if stage.mode != "bare":
        from etaoi_tui.sdk.loomcycle.history import import_transcript

        server.store("s_1", "run_1", [(10.0, "system_prompt", {"system_prompt": "You are the boss."})])
        runs = await import_transcript(client, agent_id="a_1")
        again = await import_transcript(client, agent_id="a_1")
        assert (runs, again) == (4, 0), (runs, again)


@scenario
async def history(stage: Stage, server: Server, client: Any) -> None:
    """A session of two runs that nobody watched, then one that was."""
    at = 1_700_000_000.0
    server.store("old", "run_a", transcript(at, "first"))
    server.store("old", "run_b", transcript(at + 100, "second")[:6])
    server.scripts["seen"] = TWO_CALLS
    await stage.ends("run", all_of(client.run_streaming(agent="seen", segments=SEGMENTS)))
    server.store("s_1", "run_1", transcript(at, "never shown twice"))
    if stage.mode != "bare":
        from etaoi_tui.sdk.loomcycle.history import import_transcript

        stage.runs = [await import_transcript(client, session) for session in ("old", "old", "s_1")]
        assert stage.runs == [2, 0, 1], stage.runs
        try:
            await import_transcript(client, "unknown")
        except Exception as error:
            assert type(error).__name__ == "SessionNotFoundError", error


@scenario
async def refusals(stage: Stage, server: Server, client: Any) -> None:
    code = grpc.StatusCode
    refused = {
        "invalid": (code.INVALID_ARGUMENT, "unknown agent"),
        "full": (code.RESOURCE_EXHAUSTED, "queue full"),
        "taken": (code.ALREADY_EXISTS, "agent_id in use"),
    }
    for name, refusal in refused.items():
        server.scripts[name] = [refusal]
        await stage.ends(name, all_of(client.run_streaming(agent=name, segments=SEGMENTS)))
    server.scripts["breaks"] = [
        event("started"),
        event("text", text="half"),
        event("tool_call", tool_use=use("X", "x", {})),
        (code.UNAVAILABLE, "server gone"),
    ]
    await stage.ends("breaks", all_of(client.run_streaming(agent="breaks", segments=SEGMENTS)))
    await stage.ends("session", all_of(client.continue_session(session_id="nope", segments=SEGMENTS)))
    try:
        client.run_streaming(segments=SEGMENTS)
    except TypeError as error:
        stage.tell(str(error).rpartition(".")[2])
    try:
        client.run_streaming(agent="breaks", segments=5)
    except TypeError as error:
        stage.tell(str(error))


@scenario
async def endings(stage: Stage, server: Server, client: Any) -> None:
    server.scripts["error"] = [
        event("started"),
        event("text", text="half"),
        event("error", error="model broke"),
    ]
    server.scripts["silent"] = [
        event("started"),
        event("text", text="half"),
        event("tool_call", tool_use=use("X", "x", {})),
    ]
    server.scripts["context"] = [event("started"), event("error", error="context canceled")]
    server.scripts["empty"] = []
    for name in ("error", "silent", "context", "empty"):
        await stage.ends(name, all_of(client.run_streaming(agent=name, segments=SEGMENTS)))


@scenario
async def abandoned(stage: Stage, server: Server, client: Any) -> None:
    gate = asyncio.Event()
    server.scripts["long"] = [
        event("started"),
        event("text", text="one"),
        gate,
        event("text", text="two"),
        event("done", stop_reason="end_turn"),
    ]
    stream = client.run_streaming(agent="long", segments=SEGMENTS)
    async for item in stream:
        if item.type == "text":
            break
    await stream.aclose()
    stage.tell(["closed", type(stream).__name__])
    task = asyncio.ensure_future(all_of(client.run_streaming(agent="long", segments=SEGMENTS)))
    await asyncio.sleep(0.1)
    task.cancel()
    await stage.ends("cancelled", task)
    gate.set()
    client.run_streaming(agent="long", segments=SEGMENTS)  # the request goes out at the call
    await asyncio.sleep(0.05)
    if hasattr(client, "stream_run"):
        server.scripts["attached"] = [event("text", text="two"), event("done", stop_reason="end_turn")]
        stage.tell(await all_of(client.stream_run("run_1", from_seq=2)))
        stage.tell(await all_of(client.stream_run(run_id="run_77")))
        server.scripts["configured"] = TWO_CALLS
        stage.tell(await all_of(client.start_configured_run("draft-1", user_bearer="SECRET-bearer")))


@scenario
async def other_types(stage: Stage, server: Server, client: Any) -> None:
    extra = [
        event("provider_fallback", text="p2"),
        event("channel_publish"),
        event("brand_new", text="what?"),
    ]
    if HAS_NEWER:
        extra += [
            event(
                "limit", limit=pb.LimitInfo(scope="user", severity="soft", window="month", used=5, limit=9)
            ),
            event(
                "awaiting_children",
                awaiting_children=pb.AwaitingChildren(child_run_ids=["c1", "c2"], since_turn=3),
            )
            if hasattr(pb, "AwaitingChildren")
            else event("awaiting_children"),
        ]
    server.scripts["odd"] = [
        event("started"),
        *extra,
        event("text", text="x"),
        event("usage", usage=usage(1, 1)),
        event("done", stop_reason="end_turn"),
        event("after_done", text="late"),
    ]
    await stage.ends("run", all_of(client.run_streaming(agent="odd", segments=SEGMENTS)))


@scenario
async def interactive(stage: Stage, server: Server, client: Any) -> None:
    """A run that waits for a slot, a person, a verdict and its children, and is steered."""
    if not HAS_NEWER:
        stage.tell("not in this version")
        return
    slot = pb.AdmissionInfo(reason="lane", provider="p", kind="chat")
    server.scripts["guide"] = [
        event("queued", admission=pb.AdmissionInfo(reason="user_cap", position=2)),
        WAIT,
        event("admitted", admission=pb.AdmissionInfo(reason="user_cap", wait_ms=150)),
        event("started"),
        event("call_queued", admission=slot),
        WAIT,
        event("call_admitted", admission=slot),
        event("text", text="Which city?"),
        event("usage", usage=usage(1, 1)),
        event("awaiting_input", awaiting_input=pb.AwaitingInput(since_turn=1)),
        WAIT,
        event("steer", user_input=pb.UserInput(text="Oslo", source="api", seen_at="2026-01-02T03:04:05Z")),
        event("override", override=pb.OverrideInfo(source="operator", to_model="p/m-9", fields=["model"])),
        event("text", text="Oslo it is."),
        event("usage", usage=usage(2, 2, model="m-9")),
        event(
            "hook_decision",
            hook_decision=pb.HookDecision(hook="o/h", tool_name="rm", decision="deny", reason="no"),
        ),
        event("awaiting_review", awaiting_review=pb.AwaitingReview(since_turn=2, round=1)),
        0.05,
        event("error", error="held", error_info=pb.ErrorInfo(category="business", description="late")),
    ]
    await stage.ends("run", all_of(client.run_streaming(agent="guide", segments=SEGMENTS)))


@scenario
async def operator(stage: Stage, server: Server, client: Any) -> None:
    """What a program does to a run beside starting it."""
    if not hasattr(client, "decide"):
        stage.tell("not in this version")
        return
    go_on = asyncio.Event()
    server.scripts["worker"] = [event("started"), event("text", text="a"), go_on, *TWO_CALLS[3:]]
    running = asyncio.create_task(all_of(client.run_streaming(agent="worker", segments=SEGMENTS)))
    await asyncio.sleep(0.3)
    await stage.ends("input", client.run_input("run_1", "faster", model="m-2"))
    await stage.ends("pause", client.pause_runtime())
    await asyncio.sleep(0.15)
    await stage.ends("resume", client.resume_runtime())
    await stage.ends("refused", client.review_run("run_1", "reject", feedback="no"))
    await stage.ends("decide", client.decide({"a": 1}, {"sure": {"type": "noul", "instructions": "?"}}))
    await stage.ends("channel", client.publish_channel("news", payload=b"SECRET-payload"))
    go_on.set()
    stage.tell(len(await running))


@scenario
async def batch(stage: Stage, server: Server, client: Any) -> None:
    spawns = [
        {"agent": name, "segments": SEGMENTS, "user_bearer": "SECRET-bearer"} for name in ("a", "b", "bad")
    ]
    await stage.ends("list", client.spawn_run_batch(spawns))
    await stage.ends(
        "once", client.spawn_run_batch({**spawn, "segments": iter(SEGMENTS)} for spawn in spawns[:2])
    )

    def broken() -> Any:
        yield spawns[0]
        raise ValueError("half read")

    await stage.ends("broken", client.spawn_run_batch(broken()))
    await stage.ends("argument", client.spawn_run_batch(spawns[:1], mode=object()))
    try:
        client.spawn_run_batch()
    except TypeError as error:
        stage.tell(type(error).__name__)


@scenario
async def concurrent(stage: Stage, server: Server, client: Any) -> None:
    """Runs at the same time use the same tool ids."""
    for number in range(8):
        server.scripts[f"n{number}"] = [
            event("started"),
            0.01,
            event("text", text=f"hi {number}"),
            event("tool_call", tool_use=use("T", "tu_1", {"n": number})),
            0.01,
            event("usage", usage=usage(1, 1)),
            event("tool_result", tool_use=use("T", "tu_1"), text=f"r{number}"),
            0.01,
            event("done", stop_reason="end_turn"),
        ]

    async def run(number: int) -> None:
        await stage.ends(f"{number}", all_of(client.run_streaming(agent=f"n{number}", segments=SEGMENTS)))

    await asyncio.gather(*(run(number) for number in range(8)))
    stage.outcome.sort(key=str)


@scenario
async def inside_a_span(stage: Stage, server: Server, client: Any) -> None:
    server.scripts["inner"] = TWO_CALLS
    if stage.mode == "bare":
        await stage.ends("run", all_of(client.run_streaming(agent="inner", segments=SEGMENTS)))
        return
    from etaoi_tui.sdk.manual_spans import span

    with span("by hand"):
        await stage.ends("run", all_of(client.run_streaming(agent="inner", segments=SEGMENTS)))


@scenario
async def users(stage: Stage, server: Server, client: Any) -> None:
    """Runs that others start: some run already, some come, with a sub-agent inside."""
    server.add_agent("ua_1", "urun_1", "us_1", status="running", name="early")
    server.scripts["mine"] = TWO_CALLS
    if stage.mode == "bare":
        await stage.ends("run", all_of(client.run_streaming(agent="mine", segments=SEGMENTS, user_id="u1")))
        return
    from etaoi_tui.sdk.loomcycle.history import watch_user

    handle = watch_user(client, "u1")
    for message in (
        {"run_id": "urun_2", "agent_id": "ua_2", "agent": "late", "status": "queued"},
        {"run_id": "urun_2", "agent_id": "ua_2", "agent": "late", "status": "running"},
        {
            "run_id": "urun_3",
            "agent_id": "ua_3",
            "agent": "kid",
            "parent_agent_id": "ua_2",
            "status": "running",
        },
        {"run_id": "urun_3", "agent_id": "ua_3", "agent": "kid", "status": "failed", "error": "kid broke"},
        {
            "run_id": "urun_2",
            "agent_id": "ua_2",
            "agent": "late",
            "status": "completed",
            "stop_reason": "end_turn",
        },
        {"run_id": "urun_1", "agent_id": "ua_1", "agent": "early", "status": "cancelled"},
        {"run_id": "run_1", "agent_id": "a_1", "agent": "mine", "status": "running"},
    ):
        server.states.put_nowait(pb.RunStateEvent(user_id="u1", ts="2026-01-02T03:04:05.5Z", **message))
    await asyncio.sleep(0.2)
    await stage.ends("run", all_of(client.run_streaming(agent="mine", segments=SEGMENTS, user_id="u1")))
    server.requests.remove("StreamUserRunStates u1")
    handle.detach()
    await asyncio.sleep(0.05)


@scenario
async def batch_with_states(stage: Stage, server: Server, client: Any) -> None:
    """Run states tell the ids of a batch's agents while it runs; its result says the same."""
    server.batch_gate = asyncio.Event()

    async def states() -> list[str]:
        return [state["status"] async for state in client.stream_user_run_states("u1")]

    reader = asyncio.ensure_future(states())
    spawns = [{"agent": name, "segments": SEGMENTS} for name in ("a", "b")]
    task = asyncio.ensure_future(client.spawn_run_batch(spawns))
    await asyncio.sleep(0.05)
    for status in ("running", "completed"):
        server.states.put_nowait(
            pb.RunStateEvent(
                run_id="brun_0",
                agent_id="ba_0",
                agent="a",
                user_id="u1",
                status=status,
                ts=datetime.now(UTC).isoformat(),
            )
        )
    server.states.put_nowait(None)
    await stage.ends("states", reader)
    await asyncio.sleep(0.05)
    server.batch_gate.set()
    await stage.ends("batch", task)


@scenario
async def nobody_there(stage: Stage, server: Server, client: Any) -> None:
    """A server that is away: the client's own error, and followers that wait for it."""
    away = LoomcycleClient(target="127.0.0.1:1")
    handle = stage.watch(away)
    if handle is not None:
        from etaoi_tui.sdk.loomcycle.history import watch_user

        follower = watch_user(away, "u1")
        await asyncio.sleep(0.2)
        follower.detach()
    try:
        async for _ in away.run_streaming(agent="x", segments=SEGMENTS):
            pass
    except Exception as error:
        stage.tell(type(error).__name__)
    await away.close()


@scenario
async def no_trace(stage: Stage, server: Server, client: Any) -> None:
    server.scripts["x"] = TWO_CALLS
    classes = classes_of(client)
    if stage.mode != "bare":
        second = stage.watch(client)
        names = {"run_streaming", "continue_session", "spawn_run_batch", "stream_user_run_states"}
        assert names <= vars(client).keys()
        stage.handles[0].detach()
        assert names <= vars(client).keys()
        second.detach()
    stage.tell(sorted(vars(client)))
    stage.tell([type(client).__name__, classes_of(client) == classes])
    await stage.ends("run", all_of(client.run_streaming(agent="x", segments=SEGMENTS)))


SCENARIOS = {
    function.__name__: function
    for function in (
        stream,
        spelled_as_documented,
        sub_agents,
        history,
        refusals,
        endings,
        abandoned,
        other_types,
        batch,
        concurrent,
        inside_a_span,
        users,
        no_trace,
        batch_with_states,
        nobody_there,
        interactive,
        operator,
    )
}

if __name__ == "__main__":
    main(SCENARIOS)

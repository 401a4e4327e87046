"""Scenarios that need more: LangGraph, the reference SDK, and events that no fake brings about.

python more.py SCENARIO OUT
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fakes import FakeLLM, World
from following import ReferenceSink, main
from livekit.agents import Agent, AgentSession, function_tool
from livekit.agents.metrics import base
from scenarios import Front, idle, session_with, text_session

import etaoi_tui
from etaoi_tui.sdk.transport.local import InMemorySink


def _graph() -> Any:
    from langchain_core.language_models import FakeListChatModel
    from langgraph.graph import START, MessagesState, StateGraph

    model = FakeListChatModel(responses=["The graph says hello."])

    async def think(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("think", think)
    builder.add_edge(START, "think")
    return builder.compile(name="thinker")


def _graph_session(graph: Any) -> AgentSession:
    from livekit.plugins import langchain

    return AgentSession(llm=langchain.LLMAdapter(graph), vad=None, turn_handling={"turn_detection": "manual"})


async def _say_hello(session: AgentSession) -> None:
    await session.start(Agent(instructions="Be a graph."))
    await session.run(user_input="hello graph")
    await session.aclose()


class Helper(Agent):
    """Its tool runs a chain."""

    def __init__(self) -> None:
        super().__init__(instructions="Help.")

    @function_tool
    async def summarize(self) -> str:
        """Run a chain inside a tool."""
        from langchain_core.runnables import RunnableLambda

        chain = RunnableLambda(lambda text: text.upper()).with_config(run_name="shout")
        return str(await chain.ainvoke("summary"))


async def _stitched(first: str, session_ids: tuple[str | None, str | None]) -> dict[str, Any]:
    sink = InMemorySink()
    graph = _graph()
    session = _graph_session(graph)
    steps: dict[str, Callable[[], Any]] = {
        "voice": lambda: etaoi_tui.attach_session(session, sink=sink, session_id=session_ids[0]),
        "graph": lambda: etaoi_tui.attach(graph, sink=sink, session_id=session_ids[1]),
    }
    order = ["voice", "graph"] if first == "voice" else ["graph", "voice"]
    handles = {name: steps[name]() for name in order}
    await _say_hello(session)
    return {"events": sink.events, "session_id": str(handles["voice"].session_id)}


async def graph_after_voice(world: World) -> dict[str, Any]:
    """The voice part is attached first; both under the same name."""
    return await _stitched("voice", ("one-call", "one-call"))


async def voice_after_graph(world: World) -> dict[str, Any]:
    """The graph is attached first; only the voice part has a name."""
    return await _stitched("graph", ("one-call", None))


async def their_graph(world: World) -> dict[str, Any]:
    """A graph inside a call, both reported by the reference SDK under one name."""
    import etaoi

    sink = ReferenceSink()
    graph = _graph().with_config(run_name="thinker")
    session = _graph_session(graph)
    etaoi.attach(graph, sink=sink, session_id="one-call")
    etaoi.attach_session(session, sink=sink, session_id="one-call")
    await _say_hello(session)
    return {"events": sink.events}


async def chain_in_tool(world: World) -> dict[str, Any]:
    """A chain that runs inside a tool, watched by an attach to everything."""
    sink = InMemorySink()
    model = FakeLLM(world, {"SUMMARY": "Done.", "summarize": ("summarize", {})})
    session = AgentSession(llm=model, vad=None, turn_handling={"turn_detection": "manual"})
    everything = etaoi_tui.attach(sink=sink)
    etaoi_tui.attach_session(session, sink=sink)
    await session.start(Helper())
    await session.run(user_input="please summarize")
    with etaoi_tui.span("after the turn"):
        pass
    await session.aclose()
    everything.detach()
    return {"events": sink.events}


async def both(world: World) -> dict[str, Any]:
    """The same call, reported by both SDKs."""
    import etaoi

    ours, theirs = InMemorySink(), ReferenceSink()
    session = session_with(world)
    etaoi_tui.attach_session(session, sink=ours, session_id="both")
    etaoi.attach_session(session, sink=theirs, session_id="both")
    await session.start(Front(world, "Hello there."))
    await idle(session)
    await world.user_says("where is my order", 0.5)
    await idle(session)
    await session.aclose()
    return {"events": ours.events, "theirs": theirs.events, "misfit": _misfit(ours.events)}


def _misfit(events: list[Any]) -> list[str]:
    """Return what the reference's own schema has against our events."""
    from etaoi_schema import Envelope

    violations = []
    for event in events:
        try:
            Envelope.model_validate({"schema_version": "0.5.1", "batch": [event]})
        except ValueError as error:
            violations.append(f"{event['kind']} {event.get('node_kind')}: {error}")
    return violations


async def flaky_model(world: World) -> dict[str, Any]:
    """A model that hangs up once and then answers, and one that never does."""
    from fakes import Failing
    from livekit.agents.types import APIConnectOptions
    from livekit.agents.voice.agent_session import SessionConnectOptions

    sink = InMemorySink()
    patient = APIConnectOptions(max_retry=1, retry_interval=0.05)
    session = AgentSession(
        llm=FakeLLM(world, {"flaky": Failing(1), "dead": Failing(9)}),
        vad=None,
        turn_handling={"turn_detection": "manual"},
        conn_options=SessionConnectOptions(llm_conn_options=patient),
    )
    etaoi_tui.attach_session(session, sink=sink)
    await session.start(Agent(instructions="Try."))
    await session.generate_reply(user_input="flaky")
    await session.generate_reply(user_input="dead")
    await session.aclose()
    return {"events": sink.events}


async def twice(world: World) -> dict[str, Any]:
    """A session that is closed and started again."""
    sink = InMemorySink()
    session = text_session(world)
    etaoi_tui.attach_session(session, sink=sink, session_id="twice")
    for _ in range(2):
        await session.start(Front(world))
        await session.run(user_input="where is my order")
        await session.aclose()
    return {"events": sink.events}


async def no_prompts(world: World) -> dict[str, Any]:
    """Instructions that must not leave the process, and speech without its stretches."""
    sink = InMemorySink()
    session = session_with(world)
    etaoi_tui.attach_session(session, sink=sink, capture_prompts="off", include_vad=False)
    await session.start(Front(world))
    await world.user_says("where is my order", 0.4)
    await idle(session)
    await session.aclose()
    return {"events": sink.events}


async def job(world: World) -> dict[str, Any]:
    """A call inside a LiveKit job: it is recorded on this machine, and tagged."""
    from livekit.agents.testing import fake_job_context

    sink = InMemorySink()
    with fake_job_context() as context:
        session = session_with(world)
        etaoi_tui.attach_session(session, sink=sink)
        parts = {"audio": True, "traces": False, "logs": False, "transcript": False}
        await session.start(Front(world, "Hello."), record=parts)
        await idle(session)
        context.tagger.success(reason="solved")
        context.tagger.add("vip")
        folder = str(context.session_directory)
        await session.aclose()
    return {"events": sink.events, "folder": folder}


def _times(**more: Any) -> dict[str, Any]:
    return {"timestamp": 1_795_000_000.0, "label": "fake.Part", "request_id": "r1", **more}


async def driven(world: World) -> dict[str, Any]:
    """What only real providers bring about: emitted with livekit-agents' own objects."""
    from livekit.agents.inference.interruption import OverlappingSpeechEvent
    from livekit.agents.llm import LLMError
    from livekit.agents.voice import events

    sink = InMemorySink()
    session = text_session(world, userdata={"plan": "gold"})
    handle = etaoi_tui.attach_session(session, sink=sink, session_id="driven")
    await session.start(Front(world))
    reply = session.generate_reply(user_input="tell me a story")
    await asyncio.sleep(0.05)

    def measured(metrics: Any) -> None:
        session.emit("metrics_collected", events.MetricsCollectedEvent(metrics=metrics))

    details = base.RealtimeModelMetrics
    measured(
        base.RealtimeModelMetrics(
            **_times(duration=1.2, ttft=0.4, input_tokens=120, output_tokens=80, total_tokens=200),
            input_token_details=details.InputTokenDetails(audio_tokens=90, text_tokens=30),
            output_token_details=details.OutputTokenDetails(text_tokens=20, audio_tokens=60),
            metadata=base.Metadata(model_name="gpt-realtime", model_provider="openai"),
        )
    )
    now = 1_795_000_001.0
    measured(
        base.InterruptionMetrics(
            timestamp=now,
            total_duration=0.2,
            prediction_duration=0.05,
            detection_delay=0.3,
            num_interruptions=1,
            num_backchannels=2,
            num_requests=3,
        )
    )
    measured(base.AvatarMetrics(timestamp=now, playback_latency=0.4))
    measured(
        base.EOTInferenceMetrics(
            timestamp=now, total_duration=0.1, detection_delay=0.2, prediction_duration=0.05
        )
    )
    measured(base.DecisionMetrics(**_times(duration=0.1)))
    measured(base.STTMetrics(**_times(duration=0.0, audio_duration=5.0, streamed=True)))
    session.emit(
        "overlapping_speech",
        OverlappingSpeechEvent(is_interruption=True, probability=0.93, detection_delay=0.3, num_requests=2),
    )
    session.emit("overlapping_speech", OverlappingSpeechEvent(is_interruption=False, probability=0.1))
    broken = LLMError(timestamp=now, label="fake.LLM", error=ValueError("no such model"), recoverable=False)
    session.emit("error", events.ErrorEvent(error=broken, source=session.llm))
    session.emit(
        "user_transcription_timeout",
        events.UserTranscriptionTimeoutEvent(speech_duration=1.5, vad_speech_started_at=now),
    )
    await reply
    session.current_agent._instructions = "You are somebody else."
    await session.generate_reply(user_input="and again")
    handle.score("quality", 0.8, span_id="5f2b6d1e-8a0d-4f5e-9f5c-1d2e3f405162")
    session.emit("metrics_collected", "not an event at all")  # type: ignore[arg-type]
    await session.aclose()
    return {"events": sink.events}


SCENARIOS = {
    one.__name__: one
    for one in (
        graph_after_voice,
        voice_after_graph,
        their_graph,
        chain_in_tool,
        both,
        driven,
        flaky_model,
        twice,
        no_prompts,
        job,
    )
}


if __name__ == "__main__":
    main(SCENARIOS)

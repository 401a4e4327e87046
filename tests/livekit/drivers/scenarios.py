"""Real AgentSessions with etaoi-tui's SDK attached. Runs in an environment with livekit-agents.

    python scenarios.py SCENARIO OUT [reference]

OUT gets a JSON map: ``events`` (what the SDK sent), ``log`` (what the fakes wrote down), and what a
scenario adds. With ``reference`` the reference SDK follows the call in the place of etaoi-tui's, where a
scenario allows that.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import Any

from fakes import FakeLLM, FakeMicrophone, FakeSpeaker, FakeSTT, FakeTTS, FakeVAD, World
from following import follow, main
from livekit.agents import Agent, AgentSession, RunContext, function_tool

import etaoi_tui.sdk.livekit as voice
from etaoi_tui.sdk.transport.local import InMemorySink

logging.basicConfig(level=logging.ERROR)
logging.getLogger("etaoi_tui").setLevel(logging.DEBUG)

SCRIPT: dict[str, Any] = {
    "on its way": "Your order is on its way and will be there tomorrow morning.",
    "my order": ("find_order", {"number": 42}),
    "two things": [("find_order", {"number": 1}), ("find_order", {"number": 2})],
    "broken": ("break_down", {}),
    "Broken": "Sorry, that did not work.",
    "billing": ("to_billing", {}),
    "wait": ("slow_lookup", {}),
    "slow result": "Here is the slow result.",
    "story": "Once upon a time there was a long story that went on and on and on until everybody slept.",
}


def session_with(
    world: World,
    script: dict[str, Any] | None = None,
    *,
    detector: Any = "vad",
    playout: float = 0.0,
    **more: Any,
) -> AgentSession:
    """An AgentSession in audio mode, with short delays."""
    parameters = inspect.signature(AgentSession.__init__).parameters
    if "turn_handling" in parameters:
        options: dict[str, Any] = {
            "turn_handling": {
                "turn_detection": detector,
                "endpointing": {"min_delay": 0.3, "max_delay": 1.0},
                "interruption": {
                    "mode": "vad",
                    "min_duration": 0.2,
                    "resume_false_interruption": True,
                    "false_interruption_timeout": 0.4,
                },
                "preemptive_generation": {"enabled": more.pop("preemptive", False)},
            },
            "aec_warmup_duration": None,
        }
    else:
        options = {
            "turn_detection": detector,
            "min_endpointing_delay": 0.3,
            "max_endpointing_delay": 1.0,
            "min_interruption_duration": 0.2,
            "preemptive_generation": more.pop("preemptive", False),
        }
    session = AgentSession(
        vad=FakeVAD(world),
        stt=FakeSTT(world),
        llm=FakeLLM(world, script or SCRIPT),
        tts=FakeTTS(world),
        **options,
        **more,
    )
    session.input.audio = FakeMicrophone()
    session.output.audio = FakeSpeaker(world, playout=playout)
    return session


def text_session(world: World, **more: Any) -> AgentSession:
    """An AgentSession in text mode."""
    parameters = inspect.signature(AgentSession.__init__).parameters
    if "turn_handling" in parameters:
        more["turn_handling"] = {"turn_detection": "manual"}
        more["vad"] = None
    return AgentSession(llm=FakeLLM(world, SCRIPT), **more)


class Billing(Agent):
    """The second agent."""

    def __init__(self) -> None:
        super().__init__(instructions="You handle bills.")

    async def on_enter(self) -> None:
        """Greet."""
        self.session.say("Billing here.")


class Front(Agent):
    """The first agent.

    Args:
        world: Where it writes down what it does.
        greeting: What it says first.
        ponders: Seconds that it takes between the end of the user's turn and the request to the model.
    """

    def __init__(self, world: World, greeting: str | None = None, *, ponders: float = 0.0) -> None:
        super().__init__(instructions="You are the front desk.")
        self.world, self.greeting, self.ponders = world, greeting, ponders

    async def on_enter(self) -> None:
        """Greet."""
        if self.greeting:
            self.session.say(self.greeting)

    async def on_user_turn_completed(self, turn_ctx: Any, new_message: Any) -> None:
        """Write down when the user's turn was taken for over, and when the request is due."""
        self.world.note("turn_decided", text=new_message.text_content)
        if self.ponders:
            await asyncio.sleep(self.ponders)
        self.world.note("turn_handled", text=new_message.text_content)

    @function_tool
    async def find_order(self, number: int) -> str:
        """Look up an order."""
        self.world.note("tool_started", name="find_order", number=number)
        await asyncio.sleep(0.2)
        self.world.note("tool_ended", name="find_order", number=number)
        return f"order {number}: on its way"

    @function_tool
    async def break_down(self) -> str:
        """Fail."""
        from livekit.agents import ToolError

        self.world.note("tool_started", name="break_down")
        await asyncio.sleep(0.1)
        self.world.note("tool_ended", name="break_down")
        raise ToolError("Broken for now.")

    @function_tool
    async def to_billing(self) -> Agent:
        """Hand over."""
        self.world.note("tool_started", name="to_billing")
        await asyncio.sleep(0.1)
        self.world.note("tool_ended", name="to_billing")
        return Billing()

    @function_tool
    async def slow_lookup(self, context: RunContext) -> str:
        """Speak while working."""
        self.world.note("tool_started", name="slow_lookup")
        context.session.say("One moment please.", allow_interruptions=False)
        await asyncio.sleep(0.3)
        self.world.note("tool_ended", name="slow_lookup")
        return "slow result"


async def idle(session: AgentSession, *, after: float = 0.3, patience: float = 12.0) -> None:
    """Wait until the agent has listened, and said nothing, for a while."""
    quiet = 0.0
    waited = 0.0
    while quiet < after:
        await asyncio.sleep(0.05)
        waited += 0.05
        if waited > patience:
            raise TimeoutError(f"the agent is still {session.agent_state}")
        quiet = quiet + 0.05 if session.agent_state == "listening" else 0.0


async def reached(session: AgentSession, state: str) -> None:
    """Wait for a state of the agent."""
    if session.agent_state == state:
        return
    there = asyncio.Event()

    def look(event: Any) -> None:
        if event.new_state == state:
            there.set()

    session.on("agent_state_changed", look)
    async with asyncio.timeout(8.0):
        await there.wait()
    session.off("agent_state_changed", look)


async def call(world: World) -> dict[str, Any]:
    """A whole call in audio mode."""
    session = session_with(world, userdata={"plan": "gold", "api_key": "sk-1234567890abcdef"})
    handle, events = follow(
        world, session, session_id="call-1", user_id="u7", release="1.4.2", environment="staging"
    )
    await session.start(Front(world, "Hello, how can I help?"))
    await idle(session)
    await world.user_says("where is my order", 0.6)
    await idle(session)
    await world.user_says("tell me a story", 0.5)
    await reached(session, "speaking")
    await asyncio.sleep(0.5)
    await world.user_says("stop it", 0.5)
    await idle(session)
    handle.score("csat", 4, comment="fine")
    handle.score("resolved", True)
    handle.score("mood", "calm", source="judge")
    await session.aclose()
    handle.score("resolved later", False)
    return {"events": events(), "session_id": str(handle.session_id)}


async def troubles(world: World) -> dict[str, Any]:
    """A recogniser that recovers, a noise over the agent's speech, tools that fail, speak, hand over."""
    session = session_with(world)
    _, events = follow(world, session, session_id="call-2")
    await session.start(Front(world))
    await world.user_says("tell me a story", 0.5, stumble=True)
    await reached(session, "speaking")
    await asyncio.sleep(0.3)
    await world.user_says("", 0.4)
    await idle(session, after=0.8)
    await world.user_says("this is broken", 0.5)
    await idle(session)
    await world.user_says("please wait", 0.4)
    await idle(session)
    await world.user_says("two things", 0.4)
    await idle(session)
    await world.user_says("connect me with billing", 0.5)
    await idle(session, after=0.8)
    await session.aclose()
    return {"events": events()}


async def preemptive(world: World) -> dict[str, Any]:
    """An answer that is made before the user has finished, and one that is thrown away."""
    sink = InMemorySink()
    session = session_with(world, preemptive=True)
    voice.attach_session(session, sink=sink)
    await session.start(Front(world))
    await world.user_says("where is", 0.4, delay=0.02)
    await world.user_says("my order", 0.4)
    await idle(session)
    await session.aclose()
    return {"events": sink.events}


async def text(world: World) -> dict[str, Any]:
    """A session without audio, driven by `session.run`."""
    session = text_session(world)
    _, events = follow(world, session, session_id="text-1")
    await session.start(Front(world))
    await session.run(user_input="where is my order")
    await session.run(user_input="tell me a story")
    await session.aclose()
    return {"events": events()}


async def late(world: World) -> dict[str, Any]:
    """Attached in the middle of a speech, and detached in the middle of another."""
    sink = InMemorySink()
    session = session_with(world)
    agent = Front(world)
    await session.start(agent)
    await world.user_says("tell me a story", 0.4)
    await reached(session, "speaking")
    before = {name: len(handlers) for name, handlers in session._events.items()}
    handle = voice.attach_session(session, sink=sink, session_id="late")
    again = voice.attach_session(session, sink=sink, session_id="late")
    await idle(session)
    await world.user_says("where is my order", 0.4)
    await reached(session, "speaking")
    handle.detach()
    handle.detach()
    event_count = len(sink.events)
    after = {name: len(handlers) for name, handlers in session._events.items() if handlers}
    await idle(session)
    session.say("Nobody follows this.")
    await idle(session)
    await session.aclose()
    return {
        "events": sink.events,
        "events_at_detach": event_count,
        "same": handle is again,
        "subscribers_before": {name: count for name, count in before.items() if count},
        "subscribers_after": after,
        "attributes": sorted(set(vars(agent)) & {"llm_node", "transcription_node"}),
    }


async def hostile(world: World) -> dict[str, Any]:
    """A sink and a tracer that fail at every turn: the call must not notice."""
    sink = InMemorySink()
    session = session_with(world)
    handle = voice.attach_session(session, sink=sink)

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("no spans today")

    handle.tracer._put = refuse
    await session.start(Front(world, "Hello."))
    await idle(session)
    await world.user_says("where is my order", 0.5)
    await idle(session)
    messages = [item.text_content for item in session.history.items if item.type == "message"]
    await session.aclose()
    return {"events": [], "messages": messages}


SCENARIOS = {one.__name__: one for one in (call, troubles, preemptive, text, late, hostile)}


if __name__ == "__main__":
    main(SCENARIOS)

"""Turn detectors that know the answer, and a call in which every part of the silence takes its time.

python detectors.py SCENARIO OUT [reference]
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from fakes import World
from following import follow, main
from livekit.agents import AgentSession
from scenarios import Front, idle, reached, session_with

import etaoi_tui
from etaoi_tui.sdk.transport.local import InMemorySink

UNLIKELY = 0.4
PONDERS = 0.12
PLAYOUT = 0.1


class FakeDetector:
    """Takes whatever ends in "and" for half of a sentence; asked with the words."""

    model = "fake-judge"
    provider = "fakeai"

    def __init__(self, world: World) -> None:
        self._world = world

    async def supports_language(self, language: Any) -> bool:
        """All of them."""
        return True

    async def unlikely_threshold(self, language: Any) -> float | None:
        """Below it the user goes on."""
        return UNLIKELY

    async def predict_end_of_turn(self, chat_ctx: Any, **options: Any) -> float:
        """Judge the last message."""
        await asyncio.sleep(0.03)
        words = chat_ctx.items[-1].text_content
        probability = 0.1 if words.endswith(" and") else 0.875
        self._world.note("judged", text=words, probability=probability)
        return probability


class FakeEar:
    """A streaming detector; asked with sound."""

    model = "fake-ear"
    provider = "fakeai"

    def __init__(self, world: World) -> None:
        self._world = world

    def stream(self, **options: Any) -> FakeEarStream:
        """Listen."""
        return FakeEarStream(self._world)


class FakeEarStream:
    """What it hears of one session: that the user has finished."""

    model = "fake-ear"
    provider = "fakeai"
    is_fallback = False
    prediction_timeout = 1.0

    def __init__(self, world: World) -> None:
        self._world = world

    async def supports_language(self, language: Any) -> bool:
        """All of them."""
        return True

    async def unlikely_threshold(self, language: Any) -> float | None:
        """Below it the user goes on."""
        return 0.55

    async def backchannel_threshold(self, language: Any) -> float | None:
        """It knows of none."""
        return None

    def predict(self) -> asyncio.Future[Any]:
        """Answer soon."""
        from livekit.agents.voice.turn import TurnDetectionEvent

        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def answer() -> None:
            if not future.done():
                self._world.note("judged", text="", probability=0.75)
                future.set_result(TurnDetectionEvent("eot_prediction", 0.75, 0.0, inference_duration=0.02))

        loop.call_later(0.02, answer)
        return future

    def cancel_inference(self, *, timed_out: bool = False) -> None:
        """Nothing to cancel."""

    def flush(self, reason: str | None = None) -> None:
        """Nothing to flush."""

    def push_audio(self, frame: Any) -> None:
        """Hear nothing."""

    def end_input(self) -> None:
        """Nothing more comes."""

    async def aclose(self) -> None:
        """Nothing to close."""


def _session(world: World, detector: Any, *, playout: float = 0.0) -> AgentSession:
    return session_with(world, detector=detector, playout=playout)


def _tells_playout() -> bool:
    from livekit.agents.voice import io

    return "created_at" in inspect.signature(getattr(io.AudioOutput, "on_playback_started", print)).parameters


async def measured(world: World) -> dict[str, Any]:
    """Every part of the silence takes its time: detector, callback, model, tool, voice, playout."""
    detector = FakeDetector(world)
    session = _session(world, detector, playout=PLAYOUT if _tells_playout() else 0.0)
    _, events = follow(world, session, session_id="measured")
    await session.start(Front(world, ponders=PONDERS))
    await world.user_says("where is my order", 0.5)
    await idle(session)
    await world.user_says("tell me a story and", 0.5)
    await reached(session, "speaking")
    await idle(session)
    await session.aclose()
    return {"events": events(), "attributes_on_detector": sorted(vars(detector))}


async def streaming(world: World) -> dict[str, Any]:
    """A detector that listens to the sound; attached before and after the start."""
    session = _session(world, FakeEar(world))
    sink, late = InMemorySink(), InMemorySink()
    early = etaoi_tui.attach_session(session, sink=sink)
    await session.start(Front(world))
    late_handle = etaoi_tui.attach_session(session, sink=late)
    await world.user_says("where is my order", 0.5)
    await idle(session)
    stream = session._activity._audio_recognition._turn_detector_stream
    both = sorted(vars(stream))
    early.detach()
    one = sorted(vars(stream))
    await world.user_says("tell me a story", 0.5)
    await reached(session, "speaking")
    await session.aclose()
    return {
        "events": sink.events,
        "late": late.events,
        "tapped": [both, one],
        "attributes_on_detector": sorted(vars(stream)) if late_handle.attached else None,
    }


async def shared(world: World) -> dict[str, Any]:
    """Two calls that ask the same detector at the same time."""
    detector = FakeDetector(world)
    other = World()
    sessions = [_session(world, detector), _session(other, detector)]
    sinks = [InMemorySink(), InMemorySink()]
    handles = [etaoi_tui.attach_session(one, sink=sink) for one, sink in zip(sessions, sinks, strict=True)]
    await sessions[0].start(Front(world))
    await sessions[1].start(Front(other))
    await asyncio.gather(
        world.user_says("where is my order", 0.5), other.user_says("tell me a story and", 0.5)
    )
    for session in sessions:
        await reached(session, "speaking")
    for session in sessions:
        await idle(session)
    handles[0].detach()
    handles[1].detach()
    shared_attributes = sorted(vars(detector))
    for session in sessions:
        await session.aclose()
    return {"events": sinks[0].events, "other": sinks[1].events, "attributes_on_detector": shared_attributes}


SCENARIOS = {one.__name__: one for one in (measured, streaming, shared)}

if __name__ == "__main__":
    main(SCENARIOS)

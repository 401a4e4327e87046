"""Times every callback of the SDK's voice half in real AgentSessions, with livekit-agents installed.

    python livekit_driver.py OUT

First calls in audio mode with fake ears, voice and model, then a flood of livekit-agents' own event objects
through ``emit`` on a running session. Times are wall time on the event loop's thread while the sender's
thread works, so waiting for the interpreter lock counts.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "livekit" / "drivers"))

from fakes import World
from livekit.agents.llm import ChatMessage
from livekit.agents.metrics import base
from livekit.agents.voice import events
from scenarios import Front, idle, reached, session_with, text_session

import etaoi_tui

ROUNDS = 300
_durations: dict[str, list[float]] = defaultdict(list)
_worked: dict[str, list[float]] = defaultdict(list)
"""Processor time of the subscriptions, in seconds."""


_collections: list[str] = []
"""Garbage collections that ended: one inside a callback belongs to the whole program."""
gc.callbacks.append(lambda phase, _: _collections.append(phase) if phase == "stop" else None)


def _timed(name: str, call: Callable[..., Any]) -> Callable[[Any], None]:
    def listener(event: Any) -> None:
        collections = len(_collections)
        usage_before = resource.getrusage(resource.RUSAGE_THREAD)
        cpu, began = time.thread_time(), time.perf_counter()
        call(event)
        took, worked = time.perf_counter() - began, time.thread_time() - cpu
        after = resource.getrusage(resource.RUSAGE_THREAD)
        if len(_collections) > collections:
            _durations["collected garbage"].append(took)
            return
        _worked[name].append(worked)
        if after.ru_nivcsw > usage_before.ru_nivcsw:
            _durations["was taken off the processor"].append(took)
        elif after.ru_nvcsw > usage_before.ru_nvcsw:
            _durations["waited for another thread"].append(took)
        else:
            _durations[name].append(took)

    return listener


def _time_callbacks(handle: Any, session: Any) -> None:
    """Put a clock around each subscription, and around the taps."""
    listener = handle._listener
    for event, callback in list(listener.subscribed.items()):
        session.off(event, callback)
        timed = _timed(event, callback)
        listener.subscribed[event] = timed
        super(type(session), session).on(event, timed)
    for owner, method in (
        (listener.models, "begin"),
        (listener.models, "chunk"),
        (listener.models, "ended"),
        (listener.agent, "words"),
        (listener.agent, "_item_added"),
        (listener.agent, "_speech_done"),
    ):
        _time_method(owner, method)


def _time_method(owner: Any, name: str) -> None:
    inner = getattr(owner, name)

    def timed(*args: Any) -> Any:
        began = time.perf_counter()
        try:
            return inner(*args)
        finally:
            _durations[name.strip("_")].append(time.perf_counter() - began)

    setattr(owner, name, timed)


async def _calls() -> None:
    """Three exchanges with a tool, an interruption and a false one."""
    world = World()
    session = session_with(world)
    handle = etaoi_tui.attach_session(session, sink="msgpack-drop")
    _time_callbacks(handle, session)
    await session.start(Front(world, "Hello, how can I help?"))
    await idle(session)
    for _ in range(2):
        await world.user_says("where is my order", 0.5)
        await idle(session)
    await world.user_says("tell me a story", 0.5)
    await reached(session, "speaking")
    await world.user_says("", 0.3)
    await asyncio.sleep(0.8)
    await world.user_says("stop it", 0.4)
    await idle(session)
    await session.aclose()


async def _flood(*, clocks: bool) -> None:
    """Every kind of event, many times, about twenty times as fast as in a busy call.

    With ``clocks`` each callback is timed; without, the whole of ``emit``, in two sessions of which one is
    attached.
    """
    attached, alone = text_session(World()), text_session(World())
    handle = etaoi_tui.attach_session(attached, sink="msgpack-drop")
    if clocks:
        _time_callbacks(handle, attached)
    for session in (attached, alone):
        await session.start(Front(World()))
    for turn in range(ROUNDS):
        for event, payload in _bunch(turn):
            for name, session in (("emit, attached", attached), ("emit, alone", alone)):
                began = time.perf_counter()
                session.emit(event, payload)
                if not clocks:
                    _durations[name].append(time.perf_counter() - began)
        await asyncio.sleep(0.01)
    await attached.aclose()
    await alone.aclose()


def _bunch(turn: int) -> list[tuple[Any, Any]]:
    now = time.time()
    common = {"timestamp": now, "label": "fake.Part", "request_id": "r"}
    measured = [
        base.VADMetrics(
            timestamp=now, label="fake", idle_time=0.1, inference_duration_total=0.1, inference_count=10
        ),
        base.STTMetrics(**common, duration=0.0, audio_duration=1.0, streamed=True),
        base.LLMMetrics(
            **common,
            duration=0.3,
            ttft=0.1,
            cancelled=False,
            completion_tokens=12,
            prompt_tokens=70,
            prompt_cached_tokens=35,
            total_tokens=82,
            tokens_per_second=40.0,
        ),
        base.TTSMetrics(
            **common,
            ttfb=0.1,
            duration=0.2,
            audio_duration=1.0,
            cancelled=False,
            characters_count=31,
            streamed=True,
        ),
        base.EOUMetrics(
            timestamp=now,
            end_of_utterance_delay=0.3,
            transcription_delay=0.2,
            on_user_turn_completed_delay=0.0,
            **({"last_speaking_time": now} if "last_speaking_time" in base.EOUMetrics.model_fields else {}),
        ),
    ]
    transcribed = events.UserInputTranscribedEvent
    speaking = {"old_state": "listening", "new_state": "speaking", "created_at": now - 0.5}
    silent = {"old_state": "speaking", "new_state": "listening", "created_at": now - 0.2}
    message = ChatMessage(role="user", content=[f"question {turn}"])
    return [
        ("user_state_changed", events.UserStateChangedEvent(**speaking)),
        ("user_input_transcribed", transcribed(transcript="hello", is_final=False)),
        ("user_state_changed", events.UserStateChangedEvent(**silent)),
        ("user_input_transcribed", transcribed(transcript="hello there", is_final=True)),
        *(("metrics_collected", events.MetricsCollectedEvent(metrics=one)) for one in measured),
        ("conversation_item_added", events.ConversationItemAddedEvent(item=message)),
        (
            "agent_state_changed",
            events.AgentStateChangedEvent(old_state="listening", new_state="thinking"),
        ),
        (
            "agent_state_changed",
            events.AgentStateChangedEvent(old_state="thinking", new_state="listening"),
        ),
    ]


async def main() -> None:
    """Measure both."""
    await _calls()
    await _flood(clocks=True)
    await _flood(clocks=False)


if __name__ == "__main__":
    asyncio.run(main())
    Path(sys.argv[1]).write_text(json.dumps({"wall": _durations, "processor": _worked}))

"""A realtime model, which hears and speaks by itself, in calls with known times.

python realtime.py SCENARIO OUT [reference]
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from fakes import RATE, FakeMicrophone, FakeSpeaker, World
from following import follow, main
from livekit import rtc
from livekit.agents import AgentSession, llm, utils
from livekit.agents.metrics import base
from scenarios import SCRIPT, Front, idle, reached

TTFT = 0.15
"""Seconds from the beginning of a response to its first sound."""
HEARS = 0.1
"""Seconds after the user's last word until the model begins to answer."""
LETTER = 0.03
"""Seconds of sound for each letter."""


class FakeRealtime(llm.RealtimeModel):
    """Answers by the same script as the others."""

    def __init__(self, world: World) -> None:
        super().__init__(
            capabilities=llm.RealtimeCapabilities(
                message_truncation=True,
                turn_detection=True,
                user_transcription=True,
                auto_tool_reply_generation=False,
                audio_output=True,
                manual_function_calls=True,
                mutable_chat_context=True,
                mutable_instructions=True,
                mutable_tools=True,
            )
        )
        self.world = world
        self.talks: FakeTalk | None = None

    @property
    def model(self) -> str:
        """Its name."""
        return "fake-realtime"

    @property
    def provider(self) -> str:
        """Its maker."""
        return "fakeai"

    def session(self, *, turn_detection_disabled: bool = False) -> FakeTalk:
        """Listen and speak."""
        self.talks = FakeTalk(self)
        return self.talks

    async def aclose(self) -> None:
        """Nothing to close."""


class FakeTalk(llm.RealtimeSession):
    """One conversation."""

    def __init__(self, model: FakeRealtime) -> None:
        super().__init__(model)
        self._world = model.world
        self._context = llm.ChatContext.empty()
        self._tools = llm.ToolContext.empty()
        self._response: asyncio.Task[None] | None = None
        self._count = 0
        asyncio.get_running_loop().call_later(0.02, self._report_connection_acquired, 0.02)

    @property
    def chat_ctx(self) -> llm.ChatContext:
        """What was said."""
        return self._context

    @property
    def tools(self) -> llm.ToolContext:
        """What it may call."""
        return self._tools

    async def update_instructions(self, instructions: str) -> None:
        """It does as it likes."""

    async def update_chat_ctx(self, chat_ctx: llm.ChatContext) -> None:
        """Take over what was said."""
        self._context = chat_ctx.copy()

    async def update_tools(self, tools: list[Any]) -> None:
        """Take over what it may call."""
        self._tools = llm.ToolContext(tools)

    def update_options(self, **options: Any) -> None:
        """It has none."""

    def push_audio(self, frame: rtc.AudioFrame) -> None:
        """The world tells it what is said."""

    def push_video(self, frame: rtc.VideoFrame) -> None:
        """It does not look."""

    def commit_audio(self) -> None:
        """It decides by itself."""

    def clear_audio(self) -> None:
        """It keeps nothing."""

    def interrupt(self) -> None:
        """Fall silent."""
        if self._response is not None:
            self._response.cancel()

    def truncate(self, **options: Any) -> None:
        """Forget what was not heard."""

    async def aclose(self) -> None:
        """Fall silent."""
        self.interrupt()

    def generate_reply(self, **options: Any) -> asyncio.Future[llm.GenerationCreatedEvent]:
        """Answer because the session asks for it: a tool's output."""
        last = next(item for item in reversed(self._context.items) if item.type == "function_call_output")
        future: asyncio.Future[llm.GenerationCreatedEvent] = asyncio.get_running_loop().create_future()
        future.set_result(self._respond(last.output, asked=True))
        return future

    async def hears(self, text: str, seconds: float) -> None:
        """The user speaks: the model notices both ends at once, and answers."""
        self._world.note("user_started", text=text)
        self.emit("input_speech_started", llm.InputSpeechStartedEvent())
        await asyncio.sleep(seconds)
        self._world.note("user_stopped", text=text)
        self.emit("input_speech_stopped", llm.InputSpeechStoppedEvent(user_transcription_enabled=True))
        await asyncio.sleep(HEARS)
        self.emit("generation_created", self._respond(text, asked=False))
        await asyncio.sleep(0.05)
        self._world.note("final_transcript", text=text)
        self.emit(
            "input_audio_transcription_completed",
            llm.InputTranscriptionCompleted(item_id=f"user_{self._count}", transcript=text, is_final=True),
        )

    def _respond(self, user_text: str, *, asked: bool) -> llm.GenerationCreatedEvent:
        self._count += 1
        answer = next((a for key, a in SCRIPT.items() if key in user_text), "I see.")
        messages: utils.aio.Chan[llm.MessageGeneration] = utils.aio.Chan()
        calls: utils.aio.Chan[llm.FunctionCall] = utils.aio.Chan()
        self._world.note("llm_started", heard=user_text)
        self._response = asyncio.create_task(self._stream(answer, messages, calls, f"r{self._count}"))
        return llm.GenerationCreatedEvent(
            message_stream=messages,
            function_stream=calls,
            user_initiated=asked,
            response_id=f"r{self._count}",
        )

    async def _stream(
        self, answer: Any, messages: utils.aio.Chan[Any], calls: utils.aio.Chan[Any], response: str
    ) -> None:
        began = time.time()
        words: utils.aio.Chan[str] = utils.aio.Chan()
        sound: utils.aio.Chan[rtc.AudioFrame] = utils.aio.Chan()
        cut, first = False, None
        try:
            await asyncio.sleep(TTFT)
            first = time.time()
            self._world.note("llm_first_token")
            if isinstance(answer, tuple):
                name, arguments = answer
                calls.send_nowait(
                    llm.FunctionCall(call_id=f"call_{response}", name=name, arguments=json.dumps(arguments))
                )
            else:
                messages.send_nowait(
                    llm.MessageGeneration(response, words, sound, _at_once(["text", "audio"]))
                )
                for word in answer.split(" "):
                    words.send_nowait(word + " ")
                    samples = int(RATE * LETTER * (len(word) + 1))
                    sound.send_nowait(rtc.AudioFrame(b"\0\0" * samples, RATE, 1, samples))
                    await asyncio.sleep(0.04)
        except asyncio.CancelledError:
            cut = True
        for channel in (words, sound, messages, calls):
            channel.close()
        self._world.note("llm_ended")
        self._report(began, first, response, cut)

    def _report(self, began: float, first: float | None, response: str, cut: bool) -> None:
        details = base.RealtimeModelMetrics
        self.emit(
            "metrics_collected",
            base.RealtimeModelMetrics(
                request_id=response,
                timestamp=began,
                duration=time.time() - began,
                ttft=first - began if first is not None else -1,
                cancelled=cut,
                label="fakes.FakeRealtime",
                input_tokens=120,
                output_tokens=80,
                total_tokens=200,
                tokens_per_second=66.0,
                input_token_details=details.InputTokenDetails(
                    audio_tokens=90, text_tokens=30, image_tokens=0, cached_tokens=40
                ),
                output_token_details=details.OutputTokenDetails(text_tokens=20, audio_tokens=60),
                metadata=base.Metadata(model_name="fake-realtime", model_provider="fakeai"),
            ),
        )


def _at_once(value: Any) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.set_result(value)
    return future


async def realtime(world: World) -> dict[str, Any]:
    """A question with a tool, and a story that the user cuts short."""
    model = FakeRealtime(world)
    session = AgentSession(llm=model, vad=None, stt=None, tts=None, aec_warmup_duration=None)
    session.input.audio = FakeMicrophone()
    session.output.audio = FakeSpeaker(world)
    _, events = follow(world, session, session_id="realtime")
    await session.start(Front(world))
    talk = model.talks
    assert talk is not None
    await talk.hears("where is my order", 0.5)
    await reached(session, "speaking")
    await idle(session)
    await talk.hears("tell me a story", 0.5)
    await reached(session, "speaking")
    await asyncio.sleep(0.4)
    await talk.hears("stop it", 0.4)
    await reached(session, "speaking")
    await idle(session)
    await session.aclose()
    return {"events": events()}


SCENARIOS = {"realtime": realtime}

if __name__ == "__main__":
    main(SCENARIOS)

"""Ears, voice and model of an agent, without a provider: of known delays, and each writes down its own times.

Runs in an environment with livekit-agents, 1.2 or newer.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import Callable
from typing import Any

from livekit import rtc
from livekit.agents import APIConnectionError, llm, stt, tts, vad
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.agents.voice import io

RATE = 24_000
ACTIVATION = 0.05
"""Seconds of speech until the detector is sure of it."""
SILENCE = 0.2
"""Seconds of silence until the detector is sure of it."""


class World:
    """Where it all happens: the user's mouth, and the log of what really took place."""

    def __init__(self, *, reference: bool = False) -> None:
        self.reference = reference
        """Whether the reference SDK follows the call, not etaoi-tui's."""
        self.log: list[dict[str, Any]] = []
        self.lag = 0.0
        """The longest time that the event loop was late, in seconds: how exact a time of this run can be."""
        self.ears: FakeVADStream | None = None
        self.scribe: FakeSTTStream | None = None

    def note(self, what: str, **more: Any) -> None:
        """Write down that something happens now."""
        self.log.append({"what": what, "at": time.time(), **more})

    async def watch_lag(self) -> None:
        """Measure how late the event loop runs, until cancelled."""
        while True:
            due = time.perf_counter() + 0.005
            await asyncio.sleep(0.005)
            self.lag = max(self.lag, time.perf_counter() - due)

    async def user_says(
        self, text: str, seconds: float, *, delay: float = 0.1, stumble: bool = False
    ) -> None:
        """Speak for a while; the final transcript comes ``delay`` seconds after the last word.

        Args:
            text: what is understood; empty for a noise.
            seconds: how long it takes to say.
            delay: the recogniser's.
            stumble: the recogniser fails once on the way, and recovers.
        """
        ears, scribe = self.ears, self.scribe
        assert ears is not None and scribe is not None
        began = time.time()
        self.note("user_started", text=text)
        await asyncio.sleep(ACTIVATION)
        kinds = vad.VADEventType
        ears.tell(kinds.START_OF_SPEECH, speaking=True, speech=time.time() - began)
        half = False
        while (spoken := time.time() - began) < seconds:
            ears.tell(kinds.INFERENCE_DONE, speaking=True, speech=spoken)
            if not half and text and spoken > seconds / 2:
                half = True
                if stumble:
                    scribe.tell(APIConnectionError("the recogniser hung up"))
                    await asyncio.sleep(0.15)
                    scribe = self.scribe
                scribe.tell((False, text.split()[0]))
            await asyncio.sleep(min(0.05, max(0.0, seconds - spoken)))
        stopped = time.time()
        self.note("user_stopped", text=text)
        final = asyncio.create_task(self._final(text, delay)) if text else None
        while (quiet := time.time() - stopped) < SILENCE:
            ears.tell(kinds.INFERENCE_DONE, speaking=True, speech=0.0, silence=quiet)
            await asyncio.sleep(0.05)
        quiet = time.time() - stopped
        ears.tell(kinds.INFERENCE_DONE, speaking=True, speech=0.0, silence=quiet)
        ears.tell(kinds.END_OF_SPEECH, speaking=False, speech=stopped - began, silence=quiet)
        if final is not None:
            await final

    async def _final(self, text: str, delay: float) -> None:
        await asyncio.sleep(delay)
        self.note("final_transcript", text=text)
        assert self.scribe is not None
        self.scribe.tell((True, text))


class FakeVAD(vad.VAD):
    """Hears when the world says so."""

    def __init__(self, world: World) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=0.1))
        self._world = world
        self.model_name = "fake-ears"

    def stream(self) -> FakeVADStream:
        """Listen."""
        self._world.ears = FakeVADStream(self)
        return self._world.ears


class FakeVADStream(vad.VADStream):
    """Passes on what it is sent."""

    def tell(
        self, kind: vad.VADEventType, *, speaking: bool, speech: float = 0.0, silence: float = 0.0
    ) -> None:
        """Report one detection."""
        if self._event_ch.closed:
            return
        self._event_ch.send_nowait(
            vad.VADEvent(
                type=kind,
                samples_index=0,
                timestamp=time.time(),
                speech_duration=speech,
                silence_duration=silence,
                speaking=speaking,
                raw_accumulated_speech=speech if not silence else 0.0,
                raw_accumulated_silence=silence,
                inference_duration=0.0,
            )
        )

    async def _main_task(self) -> None:
        async for _ in self._input_ch:
            pass


class FakeSTT(stt.STT):
    """Understands what the world tells it."""

    def __init__(self, world: World) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))
        self._world = world

    @property
    def model(self) -> str:
        """Its name."""
        return "fake-scribe"

    async def _recognize_impl(self, *args: Any, **kwargs: Any) -> stt.SpeechEvent:
        raise NotImplementedError

    def stream(self, **kwargs: Any) -> FakeSTTStream:
        """Start listening."""
        options = kwargs.get("conn_options") or DEFAULT_API_CONNECT_OPTIONS
        return FakeSTTStream(self._world, stt=self, conn_options=options)


class FakeSTTStream(stt.RecognizeStream):
    """Gives out transcripts, or fails, as scripted."""

    def __init__(self, world: World, **kwargs: Any) -> None:
        self._world = world
        self._scripted: asyncio.Queue[Any] = asyncio.Queue()
        super().__init__(**kwargs)
        world.scribe = self

    def tell(self, what: Any) -> None:
        """Take ``(is_final, text)`` or an error."""
        self._scripted.put_nowait(what)

    async def _run(self) -> None:
        drain = asyncio.create_task(self._drain())
        try:
            while True:
                what = await self._scripted.get()
                if isinstance(what, Exception):
                    self._world.note("stt_error")
                    raise what
                final, text = what
                kinds = stt.SpeechEventType
                kind = kinds.FINAL_TRANSCRIPT if final else kinds.INTERIM_TRANSCRIPT
                data = stt.SpeechData(language="en", text=text, confidence=0.93)
                self._event_ch.send_nowait(stt.SpeechEvent(type=kind, alternatives=[data]))
                if final:
                    usage = stt.RecognitionUsage(audio_duration=1.0)
                    self._event_ch.send_nowait(
                        stt.SpeechEvent(type=kinds.RECOGNITION_USAGE, recognition_usage=usage)
                    )
        finally:
            drain.cancel()

    async def _drain(self) -> None:
        async for _ in self._input_ch:
            pass


class FakeTTS(tts.TTS):
    """Speaks silence: ``ttfb`` seconds to the first byte, 30 ms of audio for each letter."""

    def __init__(self, world: World, *, ttfb: float = 0.08, letter: float = 0.03) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=RATE, num_channels=1)
        self.world, self.ttfb, self.letter = world, ttfb, letter

    @property
    def model(self) -> str:
        """Its name."""
        return "fake-voice"

    def synthesize(self, text: str, *, conn_options: Any = DEFAULT_API_CONNECT_OPTIONS) -> FakeSpeech:
        """Speak."""
        return FakeSpeech(tts=self, input_text=text, conn_options=conn_options)


class FakeSpeech(tts.ChunkedStream):
    """One request."""

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        voice: Any = self._tts
        voice.world.note("tts_started", text=self.input_text)
        output_emitter.initialize(request_id="tts", sample_rate=RATE, num_channels=1, mime_type="audio/pcm")
        await asyncio.sleep(voice.ttfb)
        voice.world.note("tts_first_byte", text=self.input_text)
        samples = int(RATE * voice.letter * len(self.input_text))
        output_emitter.push(b"\0\0" * samples)
        output_emitter.flush()


class Failing:
    """An answer that fails so many times before it comes."""

    def __init__(self, times: int) -> None:
        self.times = times


Answer = str | tuple[str, dict[str, Any]]
"""Words, or a tool's name with its arguments."""


class FakeLLM(llm.LLM):
    """Answers by script: the first rule whose key is in the last message."""

    def __init__(self, world: World, script: dict[str, Answer | list[Answer]], *, ttft: float = 0.15) -> None:
        super().__init__()
        self.world, self.script, self.ttft = world, script, ttft

    @property
    def model(self) -> str:
        """Its name."""
        return "fake-mind"

    @property
    def provider(self) -> str:
        """Its maker."""
        return "fakeai"

    def chat(self, *, chat_ctx: llm.ChatContext, tools: Any = None, **kwargs: Any) -> FakeThought:
        """Think."""
        options = kwargs.get("conn_options") or DEFAULT_API_CONNECT_OPTIONS
        return FakeThought(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=options)


class FakeThought(llm.LLMStream):
    """One request."""

    async def _run(self) -> None:
        mind: Any = self._llm
        last = next(
            (i for i in reversed(self._chat_ctx.items) if i.type in ("message", "function_call_output")), None
        )
        last_text = (last.text_content if last.type == "message" else last.output) if last is not None else ""
        answer = next((a for key, a in mind.script.items() if key in (last_text or "")), "I see.")
        mind.world.note("llm_started", heard=last_text)
        if isinstance(answer, Failing) and answer.times > 0:
            answer.times -= 1
            raise APIConnectionError("the model hung up")
        if isinstance(answer, Failing):
            answer = "Here I am again."
        await asyncio.sleep(mind.ttft)
        mind.world.note("llm_first_token", heard=last_text)
        answers = answer if isinstance(answer, list) else [answer]
        for count, one in enumerate(answers):
            if isinstance(one, str):
                for word in one.split(" "):
                    self._send(llm.ChoiceDelta(role="assistant", content=word + " "))
                    await asyncio.sleep(0.01)
            else:
                name, arguments = one
                call = llm.FunctionToolCall(
                    name=name, arguments=json.dumps(arguments), call_id=f"call_{name}_{count}_{id(self):x}"
                )
                self._send(llm.ChoiceDelta(role="assistant", tool_calls=[call]))
        usage = llm.CompletionUsage(
            completion_tokens=12, prompt_tokens=70, prompt_cached_tokens=35, total_tokens=82
        )
        self._event_ch.send_nowait(llm.ChatChunk(id="req", usage=usage))
        mind.world.note("llm_ended", heard=last_text)

    def _send(self, delta: llm.ChoiceDelta) -> None:
        self._event_ch.send_nowait(llm.ChatChunk(id="req", delta=delta))


class FakeMicrophone(io.AudioInput):
    """Silence, 20 ms at a time."""

    def __init__(self) -> None:
        if "label" in inspect.signature(io.AudioInput.__init__).parameters:
            super().__init__(label="fake microphone")

    async def __anext__(self) -> rtc.AudioFrame:
        await asyncio.sleep(0.02)
        return rtc.AudioFrame(b"\0\0" * 480, RATE, 1, 480)


class FakeSpeaker(io.AudioOutput):
    """Plays in real time, can pause, and writes down when it is heard.

    Args:
        world: Where it writes that down.
        playout: Seconds from the first frame until it is heard; livekit-agents before 1.5 cannot be told.
    """

    def __init__(self, world: World, *, playout: float = 0.0) -> None:
        more: dict[str, Any] = {}
        if "label" in inspect.signature(io.AudioOutput.__init__).parameters:
            more = {"label": "fake speaker", "capabilities": io.AudioOutputCapabilities(pause=True)}
        super().__init__(sample_rate=RATE, **more)
        self._world = world
        self._pushed = 0.0
        self._played = 0.0
        self._since: float | None = None
        self._flushed = False
        self._timer: asyncio.TimerHandle | None = None
        self._playout = playout
        self._free = asyncio.Event()
        self._free.set()

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take a frame; the first one is heard at once.

        A speech waits until the one before it has been played, as in a room: livekit-agents 1.2 lets a
        tool's reply and what the tool said run into each other.
        """
        await self._free.wait()
        await super().capture_frame(frame)
        if self._since is None and not self._pushed:
            if self._playout:
                await asyncio.sleep(self._playout)
            self._since = time.time()
            self._world.note("playback_started")
            started: Callable[..., None] | None = getattr(self, "on_playback_started", None)
            if started is not None:
                started(created_at=self._since)
        self._pushed += frame.duration

    def flush(self) -> None:
        """Play out what is there."""
        super().flush()
        if self._pushed:
            self._flushed = True
            self._free.clear()
            self._arm()

    def clear_buffer(self) -> None:
        """Fall silent."""
        if self._pushed:
            self._finish(interrupted=True)

    def pause(self) -> None:
        """Hold."""
        if self._since is not None:
            self._world.note("playback_paused")
            self._played += time.time() - self._since
            self._since = None
            if self._timer is not None:
                self._timer.cancel()

    def resume(self) -> None:
        """Go on."""
        if self._since is None and self._pushed:
            self._world.note("playback_resumed")
            self._since = time.time()
            if self._flushed:
                self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._since is not None:
            remaining = self._pushed - self._played - (time.time() - self._since)
            self._timer = asyncio.get_running_loop().call_later(max(0.0, remaining), self._finish)

    def _finish(self, interrupted: bool = False) -> None:
        if self._timer is not None:
            self._timer.cancel()
        played = self._played + (time.time() - self._since if self._since is not None else 0.0)
        self._pushed = self._played = 0.0
        self._since, self._timer, self._flushed = None, None, False
        self._free.set()
        self._world.note("playback_finished", interrupted=interrupted)
        self.on_playback_finished(playback_position=played, interrupted=interrupted)

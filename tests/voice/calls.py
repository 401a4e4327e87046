"""Calls whose real times are known, reported as either SDK does, and reduced to turns."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from etaoi_collector.sources.base import Source
from etaoi_collector.store import Store
from etaoi_collector.store.model import Session
from etaoi_tui.cli.load_recording import open_recording
from etaoi_tui.feed import Feed
from etaoi_tui.view.voice.call_model import VoiceCall
from etaoi_tui.view.voice.model import Kind, Turn
from etaoi_tui.view.voice.voice_kinds import is_call
from tests.app.world import FedSource
from tests.scribe import Event, Open, Scribe

CAPTURES = Path(__file__).parent.parent / "captures"
START = 1_790_000_000.0


@dataclass
class Truth:
    """What really happened in a turn, in seconds; times count from the turn's beginning."""

    at: float = 0.0
    speaks: float = 1.5
    transcription: float = 0.2
    end_of_turn: float = 0.4
    callback: float = 0.0
    ttft: float = 0.3
    model: float = 0.7
    tool: float | None = None
    """Takes this long after a first model call, which asks for it; then comes the second."""
    rest: float = 0.05
    """Between the first token and the request to the voice."""
    ttfb: float = 0.12
    playout: float = 0.0
    lost: float = 0.0
    """Silence between the end of the turn and the model call that nothing explains."""
    audio: float = 2.0
    user_text: str = "where is my order"
    agent_text: str = "It is on its way."
    interrupted: bool = False
    speech: str = ""

    @property
    def gap(self) -> float:
        """What the user heard of it: nothing."""
        tool = self.model + self.tool if self.tool is not None else 0.0
        waits = self.end_of_turn + self.callback + self.lost
        return waits + tool + self.ttft + self.rest + self.ttfb + self.playout

    @property
    def seconds(self) -> float:
        """From the first word to the last."""
        return self.speaks + self.gap + self.audio


@dataclass
class Caller:
    """Writes a call's events."""

    scribe: Scribe = field(default_factory=lambda: Scribe("call"))
    began: float = START
    """The call's first moment, in seconds since the epoch."""

    def at(self, seconds: float) -> None:
        """Set the clock."""
        self.scribe.clock.at = round((self.began + seconds) * 1_000_000)

    def begin(self) -> None:
        """Start session and agent."""
        self.at(0.0)
        self.session = self.scribe.start("voice_session", "line", None, {"room_name": "line"})
        names = {"agent_id": "front", "agent_label": "front"}
        self.agent = self.scribe.start("voice_agent", "front", self.session, names)

    def finish(self, seconds: float) -> list[Event]:
        """End session and agent, and return everything."""
        self.at(seconds)
        self.scribe.end(self.agent)
        self.scribe.end(self.session, {"close_reason": "user_initiated"})
        return self.scribe.take()

    def tick(self, seconds: float, subject: str, state: str) -> None:
        """Tell a state."""
        self.at(seconds)
        self.scribe.tick(subject, state)

    def _span(
        self,
        kind: str,
        turn: Open,
        start: float,
        end: float | None,
        payload: dict[str, Any],
        end_payload: dict[str, Any] | None = None,
        **more: Any,
    ) -> Open:
        self.at(start)
        span = self.scribe.start(kind, None, turn, payload, speech_id=turn.speech_id)
        if end is not None:
            self.at(end)
            self.scribe.end(span, end_payload if end_payload is not None else payload, **more)
        return span

    def _metrics(self, kind: str, at: float, **fields: Any) -> dict[str, Any]:
        return {
            "type": kind,
            "label": "fake",
            "timestamp": self.began + at,
            "metadata": {"model_name": f"fake-{kind}", "model_provider": "fake"},
            **fields,
        }

    def ours(self, truth: Truth) -> None:
        """Tell a turn as etaoi-tui's SDK does: every span as long as the thing it stands for."""
        t = truth.at
        stop = t + truth.speaks
        decided = stop + truth.end_of_turn
        heard_at = stop + truth.gap
        done = heard_at + truth.audio
        self.at(t)
        turn = self.scribe.start(
            "voice_turn", None, self.agent, {"agent_label": "front"}, trace_id=self.scribe.new_id()
        )
        self._span("vad", turn, t, stop, {})
        final = {
            "transcript": truth.user_text,
            "is_final": True,
            "item_id": f"u{t}",
            "transcription_delay": truth.transcription,
            "stopped_speaking_at": self.began + stop,
        }
        self._span("voice_input", turn, t, stop + truth.transcription, {"transcript": ""}, final)
        eou = {
            "end_of_utterance_delay": truth.end_of_turn,
            "transcription_delay": truth.transcription,
            "on_user_turn_completed_delay": truth.callback,
        }
        metrics = self._metrics("eou", decided + truth.callback, **eou)
        self._span("eou", turn, stop, decided, eou, {}, voice_metrics=metrics)
        asked = decided + truth.callback + truth.lost
        if truth.tool is not None:
            payload = {"model": "mind", "ttft": truth.ttft}
            self._span("llm", turn, asked, asked + truth.model, {"model": "mind"}, payload)
            tool = {"name": "find", "arguments": "{}", "call_id": f"c{t}", "output": "ok"}
            self._span("tool", turn, asked + truth.model, asked + truth.model + truth.tool, tool)
            asked += truth.model + truth.tool
        payload = {"model": "mind", "ttft": truth.ttft, "text": truth.agent_text}
        self._span("llm", turn, asked, asked + truth.model, {"model": "mind"}, payload)
        voice = asked + truth.ttft + truth.rest
        request = {
            "started_at": self.began + voice,
            "ttfb": truth.ttfb,
            "duration": truth.ttfb + 0.1,
            "audio_duration": truth.audio,
        }
        voice_payload = {
            "text": truth.agent_text,
            "item_id": f"a{t}",
            "playing_at": self.began + heard_at,
            "played_until": self.began + done,
            "tts_requests": [request],
            "characters_count": len(truth.agent_text),
        }
        error = "interrupted" if truth.interrupted else None
        self._span("voice_output", turn, voice, done, {}, voice_payload, error=error)
        self.at(done)
        self.scribe.delta(turn, {"agent_transcript": truth.agent_text, "agent_transcript_final": True})
        summary = {"user_stopped_at": self.began + stop, "agent_started_at": self.began + heard_at}
        self.scribe.end(turn, summary, error=error)

    def theirs(self, truth: Truth) -> None:
        """Tell a turn as the reference SDK does: marks without length, most of them twice."""
        t = truth.at
        stop = t + truth.speaks
        decided = stop + truth.end_of_turn
        heard_at = stop + truth.gap
        done = heard_at + truth.audio
        now = decided + truth.callback
        speech = truth.speech or f"speech_{round(t * 1000):x}"
        self.tick(t, "user", "speaking")
        self.tick(stop, "user", "listening")
        self.at(now)
        turn = self.scribe.start(
            "voice_turn",
            None,
            self.session,
            {"agent_label": "front"},
            trace_id=self.scribe.new_id(),
            speech_id=speech,
        )
        heard_text = {"transcript": truth.user_text, "is_final": True, "language": "en"}
        self._span("voice_input", turn, now, now, {**heard_text, "is_final": False}, heard_text)
        eou = {
            "end_of_utterance_delay": truth.end_of_turn,
            "transcription_delay": truth.transcription,
            "on_user_turn_completed_delay": truth.callback,
            "last_speaking_time": 0.0,
        }
        short = {"end_of_utterance_delay": truth.end_of_turn}
        self._span("eou", turn, now, now, short, {}, voice_metrics=self._metrics("eou", now, **eou))
        item = {
            "transcript": truth.user_text,
            "item_id": f"u{t}",
            "transcription_delay": truth.transcription,
            "end_of_turn_delay": truth.end_of_turn,
        }
        self._span("voice_input", turn, now, now, item)
        self.tick(now, "agent", "thinking")
        asked = now + truth.lost
        if truth.tool is not None:
            self._request(turn, asked, truth)
            tool = {"name": "find", "arguments": "{}", "call_id": f"c{t}", "output": "ok"}
            self._span("tool", turn, asked + truth.model, asked + truth.model + truth.tool, tool)
            asked += truth.model + truth.tool
        self._request(turn, asked, truth)
        self.tick(heard_at, "agent", "speaking")
        voice = asked + truth.ttft + truth.rest
        took = truth.ttfb + 0.1
        tts = self._metrics("tts", voice + took, ttfb=truth.ttfb, duration=took, audio_duration=truth.audio)
        payload = {"audio_duration": truth.audio, "characters_count": len(truth.agent_text)}
        self._span(
            "voice_output",
            turn,
            voice + took,
            voice + took,
            {"label": "fake"},
            payload,
            voice_metrics=tts,
        )
        self.at(heard_at)
        self.scribe.delta(
            turn, {"agent_transcript": truth.agent_text[:5], "agent_transcript_delta": truth.agent_text[:5]}
        )
        self.at(done)
        self.scribe.delta(turn, {"agent_transcript": truth.agent_text, "agent_transcript_final": True})
        error = "interrupted" if truth.interrupted else None
        message = {
            "model": "fake",
            "text": truth.agent_text,
            "item_id": f"a{t}",
            "llm_node_ttft": truth.ttft + 0.001,
        }
        self._span("llm", turn, done, done, {**message, "source": "chat_message_metrics"}, error=error)
        spoken = {
            "text": truth.agent_text,
            "item_id": f"a{t}",
            "tts_node_ttfb": truth.ttfb,
            "playback_latency": None,
        }
        self._span("voice_output", turn, done, done, spoken, error=error)
        self.scribe.end(turn)
        self.tick(done + 0.0001, "agent", "listening")

    def _request(self, turn: Open, asked: float, truth: Truth) -> None:
        end = asked + truth.model
        metrics = self._metrics(
            "llm", end, duration=truth.model, ttft=truth.ttft, prompt_tokens=70, completion_tokens=12
        )
        start = {"model": "fakes.LLM", "prompt_tokens": 70, "completion_tokens": 12}
        self._span("llm", turn, end, end, start, {"ttft": truth.ttft}, voice_metrics=metrics)


PAUSE = 0.3
"""Seconds between two turns."""


def events_of(truths: Sequence[Truth], how: str = "ours") -> list[Event]:
    """Return a whole call's events, its turns one after the other."""
    caller = Caller()
    caller.begin()
    at = 0.5
    for truth in truths:
        getattr(caller, how)(replace(truth, at=at))
        at += truth.seconds + PAUSE
    return caller.finish(at)


def placed(truths: Sequence[Truth]) -> list[Truth]:
    """Return the truths as `events_of` places them."""
    placed_truths = []
    at = 0.5
    for truth in truths:
        placed_truths.append(replace(truth, at=at))
        at += truth.seconds + PAUSE
    return placed_truths


def many(turns: int, seed: int = 1) -> list[Truth]:
    """Return turns of all kinds."""
    dice = random.Random(seed)
    return [
        Truth(
            speaks=dice.uniform(0.4, 3.0),
            end_of_turn=dice.uniform(0.25, 0.9),
            transcription=dice.uniform(0.05, 0.25),
            ttft=dice.uniform(0.1, 0.9),
            model=dice.uniform(0.9, 1.5),
            tool=dice.uniform(0.1, 1.5) if dice.random() < 0.3 else None,
            lost=dice.uniform(0.02, 0.5) if dice.random() < 0.2 else 0.0,
            audio=dice.uniform(0.5, 4.0),
            interrupted=dice.random() < 0.1,
            user_text=f"question {number}",
            agent_text=f"answer {number}",
        )
        for number in range(turns)
    ]


@dataclass
class Folded:
    """A call and what it was made from."""

    call: VoiceCall
    store: Store
    source: Source

    @property
    def turns(self) -> list[Turn]:
        """All turns."""
        return list(self.call.turns())


def folded(events: Iterable[Event], *, over: bool = True) -> Folded:
    """Fold events that arrive in one frame; those of a call that is not over leave it running."""
    source = FedSource()
    source.connect()
    source.send(list(events))
    store = Store()
    Feed(source, store).work(10_000, 0.0)
    if over:
        store.finish()
    (session,) = [one for one in store.sessions.values() if is_call(one)]
    return Folded(VoiceCall(session, source), store, source)


def recorded(name: str) -> Folded:
    """Fold the one call of a recording."""
    source = open_recording(str(CAPTURES / name))
    store = Store()
    feed = Feed(source, store)
    while not feed.ended:
        feed.work(200, 0.0)
    calls: list[Session] = [one for one in store.sessions.values() if is_call(one)]
    assert len(calls) == 1
    return Folded(VoiceCall(calls[0], source), store, source)


def lengths(turn: Turn, kind: Kind) -> list[float]:
    """How long a turn's stages of a kind took."""
    return [stage.end - stage.start for stage in turn.stages if stage.kind is kind and stage.end is not None]

"""Scenes under both SDKs, as the viewer has them: ours in this process, the real etaoi SDK in another."""

from __future__ import annotations

import asyncio
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from etaoi_collector.projections.payload_reader import PayloadReader, RecordedPayloads
from etaoi_collector.store.model import Session, Span
from etaoi_tui.detail.messages.tool_schemas import schemas_for
from etaoi_tui.detail.middleware.request_chain import CallChain, build_chain
from etaoi_tui.detail.span_data import SpanData
from etaoi_tui.sdk.attach import attach
from etaoi_tui.sdk.langchain.middleware import instrument
from tests.detail.recorded import Recorded
from tests.real.collecting import collecting
from tests.real.evidence import logged
from tests.real_env import ETAOI, ROOT, real_env
from tests.xray.models import Plain, plain_message
from tests.xray.scenes import SCENES, crowd

MODES = ("sync", "async")


@dataclass
class ObservedRun:
    """A scene as the viewer has it, beside what is known of it from outside.

    Attributes:
        session: what was recorded.
        payloads: where its events are read.
        received: each request as its models received it.
        result: the messages that the agent returned.
        writers: models that a middleware calls for itself.
        all_recorded: whether every wrap hook is instrumented.
    """

    session: Session
    payloads: PayloadReader
    received: list[Plain]
    writers: list[str]
    all_recorded: bool
    result: list[Plain] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        """All spans."""
        return [span for trace in self.session.traces for span in trace.spans]

    @property
    def calls(self) -> list[Span]:
        """The agent's own model calls, in order."""
        return [call for call in self._calls() if call.name not in self.writers]

    @property
    def inner_calls(self) -> list[Span]:
        """The calls that a middleware made for itself, in order."""
        return [call for call in self._calls() if call.name in self.writers]

    def _calls(self) -> list[Span]:
        calls = [span for span in self.spans if span.kind == "llm"]
        return sorted(calls, key=lambda span: (span.started_at, span.number))

    def evidence(self, span: Span) -> SpanData:
        """Return what is known of a span."""
        return SpanData(span, self.payloads, span.trace.ended_at)

    def chain(self, call: Span) -> CallChain:
        """Return the chain of a call as the viewer builds it."""
        evidence = self.evidence(call)
        return build_chain(evidence, schemas_for(evidence))


def under_ours(name: str, mode: str) -> ObservedRun:
    """Run a scene under this project's SDK."""
    scene = SCENES[name](instrument)
    handle = attach(scene.agent, sink="memory")
    try:
        if mode == "async":
            result = asyncio.run(scene.agent.ainvoke(scene.ask))
        else:
            result = scene.agent.invoke(scene.ask)
    finally:
        handle.detach()
    recorded = Recorded.of(handle.sink.events)
    (session,) = recorded.store.sessions.values()
    returned = [plain_message(message) for message in result["messages"]]
    return ObservedRun(
        session, recorded.payloads, scene.received, scene.writers, scene.all_recorded, returned
    )


def under_etaoi(folder: Path, names: list[str]) -> dict[str, ObservedRun]:
    """Run scenes (``name`` or ``name:async``) under the etaoi SDK, through the real collector."""
    python = real_env("etaoi-agents", *ETAOI, "langchain", "deepagents")
    record_path, log = folder / "records.jsonl", folder / "sent.jsonl"
    with collecting(folder / "run.msgpack") as collected:
        command: list[Any] = [python, "-m", "tests.xray.under_etaoi", collected.url, record_path, log, *names]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        lines = [json.loads(line) for line in record_path.read_text().splitlines()]
        collected.wait_for_events(len(logged(log)))
        sessions = collected.store.sessions
        collected.store.finish()
        events = _ReadEvents({})
        for trace in collected.store.traces.values():
            for span in trace.spans:
                for ref in (span.start_ref, span.end_ref, *(span.deltas or ())):
                    if ref >= 0:
                        events.events[ref] = collected.read(ref)
    payloads = RecordedPayloads(events)
    runs = {}
    for line in lines:
        name = line["scene"].partition(":")[0]
        scene = (crowd if name == "crowd" else SCENES[name])(lambda items: items)
        runs[line["scene"]] = ObservedRun(
            sessions[line["session_id"]],
            payloads,
            line["received"],
            scene.writers,
            scene.all_recorded,
            line["result"],
        )
    return runs


@dataclass
class _ReadEvents:
    """Events that were read while the collector ran."""

    events: dict[int, Any]

    def read(self, ref: int) -> Any:
        return self.events[ref]

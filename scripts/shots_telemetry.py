"""Pictures of what OpenTelemetry tells: an agent of the AI SDK, and a turn of Codex, folded and open.

The agent is a recorded one of the real SDK (``tests/captures/ingest``); the turn is built, see
``tests/receivers/test_coding_agents.py``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.translation.event_writer import pack_frames
from etaoi_collector.translation.otel_model import OtelSpan
from etaoi_collector.translation.otlp_json import parse, spans_of
from etaoi_collector.translation.translators import Translators
from tests.receivers.ingest_captures import captured
from tests.receivers.test_coding_agents import codex

Shot = tuple[str, tuple[int, int], str, tuple[str, ...]]

CODEX_SHOTS: tuple[Shot, ...] = (
    ("codex-folded", (140, 40), "etaoi-dark", ("2", "g", "j", "right", "j")),
    ("codex-folded-small", (80, 24), "etaoi-dark", ("g", "j", "right", "j")),
    ("codex-open", (140, 40), "etaoi-dark", ("2", "g", "x")),
)
AI_SDK_SHOTS: tuple[Shot, ...] = (
    ("ai-sdk", (140, 40), "etaoi-dark", ("2", "g", "j")),
    ("ai-sdk-small", (80, 24), "etaoi-dark", ("g", "j")),
)


def record_codex(path: Path) -> None:
    """Record a turn of Codex."""
    spans = codex().spans
    for span in spans:  # 641 spans within five seconds
        span.start_ns = 1_764_500_000_000_000_000 + (span.start_ns - 1_000_000_000) * 8_000
        span.end_ns = span.start_ns + 6_000_000
    by_id = {span.span_id: span for span in spans}
    for span in reversed(spans):
        around = by_id.get(span.parent_id)
        if around is not None:
            around.end_ns = max(around.end_ns, span.end_ns + 1_000_000)
    _record(path, [spans])


def record_ai_sdk(path: Path) -> None:
    """Record an agent of the AI SDK."""
    requests = [request for request in captured("aisdk-7.0.173-otlp") if request.path.endswith("traces")]
    traces = [
        spans_of(parse(request.body)) for request in requests if "json" in request.headers["content-type"]
    ]
    _record(path, [[span for span in spans if isinstance(span, OtelSpan)] for spans in traces])


def _record(path: Path, requests: Iterable[list[OtelSpan]]) -> None:
    recorder = Recorder(path=path)
    translators = Translators()
    recorder.opened(time.time(), 1, peer="127.0.0.1:1", client="OpenTelemetry", hello=b"\x80")
    for spans in requests:
        for frame in pack_frames(translators.otel.take_spans(spans)):
            recorder.append(time.time(), 1, frame)
    recorder.close()

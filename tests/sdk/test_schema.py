"""What we send is what the reference's own models take."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

import etaoi_tui
from etaoi_collector.wire.encode import NODE_KINDS, encode_frame
from etaoi_tui.sdk.limits import Limits
from etaoi_tui.sdk.serialize import Json
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.tracer import SessionInfo, Tracer, use_span
from etaoi_tui.sdk.transport.local import LocalOutlet
from etaoi_tui.sdk.transport.losses import Losses
from etaoi_tui.sdk.transport.pipeline import Pipeline
from etaoi_tui.sdk.transport.send_queue import SendQueue
from tests.real_env import ETAOI, real_env

CHECK = """
import sys, typing
import msgpack
from etaoi.transport.codec import _UNPACK_OPTS
from etaoi_schema import SCHEMA_VERSION, Envelope
from etaoi_schema.enums import NodeKind

frames = open(sys.argv[1], "rb").read()
unpacker = msgpack.Unpacker(raw=False)
unpacker.feed(frames)
kinds, events = set(), 0
for frame in unpacker:
    for envelope in frame:
        checked = Envelope.model_validate(envelope)
        assert checked.schema_version == SCHEMA_VERSION, checked.schema_version
        for event in checked.batch:
            events += 1
            kinds.add((event.kind, getattr(event, "node_kind", None)))
            assert event.timestamp.tzinfo is not None
print(events, len(kinds), sorted(typing.get_args(NodeKind)) == sorted(sys.argv[2].split(",")))
"""


class _Frames(LocalOutlet):
    def __init__(self, stats: Stats) -> None:
        super().__init__(None, stats)
        self.frames: list[bytes] = []

    def _write(self, frame: bytes, events: int) -> None:
        self.frames.append(frame)


def say_everything(tracer: Tracer) -> None:
    """Use every kind of event, with values as odd as they come."""
    odd: dict[Any, Any] = {
        1: b"\xff",
        None: {1, 2},
        "huge": 1 << 99,
        "s": "\udc00",
        "f": float("inf"),
        "l": object(),
    }
    for kind in (*sorted(NODE_KINDS), "retriever", "event", "whatever\ud800"):
        span = tracer.start(
            kind,
            f"{kind}\x1b[31m",
            payload={"inputs": Json(odd), "plain": odd},
            metadata=odd,
            agent_name="a" * 9000,
            run_id="not a uuid",
            parent_run_id=tracer.session.session_id,
            speech_id="speech_1",
            session=SessionInfo.of("x", "user\ud800"),
        )
        tracer.text(span, "text \ud800")
        tracer.text(span, "why", "reasoning")
        tracer.delta(span, odd)
        child = tracer.start("tool", "child", parent=span, at=-5.0)
        tracer.end(child, ["no map"], error=RuntimeError(odd), at=float("nan"))
        tracer.end(
            span,
            odd,
            error="interrupted",
            voice_metrics={"type": "llm", "ttft": 0.5, "label": None},
            metadata=odd,
        )
    for state in ("listening", "\ud800"):
        tracer.tick("agent", state)
        tracer.tick("someone", state)
    with (
        use_span(tracer.start("sub_agent", "around")),
        etaoi_tui.span("s", kind="llm", input=odd) as manual_span,
    ):
        manual_span.set_output(odd)
        etaoi_tui.event("happened", **{"k": odd})


@pytest.mark.real_clients
def test_every_event_validates_against_the_references_own_models(tmp_path: Path) -> None:
    python = real_env("etaoi", *ETAOI)
    stats = Stats()
    outlet = _Frames(stats)
    tracer = Tracer(Pipeline(outlet, stats), limits=Limits(text=2000, event=8000))
    say_everything(tracer)
    outlet.dropped(Losses(text=1, deltas=2, spans=3, payloads=4, by_trace={"gone": 6}))
    tracer.end(tracer.start("tool", "t"))
    assert tracer.flush(60)
    assert stats.failed == 0
    # A buffer under pressure strips payloads and counts what it dropped; that has to be valid as well.
    outbox = SendQueue(stats, max_bytes=20_000)
    tight = Tracer(Pipeline(_Through(outbox, stats), stats))
    for number in range(60):
        span = tight.start("tool", str(number), payload={"x": "y" * 900})
        tight.text(span, "z" * 500)
        tight.end(span, {"x": "y" * 900})
    assert not tight.flush(60), "a flush in which something is dropped says so"
    while entries := outbox.take_frame():
        outlet.frames.append(encode_frame(entries))
    file = tmp_path / "frames"
    file.write_bytes(b"".join(outlet.frames))
    done = subprocess.run(
        [str(python), "-c", CHECK, str(file), ",".join(NODE_KINDS)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    events, kinds, same_kinds = done.stdout.split()
    assert int(events) > 100 and int(kinds) > 40 and same_kinds == "True"
    tracer.close()
    tight.close()


class _Through(LocalOutlet):
    """Puts entries into an outbox instead of writing them."""

    def __init__(self, outbox: SendQueue, stats: Stats) -> None:
        super().__init__(None, stats)
        self._outbox = outbox

    def deliver(self, entries: list[Any]) -> None:
        self._outbox.add(entries)


def test_the_same_program_through_several_threads_makes_valid_frames() -> None:
    stats = Stats()
    outlet = _Frames(stats)
    tracer = Tracer(Pipeline(outlet, stats), limits=Limits(text=500, event=2000))
    threads = [threading.Thread(target=say_everything, args=(tracer,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tracer.flush(60)
    assert stats.failed == 0
    tracer.close()

"""Nothing that an agent sends reaches a terminal as a control, whatever command prints it."""

from __future__ import annotations

import io
import uuid
from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etaoi_collector.wire.trace_records import TraceWriter
from etaoi_tui.console import SafeOutput
from etaoi_tui.text import UNSAFE
from tests.headless.running import run

EVIL = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\u202e"


def hostile_recording(path: Path) -> Path:
    """A recording whose every text field is hostile, of spans without a start among others."""
    ids = {name: str(uuid.uuid4()) for name in ("session_id", "trace_id")}
    batch = []
    for kind in ("span_start", "span_delta", "span_end"):
        for parent in (None, str(uuid.uuid4())):
            batch.append(
                {
                    **ids, "kind": kind, "event_id": str(uuid.uuid4()), "span_id": str(uuid.uuid4()),
                    "parent_span_id": parent, "node_kind": f"k{EVIL}", "timestamp": "2026-01-02T03:04:05Z",
                    "metadata": {EVIL: EVIL, "name": EVIL} if kind == "span_start" else {},
                    "payload": {"text": EVIL, EVIL: EVIL}, "error": EVIL if kind == "span_end" else None,
                    "lc_agent_name": EVIL,
                }
            )  # fmt: skip
    writer = TraceWriter(path, writer=EVIL)
    writer.opened(1.0, 1, peer=EVIL, client=EVIL)
    writer.append_frame(2.0, 1, msgpack.packb([{"schema_version": "0.5.1", "batch": batch}]))
    writer.refused(3.0, 1, size=1, reason=EVIL)
    writer.closed(4.0, 1, code=1000, reason=EVIL)
    writer.close()
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("show",),
        ("show", "--all"),
        ("show", "--json"),
        ("show", "--voice"),
        ("ls",),
        ("ls", "--json"),
        ("--replay",),
    ],
    ids=" ".join,
)
def test_no_command_prints_a_control(tmp_path: Path, words: tuple[str, ...]) -> None:
    recording = hostile_recording(tmp_path / "evil.msgpack")
    done = run(tmp_path / "state", words[0], recording, *words[1:])
    for output in (done.stdout, done.stderr):
        assert not UNSAFE.search(output.replace("\n", ""))
    assert "Traceback" not in done.stderr
    if "--voice" not in words:
        assert done.stdout


@given(st.lists(st.text(st.characters(codec=None))))
def test_the_net_takes_everything_out(texts: list[str]) -> None:
    plain = io.StringIO()
    net = SafeOutput(plain)
    for text in texts:
        assert net.write(text) == len(text)
    assert not UNSAFE.search(plain.getvalue().replace("\n", "").replace("\t", ""))

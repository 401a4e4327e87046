"""The events that our generators write are valid for the models of the real etaoi-schema."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgpack
import pytest

from tests import generate
from tests.generate import Scribe
from tests.real_env import ETAOI, real_env

DRIVERS = Path(__file__).parent / "drivers"

pytestmark = pytest.mark.real_clients


def test_generated_events_are_valid(tmp_path: Path) -> None:
    """Agents, streamed text, voice calls and ugly texts, through pydantic's strict models."""
    scribe = Scribe("schema")
    generate.agent_trace(scribe, pieces=5, sub_agents=1, failing=True)
    generate.voice_call(scribe)
    generate.ugly_trace(scribe, huge=1000)
    generate.wide_trace(scribe, 20)
    generate.deep_trace(scribe, 20)
    events = scribe.take()
    stream = tmp_path / "stream"
    stream.write_bytes(b"".join(msgpack.packb([0.0, frame]) for frame in generate.frames(events)))
    python = real_env("etaoi", *ETAOI)
    done = subprocess.run(
        [python, DRIVERS / "validate.py", stream], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) == len(events)

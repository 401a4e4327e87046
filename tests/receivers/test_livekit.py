"""A call that LiveKit's own tracer tells of becomes lanes."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from etaoi_collector.store import Store
from etaoi_tui.cli.main import main
from tests.collector.serving import serving
from tests.receivers.ingest_captures import EXPECTED, captured, send, wait_for_spans


def test_the_silence_of_each_turn_is_what_livekit_measured(tmp_path: Path) -> None:
    name, store = "otlp-livekit-voice", Store()
    with serving(tmp_path) as (collector, source):
        send(collector, captured(name))
        wait_for_spans(store, source, EXPECTED[name]["spans"])
        path = collector.recorder.path
    done = CliRunner().invoke(main, ["show", "--voice", "--json", str(path)])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    turns = [line for line in lines if line["type"] == "turn"]
    assert [turn["user"] for turn in turns[:4]] == [
        "hello there",
        "what is the weather in Paris",
        "stop wait",
        "handoff please",
    ]
    for turn in turns[:4]:
        assert turn["agent_said"] and abs(turn["heard_gap_ms"] - turn["e2e_latency_ms"]) < 350
        assert {"stt", "eou", "user", "llm", "tts", "speech"} <= {stage["stage"] for stage in turn["stages"]}
    first = turns[0]
    assert abs(first["heard_gap_ms"] - first["e2e_latency_ms"]) < 5

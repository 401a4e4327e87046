"""``etaoi-tui show --voice``: a line a turn, and the same as data."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import Result

from etaoi_tui.view.voice.thresholds import CONFIG_VARIABLE
from tests.headless.running import invoke
from tests.voice.calls import CAPTURES

TEXT = CAPTURES / "s09a_livekit_text.msgpack"
DRIVEN = CAPTURES / "s09c_livekit_driven.msgpack"


def show(path: Path, *options: str) -> Result:
    return invoke("show", path, "--voice", *options)


def test_the_table_has_a_line_for_each_turn() -> None:
    result = show(TEXT)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("call ") and "6 turns" in lines[0]
    assert [line.split()[0] for line in lines[2:8]] == list("123456")
    assert "~254ms" in lines[2] and "(typed)" in lines[2]
    assert "worst turn: 1" in lines
    assert any(line.startswith("first token") for line in lines)


def test_json_has_the_same_figures() -> None:
    result = show(DRIVEN, "--json")
    call, *turns = [json.loads(line) for line in result.stdout.splitlines()]
    assert call["type"] == "call" and call["turns"] == len(turns) == 3 and call["traces"] == 4
    first = turns[0]
    assert first["heard_gap_ms"] == pytest.approx(900, abs=0.1)
    assert sum(part["duration_ms"] for part in first["gap_parts"]) == pytest.approx(900, abs=0.1)
    assert first["heard_gap_basis"] == "derived"
    assert call["statistics"]["heard_gap"]["max_ms"] == first["heard_gap_ms"]
    for stage in first["stages"]:
        began, ended = (datetime.fromisoformat(stage[name]) for name in ("started_at", "ended_at"))
        assert (ended - began).total_seconds() * 1000 == pytest.approx(stage["duration_ms"], abs=0.01)
        assert stage["span_ids"]


def test_a_recording_without_a_call_says_so() -> None:
    result = show(CAPTURES / "s01_create_agent.msgpack")
    assert result.exit_code == 1 and "No voice call" in result.stderr
    assert show(TEXT, "--all").exit_code == 2


def test_a_configuration_that_is_not_understood_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[voice.thresholds]\nheard_gap = [0.05, 0.2]\ntalk = [1, 2]\n")
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    result = show(TEXT)
    assert result.exit_code == 0 and "talk not understood" in result.stderr
    assert "▲" in result.stdout.splitlines()[2] and "△" in result.stdout.splitlines()[3]

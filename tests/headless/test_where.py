"""Commands print only what ``--where`` asks for, and lines are coloured on terminals only."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from etaoi_tui.console import SafeOutput, write_pieces
from tests.headless.running import run_here

CAPTURE = Path(__file__).parents[1] / "captures" / "s01_create_agent.msgpack"


def show(state: Path, *words: str) -> str:
    done = run_here(state, "show", str(CAPTURE), *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_show_prints_the_spans_that_match_and_no_run_without_one(tmp_path: Path) -> None:
    lines = show(tmp_path, "--where", "tool:lookup in:42").splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("trace ") and "lookup_order" in lines[1]
    (span,) = map(json.loads, show(tmp_path, "--json", "--where", "tool:lookup").splitlines())
    assert span["name"] == "lookup_order"
    (line,) = show(tmp_path, "--format", "text-log", "--where", "err:503 kind:tool").splitlines()
    assert "flaky" in line


def test_a_query_that_is_none_is_a_mistake_in_usage(tmp_path: Path) -> None:
    for words in (("--where", "bogus:x"), ("--where", "kind:tool", "--voice")):
        done = run_here(tmp_path, "show", str(CAPTURE), *words)
        assert done.returncode == 2 and "--where" in done.stderr and "Traceback" not in done.stderr


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_and_never_let_anything_else_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    pieces = [("error \x1b[2J", "failure"), (" plain", ""), ("\n", "quiet")]
    terminal, pipe = Terminal(), io.StringIO()
    write_pieces(SafeOutput(terminal), pieces)
    write_pieces(SafeOutput(pipe), pieces)
    assert "\x1b[31m" in terminal.getvalue() and "\x1b[2J" not in terminal.getvalue()
    assert "\x1b" not in pipe.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Terminal()
    write_pieces(SafeOutput(plain), pieces)
    assert "\x1b" not in plain.getvalue()

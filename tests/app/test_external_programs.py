"""Values in other programs: in the person's editor, and through a command."""

from __future__ import annotations

import os
import shlex
import stat
import sys
from pathlib import Path

import pytest

from benchmarks.terminal import Terminal
from etaoi_tui import external_programs
from etaoi_tui.external_programs import pipe_through, value_file, viewer_command
from etaoi_tui.screens.pipe import result_document
from tests.app.quitting import quit_viewer
from tests.collector.making import write_trace
from tests.generate import frames
from tests.scribe import Scribe

VIEWER = [sys.executable, "-m", "etaoi_tui"]


def test_the_editor_is_chosen_before_the_pager_and_missing_programs_are_skipped() -> None:
    python = shlex.quote(sys.executable)
    assert viewer_command({"VISUAL": "", "EDITOR": f"{python} -u", "PAGER": "less"}) == [sys.executable, "-u"]
    assert viewer_command({"EDITOR": "no-such-editor", "PAGER": python}) == [sys.executable]
    assert viewer_command({"EDITOR": "'open quote", "PAGER": python}) == [sys.executable]


def test_the_file_of_a_value_is_private_has_a_fitting_name_and_is_deleted() -> None:
    with value_file('{"a": "\udcff"}') as path:
        assert path.suffix == ".json"
        assert path.read_text("utf-8") == '{"a": "?"}'
        if os.name == "posix":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()
    with value_file("# Words") as path:
        assert path.suffix == ".md"


async def test_a_command_reads_the_value_and_returns_its_output_and_status() -> None:
    piped = await pipe_through("tr a-z A-Z", "words\n" * 100_000)
    assert piped.output == "WORDS\n" * 100_000 and piped.code == 0 and not piped.note
    failed = await pipe_through("echo no >&2; exit 3", "x" * 1_000_000)
    assert failed.output == "no\n" and failed.code == 3


async def test_a_command_that_does_not_end_is_stopped_with_what_it_started() -> None:
    for seconds in (1.0, 5.0, 30.0):  # a shell may take its time to start
        piped = await pipe_through("echo begun; sleep 300 & wait", "", seconds=seconds)
        assert piped.code is None and f"stopped after {seconds:.0f} s" in piped.note
        if piped.output:
            break
    assert piped.output == "begun\n"


async def test_endless_output_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_programs, "_LARGEST_OUTPUT", 1024 * 1024)
    piped = await pipe_through("yes", "")
    assert len(piped.output) == 1024 * 1024 and "only the first 1 MiB" in piped.note


@pytest.mark.parametrize(
    ("command", "expected"),
    [("cat", "needle"), ("exit 4", "exit status 4"), ("true", "no output")],
)
async def test_the_page_shows_the_output(command: str, expected: str) -> None:
    document = result_document(command, "Output", await pipe_through(command, "needle"))
    (section,) = document.tabs[0].sections
    assert expected in str(section.blocks) and section.title == f"Output | {command}"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    scribe = Scribe("values")
    tool = scribe.start("tool", "search", payload={"input": '{"q": "x"}'})
    scribe.end(tool, {"output": "found the needle"})
    path = tmp_path / "values.msgpack"
    write_trace(path, frames(scribe.take(), 8))
    return path


def test_a_value_opens_in_the_editor_and_the_viewer_comes_back(tmp_path: Path, recording: Path) -> None:
    edited_copy = tmp_path / "seen"
    editor = tmp_path / "editor"
    editor.write_text(
        f'#!/bin/sh\ncp "$1" {shlex.quote(str(edited_copy))}\necho EDITOR IS HERE\nread line\n',
        encoding="utf-8",
    )
    editor.chmod(0o700)
    env = {"EDITOR": str(editor), "VISUAL": "", "ETAOI_TUI_STATE_DIR": str(tmp_path / "state")}
    with Terminal([*VIEWER, "--replay", str(recording)], size=(120, 35), env=env) as terminal:
        terminal.wait_for("search")
        terminal.wait_quiet()
        since = terminal.position
        terminal.press("V")
        terminal.wait_for("EDITOR IS HERE", since=since)
        assert "needle" in edited_copy.read_text("utf-8")
        since = terminal.position
        terminal.press("\r")
        terminal.wait_for("quit", since=since)
        since = terminal.position
        terminal.press("|")
        terminal.wait_for("pipe", since=since)
        # Textual runs an editing key behind letters that came in the same read.
        since = terminal.position
        terminal.press("\x15")
        terminal.wait_for("command, such as", since=since)
        since = terminal.position
        terminal.press("tr a-z A-Z")
        terminal.wait_for("tr a-z A-Z", since=since)
        since = terminal.position
        terminal.press("\r")
        terminal.wait_for("NEEDLE", since=since)
        since = terminal.position
        terminal.press("\x1b")
        terminal.wait_for("quit", since=since)
        quit_viewer(terminal)

"""Which recording a person means: a path, the newest, the second newest, the beginning of a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from etaoi_collector.recording.directory import STATE_DIR_VARIABLE
from etaoi_tui.cli.load_recording import find_recording
from etaoi_tui.console import CommandError
from tests.catalogue.making import write_run
from tests.headless.running import run


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Three recordings, the newest first."""
    monkeypatch.setenv(STATE_DIR_VARIABLE, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    names = ("run-20260103-030405-abcd", "run-20260102-040405-efab", "run-20260102-030405-abcd")
    return [write_run(tmp_path, name, events=40) for name in names]


@pytest.mark.parametrize(
    ("name", "number"),
    [("last", 0), ("1", 0), ("2", 1), ("3", 2), ("20260103", 0), ("run-20260102-04", 1), ("20260102-03", 2)],
)
def test_a_recording_has_several_names(runs: list[Path], name: str, number: int) -> None:
    assert find_recording(name) == runs[number]


def test_a_file_of_that_name_goes_first(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "2").write_bytes(runs[2].read_bytes())
    assert find_recording("2") == Path("2")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("4", "There is no recording 4: there are 3, 1 is the newest."),
        ("0", "There is no recording 0: there are 3, 1 is the newest."),
        ("20260102", "2 recordings begin with '20260102'; write more of the name."),
    ],
)
def test_what_names_no_recording_is_said(runs: list[Path], name: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence.replace(".", r"\.")):
        find_recording(name)


def test_another_name_is_a_file(runs: list[Path], tmp_path: Path) -> None:
    done = run(tmp_path, "show", "nowhere.msgpack")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nowhere.msgpack does not exist." in done.stderr


def test_the_second_newest_is_replayed(runs: list[Path], tmp_path: Path) -> None:
    assert run(tmp_path, "--replay", "2").stdout == run(tmp_path, "show", runs[1]).stdout != ""

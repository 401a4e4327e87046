"""Files of the state folder: private, none overwritten, and no odd one in the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from etaoi_collector.recording.directory import list_recordings, prune
from etaoi_tui.clipboard import save_copied
from etaoi_tui.view.layout import Layout


def test_copies_of_one_second_are_two_private_files(tmp_path: Path) -> None:
    folder = tmp_path / "copied"
    paths = [save_copied(text, folder) for text in ("one", "two", "three")]
    assert [path.read_text() for path in paths] == ["one", "two", "three"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder, *paths))


def test_the_layout_is_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "layout.json"
    old = os.umask(0)
    try:
        Layout().save(path)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o077 == path.parent.stat().st_mode & 0o077 == 0
    assert Layout.load(path) == Layout()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_in_the_folder_blocks_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run-20260102-030405-abcd.msgpack")
    (tmp_path / "run-20260102-030406-abcd.msgpack").write_bytes(b"x")
    assert [recording.size for recording in list_recordings(tmp_path)] == [1]
    assert len(prune(tmp_path, keep_runs=0)) == 1

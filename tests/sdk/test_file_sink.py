"""A trace file that cannot be written, for a while: one warning, and a new file once it works again."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from etaoi_collector.wire.encode import DROPPED_KEY
from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.transport import file
from tests.sdk.test_processes import read_trace


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB; skips where the user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small tmpfs needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["metadata"]["name"] for event in events if event["kind"] == "span_start"]


def test_a_full_disk_is_reported_once_and_writing_resumes_in_a_new_file(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(file, "_RETRY_SECONDS", 0.0)
    caplog.set_level(logging.WARNING)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(128 << 10))
    tracer = open_tracer(sink=small_disk / "run.msgpack")
    tracer.start("tool", "kept")
    assert tracer.flush(60)
    for number in range(12):
        tracer.start("tool", f"large {number}", payload={"x": os.urandom(12_000).hex()})
        tracer.flush(60)
    assert tracer.stats.state == "failed" and "space" in tracer.stats.problem
    filler.unlink()
    last = tracer.start("tool", "last")
    tracer.flush(60)
    assert tracer.stats.state == "writing" and tracer.stats.problem == ""
    tracer.end(last)
    tracer.close()
    warnings = [record.message for record in caplog.records if "cannot write" in record.message]
    assert len(warnings) == 1 and "run.msgpack" in warnings[0]
    paths = sorted(small_disk.glob("run*.msgpack"))
    assert len(paths) == 2
    events = [event for path in paths for event in read_trace(path)]
    assert {"kept", "last"} <= set(names(events))
    assert len(names(events)) == len(set(names(events)))


def test_a_folder_that_does_not_exist_yet_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "_RETRY_SECONDS", 0.0)
    blocker = tmp_path / "folder"
    blocker.write_text("in the way")
    tracer = open_tracer(sink=blocker / "run.msgpack")
    span = tracer.start("tool", "lost")
    assert not tracer.flush(60)
    blocker.unlink()
    tracer.end(span)
    assert tracer.flush(60)
    tracer.close()
    (end,) = read_trace(blocker / "run.msgpack")
    assert end["metadata"][DROPPED_KEY] == "1"
    assert tracer.stats.failed == 1

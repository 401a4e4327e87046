"""Files that unpack to far more than they are: opened within bounds, in the state folder, with a sentence."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard

from etaoi_collector.recording import random_access_file
from etaoi_collector.recording.random_access_file import InflatedFile, open_bytes
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.wire.trace_records import FRAME, encode_record
from tests import generate

MIB = 1 << 20


def bomb(path: Path, packer: str, size: int) -> Path:
    """A recording with a good header and a few records, then a record of nothing but zeros."""
    plain = path.with_suffix(".plain")
    generate.write_trace(plain, 50)
    data = plain.read_bytes() + encode_record(FRAME, 1.0, 1, b"\0" * size)
    path.write_bytes(gzip.compress(data) if packer == "gzip" else zstandard.compress(data))
    return path


@pytest.mark.parametrize("packer", ["gzip", "zstd"])
def test_a_bomb_is_bounded_by_its_own_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packer: str
) -> None:
    monkeypatch.setattr(random_access_file, "ALWAYS_INFLATED", 4 * MIB)
    monkeypatch.setattr(random_access_file, "INFLATED_RATIO", 20)
    path = bomb(tmp_path / "bomb.msgpack", packer, 64 * MIB)
    reader = TraceReader(path)
    assert len(list(reader.arrivals())) > 3, "what is good before it opens"
    file = reader._segments[0].file
    assert isinstance(file, InflatedFile)
    bound = max(4 * MIB, path.stat().st_size * 20)
    assert file._inflated <= bound
    assert any("times its size; the rest is left out" in notice for notice in reader.notices)
    reader.close()


def test_the_disk_is_left_with_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bomb(tmp_path / "bomb.msgpack", "zstd", 8 * MIB)
    monkeypatch.setattr(random_access_file, "LEFT_FREE", 1 << 60)
    file = open_bytes(path)
    assert not file.view(0, 100)
    assert any("of the disk" in notice for notice in file.notices)
    file.close()


def test_the_spool_lies_in_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETAOI_TUI_STATE_DIR", str(tmp_path / "state"))
    file = open_bytes(bomb(tmp_path / "small.msgpack", "gzip", MIB))
    assert isinstance(file, InflatedFile)
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
    assert len(file.view(0, 2 * MIB)) > MIB
    file.close()

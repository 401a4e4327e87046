"""A damaged record costs itself: all others that a plain scan finds are read."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.wire.trace_records import read_prefix
from scripts.fuzz_frames import check_file
from tests.collector.making import an_id, events_in, numbered_frame, write_trace


@pytest.mark.parametrize("claims", [400, 3_000, 50_000, (1 << 32) - 1])
@pytest.mark.parametrize("which", [0, 3, 9])
def test_a_record_with_a_wrong_length_hides_no_other_record(tmp_path: Path, claims: int, which: int) -> None:
    path = write_trace(tmp_path / "a", [numbered_frame(number, 1) for number in range(10)])
    data = bytearray(path.read_bytes())
    starts = [at for at in range(len(data) - 21) if data[at] == 0x94 and _is_frame(data, at)]
    assert len(starts) == 10
    data[starts[which] + 17 : starts[which] + 21] = struct.pack(">I", claims)
    path.write_bytes(data)
    reader = TraceReader(path)
    span_ids = {getattr(event, "span_id", "") for event in events_in(reader.arrivals())}
    assert span_ids >= {an_id(100 + number) for number in range(10) if number != which}
    assert len(reader.notices) == 1 and ("damaged" in reader.notices[0] or "breaks off" in reader.notices[0])


def _is_frame(data: bytearray, at: int) -> bool:
    prefix = read_prefix(data, at)
    return prefix is not None and prefix[0] == 2


def test_two_hundred_random_damages_of_every_format(tmp_path: Path) -> None:
    check = check_file(tmp_path)
    chance = random.Random(5)
    for _ in range(200):
        check(chance)

"""A large recording is mapped: what was looked at of it does not stay in memory."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from etaoi_collector.recording import run_reader
from etaoi_collector.recording.run_reader import RunReader
from etaoi_collector.search.scan import records_with
from etaoi_collector.source_items import Missing
from etaoi_collector.wire.event_ref import pack_event_ref
from tests.catalogue.making import at, write_run

MAPS = Path("/proc/self/smaps")


def resident(path: Path) -> int:
    """Bytes of a mapped file that are in this process's memory."""
    _, *rest = re.split(rf"^\S+ r--. .*{re.escape(str(path))}$", MAPS.read_text(), flags=re.MULTILINE)
    return sum(
        int(match[1]) << 10 for one in rest if (match := re.search(r"^Rss:\s+(\d+) kB", one, re.MULTILINE))
    )


@pytest.mark.skipif(not MAPS.exists(), reason="the system does not tell what of a mapped file is in memory")
def test_mapped_pages_are_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_reader, "LET_GO_AT", 1 << 20)
    path = write_run(tmp_path, events=9_000)
    size = path.stat().st_size
    assert size > 8 << 20
    with RunReader(at(path)) as reader:
        (segment,) = reader.segments.values()
        most = frames = 0
        for number, offset, *_ in reader.frames([(0, segment.start, size)]):
            frames += 1
            assert not isinstance(reader.read(pack_event_ref(number, offset)), Missing)
            if frames % 20 == 0:
                most = max(most, resident(path))
        assert frames > 400
        assert 0 < most < size / 2
        assert list(records_with(segment, [b"no such bytes"], [])) == []
        assert resident(path) < size / 2
        assert bytes(segment.data[:16]) == path.read_bytes()[:16]

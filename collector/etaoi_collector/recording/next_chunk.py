"""What follows a position in a recording: in its files, in memory, or after parts that are gone."""

from __future__ import annotations

from collections.abc import Callable

from etaoi_collector.recording.chunks import Chunk, Cursor
from etaoi_collector.recording.recording_files import OVER_KEPT_BYTES, RecordingFiles
from etaoi_collector.recording.unwritten import Unwritten


def next_chunk(
    files: RecordingFiles, unwritten: Unwritten, position: Cursor, most: int, flush: Callable[[], None]
) -> Chunk | None:
    """Return the chunk that begins at a position; None when nothing follows, for now.

    Args:
        files: The files of the recording.
        unwritten: What is in no file.
        position: Where to begin.
        most: Bytes to return, roughly.
        flush: Writes what waits for the current file.
    """
    number, offset = position
    chunk = _chunk_of_file(files, number, offset, most, flush) or unwritten.chunk(number, offset)
    if chunk is not None or number >= files.number:
        return chunk
    following = next((later for later in files.segments if later > number), None)
    chunk = None if following is None else _chunk_of_file(files, following, 0, most, flush)
    if chunk is None:
        return None
    gap = sum(files.ends.get(lost, 0) for lost in range(number, chunk.start.segment)) - offset
    why_gap = chunk.why if number in files.segments else OVER_KEPT_BYTES
    return chunk._replace(gap=max(0, gap), why=why_gap)


def _chunk_of_file(
    files: RecordingFiles, number: int, offset: int, most: int, flush: Callable[[], None]
) -> Chunk | None:
    segment = files.segments.get(number)
    if segment is not None and segment.writer.written <= offset < segment.writer.size:
        flush()
    return None if segment is None else segment.chunk(number, offset, most)

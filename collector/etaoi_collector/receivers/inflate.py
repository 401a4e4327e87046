"""Bounded inflation of request bodies: by size, and by how much larger than itself a body may become."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import zstandard

MAX_INFLATED = 128 << 20
"""Bytes that one body may inflate to: several times what any exporter sends."""
MAX_RATIO = 250
"""How much larger a body may become; real ones reach 21, repetitive text some hundred."""
RATIO_MATTERS = 4 << 20
"""Inflated bytes up to which the ratio does not matter."""

_PIECE = 256 << 10


class CannotInflate(ValueError):
    """A body cannot be inflated; the text is for a person.

    Args:
        reason: Why.
        status: The HTTP status that says so.
    """

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


def inflate(body: bytes, encoding: str) -> bytes:
    """Undo a body's Content-Encoding.

    Args:
        body: The body.
        encoding: Value of the header; several codings are undone from the last to the first.

    Raises:
        CannotInflate: It is damaged, of an unknown compression, or grows beyond the bounds.
    """
    for coding in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
        if coding == "identity":
            continue
        if coding in ("gzip", "x-gzip"):
            body = _joined(_zlib(body, 16 + zlib.MAX_WBITS), len(body))
        elif coding == "deflate":
            # Some clients send a raw stream, others one with zlib's head (RFC 9110, section 8.4.1.2).
            wrapped = len(body) > 1 and body[0] & 15 == 8 and int.from_bytes(body[:2], "big") % 31 == 0
            body = _joined(_zlib(body, zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS), len(body))
        elif coding == "zstd":
            body = _joined(_zstd(body), len(body))
        else:
            raise CannotInflate(f"the compression {coding[:20]!a} is not known here", 415)
    return body


def _joined(pieces: Iterator[bytes], compressed: int) -> bytes:
    decompressed: list[bytes] = []
    size = 0
    try:
        for piece in pieces:
            size += len(piece)
            if size > MAX_INFLATED:
                raise CannotInflate(f"the body inflates to more than {MAX_INFLATED >> 20} MiB", 413)
            if size > RATIO_MATTERS and size > compressed * MAX_RATIO:
                raise CannotInflate(f"the body inflates to more than {MAX_RATIO} times its size", 413)
            decompressed.append(piece)
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        raise CannotInflate("the compressed body is damaged") from error
    return b"".join(decompressed)


def _zlib(body: bytes, window: int) -> Iterator[bytes]:
    while body:
        inflater = zlib.decompressobj(window)
        piece = inflater.decompress(body, _PIECE)
        while True:
            if piece:
                yield piece
            if inflater.eof:
                break
            if not inflater.unconsumed_tail:
                raise EOFError
            piece = inflater.decompress(inflater.unconsumed_tail, _PIECE)
        body = inflater.unused_data if window > zlib.MAX_WBITS else b""


def _zstd(body: bytes) -> Iterator[bytes]:
    """Inflate frames, which need not tell their size; the reader's window is bounded by the library."""
    reader = zstandard.ZstdDecompressor(max_window_size=MAX_INFLATED).stream_reader(
        body, read_across_frames=True
    )
    size = 0
    while piece := reader.read(_PIECE):
        size += len(piece)
        yield piece
    if size == 0 and body:
        raise EOFError

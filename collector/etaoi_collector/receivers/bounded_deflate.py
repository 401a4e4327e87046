"""permessage-deflate (RFC 7692) in steps: messages are inflated when they are taken, not when they come.

The library inflates a frame in one go as soon as it is complete, and nobody else is served meanwhile. Here
frames pass through its parser as they came; who takes the message inflates it a piece at a time, and gives up
on one that becomes too large.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import CTRL_OPCODES, Frame, Opcode

from etaoi_collector.receivers.inflate import MAX_RATIO, RATIO_MATTERS

_TAIL = b"\x00\x00\xff\xff"
"""What a sender takes away from the end of a message (RFC 7692, section 7.2.1)."""
_SLICE = 64 << 10
"""Compressed bytes that are looked at in one step."""
_PIECE = 512 << 10
"""Inflated bytes of one step: two milliseconds."""


class Form(NamedTuple):
    """How a message came."""

    is_compressed: bool
    is_text: bool


class BoundedDeflate(PerMessageDeflate):
    """Inflates messages in steps, and none to more than `MAX_RATIO` times what came, beyond `RATIO_MATTERS`.

    Attributes:
        most: Bytes of the largest message taken.
        forms: How the messages came that were not taken yet.
    """

    def __init__(self, *parameters: Any, most: int | None = None) -> None:
        super().__init__(*parameters)
        self.most = most
        self.forms: deque[Form] = deque()

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Pass a frame on as it came, and note whether its message is compressed."""
        if frame.opcode in CTRL_OPCODES or frame.opcode is Opcode.CONT:
            return frame
        form = Form(frame.rsv1, frame.opcode is Opcode.TEXT)
        self.forms.append(form)
        if not form.is_compressed:
            return frame
        return Frame(Opcode.BINARY, frame.data, frame.fin, False, frame.rsv2, frame.rsv3)

    def inflated(self, message: bytes) -> Iterator[bytes]:
        """Inflate a message; those before it have been, as it may go on with their window.

        Args:
            message: All that came of it.

        Yields:
            A piece a step; many may be empty.

        Raises:
            PayloadTooBig: It becomes larger than it may.
            ProtocolError: It is damaged.
        """
        if self.remote_no_context_takeover or self.decoder.eof:
            self.decoder = zlib.decompressobj(wbits=-self.remote_max_window_bits)
        bound = max(RATIO_MATTERS, len(message) * MAX_RATIO)
        if self.most is not None:
            bound = min(bound, self.most)
        size = 0
        for part in _slices(message):
            waiting = part
            while waiting:
                try:
                    piece = self.decoder.decompress(waiting, _PIECE)
                except zlib.error as error:
                    raise ProtocolError("decompression failed") from error
                waiting = self.decoder.unconsumed_tail
                size += len(piece)
                if size > bound:
                    raise PayloadTooBig(size, bound)
                yield piece


class BoundedDeflateFactory(ServerPerMessageDeflateFactory):
    """Negotiates the extension as websockets does, and bounds it.

    Args:
        most: Bytes of the largest message taken.
    """

    def __init__(self, most: int | None, **options: Any) -> None:
        super().__init__(**options)
        self.most = most

    def process_request_params(
        self, params: Sequence[tuple[str, str | None]], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[tuple[str, str | None]], Any]:
        """Agree on parameters."""
        agreed, plain = super().process_request_params(params, accepted_extensions)
        bounded = BoundedDeflate(
            plain.remote_no_context_takeover,
            plain.local_no_context_takeover,
            plain.remote_max_window_bits,
            plain.local_max_window_bits,
            plain.compress_settings,
            most=self.most,
        )
        return agreed, bounded


def bounded_deflate(most: int | None) -> list[BoundedDeflateFactory]:
    """Return what a server offers; its windows are small, as each connection has its own.

    Args:
        most: Bytes of the largest message taken.
    """
    return [
        BoundedDeflateFactory(
            most, server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
        )
    ]


def _slices(message: bytes) -> Iterator[bytes]:
    """Yield a message, with its tail, in pieces that are cheap to copy again and again."""
    view = memoryview(message)
    for at in range(0, len(view), _SLICE):
        yield bytes(view[at : at + _SLICE])
    yield _TAIL

"""permessage-deflate (RFC 7692) whose messages may only become so many times larger than they came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame

from etaoi_collector.receivers.inflate import MAX_RATIO, RATIO_MATTERS


class BoundedDeflate(PerMessageDeflate):
    """Refuses what becomes more than `MAX_RATIO` times larger, beyond the first `RATIO_MATTERS` bytes."""

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Inflate a frame.

        Raises:
            PayloadTooBig: It becomes larger than it may.
        """
        bound = max(RATIO_MATTERS, len(frame.data) * MAX_RATIO)
        return super().decode(frame, max_size=bound if max_size is None else min(max_size, bound))


class BoundedDeflateFactory(ServerPerMessageDeflateFactory):
    """Negotiates the extension as websockets does, and bounds it."""

    def process_request_params(
        self, params: Sequence[tuple[str, str | None]], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[tuple[str, str | None]], Any]:
        """Agree on parameters."""
        agreed, extension = super().process_request_params(params, accepted_extensions)
        extension.__class__ = BoundedDeflate
        return agreed, extension


def bounded_deflate() -> list[BoundedDeflateFactory]:
    """Return what a server offers; its windows are small, as each connection has its own."""
    return [
        BoundedDeflateFactory(
            server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
        )
    ]

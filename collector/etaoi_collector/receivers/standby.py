"""``GET /run/standby``: a launcher that waits to go on with this collector's work when it ends.

Programs that were started one after the other share the first one's collector. The stream stays open for as
long as that one runs. When its own program has ended, it tells the launcher that has waited longest to take
over; that one listens on the same port, then hangs up, and only then this collector stops listening.
So no client finds the port closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from etaoi_collector.receivers.door import (
    Endpoint,
    HttpAnswer,
    HttpRequest,
    Receiver,
    ReceiverContext,
    endpoint,
    json_answer,
)

PATH = "/run/standby"
TAKE_OVER = b"take over\n"
"""What the launcher is told whose turn it is."""
MOST = 64
"""Launchers that may wait."""


class StandbyStream:
    """One launcher that waits.

    Args:
        ended: Is called when it has gone.
    """

    def __init__(self, ended: Callable[[StandbyStream], None]) -> None:
        self._ended = ended
        self._send: Callable[[bytes], bool] | None = None
        self.finished = asyncio.Event()

    def opened(self, send: Callable[[bytes], bool]) -> None:
        """Begin."""
        self._send = send

    def closed(self) -> None:
        """It has gone, or has taken over."""
        self._send = None
        self.finished.set()
        self._ended(self)

    def call(self) -> None:
        """Tell it to take over."""
        if self._send is not None:
            self._send(TAKE_OVER)


class Standby(Receiver):
    """Keeps those who wait, in the order in which they came.

    Args:
        context: What it may use.
    """

    name = "standby"
    endpoints: ClassVar[tuple[Endpoint, ...]] = (endpoint("GET", rf"^{PATH}$"),)

    def __init__(self, context: ReceiverContext) -> None:
        super().__init__(context)
        self._waiting: dict[StandbyStream, None] = {}

    def respond(self, request: HttpRequest) -> HttpAnswer:
        """Let a launcher wait."""
        if len(self._waiting) >= MOST:
            return json_answer(503, {"error": "too many wait already"}, ("Retry-After", "1"))
        stream = StandbyStream(self._forget)
        self._waiting[stream] = None
        return HttpAnswer(200, content_type="text/plain", stream=stream)

    def _forget(self, stream: StandbyStream) -> None:
        self._waiting.pop(stream, None)

    async def hand_over(self, seconds: float) -> bool:
        """Have the first of those who wait take over.

        Args:
            seconds: For how long it is waited for.

        Returns:
            Whether one did.
        """
        first = next(iter(self._waiting), None)
        if first is None:
            return False
        first.call()
        try:
            await asyncio.wait_for(first.finished.wait(), seconds)
        except TimeoutError:
            return False
        return True


RECEIVER = Standby

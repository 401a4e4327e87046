"""``GET /sse/sessions/ID``: what comes in for a session, as server-sent events, one JSON object each.

For ``curl -N``, and for the doctor of the reference SDK, which looks here for the sample that it has sent.
``all`` in the place of the id means every session. Format: HTML Living Standard, 9.2 "Server-sent events".
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import msgspec

from etaoi_collector.receivers.door import (
    Endpoint,
    HttpAnswer,
    HttpRequest,
    Receiver,
    ReceiverContext,
    endpoint,
    json_answer,
)

ALL = "all"
MOST = 32
"""Streams at a time."""
STILL_THERE_EVERY = 15.0
"""Seconds between two comments that keep proxies from closing a silent stream."""
LARGEST_FRAME = 8 << 20
"""Bytes of a frame that is told; decoding larger ones would hold up everybody else."""


class SessionStream:
    """One client's stream.

    Args:
        session: Id of its session in lower case, or `ALL`.
        ended: Is called when the client has gone.
    """

    def __init__(self, session: str, ended: Callable[[SessionStream], None]) -> None:
        self._session = session
        self._mark = b"" if session == ALL else session.encode()
        self._ended = ended
        self._send: Callable[[bytes], bool] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def opened(self, send: Callable[[bytes], bool]) -> None:
        """Begin; ``send`` takes a piece, and says whether the client is still there."""
        self._send = send
        self._say_that_it_lives()

    def closed(self) -> None:
        """The client has gone."""
        self._send = None
        if self._timer is not None:
            self._timer.cancel()
        self._ended(self)

    def tell(self, frame: bytes) -> None:
        """Send what a frame holds for the session."""
        if self._send is None or len(frame) > LARGEST_FRAME or self._mark not in frame:
            return
        for event in _events(frame):
            if self._session in (ALL, event.get("session_id")) and self._send is not None:
                self._send(_encoded(event))

    def _say_that_it_lives(self) -> None:
        if self._send is not None and self._send(b": etaoi-tui\n\n"):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(STILL_THERE_EVERY, self._say_that_it_lives)


class EventStream(Receiver):
    """Tells events as they come in.

    Args:
        context: What it may use.
    """

    name = "stream"
    endpoints: ClassVar[tuple[Endpoint, ...]] = (
        endpoint("GET", r"^/sse/sessions/(?P<session>[0-9a-fA-F-]{32,36}|all)/*$"),
    )

    def __init__(self, context: ReceiverContext) -> None:
        super().__init__(context)
        self._streams: set[SessionStream] = set()
        context.ingest.frame_watchers.append(self._tell)

    def respond(self, request: HttpRequest) -> HttpAnswer:
        """Open a stream."""
        if len(self._streams) >= MOST:
            return json_answer(503, {"error": "too many streams"}, ("Retry-After", "1"))
        stream = SessionStream(request.groups["session"].lower(), self._streams.discard)
        self._streams.add(stream)
        return HttpAnswer(
            200, content_type="text/event-stream", headers=[("Cache-Control", "no-store")], stream=stream
        )

    def _tell(self, frame: bytes) -> None:
        for stream in list(self._streams):
            stream.tell(frame)


def _events(frame: bytes) -> Iterator[dict[str, Any]]:
    """Yield the events of a frame, as far as it can be read."""
    try:
        envelopes: Any = msgspec.msgpack.decode(frame)
    except (msgspec.DecodeError, RecursionError, ValueError):
        return
    for envelope in envelopes if isinstance(envelopes, list) else ():
        batch = envelope.get("batch") if isinstance(envelope, dict) else None
        yield from (event for event in (batch if isinstance(batch, list) else ()) if isinstance(event, dict))


def _encoded(event: dict[str, Any]) -> bytes:
    kind = re.sub(r"\W", "", str(event.get("kind", ""))[:32], flags=re.ASCII)
    try:
        data = json.dumps(event, default=repr)
    except (ValueError, RecursionError, TypeError):
        data = json.dumps({"kind": kind, "session_id": str(event.get("session_id"))})
    return f"event: {kind}\ndata: {data}\n\n".encode()


RECEIVER = EventStream

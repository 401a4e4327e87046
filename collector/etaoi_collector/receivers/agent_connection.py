"""A WebSocket connection that inflates messages in steps, and tells a client which are in the file.

The library answers a ping when it reads it, whatever became of the messages before. A ping that begins with
`WRITTEN` is answered when those were taken, and what was recorded of them has been written to the file, so
that the end of this process loses none of them.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidState, PayloadTooBig, ProtocolError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Event
from websockets.server import ServerProtocol

from etaoi_collector.receivers.bounded_deflate import BoundedDeflate
from etaoi_collector.receivers.large_messages import LARGE, HandingReader, detached
from etaoi_collector.wire.handshake import WRITTEN

_ASKED_AT_MOST = 16
"""Pings that wait; an answer to a later one stands for those before it (RFC 6455, section 5.5.3)."""
_AGAIN_AFTER = 0.01

# For each frame of each client: hence the names, and the library's methods called by theirs.
_PING, _PONG = Opcode.PING, Opcode.PONG
_OF_MESSAGES = frozenset({Opcode.CONT, Opcode.TEXT, Opcode.BINARY})


class _PatientProtocol(ServerProtocol):
    """Leaves the answer to pings that wait for the file to the connection."""

    is_written = False
    """What came before such a ping is in the file, and its answer may go."""

    def send_frame(self, frame: Frame) -> None:
        """Send a frame, but for the answer that the library has for such a ping as soon as it comes."""
        if frame.opcode is not _PONG or self.is_written or not _waits_for_file(frame):
            ServerProtocol.send_frame(self, frame)


class AgentConnection(ServerConnection):
    """One connection.

    Args:
        flush: Writes what is recorded to the file; False when that takes some more time.
    """

    def __init__(self, flush: Callable[[], bool], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.protocol.__class__ = _PatientProtocol
        self.protocol.reader.__class__ = HandingReader
        self._flush = flush
        self._received_frames = 0
        self._processed_frames = 0
        self._pending_pings: deque[tuple[int, bytes]] = deque(maxlen=_ASKED_AT_MOST)
        """Messages that came before a ping, and what that held."""
        self._again: asyncio.TimerHandle | None = None
        self.given_up: tuple[int, str] | None = None
        """Bytes of a message, as it came, that could not be inflated, and why."""

    def process_event(self, event: Event) -> None:
        """Take what the library has parsed, so that its parser does not keep a large message."""
        if type(event) is Frame:
            if event.opcode in _OF_MESSAGES:
                if event.fin:
                    self._received_frames += 1
                # What the library does, which asks for more in two calls: this is the path of every message.
                self.recv_messages.put(event if len(event.data) < LARGE else detached(event))
                return
            if event.opcode is _PING and _waits_for_file(event):
                self._pending_pings.append((self._received_frames, bytes(event.data)))
                self._acknowledge()
                return
        ServerConnection.process_event(self, event)

    async def handshake(self, *args: Any, **options: Any) -> None:
        """Perform the handshake; where messages may be compressed, they are received in another way."""
        await super().handshake(*args, **options)
        for extension in self.protocol.extensions:
            if isinstance(extension, BoundedDeflate):
                itself = weakref.proxy(self)  # else it would refer to itself, and stay
                self.recv = partial(AgentConnection._recv_inflated, itself, extension)  # type: ignore[method-assign]

    async def _recv_inflated(self, deflate: BoundedDeflate, decode: bool | None = None) -> Any:
        """Receive the next message; a compressed one is inflated in steps, so that others have their turns.

        Raises:
            ConnectionClosed: The connection ended, perhaps because the message cannot be taken.
        """
        message = await ServerConnection.recv(self, decode)
        form = deflate.forms.popleft()
        if not form.is_compressed or isinstance(message, str):
            return message
        pieces: list[bytes] = []
        try:
            for piece in deflate.inflated(message):
                if pieces:
                    await asyncio.sleep(0)
                pieces.append(piece)
            inflated = b"".join(pieces)
            return inflated.decode() if form.is_text else inflated
        except PayloadTooBig:
            code, reason = CloseCode.MESSAGE_TOO_BIG, "it inflates to more than is taken"
        except ProtocolError:
            code, reason = CloseCode.PROTOCOL_ERROR, "it cannot be inflated"
        except UnicodeDecodeError:
            code, reason = CloseCode.INVALID_DATA, "its text is no UTF-8"
        self.given_up = len(message), reason
        del pieces, message
        await self.close(code, reason)
        raise self.protocol.close_exc

    def frame_processed(self) -> None:
        """Note that the next of the client's messages needs nothing more to be done."""
        self._processed_frames += 1
        if self._pending_pings:
            self._acknowledge()

    def _acknowledge(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None
        while self._pending_pings and self._pending_pings[0][0] <= self._processed_frames:
            if not self._flush():
                self._again = self.loop.call_later(_AGAIN_AFTER, self._acknowledge)
                return
            _, held = self._pending_pings.popleft()
            protocol = cast(_PatientProtocol, self.protocol)
            protocol.is_written = True
            try:
                protocol.send_pong(held)
            except InvalidState:  # it is closed
                self._pending_pings.clear()
                return
            finally:
                protocol.is_written = False
            self.send_data()


def _waits_for_file(frame: Frame) -> bool:
    """Whether a ping is answered, or a pong is sent, when what came before the ping is in the file."""
    return bytes(frame.data[: len(WRITTEN)]) == WRITTEN

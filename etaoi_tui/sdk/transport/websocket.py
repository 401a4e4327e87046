"""To a viewer over WebSocket: connects, sends frames, learns what arrived, and starts again when it breaks.

Delivery: after what was sent comes a ping; its pong says that every frame before it was read. Frames without
such a pong are sent again, byte for byte, on the next connection, where the viewer drops those that it knows.
At most `UNACKNOWLEDGED_BYTES` are under way; the rest waits in the bounded outbox.

WebSockets are imported only once something listens at the other end.
"""

from __future__ import annotations

import _thread
import contextlib
import logging
import random
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from etaoi_tui.sdk.known_values import KnownValues
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.transport.dialect import Dialect
from etaoi_tui.sdk.transport.endpoint import Endpoint, load_websockets
from etaoi_tui.sdk.transport.losses import Losses
from etaoi_tui.sdk.transport.refusals import Refused, greet, harmless, refusal
from etaoi_tui.sdk.transport.send_queue import EncodedEvent, SendQueue
from etaoi_tui.sdk.transport.sent_frames import PING_EVERY, SentFrames

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

_log = logging.getLogger("etaoi_tui.sdk")

_FIRST_DELAY = 0.1
_LONGEST_DELAY_LOOPBACK = 1.0
_LONGEST_DELAY = 30.0
_STABLE_SECONDS = 5.0
_OPEN_TIMEOUT = 5.0
_STALL_SECONDS = 1.0
_IDLE_CHECK = 1.0
_UNLIKELY_WAIT = 0.05
_HURRIED_DELAY = 0.05


def retry_delay(failures: int, *, loopback: bool, chance: float) -> float:
    """Return after how many seconds to try again.

    Args:
        failures: how many connections in a row did not last, this one included.
        loopback: whether the viewer is on this machine, where a try costs next to nothing.
        chance: from 0 to 1, so that many agents do not come back in step.
    """
    longest = _LONGEST_DELAY_LOOPBACK if loopback else _LONGEST_DELAY
    return min(longest, _FIRST_DELAY * 2.0 ** min(failures, 16)) * (0.6 + 0.4 * chance)


class WebSocketSink:
    """Where events go over the network."""

    def __init__(self, url: str) -> None:
        self.url = url


class WebSocketOutlet:
    """Keeps encoded events in an outbox and a thread that sends them.

    Args:
        endpoint: where to.
        stats: what to count in.
        outbox: one of other bounds than the usual ones.
        clock: seconds; tells whether a connection lasted.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        stats: Stats,
        outbox: SendQueue | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sink = WebSocketSink(endpoint.url)
        self.values = KnownValues()
        self._endpoint = endpoint
        self._stats = stats
        self._outbox = SendQueue(stats) if outbox is None else outbox
        self._clock = clock
        self._reset()

    def _reset(self) -> None:
        self._thread: threading.Thread | None = None
        self._turn: object = None
        """Whose turn it is: of the newest thread; others see that and end."""
        self._threading: object = None
        self._closed = False
        self._waiting = 0
        """Threads that wait in `settle`: then everything goes faster."""
        self._absences = 0
        """Tries that found nobody listening."""
        self._sent = SentFrames(self._stats)
        self._dialect = Dialect(self.values)
        self._connection: ClientConnection | None = None
        self._stalled_at = -1
        """How much was acknowledged when the viewer was seen to take nothing."""
        self._absence_reported = False
        self._random = random.Random()

    # ---- the sender's thread

    def start(self) -> None:
        """Start the thread that connects and sends, anew when threads have become greenlets since."""
        unchanged = self._threading is _thread.allocate_lock
        if self._closed or (self._thread is not None and unchanged):
            return
        old_thread = self._thread
        turn = self._turn = object()
        if old_thread is not None:
            self._outbox.notify()
            self._shut_socket()
        if not unchanged:
            self._outbox.renew_lock()
        self._threading = _thread.allocate_lock
        self._stats.state = "connecting"
        self._thread = threading.Thread(target=self._run, args=(turn,), name="etaoi-tui-link", daemon=True)
        self._thread.start()

    def deliver(self, entries: list[EncodedEvent]) -> None:
        """Put entries into the outbox."""
        self._outbox.add(entries)

    def idle(self) -> float | None:
        """Nothing is ever due on the sender's thread."""
        return None

    def await_room(self) -> None:
        """Wait while the outbox is full and the viewer takes what it is sent.

        A viewer that takes nothing is waited for once, until it takes something again.
        """
        outbox, stats = self._outbox, self._stats
        while outbox.is_nearly_full and stats.state == "connected" and not self._closed:
            progress = stats.acknowledged
            if progress == self._stalled_at:
                return

            def moves(progress: int = progress) -> bool:
                return (
                    not outbox.is_nearly_full or stats.state != "connected" or stats.acknowledged != progress
                )

            if not outbox.wait(_STALL_SECONDS, moves):
                self._stalled_at = progress

    def dropped(self, losses: Losses) -> None:
        """Count what was dropped before it was encoded; the next start or end tells the viewer."""
        self._outbox.drop_before(losses)

    def fill(self, stats: Stats) -> None:
        """Add what waits."""
        stats.waiting += len(self._outbox)
        stats.waiting_bytes += self._outbox.bytes + self._sent.bytes

    # ---- any thread

    def settle(self, timeout: float) -> bool:
        """Wait until the viewer has confirmed everything; False at once when there is none.

        A connection that breaks meanwhile is no reason to give up: the next tries belong to the same wait,
        until one of them finds that nobody listens.
        """
        outbox = self._outbox
        if self._thread is None:
            return not len(outbox)
        absences = self._absences
        if absences and not self._stats.connections and not self._endpoint.loopback:
            # On this machine it is known at once whether somebody listens; elsewhere nobody waits long.
            timeout = min(timeout, _UNLIKELY_WAIT)

        def settled() -> bool:
            waits = len(outbox) or outbox.in_hand or len(self._sent)
            return not waits and not outbox.is_closed

        def decided() -> bool:
            return settled() or outbox.is_closed or self._closed or self._absences != absences

        self._add_waiting(1)
        try:
            outbox.wait(timeout, decided)
        finally:
            self._add_waiting(-1)
        return settled()

    def _add_waiting(self, number: int) -> None:
        with self._outbox.changed:
            self._waiting += number
            self._outbox.changed.notify_all()

    def close(self) -> None:
        """Stop the thread; what has not been sent is lost."""
        self._closed = True
        self._stats.state = "closed"
        self._outbox.notify()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        thread.join(0.05)
        if thread.is_alive() and self._connection is not None:
            self._shut_socket()
            thread.join(0.1)

    def _shut_socket(self) -> None:
        """End the connection: its thread may hang in a send to a viewer that reads nothing."""
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)

    def _is_over(self, turn: object) -> bool:
        return self._closed or self._turn is not turn

    def after_fork(self) -> None:
        """Begin anew: the thread, the connection and what waits are the parent's."""
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.socket.detach()
        self._outbox = SendQueue(self._stats)
        self.values.clear()
        self._reset()

    # ---- the link's thread

    def _run(self, turn: object) -> None:
        failures = 0
        while not self._is_over(turn):
            began = self._clock()
            try:
                self._connect_and_send(turn)
            except Refused as error:
                self._stop(str(error))
                return
            except Exception as error:
                self._stats.problem = harmless(f"{self._endpoint.address}: {error or type(error).__name__}")
            if self._is_over(turn):
                return
            self._connection = None
            failures = 0 if self._clock() - began > _STABLE_SECONDS else failures + 1
            self._stats.state = "absent"
            if not self._absence_reported:
                self._absence_reported = True
                _log.info(
                    "No viewer at %s yet (start etaoi-tui); the newest events are kept.",
                    self._endpoint.address,
                )
            self._pause(failures, turn)

    def _pause(self, failures: int, turn: object) -> None:
        delay = retry_delay(failures, loopback=self._endpoint.loopback, chance=self._random.random())
        hurried = self._waiting > 0
        if hurried:
            delay = min(delay, _HURRIED_DELAY)
        self._outbox.notify()
        self._outbox.wait(delay, lambda: self._is_over(turn) or (self._waiting > 0 and not hurried))
        self._outbox.wait(None, lambda: self._is_over(turn) or self._has_something())

    def _has_something(self) -> bool:
        return bool(len(self._outbox) or len(self._sent) or self._outbox.has_preface)

    def _stop(self, reason: str) -> None:
        reason = harmless(reason)
        self._outbox.close()
        self._sent.clear()
        _log.warning("%s Nothing more is sent in this run.", reason)
        self._stats.problem = reason
        self._stats.state = "stopped"
        self._outbox.notify()

    def _connect_and_send(self, turn: object) -> None:
        self._stats.state = "connecting"
        try:
            sock = self._endpoint.reach(_OPEN_TIMEOUT) if self._endpoint.loopback else None
        except OSError:
            self._absences += 1
            raise
        self._stats.state = "handshake"
        load_websockets()
        from websockets.exceptions import ConnectionClosed, InvalidHandshake

        try:
            with self._endpoint.open(sock, _OPEN_TIMEOUT, on_close=self._outbox.notify) as connection:
                self._connection = connection
                self._dialect.begin(greet(connection, self._endpoint.address))
                self._stats.state = "connected"
                self._stats.problem = ""
                self._stats.connections += 1
                self._absence_reported = True
                self._send_all(connection, turn)
        except (InvalidHandshake, ConnectionClosed) as error:
            raise refusal(error, self._endpoint.address) or error from None
        except (OSError, TimeoutError):
            if sock is None and self._connection is None:
                self._absences += 1
            raise
        finally:
            if sock is not None and self._connection is None:
                sock.close()

    def _send_all(self, connection: ClientConnection, turn: object) -> None:
        self._send_preface(connection)
        sent = self._sent
        sent.resend(connection, self._dialect)
        while not self._is_over(turn):
            if sent.confirm():
                self._outbox.notify()
            if not sent.is_full:
                self._send_waiting(connection)
            if sent.ask(connection, hurried=self._waiting > 0):
                continue
            if sent.is_overdue and not self._endpoint.loopback:
                raise TimeoutError("the viewer did not answer a ping for 30 s")
            _drain(connection)
            self._rest(connection, turn)

    def _rest(self, connection: ClientConnection, turn: object) -> None:
        from websockets.protocol import OPEN as open_state

        outbox = self._outbox
        full = self._sent.is_full
        hurried = self._waiting > 0
        outbox.wait(
            PING_EVERY if len(self._sent) else _IDLE_CHECK,
            lambda: (
                self._is_over(turn)
                or connection.state is not open_state
                or bool(len(outbox) and not full)
                or (self._waiting > 0 and not hurried)
            ),
        )

    def _send_preface(self, connection: ClientConnection) -> None:
        entries = self._outbox.preface()
        for first in range(0, len(entries), 256):
            for data, events, _ in self._dialect.frames(entries[first : first + 256]):
                connection.send(data)
                self._stats.resent += events

    def _send_waiting(self, connection: ClientConnection) -> None:
        while not self._sent.is_full:
            entries = self._outbox.take_frame()
            if not entries:
                return
            frames = list(self._dialect.frames(entries))
            # First kept, then sent: what breaks in between is sent again.
            for data, events, values in frames:
                if events:
                    self._sent.add(data, events, values)
            self._outbox.in_hand = 0
            for data, events, _ in frames:
                connection.send(data)
                self._stats.sent += events
                self._stats.frames += 1
                self._stats.bytes_sent += len(data)


def _drain(connection: ClientConnection) -> None:
    """Read what a server says although it should not, so that its pongs keep coming."""
    try:
        while True:
            connection.recv(timeout=0)
    except TimeoutError:
        return

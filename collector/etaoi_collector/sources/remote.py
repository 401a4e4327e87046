"""Another viewer's collector as a source: what it has recorded, then what comes, kept in a private spool.

The connection is made again when it breaks, and goes on where it was. A viewer that was started anew has
another recording: it is taken from its beginning, into the same source.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from msgspec import UNSET
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection

from etaoi_collector.ingest.inbox import Inbox
from etaoi_collector.ingest.pipeline import Ingest, Stats
from etaoi_collector.ingest.server_protocol import UNSUPPORTED_DATA
from etaoi_collector.recording.chunks import Cursor
from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.source_items import Missing, SourceItem
from etaoi_collector.sources.base import (
    EVENTS_PER_SECOND,
    RecordingStatus,
    SourceKind,
    SourceStatus,
    endpoint_name,
)
from etaoi_collector.sources.viewer_connection import Refused, RemoteError, connect_to_viewer, sentence
from etaoi_collector.wire.addresses import is_loopback
from etaoi_collector.wire.errors import HeaderError
from etaoi_collector.wire.handshake import (
    FANOUT,
    After,
    HandshakeError,
    encode_hello,
)
from etaoi_collector.wire.trace_records import (
    CLOSED,
    FRAME,
    GAP,
    OPENED,
    PREFIX,
    REFUSED,
    ClosedBody,
    GapBody,
    OpenedBody,
    RefusedBody,
    decode_body,
    read_header,
    records_in,
)
from etaoi_collector.wire.versions import PROGRAM_VERSION

__all__ = ["RemoteError", "RemoteSource"]

QUIET = 1.0
"""Seconds without a message after which a viewer that does not say where its recording ends has sent all."""
_LOOK_AGAIN = 0.005
RETRY_FIRST = 0.25
RETRY_MOST = 5.0
"""Seconds between two attempts to connect again, growing."""


class RemoteSource:
    """Follows a running viewer or recorder. `open` it before reading.

    Args:
        url: Where it listens, as ``ws://127.0.0.1:8787/ingest``.
        token: The secret that it wants, if any.
        watched: Whether somebody calls `take`; False where only subscriptions read.
    """

    live = True

    def __init__(self, url: str, *, token: str | None = None, watched: bool = True) -> None:
        self.url = url
        self.failure = ""
        """Why it is not followed any more; empty while it is, or while that is tried."""
        self.viewer_gone = False
        """The connection is broken just now."""
        self.connected_at = 0.0
        """When it was opened, in seconds since the epoch by its clock; to a second if that is elsewhere."""
        self._token = token
        self._trouble = ""
        self._record_time = 0.0
        self._recorder = Recorder(writer=f"etaoi-tui {PROGRAM_VERSION}")
        self._inbox = Inbox(self._recorder.frames)
        self._intake = Ingest(self._recorder, self._inbox if watched else None, lambda: self._record_time)
        self._recording = ""
        self._position = Cursor()
        self._numbers: dict[int, int] = {}
        """Our numbers of the connections there."""
        self._notices: list[str] = []
        self._recorded_there: After | None = None
        """Where the recording ended when it was connected to; None where the other side tells nothing."""
        self._caught_up = threading.Event()
        self._stopping = threading.Event()
        self._connection: ClientConnection | None = None
        self._thread: threading.Thread | None = None

    def status(self) -> SourceStatus:
        """Return how following is doing."""
        return SourceStatus(
            SourceKind.REMOTE,
            endpoint_name(self.url),
            self.url,
            clients=len(self._numbers),
            recording=RecordingStatus(False, self._recorder.bytes_written, next(iter(self.notices), "")),
            lost=self.stats().dropped,
        )

    def start(self) -> None:
        """Nothing to do: it is followed since it was opened."""

    @property
    def notices(self) -> list[str]:
        """What is wrong with the connection or with what it brings."""
        return [
            text for text in (self.failure or self._trouble, self._recorder.trouble, *self._notices) if text
        ]

    @property
    def _local(self) -> bool:
        return is_loopback(urlsplit(self.url).hostname or "")

    @property
    def ingest(self) -> Ingest:
        """Where what comes is taken in."""
        return self._intake

    @property
    def recorder(self) -> Recorder:
        """The private spool."""
        return self._recorder

    def wait_caught_up(self, timeout: float | None = None) -> bool:
        """Wait until all is here that was recorded there when this was opened; False when it is not.

        A viewer of before 0.2 does not tell where its recording ends; its backlog counts as complete once
        nothing has come for a moment.
        """
        return self._caught_up.wait(timeout) and not self.failure

    def catch_up(self, timeout: float) -> bool:
        """Wait until all is here that is recorded there now; False when it is not, in time."""
        until = time.monotonic() + timeout
        try:
            hello = encode_hello(PROGRAM_VERSION, role=FANOUT)
            asking, welcome = connect_to_viewer(self.url, self._token, hello)
            asking.close()
        except (OSError, WebSocketException, HandshakeError):
            return False
        there = welcome.end
        if there is UNSET:
            return False
        end = Cursor(there.segment, there.offset)
        while there.recording and (self._recording != there.recording or self._position < end):
            if self.viewer_gone or self.failure or time.monotonic() > until:
                return False
            time.sleep(_LOOK_AGAIN)
        return True

    def stats(self) -> Stats:
        """Return the counts since the start."""
        return self._intake.stats()

    def open(self) -> None:
        """Connect, and start to follow on a thread of its own.

        Raises:
            RemoteError: It cannot be reached, or does not want to be followed.
        """
        began = time.time()
        try:
            connection = self._connect()
        except (OSError, WebSocketException, HandshakeError) as error:
            raise RemoteError(sentence(self.url, error)) from None
        self.connected_at = began if self._local else _date_of(connection) or began
        self._thread = threading.Thread(
            target=self._run, args=(connection,), name="etaoi-remote", daemon=True
        )
        self._thread.start()

    def take(self, seconds: float) -> list[SourceItem]:
        """Return what arrived; see `Source.take`."""
        return self._inbox.take(seconds, max(1, int(seconds * EVENTS_PER_SECOND)))

    def read(self, event_ref: int) -> bytes | Missing:
        """Return the undecoded bytes of the event at ``event_ref``, or why they cannot be had."""
        return self._recorder.read(event_ref)

    def prefer(self, trace_id: str, is_held: Callable[[str], bool]) -> None:
        """Everything comes in its turn."""

    def close(self) -> None:
        """Leave; the spool is gone then."""
        self._stopping.set()
        connection = self._connection
        if connection is not None:
            connection.close()
        if self._thread is not None:
            self._thread.join(2.0)
        self._recorder.close()

    def _run(self, connection: ClientConnection) -> None:
        try:
            while not self._stopping.is_set():
                why = self._follow(connection)
                if self._stopping.is_set():
                    return
                again = self._reconnect(why)
                if again is None:
                    return
                connection = again
        except Exception as error:  # nobody else would ever hear of it
            self.failure = f"following {self.url} failed: {error or type(error).__name__}"
        finally:
            self._caught_up.set()
            self._recorder.flush()

    def _follow(self, connection: ClientConnection) -> str:
        """Take what comes until the connection breaks; return why it did."""
        self._connection = connection
        try:
            while not self._stopping.is_set():
                message = self._receive(connection)
                if isinstance(message, str) or not self._take(message):
                    connection.close(UNSUPPORTED_DATA, "this is no recording")
                    self.failure = f"{self.url} sends something else than a recording."
                    return self.failure
        except ConnectionClosed as closed:
            return closed.rcvd.reason if closed.rcvd is not None else ""
        except OSError:
            pass
        return ""

    def _receive(self, connection: ClientConnection) -> bytes | str:
        if self._caught_up.is_set():
            return connection.recv()
        there = self._recorded_there
        if there is not None:
            here = After(self._recording, *self._position)
            if not there.recording or (
                here.recording == there.recording
                and (here.segment, here.offset) >= (there.segment, there.offset)
            ):
                self._caught_up.set()
            return connection.recv()
        try:
            return connection.recv(QUIET)
        except TimeoutError:
            self._caught_up.set()
            return connection.recv()

    def _reconnect(self, why: str) -> ClientConnection | None:
        """Try until the viewer is there again; None when that is pointless, or nobody wants it any more."""
        self._trouble = f"{self.url} is gone{f' ({why})' if why else ''}; trying again."
        self.viewer_gone = True
        wait = RETRY_FIRST
        while not self.failure and not self._stopping.wait(wait):
            wait = min(RETRY_MOST, wait * 2)
            try:
                connection = self._connect()
            except Refused as refused:
                self.failure = sentence(self.url, refused)
            except (OSError, WebSocketException, HandshakeError):
                continue
            else:
                self.viewer_gone = False
                self._trouble = ""
                return connection
        return None

    def _connect(self) -> ClientConnection:
        """Connect and shake hands.

        Raises:
            OSError, WebSocketException, HandshakeError: It did not work.
        """
        after = After(self._recording, *self._position) if self._recording else None
        hello = encode_hello(PROGRAM_VERSION, role=FANOUT, after=after)
        connection, welcome = connect_to_viewer(self.url, self._token, hello)
        self._recorded_there = None if welcome.end is UNSET else welcome.end
        return connection

    def _take(self, message: bytes) -> bool:
        """Take a piece of the recording; False when it is none."""
        try:
            head = read_header(message)
        except HeaderError:
            return False
        if head is not None:
            self._take_header(head[0].recording, head[0].segment, head[1])
            return True
        bytes_read = 0
        for _, kind, at, number, body in records_in(message):
            size = PREFIX.size + len(body)
            bytes_read += size
            if kind == GAP:
                gap = decode_body(body, GapBody)
                self._notices.append(f"{gap.bytes:,} bytes of the recording are missing: {gap.reason}.")
                size = gap.bytes
            else:
                if at == at and abs(at) < 1e12:  # a time that a clock can show
                    self._record_time = at
                self._take_record(kind, number, body)
            self._position = Cursor(self._position.segment, self._position.offset + size)
        return bytes_read == len(message) > 0

    def _take_header(self, recording: str, segment: int, size: int) -> None:
        if recording != self._recording:
            for number in self._numbers.values():
                self._intake.close(number, None, "the viewer was started anew")
            self._numbers.clear()
        self._recording = recording
        self._position = Cursor(segment, size)

    def _take_record(self, kind: int, number: int, body: memoryview) -> None:
        intake = self._intake
        if kind == OPENED:
            opened = decode_body(body, OpenedBody)
            if not (opened.again and number in self._numbers):
                self._numbers[number] = intake.open(opened.peer, opened.client, opened.hello)
        elif kind == FRAME:
            if number not in self._numbers:
                self._numbers[number] = intake.open("unknown", "", b"")
            intake.frame(self._numbers[number], bytes(body))
        elif kind == CLOSED and number in self._numbers:
            closed = decode_body(body, ClosedBody)
            intake.close(self._numbers.pop(number), closed.code, closed.reason)
        elif kind == REFUSED:
            refused = decode_body(body, RefusedBody)
            intake.refuse(self._numbers.get(number, 0), refused.size, refused.reason)


def _date_of(connection: ClientConnection) -> float | None:
    """Return the server's clock as of its answer, in whole seconds; None where it tells none."""
    answer = connection.response
    try:
        return parsedate_to_datetime(answer.headers["Date"]).timestamp() if answer is not None else None
    except (LookupError, ValueError):
        return None

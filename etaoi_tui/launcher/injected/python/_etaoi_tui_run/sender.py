"""Sends what the hooks collect to the viewer, from a thread of its own, as HTTP on a bare socket.

A bare socket, because HTTP libraries are what other tracers instrument, and because `http.client` takes
longer to import than everything here. When nobody listens, what waits is dropped, and nothing is collected
until somebody does again.
"""

from __future__ import annotations

import atexit
import os
import socket
import sys
import threading
import time
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Deque

GATHER = 0.02
"""Seconds for which events are gathered before they are sent together."""
MAX_WAITING = 20_000
"""Events that may wait; further ones are dropped and counted."""
PER_REQUEST = 200
"""Events of one request."""
TRY_AGAIN = 2.0
"""Seconds after which a viewer that was not there is looked for again."""
PATIENCE = 2.0
"""Seconds that the viewer may take to answer."""
AT_EXIT = 1.0
"""Seconds that the end of the process waits for a viewer that is there."""


class Channel:
    """Events of one kind.

    Args:
        path: Where they are posted to.
        encode: Makes a request's body of them, in their order, on the sender's thread; None for nothing.
    """

    def __init__(self, path: str, encode: Callable[[list[Any]], bytes | None]) -> None:
        self.path = path
        self.encode = encode


class Sender:
    """The queue and its thread, one a process.

    Args:
        url: The viewer's, ``http://HOST:PORT``.
        token: What it wants to be told, if anything.
    """

    def __init__(self, url: str, token: str = "") -> None:
        host, _, port = url.split("://", 1)[-1].split("/", 1)[0].rpartition(":")
        self._address = (host.strip("[]"), int(port))
        self._token = token
        self.dropped = 0
        """Events that were not sent because too many waited."""
        self._begin()

    def _begin(self) -> None:
        self._queue: Deque[tuple[Channel, Any]] = deque()
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._socket: socket.socket | None = None
        self._hurry = False
        self._absent_until = 0.0
        self._pid = os.getpid()

    def is_absent(self) -> bool:
        """Whether nobody listened a moment ago, so that nothing need be collected."""
        return self._absent_until > 0.0 and time.monotonic() < self._absent_until

    def put(self, channel: Channel, event: Any) -> None:
        """Add an event; from any thread, without waiting."""
        if len(self._queue) >= MAX_WAITING:
            self.dropped += 1
            return
        self._queue.append((channel, event))
        if not self._wake.is_set():
            self._idle.clear()
            self._wake.set()
            if self._thread is None:
                self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="etaoi-tui-run", daemon=True)
                self._thread = thread
                try:
                    thread.start()
                except RuntimeError:  # the interpreter ends
                    self._thread = None

    def _run(self) -> None:
        while True:
            self._wake.wait()
            if not self._hurry:
                time.sleep(GATHER)
            self._wake.clear()
            try:
                self._send_all()
            except Exception:
                self._queue.clear()
            if not self._queue and not self._wake.is_set():
                self._idle.set()

    def _send_all(self) -> None:
        queue = self._queue
        while queue:
            channel, event = queue.popleft()
            events = [event]
            while queue and queue[0][0] is channel and len(events) < PER_REQUEST:
                events.append(queue.popleft()[1])
            if self.is_absent():
                continue
            try:
                body = channel.encode(events)
            except Exception:  # one odd event must not cost more than its neighbours
                continue
            if body is not None and not (self._post(channel.path, body) or self._post(channel.path, body)):
                self._absent_until = time.monotonic() + TRY_AGAIN

    def _post(self, path: str, body: bytes) -> bool:
        """Send a request and read its answer; False if that was not possible."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost:{self._address[1]}\r\n"
            f"User-Agent: etaoi-tui-run/{os.getpid()} {program_name()}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        )
        if self._token:
            head += f"X-Etaoi-Project-Token: {self._token}\r\n"
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, PATIENCE)
                self._socket.settimeout(PATIENCE)
            self._socket.sendall(head.encode("latin-1", "replace") + b"\r\n" + body)
            answer = b""
            while b"\r\n\r\n" not in answer:
                piece = self._socket.recv(4096)
                if not piece:
                    raise OSError
                answer += piece
            self._read_rest(answer)
        except (OSError, ValueError):
            self._close()
            return False
        self._absent_until = 0.0
        return True

    def _read_rest(self, answer: bytes) -> None:
        head, _, rest = answer.partition(b"\r\n\r\n")
        fields = head.lower().split(b"\r\n")
        length = next((int(field[15:]) for field in fields if field.startswith(b"content-length:")), 0)
        while len(rest) < length:
            piece = self._socket.recv(4096) if self._socket is not None else b""
            if not piece:
                raise OSError
            rest += piece
        if b"connection: close" in fields:
            self._close()

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def flush(self, timeout: float = AT_EXIT) -> None:
        """Wait until what was put has left, but not for longer than this."""
        if self._thread is None or self._pid != os.getpid() or self.is_absent():
            return
        self._hurry = True
        self._wake.set()
        self._idle.wait(timeout)
        self._hurry = False

    def after_fork(self) -> None:
        """Begin anew in a child: the thread is not there, and what waited is the parent's to send."""
        if self._socket is not None:
            os.close(self._socket.detach())  # this process's copy; the parent's connection stays open
        self._begin()


_sender: Sender | None = None


def sender() -> Sender:
    """Return this process's sender."""
    global _sender
    if _sender is None:
        _sender = Sender(os.environ["ETAOI_TUI_RUN"], os.environ.get("ETAOI_TUI_RUN_TOKEN", ""))
        atexit.register(_sender.flush)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_sender.after_fork)
        util = sys.modules.get("multiprocessing.util")
        if util is not None:
            follow_children(util)
    return _sender


def follow_children(util: Any) -> None:
    """Flush at the end of children of multiprocessing, which run its finalizers but not `atexit`."""
    if _sender is None:
        return

    def at_end(child_sender: Sender) -> None:
        util.Finalize(None, child_sender.flush, exitpriority=-10)

    util.register_after_fork(_sender, at_end)
    at_end(_sender)


def program_name() -> str:
    """Return what the program is called, for people."""
    arguments = getattr(sys, "argv", None) or [""]
    name = os.path.basename(arguments[0]) or "python"
    if name == "__main__.py":
        name = os.path.basename(os.path.dirname(arguments[0])) or name
    name = "python" if name in ("-c", "-m") else name
    return "".join(letter if 32 <= ord(letter) < 127 else "?" for letter in name)[:60]

"""Goes on with a collector's work when it ends while a program that sends to it still runs."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from dataclasses import replace

from etaoi_collector.collector import BindError, Collector, CollectorOptions, OptionError
from etaoi_collector.options import Sharing
from etaoi_collector.port_holder import holder_of
from etaoi_collector.receivers.standby import PATH, TAKE_OVER
from etaoi_collector.recording.recording_files import RecordError

RETRY_SECONDS = 0.1
"""Between tries to find a collector, or to become one."""
TRIES = 50


class Standby:
    """Waits beside a program, on a thread of its own.

    Args:
        options: Where the collector listens that runs now, and what to record to after it.
        host: The address to reach it at.
    """

    def __init__(self, options: CollectorOptions, host: str) -> None:
        self._options = options
        self._host = host
        self._ended = threading.Event()
        self._connection: http.client.HTTPConnection | None = None
        self._lock = threading.Lock()
        self.collector: Collector | None = None
        """The one of this process, once it has taken over."""
        self.since = 0.0
        """When it did, in seconds since the epoch."""
        self._thread = threading.Thread(target=self._run, name="etaoi-standby", daemon=True)
        self._thread.start()

    def end(self) -> Collector | None:
        """Stop waiting; returns the collector of this process, if it has one."""
        self._ended.set()
        with self._lock:
            if self._connection is not None and self._connection.sock is not None:
                try:
                    self._connection.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it is closed already
        self._thread.join(TRIES * RETRY_SECONDS)
        return self.collector

    def _run(self) -> None:
        tries = 0
        while not self._ended.is_set() and tries < TRIES:
            takes_over = self._waited()
            if self._ended.is_set():
                break
            if takes_over is None:  # it knows of no such thing, or somebody else's program listens there
                return
            if self._become(Sharing.TAKES_OVER if takes_over else Sharing.HANDS_ON):
                break
            tries += 1
            self._ended.wait(RETRY_SECONDS)
        self._hang_up()

    def _waited(self) -> bool | None:
        """Wait beside the collector that listens; True if it says to take over, False if it is gone."""
        self._hang_up()
        with self._lock:
            self._connection = http.client.HTTPConnection(self._host.strip("[]"), self._options.port)
        headers = {"X-Etaoi-Project-Token": self._options.token} if self._options.token else {}
        try:
            self._connection.request("GET", PATH, headers=headers)
            answer = self._connection.getresponse()
            if answer.status != 200:
                return None
            return answer.readline(64).startswith(TAKE_OVER.rstrip())
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            return False

    def _become(self, shares: Sharing) -> bool:
        """Listen in the place of the one that ends or has ended; False if another does."""
        if shares is Sharing.HANDS_ON and holder_of(self._options.host, self._options.port) is not None:
            return False
        try:
            collector = Collector(replace(self._options, shares=shares)).bind()
        except (BindError, OptionError, RecordError):
            return False
        collector.start()
        collector.wait_ready(5.0)
        self.since = time.time()
        self.collector = collector
        return True

    def _hang_up(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

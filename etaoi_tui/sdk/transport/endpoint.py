"""Where the viewer listens, and how it is reached."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from etaoi_collector.wire.addresses import is_loopback
from etaoi_tui.sdk.fork_safety import importing

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

_quiet = logging.getLogger("etaoi_tui.sdk.websocket")
_quiet.propagate = False
_quiet.addHandler(logging.NullHandler())

_CLOSE_TIMEOUT = 0.2
_MAX_ANSWER = 64 * 1024


@dataclass(frozen=True)
class Endpoint:
    """A server's URL with what goes into the request."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    insecure_tls: bool = False

    @property
    def host(self) -> str:
        """The host's name or address, without brackets."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port, or the scheme's."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "wss" else 80)

    @property
    def address(self) -> str:
        """Host and port for people; credentials in the URL stay out of it."""
        return f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether it is this machine."""
        return is_loopback(self.host)

    def reach(self, timeout: float) -> socket.socket:
        """Open a TCP connection, past all proxies.

        Raises:
            OSError: nothing listens there.
        """
        with importing():
            import encodings.idna  # noqa: F401  # the socket would, to look the name up: not during a fork
        return socket.create_connection((self.host, self.port), timeout)

    def open(
        self, sock: socket.socket | None, timeout: float, *, on_close: Callable[[], object]
    ) -> ClientConnection:
        """Open the WebSocket, to be used as a context manager.

        Args:
            sock: a TCP connection from `reach`, or None to let the library connect (it honours proxy
                variables).
            timeout: seconds for connection and upgrade, each.
            on_close: called from another thread when the connection has ended.

        Raises:
            OSError: it cannot be reached.
            websockets.exceptions.InvalidHandshake: it is no WebSocket server, or refuses.
        """
        from websockets.sync.client import ClientConnection, connect

        class Watched(ClientConnection):
            def recv_events(self) -> None:
                try:
                    super().recv_events()
                finally:
                    on_close()

        options: dict[str, Any] = {"proxy": None} if self.loopback else {}
        if self.url.startswith("wss:"):
            options["ssl"] = self._tls()
        if sock is not None:
            sock.settimeout(None)
            options["sock"] = sock
        connection: ClientConnection = connect(
            self.url,
            additional_headers=dict(self.headers),
            compression=None if self.loopback else "deflate",
            open_timeout=timeout,
            close_timeout=_CLOSE_TIMEOUT,
            ping_interval=None,
            max_size=_MAX_ANSWER,
            logger=_quiet,
            create_connection=Watched,
            **options,
        )
        return connection

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.insecure_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def load_websockets() -> None:
    """Import the library, once; not before somebody listens."""
    with importing():
        import websockets.exceptions
        import websockets.protocol
        import websockets.sync.client  # noqa: F401

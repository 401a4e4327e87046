"""Subscribing to a viewer that runs elsewhere, with the same words as to a collector of one's own."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit, urlunsplit

import msgspec

from etaoi_collector.subscriptions.hub import SubscriptionHub

if TYPE_CHECKING:
    from etaoi_collector.ingest.pipeline import Ingest, Stats
    from etaoi_collector.recording.recorder import Recorder
    from etaoi_collector.sources.remote import RemoteSource

DEFAULT_URL = "ws://127.0.0.1:8787/ingest"
"""Where a viewer on this machine listens, unless told otherwise."""


class RemoteCollector(SubscriptionHub):
    """A running viewer or recorder, followed over its socket. Made by `connect`; only reads.

    When the viewer is gone it is tried again, and followed on where it was.

    Args:
        source: The opened source.
    """

    def __init__(self, source: RemoteSource) -> None:
        super().__init__()
        self._source = source

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return self._source.url

    @property
    def failure(self) -> str:
        """Why it is not followed any more; empty while it is, or while that is tried."""
        return self._source.failure

    def stats(self) -> Stats:
        """Return the counts of what has come from it, since its recording began."""
        return msgspec.structs.replace(self._source.stats(), subscriptions=self.subscriptions)

    def close(self) -> None:
        """Leave it. Subscriptions end; what they were given cannot be read any more."""
        self._end_subscriptions()
        self._source.close()

    def _open_hub(self) -> tuple[Ingest, Recorder]:
        return self._source.ingest, self._source.recorder

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it."""
        self.close()


def connect(
    url: str | None = None, *, token: str | None = None, timeout: float | None = None
) -> RemoteCollector:
    """Follow a running viewer: its past and what comes, with `subscribe`, `history`, `wait` and `stats`.

    Returns once everything is here that had been recorded there.

    Args:
        url: Its address, such as ``127.0.0.1:8787`` or ``ws://host:8787``; None for this machine's default.
        token: The secret that it wants, if any.
        timeout: Seconds to wait at most for what had been recorded; None for as long as it takes.

    Raises:
        RemoteError: It cannot be followed; the text says why.
        TimeoutError: Its recording took longer than ``timeout``.
    """
    from etaoi_collector.sources.remote import RemoteError, RemoteSource  # websockets load when asked for

    source = RemoteSource(viewer_url(url), token=token, watched=False)
    source.open()
    if not source.wait_caught_up(timeout):
        failure = source.failure
        source.close()
        if failure:
            raise RemoteError(failure)
        raise TimeoutError(f"What {source.url} has recorded did not arrive within {timeout:g} s.")
    return RemoteCollector(source)


def viewer_url(url: str | None) -> str:
    """Return a viewer's WebSocket address, given in any form that people write."""
    from etaoi_collector.wire.addresses import is_loopback

    text = (url or "").strip() or DEFAULT_URL
    if "://" not in text:
        text = f"{'ws' if is_loopback(urlsplit(f'//{text}').hostname or '') else 'wss'}://{text}"
    parts = urlsplit(text)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme.lower(), parts.scheme.lower())
    path = parts.path if parts.path not in ("", "/") else "/ingest"
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))

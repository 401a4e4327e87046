"""Subscribing to a viewer that runs elsewhere, with the same words as to a collector of one's own."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit, urlunsplit

import msgspec

from etaoi_collector.subscriptions.hub import SubscriptionHub
from etaoi_collector.subscriptions.publishers import Publishers

if TYPE_CHECKING:
    from etaoi_collector.ingest.pipeline import Ingest, Stats
    from etaoi_collector.receivers.in_process import Published
    from etaoi_collector.recording.recorder import Recorder
    from etaoi_collector.sources.remote import RemoteSource
    from etaoi_collector.sources.remote_publisher import RemotePublisher

DEFAULT_URL = "ws://127.0.0.1:8787/ingest"
"""Where a viewer on this machine listens, unless told otherwise."""
FLUSH_WITHIN = 10.0
SETTLE_WITHIN = 2.0
"""Seconds that `flush`, and a history, wait for what was published here, unless told otherwise."""


class RemoteCollector(SubscriptionHub, Publishers):
    """A running viewer or recorder, followed over its socket. Made by `connect`.

    When the viewer is gone it is tried again, and followed on where it was; what is published waits for it.

    Args:
        source: The opened source.
        token: The secret that the viewer wants, if any.
    """

    def __init__(self, source: RemoteSource, token: str | None = None) -> None:
        super().__init__()
        self._source = source
        self._token = token
        self._publisher: RemotePublisher | None = None
        self._unseen = False
        """Whether something was published after `_settle` looked last."""

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
        stats = self._source.stats()
        lost = stats.dropped_by_clients + (self._publisher.lost if self._publisher is not None else 0)
        return msgspec.structs.replace(stats, subscriptions=self.subscriptions, dropped_by_clients=lost)

    def publish(self, event: Any) -> Published:
        """Send an event of this program to the viewer, in order; from any thread, without waiting.

        It is there once `flush` returns; `history` waits for it by itself.

        Args:
            event: See `Publishers.publish`.

        Raises:
            RemoteError: The viewer does not want it, or it was left already.
        """
        from etaoi_collector.receivers.in_process import PUBLISHED
        from etaoi_collector.sources.remote_publisher import RemotePublisher

        with self._subscribing:
            if self._publisher is None:
                self._publisher = RemotePublisher(self._source.url, self._token)
        self._publisher.publish(event)
        self._unseen = True
        return PUBLISHED

    def flush(self, timeout: float = FLUSH_WITHIN) -> bool:
        """Wait until the viewer has all that was published here; False when it has not in time."""
        return self._publisher is None or self._publisher.flush(timeout)

    def _settle(self) -> None:
        if self._unseen and self.flush(SETTLE_WITHIN):
            self._unseen = False
            self._source.catch_up(SETTLE_WITHIN)

    def close(self) -> None:
        """Leave it, once what was published is there, or after a moment. Subscriptions end then."""
        if self._publisher is not None:
            self._publisher.close(SETTLE_WITHIN)
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
    """Follow a running viewer: `subscribe`, `history`, `wait`, `stats`; and `publish` into it.

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
    return RemoteCollector(source, token)


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

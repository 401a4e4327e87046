"""A running collector as a viewer's source."""

from __future__ import annotations

from collections.abc import Callable

from etaoi_collector.collector import Collector
from etaoi_collector.recording.recorder import State
from etaoi_collector.source_items import Missing, SourceItem
from etaoi_collector.sources.base import (
    EVENTS_PER_SECOND,
    RecordingStatus,
    SourceKind,
    SourceStatus,
    endpoint_name,
)


class LiveSource:
    """Reads the inbox and the recording of a collector that was bound."""

    live = True

    def __init__(self, collector: Collector) -> None:
        self._inbox = collector.inbox
        self._collector = collector

    def status(self) -> SourceStatus:
        """Return how the collector is doing."""
        collector = self._collector
        recorder = collector.recorder
        return SourceStatus(
            SourceKind.LIVE,
            endpoint_name(collector.endpoint),
            collector.endpoint,
            token=collector.options.token is not None,
            clients=collector.stats().clients,
            recording=RecordingStatus(
                recorder.state is State.RECORDING, recorder.bytes_written, recorder.warning
            ),
            lost=self._inbox.lost,
        )

    def start(self) -> None:
        """Let agents in; those that connected since the address was taken are waiting."""
        if not self._collector.started:
            self._collector.start()

    @property
    def notices(self) -> list[str]:
        """What went wrong with the server or the recording, and what clients did not get."""
        collector = self._collector
        troubles = (collector.failure, collector.trouble, collector.recorder.trouble)
        return [*filter(None, troubles), *collector.notices]

    def take(self, seconds: float) -> list[SourceItem]:
        """Return what arrived; see `Source.take`."""
        return self._inbox.take(seconds, max(1, int(seconds * EVENTS_PER_SECOND)))

    def read(self, event_ref: int) -> bytes | Missing:
        """Return the undecoded bytes of the event at ``event_ref``, or why they cannot be had."""
        return self._collector.recorder.read(event_ref)

    def prefer(self, trace_id: str, is_held: Callable[[str], bool]) -> None:
        """Everything comes in its turn."""

    def close(self) -> None:
        """Nothing to do: the collector goes on until somebody stops it."""

"""From what a source or a recording hands over into a store."""

from __future__ import annotations

from etaoi_collector.source_items import (
    Closed,
    Ended,
    EventBatch,
    FrameRefused,
    Opened,
    RunsListed,
    SourceItem,
)
from etaoi_collector.store import Store


def fold_item(store: Store, item: SourceItem) -> None:
    """Apply one item to a store."""
    if type(item) is EventBatch:
        event_ref = item.base_ref
        if event_ref >= 0:
            event_ref += item.first_ordinal
        store.apply(item.events, event_ref, item.connection)
    elif type(item) is Opened:
        store.connection_opened(item.connection)
    elif type(item) is Closed:
        store.connection_closed(item.connection, item.at, item.code, item.reason)
    elif type(item) is FrameRefused:
        store.frame_refused(item.connection, item.at, item.size, item.reason)
    elif type(item) is Ended:
        store.finish()
    elif type(item) is RunsListed:
        store.list_runs(item.runs)

"""Folds events into sessions, traces and spans, and says what changed.

Everything that real clients do must end in a visible, explained state: children before parents (a
placeholder stands in until they arrive), ends before starts, repeats, spans that never end, clocks that run
backwards, rings of parents, ids that clash, one trace fed by several connections. Where no fact is
contradicted, the resulting tree does not depend on the order of arrival.

Payloads are not kept: spans keep the references of their events in the recording.

The parts point one way: `state` is what is in memory; `span_tree` keeps the tree, `liveness` the sessions and
who carries them, `aggregates` what rows need, `deduplication` what came twice; `retention` evicts; `reducer`
folds any event, `fast_path` the common ones faster; `store` puts them together.
"""

from __future__ import annotations

from etaoi_collector.store.liveness import LOST_AFTER
from etaoi_collector.store.retention import DEFAULT_MAX_SPANS
from etaoi_collector.store.state import StoredReject
from etaoi_collector.store.store import Store

__all__ = ["DEFAULT_MAX_SPANS", "LOST_AFTER", "Store", "StoredReject"]

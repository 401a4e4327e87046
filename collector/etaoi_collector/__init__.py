"""The collector: who listens, records and remembers. Draws nothing, imports neither textual nor rich.

What a program needs to react to agents, or to assert what they did, is imported from here; it loads on
first use, since agents import this package, too, for its wire format.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etaoi_collector.collector import Collector as Collector
    from etaoi_collector.options import BindError as BindError
    from etaoi_collector.options import CollectorOptions as CollectorOptions
    from etaoi_collector.options import OptionError as OptionError
    from etaoi_collector.options import Record as Record
    from etaoi_collector.sources.remote import RemoteError as RemoteError
    from etaoi_collector.subscriptions.bus_event import BusEvent as BusEvent
    from etaoi_collector.subscriptions.filters import Filters as Filters
    from etaoi_collector.subscriptions.remote_collector import RemoteCollector as RemoteCollector
    from etaoi_collector.subscriptions.remote_collector import connect as connect
    from etaoi_collector.subscriptions.subscription import Subscription as Subscription
    from etaoi_collector.subscriptions.subscription import SubscriptionEnded as SubscriptionEnded
    from etaoi_collector.subscriptions.subscription import SubscriptionStats as SubscriptionStats

__version__ = "0.1.0"

_HOMES = {
    "BindError": "options",
    "BusEvent": "subscriptions.bus_event",
    "Collector": "collector",
    "CollectorOptions": "options",
    "Filters": "subscriptions.filters",
    "OptionError": "options",
    "Record": "options",
    "RemoteCollector": "subscriptions.remote_collector",
    "RemoteError": "sources.remote",
    "Subscription": "subscriptions.subscription",
    "SubscriptionEnded": "subscriptions.subscription",
    "SubscriptionStats": "subscriptions.subscription",
    "connect": "subscriptions.remote_collector",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)

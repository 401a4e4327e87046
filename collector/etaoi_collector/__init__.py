"""The collector: who listens, records and remembers. Draws nothing, imports neither textual nor rich.

What a program needs to react to agents, or to assert what they did::

    from etaoi_collector import Collector, CollectorOptions, Record, connect

These names are loaded on first use: the distribution ``etaoi-tui-sdk`` holds only the rooms of this package
that an agent needs, ``etaoi-tui`` holds the rest.
"""

from __future__ import annotations

from etaoi_collector.wire.versions import PROGRAM_VERSION as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from etaoi_collector.collector import Collector as Collector
    from etaoi_collector.options import BindError as BindError
    from etaoi_collector.options import CollectorOptions as CollectorOptions
    from etaoi_collector.options import OptionError as OptionError
    from etaoi_collector.options import Record as Record
    from etaoi_collector.remote_collector import RemoteCollector as RemoteCollector
    from etaoi_collector.remote_collector import connect as connect
    from etaoi_collector.sources.remote import RemoteError as RemoteError
    from etaoi_collector.subscriptions.bus_event import BusEvent as BusEvent
    from etaoi_collector.subscriptions.filters import Filters as Filters
    from etaoi_collector.subscriptions.subscription import Subscription as Subscription
    from etaoi_collector.subscriptions.subscription import SubscriptionEnded as SubscriptionEnded
    from etaoi_collector.subscriptions.subscription import SubscriptionStats as SubscriptionStats
    from etaoi_collector.wire.errors import EtaoiError as EtaoiError

_HOMES = {
    "BindError": "options",
    "BusEvent": "subscriptions.bus_event",
    "Collector": "collector",
    "CollectorOptions": "options",
    "EtaoiError": "wire.errors",
    "Filters": "subscriptions.filters",
    "OptionError": "options",
    "Record": "options",
    "RemoteCollector": "remote_collector",
    "RemoteError": "sources.remote",
    "Subscription": "subscriptions.subscription",
    "SubscriptionEnded": "subscriptions.subscription",
    "SubscriptionStats": "subscriptions.subscription",
    "connect": "remote_collector",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = f"{__name__}.{_HOMES[name]}"
    try:
        value = getattr(import_module(home), name)
    except ModuleNotFoundError as error:
        if not home.startswith(error.name or "?"):
            raise
        raise ImportError(
            f"etaoi_collector.{name} belongs to the viewer, and only etaoi-tui-sdk is installed here; "
            "install it with: pip install etaoi-tui",
            name=f"{__name__}.{name}",
        ) from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

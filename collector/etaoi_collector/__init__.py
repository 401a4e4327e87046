"""The collector: who listens, records and remembers. Draws nothing, imports neither textual nor rich.

In a test or a script::

    from etaoi_collector import Collector, CollectorOptions, Record

Those names are loaded on first use: the distribution ``etaoi-tui-sdk`` holds only the rooms of this package
that an agent needs, ``etaoi-tui`` holds the rest.
"""

from __future__ import annotations

from etaoi_collector.wire.versions import PROGRAM_VERSION as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from etaoi_collector.collector import Collector, CollectorOptions, Record

__all__ = ["Collector", "CollectorOptions", "Record", "__version__"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        home = import_module("etaoi_collector.collector")
    except ModuleNotFoundError as error:
        if error.name != "etaoi_collector.collector":
            raise
        raise ImportError(
            f"etaoi_collector.{name} belongs to the viewer, and only etaoi-tui-sdk is installed here; "
            "install it with: pip install etaoi-tui",
            name=f"{__name__}.{name}",
        ) from None
    value = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

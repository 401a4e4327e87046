"""Finds the bridges: a ``BRIDGE`` a file of this folder, and those of other distributions.

Another distribution adds one by an entry point of the group ``etaoi_tui.bridges`` that names a `Bridge`. One
that cannot be loaded is left out, with a warning in the log.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Iterator

from etaoi_tui.sdk import bridges
from etaoi_tui.sdk.bridges.door import Bridge

ENTRY_POINT_GROUP = "etaoi_tui.bridges"

_log = logging.getLogger("etaoi_tui.sdk")


def find_bridges() -> list[Bridge]:
    """Return all bridges, those of this folder first."""
    return [*_in_folder(), *_from_others()]


def _in_folder() -> Iterator[Bridge]:
    for module in pkgutil.iter_modules(bridges.__path__):
        try:
            kind = getattr(importlib.import_module(f"{bridges.__name__}.{module.name}"), "BRIDGE", None)
            if kind is not None:
                yield kind()
        except Exception:  # a broken file must not keep the others from working, nor reach the agent
            _log.warning("The bridge in %s cannot be loaded and is left out.", module.name, exc_info=True)


def _from_others() -> Iterator[Bridge]:
    from importlib.metadata import entry_points  # 10 ms, and only `watch` needs it

    for point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            yield point.load()()
        except Exception:  # somebody else's code: it must not keep the others from working
            _log.warning("The bridge %s cannot be loaded and is left out.", point.value, exc_info=True)

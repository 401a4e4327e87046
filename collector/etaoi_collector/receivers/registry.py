"""Finds the receivers: every module of this folder that names one ``RECEIVER``."""

from __future__ import annotations

import importlib
import pkgutil

from etaoi_collector import receivers
from etaoi_collector.receivers.door import Receiver


def find_receivers() -> list[type[Receiver]]:
    """Return all receivers, in the order of their modules' names.

    One whose libraries are not installed is left out; they are extras.
    """
    receiver_types: list[type[Receiver]] = []
    for module in pkgutil.iter_modules(receivers.__path__):
        try:
            loaded = importlib.import_module(f"{receivers.__name__}.{module.name}")
        except ModuleNotFoundError as error:
            if error.name is not None and error.name.startswith("etaoi_collector"):
                raise
            continue
        receiver = getattr(loaded, "RECEIVER", None)
        if isinstance(receiver, type) and issubclass(receiver, Receiver):
            receiver_types.append(receiver)
    return receiver_types

"""Loads what is found by being there: a module of a folder, or an entry point of another distribution.

One that cannot be loaded costs itself only: its error is yielded in its place, for whoever asked to say.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module


def load_folder(package: str, attribute: str) -> Iterator[tuple[str, object]]:
    """Import every module of a package, and yield its name and an attribute of it, or why there is none.

    A module ``door`` says what the others have to be, and offers nothing itself.
    """
    for module in pkgutil.iter_modules(import_module(package).__path__):
        if module.name == "door":
            continue
        value: object
        try:
            value = getattr(import_module(f"{package}.{module.name}"), attribute)
        except Exception as error:
            value = error
        yield module.name, value


def load_entry_points(group: str) -> Iterator[tuple[str, object]]:
    """Yield the name and the value of every entry point of a group, or why it cannot be loaded.

    Looks through all installed distributions.
    """
    from importlib.metadata import entry_points  # slow, and the first screen does without

    for entry in entry_points(group=group):
        value: object
        try:
            value = entry.load()
        except Exception as error:
            value = error
        yield entry.name, value

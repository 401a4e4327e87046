"""The door for a system that `watch` can watch: one file, found by itself."""

from __future__ import annotations

import sys
from typing import Any, ClassVar


class Bridge:
    """Shows what an object of some system does. A file of this folder names its subclass ``BRIDGE``.

    Attributes:
        name: What it takes, for people: ``a voxagent Agent``.
    """

    name: ClassVar[str]

    def claims(self, target: Any) -> bool:
        """Whether this bridge is for the target. Imports nothing: what it watches is loaded already."""
        raise NotImplementedError

    def watch(self, target: Any, options: dict[str, Any]) -> Any:
        """Show what the target does from now on.

        Args:
            target: What was claimed.
            options: Those of `etaoi_tui.open_tracer`, and what is the bridge's own.

        Returns:
            A handle with ``detach()``, ``flush()``, ``stats`` and ``sink``; a context manager that detaches.
        """
        raise NotImplementedError


def is_instance(target: Any, module: str, name: str) -> bool:
    """Whether a target is of a class whose module may not be loaded; nothing is imported for the question."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(target, kind)

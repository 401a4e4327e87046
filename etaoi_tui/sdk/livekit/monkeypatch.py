"""Attributes that are put on one object, before its class's own methods, and taken off again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_PUT = "etaoi_tui_put"


class InstancePatch:
    """A function that stands in for a method of one object until `remove`.

    Several may lie on top of each other, put there by calls that follow the same object, and go in any order.

    Args:
        target: The object; one without attributes of its own, or that refuses new ones, is left alone.
        name: The method's name.
        make: Gets the method as it is found, and returns what stands in for it.
    """

    def __init__(
        self, target: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]
    ) -> None:
        self._target = target
        self._name = name
        self._removed = True
        own: dict[str, Any] | None = getattr(target, "__dict__", None)
        inner = getattr(target, name, None)
        if own is None or not callable(inner):
            return
        self._original = own.get(name)
        function = make(inner)
        setattr(function, _PUT, self)
        try:
            setattr(target, name, function)
            # A class may keep what it is given somewhere else.
            self._removed = own.get(name) is not function
            if self._removed:
                setattr(target, name, inner)
        except Exception:  # whatever a class raises that lets nothing be set
            return

    def remove(self) -> None:
        """Take it off, with others below it whose time has come; what lies on top stays."""
        if self._removed:
            return
        self._removed = True
        own = self._target.__dict__
        function = current = own.get(self._name)
        while (put := getattr(function, _PUT, None)) is not None and put._removed:
            function = put._original
        if function is current:
            return
        if function is None:
            delattr(self._target, self._name)
        else:
            setattr(self._target, self._name, function)

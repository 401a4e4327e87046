"""Wrappers over public methods of one object: put on as instance attributes, shared, and taken off again."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from etaoi_tui.sdk.serialize import error_sentence

_log = logging.getLogger("etaoi_tui")
_Args = ParamSpec("_Args")
_Result = TypeVar("_Result")
_reported: set[str] = set()

_MARK = "__etaoi_tui_hook__"


class Hook:
    """One wrapped method of one object. It lasts until its last owner has let go."""

    __slots__ = ("_had_own", "_name", "_target", "_wrapper", "inner", "owners")

    def __init__(self, target: Any, name: str) -> None:
        self._target = target
        self._name = name
        self._had_own = name in _own_attributes(target)
        self._wrapper: Any = None
        self.inner: Callable[..., Any] = getattr(target, name)
        """The method as it was: what a wrapper calls."""
        self.owners: list[Any] = []
        """Who watches through it; empty once it is taken off. A wrapper that somebody kept is inert then."""

    def put_on(self, wrapper: Any) -> None:
        """Set the attribute. Raises what the object raises that takes no attributes."""
        self._wrapper = wrapper
        setattr(self._target, self._name, wrapper)

    def let_go(self, owner: Any) -> None:
        """Forget an owner; with the last one, make the object what it was.

        Where somebody has put another wrapper over ours, ours stays below it and only passes calls on.
        """
        if owner in self.owners:
            self.owners.remove(owner)
        if self.owners or _own_attributes(self._target).get(self._name) is not self._wrapper:
            return
        with contextlib.suppress(AttributeError, TypeError):
            if self._had_own:
                setattr(self._target, self._name, self.inner)
            else:
                delattr(self._target, self._name)


def install_hook(
    target: Any, name: str, owner: Any, make: Callable[[Hook], Callable[..., Any]]
) -> Hook | None:
    """Wrap a method of an object, or join the wrapper that is on it already.

    Args:
        target: the object; its class is left alone.
        name: the method's name.
        owner: who watches; the same owner counts once.
        make: makes the wrapper, which calls ``hook.inner``, and does nothing else without ``hook.owners``.

    Returns:
        The hook, or None when the object has no such method or takes no attributes.
    """
    hook = find_hook(target, name)
    if hook is None:
        if not callable(getattr(target, name, None)):
            return None
        hook = Hook(target, name)
        wrapper = functools.wraps(hook.inner)(make(hook))
        if inspect.iscoroutinefunction(hook.inner):
            _mark_coroutine_function(wrapper)
        setattr(wrapper, _MARK, hook)
        try:
            hook.put_on(wrapper)
        except (AttributeError, TypeError) as error:
            warn_once(f"{type(target).__name__}.{name} cannot be watched: {error}")
            return None
    if owner not in hook.owners:
        hook.owners.append(owner)
    return hook


def find_hook(target: Any, name: str) -> Hook | None:
    """Return the hook that is on an object's method now."""
    hook = getattr(_own_attributes(target).get(name), _MARK, None)
    return hook if isinstance(hook, Hook) and hook.owners else None


def guarded(method: Callable[_Args, _Result]) -> Callable[_Args, _Result | None]:
    """Keep an observer's own mistakes from whom it observes: they are logged once, and None is returned."""

    @functools.wraps(method)
    def observe(*args: _Args.args, **kwargs: _Args.kwargs) -> _Result | None:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            warn_once(f"{method.__qualname__} failed: {error_sentence(error)}", key=method.__qualname__)
            return None

    return observe


def warn_once(message: str, key: str | None = None) -> None:
    """Log a warning, once per ``key`` (by default, per message) and process."""
    key = key or message
    if key not in _reported:
        _reported.add(key)
        _log.warning("etaoi-tui: %s", message)


def _own_attributes(target: Any) -> dict[str, Any]:
    try:
        own: dict[str, Any] = vars(target)
        return own
    except TypeError:
        return {}


def _mark_coroutine_function(wrapper: Any) -> None:
    """Let a plain function that returns a coroutine be seen as what it stands for."""
    mark = getattr(inspect, "markcoroutinefunction", None)
    if mark is not None:
        mark(wrapper)
    else:
        wrapper._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]

"""Handlers for every run in the process, whatever thread, task or context it starts in.

LangChain asks registered hooks for a handler whenever it sets up a run. It expects a context variable
there, and uses its ``get`` only. A context variable that is set in one thread is not set in another; this
one answers the same everywhere.
"""

from __future__ import annotations

import functools
from typing import Any, cast

from langchain_core.tracers.context import register_configure_hook

from etaoi_tui.sdk.langchain.context import ambient_run, ambient_span
from etaoi_tui.sdk.langchain.handler import TracerHandler
from etaoi_tui.sdk.tracer import find_spans_with

_attached: list[TracerHandler] = []
_hooks: list[_AttachedHook] = []


class _AttachedHook:
    """Answers ``get`` like a context variable: one of the handlers that are attached to the whole process."""

    name = "etaoi_tui_everywhere"

    def __init__(self, index: int) -> None:
        self._index = index

    def get(self) -> TracerHandler | None:
        return _attached[self._index] if self._index < len(_attached) else None


class _FollowingHook:
    """The same for what a tool runs inside, which does not inherit the callbacks of the tool's own field."""

    name = "etaoi_tui_inside"

    def get(self) -> TracerHandler | None:
        run = ambient_run()
        return cast("TracerHandler", run.owner) if run is not None and run.owner.is_followed else None


def attach_globally(handler: TracerHandler) -> None:
    """Report every run that starts from now on."""
    _register()
    _attached.append(handler)
    while len(_hooks) < len(_attached):
        hook = _AttachedHook(len(_hooks))
        _hooks.append(hook)
        register_configure_hook(cast("Any", hook), inheritable=True)


def follow_inside(handler: TracerHandler) -> None:
    """Report what runs inside a handler's own runs, also where LangChain passes no callbacks on."""
    _register()
    handler.is_followed = True


def forget(handler: TracerHandler) -> None:
    """Undo `attach_globally` and `follow_inside`."""
    if handler in _attached:
        _attached.remove(handler)
    handler.is_followed = False


@functools.cache
def _register() -> None:
    register_configure_hook(cast("Any", _FollowingHook()), inheritable=True)
    find_spans_with(ambient_span)

"""Code mode of voxagent (0.2): the tools that a program in the sandbox calls, inside ``execute_code``.

The sandbox calls the functions that were registered for it, and not the tools' ``run``; so these functions
are registered anew, wrapped, and put back in the end.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any

from etaoi_tui.sdk.bridge_support.method_hooks import guarded
from etaoi_tui.sdk.tracer import enter_span, leave_span
from etaoi_tui.sdk.voxagent.run import current_run

CODE_TOOL = "execute_code"
_MARK = "__etaoi_tui_code_tool__"


class CodeTools:
    """The wrapped functions of the sandboxes of one watch."""

    def __init__(self) -> None:
        self._wrapped: list[tuple[Any, str, str, Callable[..., Any]]] = []
        self._on = True

    @guarded
    def wrap(self, tool: Any) -> None:
        """Wrap what the sandbox behind an ``execute_code`` tool may call; what is wrapped already is left."""
        executor = _executor_of(tool)
        for key, function in list(getattr(executor, "_tool_implementations", {}).items()):
            category, _, name = key.partition(".")
            if executor is None or not callable(function) or hasattr(function, _MARK):
                continue
            executor.register_tool_implementation(category, name, self._watched(name, function))
            self._wrapped.append((executor, category, name, function))

    @guarded
    def release(self) -> None:
        """Put the functions back."""
        self._on = False
        wrapped, self._wrapped = self._wrapped, []
        for executor, category, name, function in wrapped:
            executor.register_tool_implementation(category, name, function)

    def _watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        tool_name = name.removesuffix(".py")

        async def observe(*args: Any, **kwargs: Any) -> Any:
            run = current_run() if self._on else None
            span = run.tool_started(tool_name, kwargs or list(args)) if run is not None else None
            if run is None or span is None:
                return await function(*args, **kwargs)
            here = enter_span(span)
            try:
                output = await function(*args, **kwargs)
            except BaseException as error:
                run.tool_failed(span, error)
                raise
            finally:
                leave_span(here)
            run.tool_ended(span, output)
            return output

        def observe_plain(*args: Any, **kwargs: Any) -> Any:
            run = current_run() if self._on else None
            span = run.tool_started(tool_name, kwargs or list(args)) if run is not None else None
            if run is None or span is None:
                return function(*args, **kwargs)
            here = enter_span(span)
            try:
                output = function(*args, **kwargs)
            except BaseException as error:
                run.tool_failed(span, error)
                raise
            finally:
                leave_span(here)
            run.tool_ended(span, output)
            return output

        # voxagent asks whether a function is a coroutine's before it calls it.
        wrapper = functools.wraps(function)(
            observe if asyncio.iscoroutinefunction(function) else observe_plain
        )
        setattr(wrapper, _MARK, True)
        return wrapper


def _executor_of(tool: Any) -> Any:
    """Return the executor that an ``execute_code`` tool closes over; None if it is something else."""
    try:
        executor = inspect.getclosurevars(tool.execute).nonlocals.get("self")
    except (TypeError, ValueError, AttributeError):
        return None
    return executor if callable(getattr(executor, "register_tool_implementation", None)) else None

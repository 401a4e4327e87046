"""How an object that a user has is made to carry a handler, in place, and let go again.

- A graph (anything with LangGraph's ``config`` attribute): its own config gets the handler; every run of
  it, also as a subgraph or inside a tool, starts from that config.
- A model or a tool: their ``callbacks`` field. LangChain does not pass those on to what a tool runs inside;
  the hook of `etaoi_tui.sdk.langchain.global_hook` does.
- Every other Runnable (sequences, lambdas, parallels, branches, retrievers, parsers, bindings, classes of
  your own) has no place for a callback. The object's class is replaced by a subclass of the same name that
  adds the handler to the config of each call; equality, ``isinstance``, copies and pickles work as before.
"""

from __future__ import annotations

import copyreg
import functools
import inspect
from collections.abc import Callable
from typing import Any, cast

from langchain_core.callbacks import BaseCallbackHandler, BaseCallbackManager
from langchain_core.language_models import BaseLanguageModel
from langchain_core.runnables import Runnable
from langchain_core.runnables.config import var_child_runnable_config
from langchain_core.tools import BaseTool

_CALLS = (
    "invoke", "ainvoke", "stream", "astream", "transform", "atransform", "batch", "abatch",
    "batch_as_completed", "abatch_as_completed", "astream_log", "astream_events", "stream_events",
)  # fmt: skip

Restore = Callable[[], None]


def instrument_object(thing: Any, handler: BaseCallbackHandler) -> Restore:
    """Make every later run of an object report to a handler; return what undoes it.

    Raises:
        TypeError: the object is nothing that LangChain runs, or refuses to be changed.
    """
    if not isinstance(thing, Runnable):
        raise TypeError(
            f"attach() takes a LangChain Runnable (an agent, graph, chain, model, retriever or tool), not "
            f"{type(thing).__name__}. Call attach() without an argument to record every run in this process."
        )
    if isinstance(thing, (BaseLanguageModel, BaseTool)):
        return _carry_in_field(thing, handler)
    if _is_graph(thing):
        return _carry_in_config(thing, handler)
    return _carry_in_class(thing, handler)


def _is_graph(thing: Any) -> bool:
    return (
        hasattr(thing, "config") and hasattr(thing, "get_state") and not hasattr(type(thing), "model_fields")
    )


def _with_handler(callbacks: Any, handler: BaseCallbackHandler) -> Any:
    """Return callbacks of any form with the handler among them, once, without changing the given ones."""
    if callbacks is None:
        return [handler]
    if isinstance(callbacks, BaseCallbackManager):
        manager = callbacks.copy()
        if handler not in manager.handlers:
            manager.add_handler(handler, inherit=True)
        elif handler not in manager.inheritable_handlers:
            manager.inheritable_handlers.append(handler)
        return manager
    return callbacks if handler in callbacks else [handler, *callbacks]


def _without_handler(callbacks: Any, handler: BaseCallbackHandler) -> Any:
    if isinstance(callbacks, BaseCallbackManager):
        callbacks.remove_handler(handler)
        return callbacks
    return [other for other in callbacks or () if other is not handler] or None


def _carry_in_field(thing: Any, handler: BaseCallbackHandler) -> Restore:
    thing.callbacks = _with_handler(thing.callbacks, handler)

    def release() -> None:
        thing.callbacks = _without_handler(thing.callbacks, handler)

    return release


def _carry_in_config(thing: Any, handler: BaseCallbackHandler) -> Restore:
    had_none = thing.config is None
    config = dict(thing.config or {})
    config["callbacks"] = _with_handler(config.get("callbacks"), handler)
    thing.config = config

    def release() -> None:
        remaining = dict(thing.config or {})
        callbacks = _without_handler(remaining.pop("callbacks", None), handler)
        if callbacks:
            remaining["callbacks"] = callbacks
        thing.config = None if had_none and not remaining else remaining

    return release


def _carry_in_class(thing: Any, handler: BaseCallbackHandler) -> Restore:
    original = type(thing)
    try:
        carrying = _carrying_class(original, handler)
        object.__setattr__(thing, "__class__", carrying)
    except Exception as error:
        raise TypeError(
            f"This {original.__name__} cannot carry a callback ({error}). Pass the handler with each call, "
            'config={"callbacks": [handle.handler]}, or call attach() without an argument.'
        ) from None

    def release() -> None:
        if type(thing) is carrying:
            object.__setattr__(thing, "__class__", original)
        # Attached again since: the newer class stands on ours, whose handler reports nothing any more.

    return release


def _carrying_class(original: Any, handler: BaseCallbackHandler) -> type[Any]:
    def reduce(self: Any, protocol: Any) -> Any:
        reduced = original.__reduce_ex__(self, protocol)
        if not isinstance(reduced, tuple):
            return reduced
        arguments = tuple(original if part is carrying else part for part in reduced[1])
        maker = _make_anew if reduced[0] is copyreg.__newobj__ else reduced[0]  # type: ignore[attr-defined]
        return (original if maker is carrying else maker, arguments, *reduced[2:])

    body: dict[str, Any] = {
        "__module__": original.__module__,
        "__qualname__": original.__qualname__,
        "__doc__": original.__doc__,
        "__reduce_ex__": reduce,
    }
    for name in _CALLS:
        if (method := getattr(original, name, None)) is not None:
            body[name] = _carrying_call(method, handler)
    carrying = cast("type[Any]", type(original)(original.__name__, (original,), body))
    return carrying


def _make_anew(kind: type[Any], *arguments: Any) -> Any:
    """Make an object without ``__init__``; pickle refuses its own maker for an object of a subclass."""
    return kind.__new__(kind, *arguments)


def _carrying_call(method: Any, handler: BaseCallbackHandler) -> Any:
    def call(self: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:  # noqa: A002
        return method(self, input, _config_with(config, handler), **kwargs)

    async def acall(self: Any, input: Any, config: Any = None, **kwargs: Any) -> Any:  # noqa: A002
        return await method(self, input, _config_with(config, handler), **kwargs)

    return functools.wraps(method)(acall if inspect.iscoroutinefunction(method) else call)


def _config_with(config: Any, handler: BaseCallbackHandler) -> Any:
    """Return a call's config with the handler in it.

    A config without callbacks takes those of the run that makes the call, as LangChain itself does; naming
    only ours would cut the others off.
    """
    if getattr(handler, "stopped", False):
        return config
    if isinstance(config, (list, tuple)):
        return [_config_with(one, handler) for one in config]
    merged = dict(config) if config else {}
    callbacks = merged.get("callbacks")
    if callbacks is None:
        around = var_child_runnable_config.get()
        callbacks = around.get("callbacks") if around else None
    merged["callbacks"] = _with_handler(callbacks, handler)
    return merged

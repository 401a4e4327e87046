"""Async generators seen on their way from a system to its user."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import partial
from typing import Any, Protocol


class Watcher(Protocol):
    """What `relay` tells about. Nothing of it may raise; `hooks.guarded` sees to that."""

    def enter(self) -> Any:
        """Make its span the current one, because the system goes on working; returns what `leave` wants."""

    def leave(self, token: Any) -> None:
        """Undo `enter`, because the consumer goes on."""

    def saw(self, item: Any) -> None:
        """An item is about to be handed over: the last one, as far as anybody can know."""

    def finished(self) -> None:
        """The stream ended by itself."""

    def failed(self, error: BaseException) -> None:
        """It raised, was cancelled, or (GeneratorExit) nobody wants more of it."""


async def relay(inner: AsyncIterator[Any], begin: Callable[[], Watcher | None]) -> AsyncGenerator[Any, Any]:
    """Yield what ``inner`` yields, in its order, with its exceptions, and let a watcher see it.

    The watcher is entered only while ``inner`` runs: what a consumer does between two items is no part of
    the run. What a consumer sends or throws in goes to ``inner``, and so does closing.

    Args:
        inner: the system's own generator, or any async iterator.
        begin: makes the watcher when the first item is asked for; None from it means that nobody watches.
    """
    watcher = begin()
    step: Any = inner.__anext__
    while True:
        token = watcher.enter() if watcher is not None else None
        try:
            item = await step()
        except StopAsyncIteration:
            if watcher is not None:
                watcher.finished()
            return
        except BaseException as error:
            if watcher is not None:
                watcher.failed(error)
            raise
        finally:
            if watcher is not None:
                watcher.leave(token)
        if watcher is not None:
            watcher.saw(item)
        try:
            sent = yield item
        except GeneratorExit as error:
            if watcher is not None:
                watcher.failed(error)
            close = getattr(inner, "aclose", None)
            if close is not None:
                await close()
            raise
        except BaseException as error:
            throw = getattr(inner, "athrow", None)
            if throw is None:
                if watcher is not None:
                    watcher.failed(error)
                raise
            step = partial(throw, error)
        else:
            step = inner.__anext__ if sent is None else partial(inner.asend, sent)  # type: ignore[attr-defined]

"""Wrappers over methods of one object, and async generators on their way."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from etaoi_tui.sdk.bridge_support.async_stream import relay
from etaoi_tui.sdk.bridge_support.method_hooks import Hook, find_hook, guarded, install_hook


class Target:
    async def work(self, number: int = 1) -> int:
        """Work."""
        return number

    def stay(self) -> str:
        return "stayed"


class Slotted:
    __slots__ = ()

    def work(self) -> int:
        return 1


def counting(seen: list[str]) -> Any:
    def make(hook: Hook) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            seen.extend("seen" for _ in hook.owners[:1])
            return hook.inner(*args, **kwargs)

        return wrapper

    return make


async def test_a_wrapper_looks_like_what_it_wraps_and_is_gone_afterwards() -> None:
    target, other, seen = Target(), Target(), []
    hook = install_hook(target, "work", "me", counting(seen))
    assert hook is not None
    assert asyncio.iscoroutinefunction(target.work)
    assert (target.work.__name__, inspect.signature(target.work)) == ("work", inspect.signature(other.work))
    assert await target.work(3) == 3
    assert await other.work() == 1
    kept = target.work
    hook.let_go("me")
    assert vars(target) == {}
    assert await kept() == 1
    assert seen == ["seen"]


def test_owners_share_a_wrapper_until_the_last_has_let_go() -> None:
    target, seen = Target(), []
    hook = install_hook(target, "stay", "one", counting(seen))
    assert install_hook(target, "stay", "two", counting(seen)) is hook is find_hook(target, "stay")
    assert install_hook(target, "stay", "two", counting(seen)) is hook
    assert hook is not None
    hook.let_go("one")
    target.stay()
    hook.let_go("two")
    hook.let_go("two")
    assert (vars(target), seen) == ({}, ["seen"])


def test_attributes_of_others_are_kept() -> None:
    target, seen = Target(), []
    own = target.stay = lambda: "own"  # type: ignore[method-assign]
    hook = install_hook(target, "stay", "me", counting(seen))
    assert hook is not None
    ours = target.stay
    later = target.stay = lambda: "later " + ours()  # type: ignore[method-assign]
    hook.let_go("me")
    assert target.stay is later
    assert target.stay() == "later own"
    assert find_hook(target, "stay") is None
    target.stay = ours  # type: ignore[method-assign]
    again = install_hook(target, "stay", "me", counting(seen))
    assert again is not None
    again.let_go("me")
    assert target.stay is ours
    assert own() == "own"


def test_what_takes_no_attributes_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "etaoi_tui"):
        assert install_hook(Slotted(), "work", "me", counting([])) is None
    assert "Slotted.work cannot be watched" in caplog.text
    assert install_hook(Target(), "nothing", "me", counting([])) is None


def test_an_observers_mistakes_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    @guarded
    def mistaken() -> None:
        raise ValueError("ours")

    with caplog.at_level(logging.WARNING, "etaoi_tui"):
        mistaken()
        mistaken()
    assert caplog.text.count("ValueError: ours") == 1


class Seen:
    """A watcher that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def enter(self) -> Any:
        self.told.append("enter")
        return "token"

    def leave(self, token: Any) -> None:
        assert token == "token"
        self.told.append("leave")

    def saw(self, item: Any) -> None:
        self.told.append(item)

    def finished(self) -> None:
        self.told.append("finished")

    def failed(self, error: BaseException) -> None:
        self.told.append(type(error).__name__)


async def source(log: list[Any]) -> AsyncGenerator[Any, Any]:
    try:
        log.append((yield 1))
        try:
            yield 2
        except KeyError as error:
            yield f"caught {error}"
        log.append("last")
    finally:
        log.append("closed")


async def drive(stream: AsyncGenerator[Any, Any]) -> list[Any]:
    """Send, throw, and read to the end."""
    got = [await anext(stream), await stream.asend("sent"), await stream.athrow(KeyError("k"))]
    got += [item async for item in stream]
    return got


async def test_a_relay_passes_everything_both_ways() -> None:
    bare, watched, watcher = [], [], Seen()
    assert await drive(source(bare)) == await drive(relay(source(watched), lambda: watcher))
    assert bare == watched == ["sent", "last", "closed"]
    step = ["enter", "leave"]
    assert watcher.told == [*step, 1, *step, 2, *step, "caught 'k'", "enter", "finished", "leave"]


async def test_closing_a_relay_closes_the_source() -> None:
    log: list[Any] = []
    watcher = Seen()
    stream = relay(source(log), lambda: watcher)
    async for _ in stream:
        break
    await stream.aclose()
    assert log == ["closed"]
    assert watcher.told[-1] == "GeneratorExit"


async def test_what_the_source_raises_arrives() -> None:
    async def broken() -> AsyncGenerator[int, None]:
        yield 1
        raise LookupError("gone")

    watcher = Seen()
    with pytest.raises(LookupError, match="gone"):
        _ = [item async for item in relay(broken(), lambda: watcher)]
    assert watcher.told[-1] == "leave"
    assert "LookupError" in watcher.told


async def test_a_relay_without_a_watcher_is_the_source() -> None:
    log: list[Any] = []
    assert await drive(relay(source(log), lambda: None)) == [1, 2, "caught 'k'"]


async def test_an_iterator_that_is_no_generator_can_be_relayed() -> None:
    class Items:
        left = 3

        def __aiter__(self) -> Items:
            return self

        async def __anext__(self) -> int:
            self.left -= 1
            if self.left < 0:
                raise StopAsyncIteration
            return self.left

    assert [item async for item in relay(Items(), Seen)] == [2, 1, 0]
    stream = relay(Items(), Seen)
    await anext(stream)
    with pytest.raises(ValueError, match="mine"):
        await stream.athrow(ValueError("mine"))

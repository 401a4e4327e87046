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


def counting(calls: list[str]) -> Any:
    def make(hook: Hook) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            calls.extend("seen" for _ in hook.owners[:1])
            return hook.inner(*args, **kwargs)

        return wrapper

    return make


async def test_a_wrapper_looks_like_its_method_and_is_removed_afterwards() -> None:
    target, other, calls = Target(), Target(), []
    hook = install_hook(target, "work", "me", counting(calls))
    assert hook is not None
    assert asyncio.iscoroutinefunction(target.work)
    assert (target.work.__name__, inspect.signature(target.work)) == ("work", inspect.signature(other.work))
    assert await target.work(3) == 3
    assert await other.work() == 1
    bound_method = target.work
    hook.let_go("me")
    assert vars(target) == {}
    assert await bound_method() == 1
    assert calls == ["seen"]


def test_owners_share_a_wrapper_until_the_last_one_detaches() -> None:
    target, calls = Target(), []
    hook = install_hook(target, "stay", "one", counting(calls))
    assert install_hook(target, "stay", "two", counting(calls)) is hook is find_hook(target, "stay")
    assert install_hook(target, "stay", "two", counting(calls)) is hook
    assert hook is not None
    hook.let_go("one")
    target.stay()
    hook.let_go("two")
    hook.let_go("two")
    assert (vars(target), calls) == ({}, ["seen"])


def test_instance_attributes_of_others_stay() -> None:
    target, calls = Target(), []
    own = target.stay = lambda: "own"  # type: ignore[method-assign]
    hook = install_hook(target, "stay", "me", counting(calls))
    assert hook is not None
    ours = target.stay
    later = target.stay = lambda: "later " + ours()  # type: ignore[method-assign]
    hook.let_go("me")
    assert target.stay is later
    assert target.stay() == "later own"
    assert find_hook(target, "stay") is None
    target.stay = ours  # type: ignore[method-assign]
    again = install_hook(target, "stay", "me", counting(calls))
    assert again is not None
    again.let_go("me")
    assert target.stay is ours
    assert own() == "own"


def test_an_object_that_takes_no_attributes_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
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


class EventLog:
    """A watcher that records its calls."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def enter(self) -> Any:
        self.events.append("enter")
        return "token"

    def leave(self, token: Any) -> None:
        assert token == "token"
        self.events.append("leave")

    def saw(self, item: Any) -> None:
        self.events.append(item)

    def finished(self) -> None:
        self.events.append("finished")

    def failed(self, error: BaseException) -> None:
        self.events.append(type(error).__name__)


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
    bare, watched, watcher = [], [], EventLog()
    assert await drive(source(bare)) == await drive(relay(source(watched), lambda: watcher))
    assert bare == watched == ["sent", "last", "closed"]
    step = ["enter", "leave"]
    assert watcher.events == [*step, 1, *step, 2, *step, "caught 'k'", "enter", "finished", "leave"]


async def test_closing_a_relay_closes_the_source() -> None:
    log: list[Any] = []
    watcher = EventLog()
    stream = relay(source(log), lambda: watcher)
    async for _ in stream:
        break
    await stream.aclose()
    assert log == ["closed"]
    assert watcher.events[-1] == "GeneratorExit"


async def test_exceptions_of_the_source_reach_the_consumer() -> None:
    async def broken() -> AsyncGenerator[int, None]:
        yield 1
        raise LookupError("gone")

    watcher = EventLog()
    with pytest.raises(LookupError, match="gone"):
        _ = [item async for item in relay(broken(), lambda: watcher)]
    assert watcher.events[-1] == "leave"
    assert "LookupError" in watcher.events


async def test_a_relay_without_a_watcher_is_the_source() -> None:
    log: list[Any] = []
    assert await drive(relay(source(log), lambda: None)) == [1, 2, "caught 'k'"]


async def test_an_iterator_that_is_no_generator_can_be_relayed() -> None:
    class Items:
        remaining = 3

        def __aiter__(self) -> Items:
            return self

        async def __anext__(self) -> int:
            self.remaining -= 1
            if self.remaining < 0:
                raise StopAsyncIteration
            return self.remaining

    assert [item async for item in relay(Items(), EventLog)] == [2, 1, 0]
    stream = relay(Items(), EventLog)
    await anext(stream)
    with pytest.raises(ValueError, match="mine"):
        await stream.athrow(ValueError("mine"))

"""Spans and events made by hand, which nest with those of any framework, both ways."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import Token
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from etaoi_collector.conventions import keys
from etaoi_tui.sdk import tracer as tracing
from etaoi_tui.sdk.config import is_disabled, open_tracer
from etaoi_tui.sdk.serialize import Json, Part, snapshot
from etaoi_tui.sdk.tracer import Span, Tracer

_Function = TypeVar("_Function", bound=Callable[..., Any])

_JSON_INPUT = {"tool": ("input", "output"), "llm": ("input", "response")}
_PLAIN_CHAIN = ("inputs", "outputs")
_NOT_GIVEN = object()
_ITEMS_KEPT = 1_000

_own: list[Tracer] = []


def _tracer_for(parent: Span | None) -> Tracer | None:
    """Return the tracer of what is around, of the newest attach, or one of our own."""
    if is_disabled():
        return None
    if parent is not None:
        return parent.tracer
    attached = tracing.default_tracer()
    if attached is not None:
        return attached
    if not _own:
        _own.append(open_tracer())
    return _own[0]


class ManualSpan:
    """A span made by hand: ``with``, ``async with``, or a decorator. Made by `span`.

    As a decorator it makes a new span for every call: of functions, coroutine functions, generators and
    asynchronous generators; arguments become the input and the result the output unless ``input`` was given.
    Exceptions pass through unchanged and end the span with their text.
    """

    __slots__ = ("_input", "_kind", "_metadata", "_name", "_output", "_span", "_token", "_tracer")

    def __init__(self, name: str, kind: str, input: Any, metadata: Mapping[str, Any] | None) -> None:  # noqa: A002
        self._name = name
        self._kind = kind
        self._input = input
        self._metadata = metadata
        self._output: Any = _NOT_GIVEN
        self._span: Span | None = None
        self._token: Token[Span | None] | None = None
        self._tracer: Tracer | None = None

    @property
    def span(self) -> Span | None:
        """The span's handle while it is open; None outside, and when nothing is recorded."""
        return self._span

    def set_output(self, output: Any) -> None:
        """Say what came out of it; taken as it is now."""
        self._output = snapshot(output)

    def update(self, **data: Any) -> None:
        """Add to the span while it is open: one delta with these keys."""
        if self._span is not None and self._tracer is not None:
            self._tracer.delta(self._span, snapshot(data))

    def write(self, text: str, channel: str | None = None) -> None:
        """Add streamed text, such as a token."""
        if self._span is not None and self._tracer is not None:
            self._tracer.text(self._span, text, channel)

    def begin(self) -> Span | None:
        """Start the span without making it the current one."""
        parent = tracing.current_span()
        self._tracer = _tracer_for(parent)
        if self._tracer is None or not self._tracer.enabled:
            return None
        into, _ = _keys_of(self._kind)
        input_value = self._input
        payload = None if input_value is _NOT_GIVEN else {into: Json(snapshot(input_value))}
        self._span = self._tracer.start(
            self._kind, self._name, parent=parent, payload=payload, metadata=self._metadata
        )
        return self._span

    def finish(self, error: BaseException | None = None) -> None:
        """End the span; nothing happens when it is not open."""
        span, self._span = self._span, None
        if span is None or self._tracer is None:
            return
        _, out = _keys_of(self._kind)
        payload = None if self._output is _NOT_GIVEN else {out: Json(self._output)}
        self._tracer.end(span, payload, error=error)

    def __enter__(self) -> Self:
        if self.begin() is not None:
            self._token = tracing.enter_span(self._span)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        token, self._token = self._token, None
        if token is not None:
            tracing.leave_span(token)
        self.finish(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: _Function) -> _Function:
        """Decorate a function: every call of it is a span."""
        return cast("_Function", _decorate(self, function))

    def for_call(self, signature: inspect.Signature | None, args: Any, kwargs: Any) -> ManualSpan:
        """Return a new span for one call of a decorated function."""
        input_value = self._input
        if input_value is _NOT_GIVEN:
            input_value = _arguments(signature, args, kwargs)
        return ManualSpan(self._name, self._kind, input_value, self._metadata)


def span(
    name: str,
    *,
    kind: str = "task",
    input: Any = _NOT_GIVEN,  # noqa: A002
    metadata: Mapping[str, Any] | None = None,
) -> ManualSpan:
    """Make a span by hand.

    It lies in the span that the calling task or thread is in, a framework's or one made by hand, and what is
    started inside lies in it; across tasks, and across threads that run in a copied context
    (`contextvars.copy_context`). Without an attach it goes to the default viewer (see `open_tracer`).

    Args:
        name: what a person reads.
        kind: llm, tool, sub_agent, middleware, task, turn, retriever, or any other word.
        input: what goes in; anything.
        metadata: entries of any type; they become text.

    Example::

        with etaoi_tui.span("retrieve", kind="tool", input=query) as s:
            s.set_output(find(query))

        @etaoi_tui.span("plan")
        async def plan(goal): ...
    """
    return ManualSpan(name, kind, input, metadata)


def event(name: str, **data: Any) -> None:
    """Record that something happened: a span without duration, in the span that is current.

    Args:
        name: what a person reads.
        data: what to know about it; anything.
    """
    parent = tracing.current_span()
    tracer = _tracer_for(parent)
    if tracer is None or not tracer.enabled:
        return
    payload = {keys.INPUTS: Json(snapshot(data))} if data else None
    event_span = tracer.start("event", name, parent=parent, payload=payload)
    tracer.end(event_span, at=event_span.started_ns)


def _keys_of(kind: str) -> tuple[str, str]:
    return _JSON_INPUT.get(kind, _PLAIN_CHAIN)


def _signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def _arguments(signature: inspect.Signature | None, args: Any, kwargs: Any) -> Any:
    if signature is not None:
        try:
            bound = signature.bind_partial(*args, **kwargs).arguments
        except TypeError:
            pass  # the call itself is going to say so
        else:
            return {name: value for name, value in bound.items() if name not in ("self", "cls")}
    return {"args": args, "kwargs": kwargs}


def _decorate(manual_span: ManualSpan, function: Callable[..., Any]) -> Callable[..., Any]:
    signature = _signature_of(function)
    if inspect.isasyncgenfunction(function):
        return _decorate_async_generator(manual_span, function, signature)
    if inspect.isgeneratorfunction(function):
        return _decorate_generator(manual_span, function, signature)
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run(*args: Any, **kwargs: Any) -> Any:
            with manual_span.for_call(signature, args, kwargs) as entered:
                result = await function(*args, **kwargs)
                entered.set_output(result)
                return result

        return run

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with manual_span.for_call(signature, args, kwargs) as entered:
            result = function(*args, **kwargs)
            entered.set_output(result)
            return result

    return call


class _Steps:
    """A generator's span: current only while its body runs, not while its consumer does."""

    __slots__ = ("_items", "_manual_span", "_total")

    def __init__(self, manual_span: ManualSpan) -> None:
        self._manual_span = manual_span
        self._items: list[Any] = []
        self._total = 0
        manual_span.begin()

    def entered(self) -> AbstractContextManager[Any]:
        """Make the span current for one step."""
        span = self._manual_span.span
        return nullcontext() if span is None else tracing.use_span(span)

    def add(self, item: Any) -> None:
        """Take note of what was yielded; text streams on."""
        self._total += 1
        if self._total <= _ITEMS_KEPT:
            self._items.append(item)
        if type(item) is str:
            self._manual_span.write(item)

    def finish(self, error: BaseException | None = None) -> None:
        """End the span with what was yielded."""
        items = self._items
        if items and all(type(item) is str for item in items) and self._total == len(items):
            self._manual_span.set_output("".join(items))
        else:
            self._manual_span.set_output(items if self._total == len(items) else Part(items, self._total))
        self._manual_span.finish(error)


def _decorate_generator(
    manual_span: ManualSpan, function: Callable[..., Any], signature: inspect.Signature | None
) -> Callable[..., Any]:
    @functools.wraps(function)
    def generate(*args: Any, **kwargs: Any) -> Any:
        steps = _Steps(manual_span.for_call(signature, args, kwargs))
        source = function(*args, **kwargs)
        step, value = source.send, None
        try:
            while True:
                with steps.entered():
                    try:
                        item = step(value)
                    except StopIteration as stop:
                        steps.finish()
                        return stop.value
                steps.add(item)
                try:
                    step, value = source.send, (yield item)
                except GeneratorExit:
                    with steps.entered():
                        source.close()
                    raise
                except BaseException as thrown:
                    step, value = source.throw, thrown
        except BaseException as error:
            steps.finish(error)
            raise

    return generate


def _decorate_async_generator(
    manual_span: ManualSpan, function: Callable[..., Any], signature: inspect.Signature | None
) -> Callable[..., Any]:
    @functools.wraps(function)
    async def generate(*args: Any, **kwargs: Any) -> Any:
        steps = _Steps(manual_span.for_call(signature, args, kwargs))
        source = function(*args, **kwargs)
        step, value = source.asend, None
        try:
            while True:
                with steps.entered():
                    try:
                        item = await step(value)
                    except StopAsyncIteration:
                        steps.finish()
                        return
                steps.add(item)
                try:
                    step, value = source.asend, (yield item)
                except GeneratorExit:
                    with steps.entered():
                        await source.aclose()
                    raise
                except BaseException as thrown:
                    step, value = source.athrow, thrown
        except BaseException as error:
            steps.finish(error)
            raise

    return generate

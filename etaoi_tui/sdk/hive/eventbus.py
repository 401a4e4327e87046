"""Watching an EventBus of Hive, of any version: by its ``publish``, and by its history for what was before.

``publish`` tells more than a subscription: the order of publication, types that nobody knows, and the
publisher's own task, which keeps executions of one node apart where events do not say whose they are. Nothing
of Hive is imported, and events are read by their attributes.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from time import time_ns
from typing import Any

from etaoi_collector.conventions.hive.fold import HiveFold
from etaoi_tui.sdk.bridge_support.handle import BridgeHandle, Watch
from etaoi_tui.sdk.bridge_support.method_hooks import Hook, find_hook, guarded, install_hook
from etaoi_tui.sdk.bridge_support.shared import epoch_ns
from etaoi_tui.sdk.bridge_support.tracer_writer import TracerWriter
from etaoi_tui.sdk.tracer import SessionInfo, Tracer

_HISTORY = 100_000
SYSTEM = "hive"
_BEHIND = ("_real_bus", "_bus", "_event_bus")

_last_reported: weakref.WeakKeyDictionary[Any, tuple[Any, Callable[[], Any], Any]] = (
    weakref.WeakKeyDictionary()
)
"""For each bus, the newest event that was told and to whom: to tell a history only once to a destination."""


def watch_bus(bus: Any, tracer: Tracer, *, history: bool = True, one_session: bool = False) -> BridgeHandle:
    """Watch what is published on a bus.

    Args:
        bus: an EventBus, or a proxy of one (which is watched at the bus behind it, so nothing comes twice).
        tracer: where to record; the handle closes it.
        history: whether to record what the bus remembers from before, too.
        one_session: whether all goes into the tracer's session, and not each stream into its own.

    Raises:
        RuntimeError: the bus is watched already, with another destination.
    """
    real = real_bus(bus)
    hook = find_hook(real, "publish")
    if hook is not None and any(owner.tracer.pipeline is not tracer.pipeline for owner in hook.owners):
        raise RuntimeError(
            "This EventBus is already watched with another destination. Detach that handle first."
        )
    watch = BusWatch(real, tracer, one_session=one_session)
    watch.start(history=history and hook is None)
    return BridgeHandle(bus, watch)


def real_bus(bus: Any) -> Any:
    """Return the bus behind a proxy that stamps events and passes them on, else the bus itself."""
    for _ in range(4):
        behind = next((value for name in _BEHIND if (value := getattr(bus, name, None)) is not None), None)
        if behind is None or not callable(getattr(behind, "publish", None)):
            break
        bus = behind
    return bus


class BusWatch(Watch):
    """The hook that one `watch_bus` has put, and what is open on the bus."""

    def __init__(self, bus: Any, tracer: Tracer, *, one_session: bool) -> None:
        super().__init__(tracer)
        self._bus = bus
        self._session: SessionInfo | None = tracer.session if one_session else None
        self._writer = TracerWriter(tracer, SYSTEM, self._session)
        self._fold = HiveFold(self._writer)
        self._hook: Hook | None = None
        self._newest: Any = None

    def start(self, *, history: bool) -> None:
        """Put the hook; tell what the bus remembers first, so that live events find what is open."""
        if history:
            self._tell_history()
        self._hook = install_hook(self._bus, "publish", self, _watched_publish)

    @guarded
    def _tell_history(self) -> None:
        events = list(self._bus.get_history(limit=_HISTORY))
        events.reverse()
        last_seen = self._last_reported_event()
        for index, event in enumerate(events):
            if event is last_seen:  # by a watch before this one
                events = events[index + 1 :]
                break
        for event in events:
            self._take(event, live=False)

    def _last_reported_event(self) -> Any:
        if self.tracer.pipeline is None or not isinstance(self._bus, Hashable):
            return None
        entry = _last_reported.get(self._bus)
        if entry is None:
            return None
        key, sink, event = entry
        return event if key == self.tracer.pipeline.key and sink() is self.tracer.sink else None

    @guarded
    def record(self, event: Any) -> None:
        """Take an event that is being published."""
        self._take(event, live=True)

    @guarded
    def _take(self, event: Any, *, live: bool) -> None:
        self._newest = event
        self._writer.live = live
        at = time_ns() if live else epoch_ns(event.timestamp) or time_ns()
        self._fold.take(event, at, live=live)

    @guarded
    def stop(self) -> None:
        """Take the hook off, and end what is still open."""
        if self._hook is None:
            return
        hook, self._hook = self._hook, None
        reports = hook.owners[0] is self
        hook.let_go(self)
        if not reports:
            return
        if hook.owners:
            hook.owners[0].take_over(self._fold)
            return
        self._fold.close(time_ns())
        if self._newest is None or self.tracer.pipeline is None:
            return
        if isinstance(self._bus, Hashable):
            _last_reported[self._bus] = (self.tracer.pipeline.key, _reference(self.tracer.sink), self._newest)

    def take_over(self, fold: HiveFold) -> None:
        """Go on where another watch of the same bus stops."""
        fold.write_with(self._writer)
        self._fold = fold


def _reference(sink: Any) -> Callable[[], Any]:
    try:
        return weakref.ref(sink)
    except TypeError:  # text or None, which name a destination by themselves
        return lambda: sink


def _watched_publish(hook: Hook) -> Callable[..., Any]:
    def publish(*args: Any, **kwargs: Any) -> Any:
        # Not async: it has to set a context variable in the publisher's own task.
        if hook.owners:
            event = args[0] if args else kwargs.get("event")
            if event is not None:
                hook.owners[0].record(event)
        return hook.inner(*args, **kwargs)

    return publish

"""What `watch` gives back for a bridge, and the bookkeeping of what is still under way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from etaoi_tui.sdk.config import is_disabled, open_tracer
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.tracer import Tracer, push_default, remove_default

_CLOSE_SECONDS = 0.5


class Watch:
    """The wrappers of one handle, and how many runs they still follow.

    A detached watch follows what is under way to its end, so its tracer closes only after that.
    """

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self._lock = threading.Lock()
        self._under_way = 0
        self._stopped = False

    def stop(self) -> None:
        """Take all wrappers off; must not raise."""
        raise NotImplementedError

    def began(self) -> None:
        """Count one more run."""
        with self._lock:
            self._under_way += 1

    def ended(self) -> None:
        """Count one run less."""
        with self._lock:
            self._under_way -= 1
            last = self._stopped and self._under_way == 0
        if last:  # on the watched system's own thread: it must not wait for a viewer
            threading.Thread(
                target=self.tracer.close, args=(_CLOSE_SECONDS,), name="etaoi-tui-close", daemon=True
            ).start()

    def close(self) -> None:
        """Stop, and close the tracer when nothing is under way any more."""
        self.stop()
        with self._lock:
            self._stopped = True
            idle = self._under_way == 0
        if idle:
            self.tracer.close(_CLOSE_SECONDS)
        else:
            self.tracer.flush(_CLOSE_SECONDS)


class BridgeHandle:
    """Watches one object until `detach`. Also a context manager that detaches.

    Args:
        target: what is watched.
        watch: the wrappers; None when everything is disabled.
    """

    def __init__(self, target: Any, watch: Watch | None) -> None:
        self.target = target
        self._watch = watch
        self._lock = threading.Lock()
        self._detached = False
        if watch is not None:
            push_default(watch.tracer)

    @property
    def tracer(self) -> Tracer | None:
        """The tracer behind it; None when everything is disabled."""
        return self._watch.tracer if self._watch is not None else None

    @property
    def session_id(self) -> UUID | None:
        """The session of what belongs to no session of its own; None when everything is disabled."""
        return self._watch.tracer.session.session_id if self._watch is not None else None

    @property
    def user_id(self) -> str | None:
        """The user that was named."""
        return self._watch.tracer.session.user_id if self._watch is not None else None

    @property
    def stats(self) -> Stats:
        """What was sent, cut and dropped so far."""
        return self._watch.tracer.stats if self._watch is not None else Stats()

    @property
    def sink(self) -> Any:
        """The sink object, such as the `InMemorySink` of ``sink="memory"``."""
        return self._watch.tracer.sink if self._watch is not None else None

    def flush(self, timeout: float = _CLOSE_SECONDS) -> bool:
        """Wait until all that was recorded so far has left; whether it has."""
        return self._watch.tracer.flush(timeout) if self._watch is not None else True

    def detach(self) -> None:
        """Stop watching and leave the target as it was.

        Runs under way are followed to their end; of a bus nothing more is heard, so what is open on it ends
        with the error ``span_end_synthesized_on_detach``. Waits at most half a second for what still has to
        leave; without a viewer, not at all.
        """
        with self._lock:
            if self._detached:
                return
            self._detached = True
        if self._watch is not None:
            remove_default(self._watch.tracer)
            self._watch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()


def open_bridge(
    target: Any, options: dict[str, Any], start: Callable[[Tracer], BridgeHandle]
) -> BridgeHandle:
    """Open a tracer and let a bridge start on it.

    Args:
        target: What is watched.
        options: Those of `open_tracer`; others are refused by it, but for ``agent_id``, which does not apply.
        start: Begins to watch.

    Returns:
        What ``start`` returns; a handle that does nothing where everything is disabled.
    """
    options.pop("agent_id", None)
    if is_disabled():
        return BridgeHandle(target, None)
    tracer = open_tracer(**options)
    try:
        return start(tracer)
    except BaseException:
        tracer.close(0)
        raise

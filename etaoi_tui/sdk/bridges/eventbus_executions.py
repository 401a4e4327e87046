"""Which execution an event on a Hive EventBus belongs to: the bus does not always say."""

from __future__ import annotations

import contextvars
from collections import OrderedDict
from typing import Any

from etaoi_tui.sdk.bridges.eventbus_state import UNSAID, Execution
from etaoi_tui.sdk.bridges.shared import serialize_value, strings
from etaoi_tui.sdk.ids import bridge_uuid
from etaoi_tui.sdk.tracer import SessionInfo, Tracer

SYSTEM = "hive"
WORKER = "worker:"
_QUEEN = "queen"
_ENDED_KEPT = 1_000

_PUBLISHER: contextvars.ContextVar[Execution | None] = contextvars.ContextVar(
    "etaoi_tui_hive_execution", default=None
)


class Executions:
    """The executions and workers of one bus, open ones and those that ended lately.

    Args:
        tracer: where spans go.
        session: the session of everything; None for one per stream.
    """

    def __init__(self, tracer: Tracer, session: SessionInfo | None) -> None:
        self.tracer = tracer
        self.live = True
        """Whether events come from the publisher's own task, and not from the history."""
        self.open: dict[str, Execution] = {}
        self._session = session
        self._over: OrderedDict[str, Execution] = OrderedDict()
        self._attempts = 0

    def resolve(self, event: Any) -> Execution | None:
        """Return the execution that an event belongs to: the bus does not always say."""
        stream_id = str(event.stream_id or "")
        if stream_id.startswith(WORKER):
            return self.open.get(stream_id) or self._over.get(stream_id)
        execution_id = event.execution_id
        if execution_id:
            return self.open.get(str(execution_id)) or self._over.get(str(execution_id))
        publisher = _PUBLISHER.get() if self.live else None
        while publisher is not None and publisher.ended and publisher.outer is not None:
            publisher = publisher.outer
        if publisher is not None and self.open.get(publisher.key) is publisher:
            return publisher
        key = (stream_id, str(event.node_id or ""))
        candidates = list(reversed(self.open.values()))
        for execution in candidates:
            if key in execution.nodes:
                return execution
        for execution in candidates:
            if execution.stream_id == stream_id:
                return execution
        if publisher is not None and self._over.get(publisher.key) is publisher:
            return publisher  # what its task says after its end is still about it
        return next((execution for execution in candidates if not execution.worker), None)

    def owner(self, event: Any, at: int) -> Execution:
        """Return the open execution of a node's event; what is missing is made on the spot."""
        owner = self.resolve(event)
        if owner is not None and not owner.ended:
            return owner
        stream_id = str(event.stream_id or "")
        if stream_id.startswith(WORKER):
            return self.start_worker(stream_id, event, at)
        if event.execution_id:
            return self.start(str(event.execution_id), event, at)
        return self.start(f"{stream_id}/{event.node_id}", event, at, placeholder=True)

    def session_of(self, stream_id: str) -> SessionInfo:
        """Return the session of a stream."""
        if self._session is not None:
            return self._session
        return SessionInfo(bridge_uuid(SYSTEM, "stream", stream_id), self.tracer.session.user_id)

    def start(self, key: str, event: Any, at: int, *, placeholder: bool = False) -> Execution:
        """Start an execution; a ghost stands for one that the bus does not name."""
        stream_id = str(event.stream_id or "")
        before = self._over.pop(key, None)
        self._attempts += before is not None or placeholder
        named = f"{key}:{self._attempts}" if before is not None or placeholder else key
        given = None if placeholder else data_of(event).get("input")
        span = self.tracer.start(
            "task",
            stream_id or key,
            trace=bridge_uuid(SYSTEM, "execution", key) if not placeholder else None,
            session=self.session_of(stream_id),
            payload={"inputs": serialize_value(given)} if given is not None else None,
            metadata=metadata_of(event),
            at=at,
            span_id=bridge_uuid(SYSTEM, "task", named) if not placeholder else None,
        )
        execution = Execution(key, stream_id, span, placeholder=placeholder)
        self.open[key] = execution
        return execution

    def start_worker(self, stream_id: str, event: Any, at: int) -> Execution:
        """Start a worker's run, inside the queen's task if that is open."""
        queen = next((e for e in reversed(self.open.values()) if e.stream_id.startswith(_QUEEN)), None)
        name = stream_id.removeprefix(WORKER) or stream_id
        span = self.tracer.start(
            "sub_agent",
            name,
            parent=queen.span if queen is not None else None,
            session=queen.session if queen is not None else self.session_of(stream_id),
            metadata=metadata_of(event),
            agent_name=name,
            at=at,
        )
        worker = Execution(stream_id, stream_id, span, worker=True)
        if queen is not None:
            queen.children.append(worker)
        self.open[stream_id] = worker
        return worker

    def end(self, execution: Execution, error: str | None, at: int, outputs: Any = None) -> None:
        """End an execution and everything in it."""
        for inner in execution.everything():
            own = inner is execution
            inner.end(self.tracer, error if own else error or UNSAID, at, outputs if own else None)
            self.open.pop(inner.key, None)
            self._over[inner.key] = inner
            if len(self._over) > _ENDED_KEPT:
                self._over.popitem(last=False)

    def began(self, execution: Execution) -> None:
        """Take note that we are in the publisher's task: what it says from now on is about this execution."""
        if self.live:
            outer = _PUBLISHER.get()
            while outer is not None and outer.ended:  # a task may run one execution after another, for ever
                outer = outer.outer
            execution.outer = outer
            _PUBLISHER.set(execution)


def data_of(event: Any) -> dict[str, Any]:
    """Return an event's data as a map."""
    data = event.data
    return data if isinstance(data, dict) else {} if data is None else {"value": data}


def metadata_of(event: Any) -> dict[str, str]:
    """Return the ids that an event carries; versions differ in which there are."""
    names = ("execution_id", "stream_id", "node_id", "correlation_id", "graph_id", "run_id", "colony_id")
    return strings(**{name: getattr(event, name, None) for name in names})

"""Which execution an event on a Hive EventBus belongs to: the bus does not always say."""

from __future__ import annotations

import contextvars
from collections import OrderedDict
from typing import Any

from etaoi_collector.conventions.hive.nodes import BROKEN_OFF, UNSAID, Execution
from etaoi_collector.conventions.hive.span_writer import SpanWriter

WORKER = "worker:"
_QUEEN = "queen"
_ENDED_KEPT = 1_000
_STOPPED = ("cancelled", "span_end_synthesized")
"""How errors begin that tell of no failure."""
_IDS = ("execution_id", "stream_id", "node_id", "correlation_id", "graph_id", "run_id", "colony_id")

_PUBLISHER: contextvars.ContextVar[Execution | None] = contextvars.ContextVar(
    "etaoi_hive_execution", default=None
)


class Executions:
    """The executions and workers of one bus, open ones and those that ended lately.

    Args:
        writer: Where spans go.
    """

    def __init__(self, writer: SpanWriter) -> None:
        self.writer = writer
        self.live = True
        """Whether events come from the publisher's own task, and not from a history or a file."""
        self.open: dict[str, Execution] = {}
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
        key = node_key(event)
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

    def start(self, key: str, event: Any, at: int, *, placeholder: bool = False) -> Execution:
        """Start an execution; a placeholder stands for one that the bus does not name."""
        stream_id = str(event.stream_id or "")
        previous = self._over.pop(key, None)
        self._attempts += previous is not None or placeholder
        named = f"{key}:{self._attempts}" if previous is not None or placeholder else key
        input_value = None if placeholder else data_of(event).get("input")
        span = self.writer.start(
            "task",
            stream_id or key,
            trace=None if placeholder else ("execution", key),
            session=self.writer.session_for(stream_id),
            payload={"inputs": input_value} if input_value is not None else None,
            metadata=metadata_of(event),
            at=at,
            key=None if placeholder else ("task", named),
        )
        execution = Execution(key, stream_id, span, placeholder=placeholder)
        self.open[key] = execution
        return execution

    def start_worker(self, stream_id: str, event: Any, at: int) -> Execution:
        """Start a worker's run, inside the queen's task if that is open."""
        queen = next((e for e in reversed(self.open.values()) if e.stream_id.startswith(_QUEEN)), None)
        name = stream_id.removeprefix(WORKER) or stream_id
        task = data_of(event).get("task")
        span = self.writer.start(
            "sub_agent",
            name,
            parent=queen.span if queen is not None else None,
            session=None if queen is not None else self.writer.session_for(stream_id),
            payload={"inputs": task} if task else None,
            metadata=metadata_of(event),
            agent_name=name,
            at=at,
        )
        worker = Execution(stream_id, stream_id, span, worker=True)
        if queen is not None:
            queen.children.append(worker)
        self.open[stream_id] = worker
        return worker

    def ended_worker(self, named: str) -> bool:
        """Whether a worker's run has ended already."""
        worker = self._over.get(named)
        return worker is not None and worker.worker

    def end(self, execution: Execution, error: str | None, at: int, outputs: Any = None) -> None:
        """End an execution and everything in it.

        One failure is one: what is open inside gets its error only where that is one thing, which then
        failed.
        """
        everything = list(execution.everything())
        inside = error
        if error is not None and not error.startswith(_STOPPED) and sum(x.open_work for x in everything) > 1:
            inside = BROKEN_OFF
        for inner in everything:
            if inner is execution:
                inner.end(self.writer, error, at, outputs, inside=inside)
            else:
                inner.end(self.writer, inside or UNSAID, at, inside=inside or UNSAID)
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


def kind_of(event: Any) -> str:
    """Return an event's type as text."""
    kind = event.type
    return str(getattr(kind, "value", kind))


def data_of(event: Any) -> dict[str, Any]:
    """Return an event's data as a map."""
    data = event.data
    return data if isinstance(data, dict) else {} if data is None else {"value": data}


def node_key(event: Any) -> tuple[str, str]:
    """Return the stream and the node that an event names."""
    return str(event.stream_id or ""), str(event.node_id or "")


def metadata_of(event: Any) -> dict[str, str]:
    """Return the ids that an event carries; versions differ in which there are."""
    ids = ((name, getattr(event, name, None)) for name in _IDS)
    return {name: str(value) for name, value in ids if value not in (None, "")}

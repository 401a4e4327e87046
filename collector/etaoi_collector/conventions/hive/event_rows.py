"""Events of a Hive EventBus that are no span's start or end: a row each."""

from __future__ import annotations

from typing import Any

from etaoi_collector.conventions.event_rows import EVENT, NOISE, SAID_BY, SEVERITY, USER, WARNING
from etaoi_collector.conventions.hive.event_types import EVENT_TYPES, Display
from etaoi_collector.conventions.hive.executions import Executions, data_of, metadata_of, node_key
from etaoi_collector.conventions.hive.span_writer import SpanWriter
from etaoi_collector.conventions.hive.waiting import ANSWERED, answer_of


class EventRows:
    """Writes rows.

    Args:
        writer: Where spans go.
        executions: Knows where an event belongs.
    """

    def __init__(self, writer: SpanWriter, executions: Executions) -> None:
        self.writer = writer
        self._executions = executions

    def add(self, kind: str, event: Any, at: int) -> None:
        """Show an event where it belongs: in a turn, a node, or an execution, even one that is over."""
        display = EVENT_TYPES.get(kind, Display.ROW)
        data = data_of(event)
        metadata: dict[str, str] = {EVENT: kind, **metadata_of(event)}
        payload: dict[str, Any] = {"inputs": data}
        if display is Display.WARNING or (kind == "judge_verdict" and data.get("action") == "ESCALATE"):
            metadata[SEVERITY] = WARNING
        elif display is Display.NOISE or kind == "loop_state_changed":
            metadata.update(NOISE)
        if kind in ANSWERED and (answer := answer_of(data)):
            metadata[SAID_BY] = USER
            payload["text"] = answer
        execution = self._executions.resolve(event)
        if execution is not None and not execution.ended:
            node = execution.nodes.get(node_key(event))
            parent = node.event_parent if node is not None else execution.span
            span = self.writer.start("event", kind, parent=parent, payload=payload, metadata=metadata, at=at)
            self.writer.end(span, None, at=at)
            return
        stream_id = str(event.stream_id or "")
        if execution is None:
            metadata.update(NOISE)  # nothing that an agent did: the trace is no run
        span = self.writer.start(
            "event",
            kind,
            parent=execution.span if execution is not None else None,
            trace=None if execution is not None else ("stream", stream_id),
            session=None if execution is not None else self.writer.session_for(stream_id),
            payload=payload,
            metadata=metadata,
            at=at,
        )
        self.writer.end(span, None, at=at)

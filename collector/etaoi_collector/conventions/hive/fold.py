"""Events of a Hive EventBus as spans and rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etaoi_collector.conventions.hive.agent_cards import AgentCards
from etaoi_collector.conventions.hive.event_rows import EventRows
from etaoi_collector.conventions.hive.event_types import EVENT_TYPES, Display
from etaoi_collector.conventions.hive.executions import WORKER, Executions, data_of, kind_of, node_key
from etaoi_collector.conventions.hive.model_text import ModelText
from etaoi_collector.conventions.hive.nodes import UNSAID, Execution, Node
from etaoi_collector.conventions.hive.span_writer import SpanWriter
from etaoi_collector.conventions.hive.waiting import (
    ANSWERED,
    answer_of,
    is_answered,
    waits_for,
)

STOPPED = "cancelled: the stream was stopped"
DETACHED = "span_end_synthesized_on_detach"
LONGEST_ERROR = 4_096
_FAILED_REPORTS = frozenset({"failed", "timeout", "stopped"})


class HiveFold:
    """Folds the events of one bus.

    Args:
        writer: Where spans go.
        coalesced: Whether deltas may be merged, as in an ``events.jsonl``.
    """

    def __init__(self, writer: SpanWriter, *, coalesced: bool = False) -> None:
        self._writer = writer
        self._executions = Executions(writer)
        self._text = ModelText(writer, coalesced=coalesced)
        self._rows = EventRows(writer, self._executions)
        self._cards = AgentCards(writer)

    def take(self, event: Any, at: int, *, live: bool = True) -> None:
        """Take an event.

        Args:
            event: Anything with the attributes of Hive's ``AgentEvent``.
            at: When it was, in nanoseconds since the epoch.
            live: Whether the caller is the publisher's own task.
        """
        kind = kind_of(event)
        self._executions.live = live
        data = data_of(event)
        handle = _HANDLERS.get(kind)
        if handle is not None:
            handle(self, event, data, at)
            return
        display = EVENT_TYPES.get(kind, Display.ROW)
        if display is Display.WAIT:
            self._waiting(kind, event, data, at)
        elif display is Display.TEXT:
            node = self._node(event, at)
            if node is not None:
                node.go_on(self._writer, at)
                self._text.take(kind, node, data, at)
        else:
            self._rows.add(kind, event, at)

    def close(self, at: int) -> None:
        """End what is open, because nobody listens any more."""
        for execution in [*self._executions.open.values()]:
            self._executions.end(execution, DETACHED, at)

    def write_with(self, writer: SpanWriter) -> None:
        """Go on with another writer to the same destination."""
        self._writer = self._executions.writer = self._text.writer = writer
        self._rows.writer = self._cards.writer = writer

    # ---- executions

    def _execution_started(self, event: Any, data: dict[str, Any], at: int) -> None:
        key = str(event.execution_id or "")
        if not key or key in self._executions.open:
            self._rows.add("execution_started", event, at)
            return
        self._executions.began(self._executions.start(key, event, at))

    def _execution_ended(self, event: Any, data: dict[str, Any], at: int) -> None:
        kind = kind_of(event)
        if str(event.stream_id or "").startswith(WORKER):  # a worker's report follows, and may say otherwise
            self._worker_said(event, data, at)
            return
        execution = self._executions.resolve(event) or self._executions.owner(event, at)
        if execution.ended:
            self._rows.add(kind, event, at)
            return
        error = _error(data.get("error") or "failed") if kind == "execution_failed" else None
        self._executions.end(execution, error, at, {"outputs": data.get("output", "")})

    def _stream_stopped(self, event: Any, data: dict[str, Any], at: int) -> None:
        stopped = [e for e in self._executions.open.values() if e.stream_id == str(event.stream_id or "")]
        for execution in stopped:
            if not execution.ended:
                self._executions.end(execution, STOPPED, at)
        if not stopped:
            self._rows.add("stream_stopped", event, at)

    # ---- workers

    def _worker_said(self, event: Any, data: dict[str, Any], at: int) -> None:
        """Add what a worker's end says to its span; its report ends it."""
        named = f"{WORKER}{data.get('worker_id') or ''}"
        worker = self._executions.open.get(named) or self._executions.resolve(event)
        if worker is None or not worker.worker:
            if self._executions.ended_worker(named):
                self._rows.add(kind_of(event), event, at)
                return
            worker = self._executions.start_worker(named, event, at)
        if worker.ended:
            self._rows.add(kind_of(event), event, at)
            return
        self._writer.delta(worker.span, {"event": kind_of(event), "data": data}, at)

    def _report(self, event: Any, data: dict[str, Any], at: int) -> None:
        if "worker_id" not in data and "status" not in data:  # progress of a sub-agent, and not its end
            self._rows.add("subagent_report", event, at)
            return
        stream_id = str(event.stream_id or "")
        named = f"{WORKER}{data.get('worker_id') or ''}"
        worker = self._executions.open.get(named) or self._executions.open.get(stream_id)
        if worker is None or not worker.worker:
            if stream_id.startswith(WORKER) or not data.get("worker_id"):
                named = stream_id
            worker = self._executions.start_worker(named, event, at)
        status = str(data.get("status") or "")
        error = _error(data.get("error") or status) if status in _FAILED_REPORTS else None
        if status == "stopped":
            error = f"cancelled: {error}"
        self._executions.end(worker, error, at, {"outputs": data.get("summary") or "", "report": data})

    # ---- nodes

    def _node(self, event: Any, at: int) -> Node | None:
        """Return the node's loop that an event is about; what is missing is made on the spot.

        Once an execution is over, an event of its nodes is a row in it, and there is None to return.
        """
        owner = self._executions.resolve(event)
        if owner is None or owner.ended:
            if owner is not None and (event.execution_id or owner.worker):
                self._rows.add(kind_of(event), event, at)
                return None
            owner = self._executions.owner(event, at)
        key = node_key(event)
        return owner.nodes.get(key) or self._start_node(owner, key, at)

    def _start_node(self, owner: Execution, key: tuple[str, str], at: int) -> Node:
        stream_id, node_id = key
        name = node_id or stream_id or "node"
        if owner.worker and not owner.nodes:  # a worker is one agent, and shown once
            span = owner.span
        else:
            span = self._writer.start(
                "sub_agent",
                name,
                parent=owner.span,
                agent_name=name,
                metadata={
                    **({"node_id": name, "stream_id": stream_id} if stream_id else {"node_id": name}),
                    **self._cards.agents.links(name),
                },
                at=at,
            )
        node = owner.nodes[key] = Node(owner, key, span, name)
        node.since_ns = at
        return node

    def _node_started(self, event: Any, data: dict[str, Any], at: int) -> None:
        owner = self._executions.owner(event, at)
        key = node_key(event)
        unfinished = owner.nodes.get(key)
        if unfinished is not None:
            unfinished.end(self._writer, None if unfinished.shares_span else UNSAID, at)
        node = self._start_node(owner, key, at)
        if data:
            self._writer.delta(node.span, {"event": "node_loop_started", "data": data}, at)

    def _node_iteration(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        node.go_on(self._writer, at)
        node.begin_turn(self._writer, data.get("iteration"), at)

    def _node_completed(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        node.stalled = None  # it came to its end all the same
        self._cards.tell(node, at)
        node.go_on(self._writer, at)
        node.end(self._writer, None, at, {"outputs": "", "iterations": data.get("iterations")})
        owner = node.owner
        if owner.placeholder and not owner.nodes:
            self._executions.end(owner, None, at)

    def _stalled(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        node.stalled = _error(data.get("reason") or "stalled")
        self._rows.add("node_stalled", event, at)

    # ---- the model

    def _turn_complete(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is not None:
            self._text.turn_complete(node, data, at)
            self._cards.agents.saw(node.name, model=str(data.get("model") or ""))
            self._cards.tell(node, at)

    def _context_usage(self, event: Any, data: dict[str, Any], at: int) -> None:
        owner = self._executions.resolve(event)
        node = owner.nodes.get(node_key(event)) if owner is not None else None
        if node is not None and data.get("trigger") == "post_tool_results":
            node.model_follows_ns = at
        self._rows.add("context_usage_updated", event, at)

    def _compaction_started(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        if node.compaction is not None:
            self._writer.end(node.compaction, None, error=UNSAID, at=at)
        node.start_compaction(self._writer, {"inputs": data}, at)

    def _compacted(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        span = node.compaction or node.start_compaction(self._writer, None, at)
        self._writer.end(span, {"outputs": data}, at=at)
        node.compaction = None

    # ---- tools

    def _tool_started(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        node.go_on(self._writer, at)
        if node.llm is None and node.model_follows_ns and not node.tools:
            node.open_llm(self._writer, node.model_follows_ns)  # it answered with tool calls alone
        node.end_llm(self._writer, at)
        call_id, name = str(data.get("tool_use_id") or ""), str(data.get("tool_name") or "tool")
        self._cards.agents.saw(node.name, tools=(name,))
        payload = {"input": data.get("tool_input"), "tool_call_id": call_id}
        node.start_tool(self._writer, call_id, name, payload, at)

    def _tool_completed(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        call_id, name = str(data.get("tool_use_id") or ""), str(data.get("tool_name") or "tool")
        if call_id not in node.tools:
            node.start_tool(self._writer, call_id, name, {"tool_call_id": call_id}, at)
        result = data.get("result")
        error = _error(result or "failed") if data.get("is_error") else None
        self._writer.end(node.tools.pop(call_id), {"output": result}, error=error, at=at)
        node.add_message("tool", result, name=name, tool_call_id=call_id)
        node.since_ns = at

    # ---- waiting

    def _waiting(self, kind: str, event: Any, data: dict[str, Any], at: int) -> None:
        execution = self._executions.resolve(event)
        if execution is not None and not execution.ended:
            if kind == "execution_paused":
                execution.pause(self._writer, waits_for(kind, data), at)
            elif kind == "execution_resumed":
                execution.resume(self._writer, at)
            else:
                self._node_waiting(kind, execution, event, data, at)
        self._rows.add(kind, event, at)

    def _node_waiting(
        self, kind: str, execution: Execution, event: Any, data: dict[str, Any], at: int
    ) -> None:
        node = execution.nodes.get(node_key(event))
        if is_answered(kind, data):
            waiting = [node] if node is not None else [n for n in execution.nodes.values() if n.waits]
            for one in waiting:
                one.go_on(self._writer, at)
                if kind in ANSWERED and (answer := answer_of(data)):
                    one.add_message("human", answer)
            return
        what = waits_for(kind, data)
        if not what:
            return
        node = node or self._node(event, at)
        if node is not None and not (node.waits and kind == "loop_state_changed"):
            node.wait(self._writer, what or "an answer", at)


_Handler = Callable[[HiveFold, Any, dict[str, Any], int], None]
_HANDLERS: dict[str, _Handler] = {
    "execution_started": HiveFold._execution_started,
    "execution_completed": HiveFold._execution_ended,
    "execution_failed": HiveFold._execution_ended,
    "stream_stopped": HiveFold._stream_stopped,
    "subagent_report": HiveFold._report,
    "worker_completed": HiveFold._worker_said,
    "worker_failed": HiveFold._worker_said,
    "node_loop_started": HiveFold._node_started,
    "node_loop_iteration": HiveFold._node_iteration,
    "node_loop_completed": HiveFold._node_completed,
    "node_stalled": HiveFold._stalled,
    "llm_turn_complete": HiveFold._turn_complete,
    "context_usage_updated": HiveFold._context_usage,
    "context_compaction_started": HiveFold._compaction_started,
    "context_compacted": HiveFold._compacted,
    "tool_call_started": HiveFold._tool_started,
    "tool_call_completed": HiveFold._tool_completed,
}


def _error(text: Any) -> str:
    return str(text)[:LONGEST_ERROR] or "error"

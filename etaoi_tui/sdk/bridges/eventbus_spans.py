"""Events of a Hive EventBus as spans."""

from __future__ import annotations

from collections.abc import Callable
from time import time_ns
from typing import Any

from etaoi_tui.sdk.bridges.eventbus_executions import SYSTEM, WORKER, Executions, data_of, metadata_of
from etaoi_tui.sdk.bridges.eventbus_state import UNSAID, Execution, Node
from etaoi_tui.sdk.bridges.shared import epoch_ns, error_words, serialize_value
from etaoi_tui.sdk.ids import bridge_uuid
from etaoi_tui.sdk.serialize import snapshot
from etaoi_tui.sdk.tracer import SessionInfo, Span, Tracer

STOPPED = "stopped before it ended (cancelled?)"
DETACHED = "span_end_synthesized_on_detach"
_FAILED_REPORTS = frozenset({"failed", "timeout", "stopped"})


class BusSpans:
    """Folds the events of one bus.

    Args:
        tracer: where spans go.
        session: the session of everything; None for one per stream.
    """

    def __init__(self, tracer: Tracer, session: SessionInfo | None) -> None:
        self._tracer = tracer
        self._executions = Executions(tracer, session)

    def take(self, event: Any, *, live: bool = True) -> None:
        """Take an event as it is published, or (``live=False``) one from the bus's history."""
        kind = _kind_of(event)
        self._executions.live = live
        at = time_ns() if live else epoch_ns(event.timestamp) or time_ns()
        handle = _HANDLERS.get(kind)
        if handle is None:
            self._mark(kind, event, at)
        else:
            handle(self, event, data_of(event), at)

    def close(self) -> None:
        """End what is open, because nobody listens any more."""
        at = time_ns()
        for execution in [*self._executions.open.values()]:
            self._executions.end(execution, DETACHED, at)

    def speak_through(self, tracer: Tracer) -> None:
        """Go on with another tracer to the same destination."""
        self._tracer = self._executions.tracer = tracer

    # ---- executions

    def _execution_started(self, event: Any, data: dict[str, Any], at: int) -> None:
        key = str(event.execution_id or "")
        if not key or key in self._executions.open:
            self._mark("execution_started", event, at)
            return
        self._executions.began(self._executions.start(key, event, at))

    def _execution_ended(self, event: Any, data: dict[str, Any], at: int) -> None:
        kind = _kind_of(event)
        if str(event.stream_id or "").startswith(WORKER):  # a worker's report follows, and may say otherwise
            self._tracer.delta(
                self._executions.owner(event, at).span, {"event": kind, "data": snapshot(data)}, at=at
            )
            return
        execution = self._executions.resolve(event)
        if execution is None:
            execution = self._executions.owner(event, at)
        if execution.ended:
            self._mark(kind, event, at)
            return
        error = None
        if kind == "execution_failed":
            error = error_words(data.get("error") or "failed")
        self._executions.end(execution, error, at, {"outputs": serialize_value(data.get("output", ""))})

    def _status(self, event: Any, data: dict[str, Any], at: int) -> None:
        kind = _kind_of(event)
        execution = self._executions.resolve(event)
        if execution is None or execution.ended:
            self._mark(kind, event, at)
            return
        status = kind.removeprefix("execution_")
        self._tracer.delta(execution.span, {"status": status, **snapshot(data)}, at=at)

    def _stream_stopped(self, event: Any, data: dict[str, Any], at: int) -> None:
        stopped = [e for e in self._executions.open.values() if e.stream_id == str(event.stream_id or "")]
        for execution in stopped:
            if not execution.ended:
                self._executions.end(execution, STOPPED, at)
        if not stopped:
            self._mark("stream_stopped", event, at)

    def _report(self, event: Any, data: dict[str, Any], at: int) -> None:
        stream_id = str(event.stream_id or "")
        named = f"{WORKER}{data.get('worker_id') or ''}"
        worker = self._executions.open.get(named) or self._executions.open.get(stream_id)
        if worker is None or not worker.worker:
            if stream_id.startswith(WORKER) or not data.get("worker_id"):
                named = stream_id
            worker = self._executions.start_worker(named, event, at)
        status = str(data.get("status") or "")
        error = None
        if status in _FAILED_REPORTS:
            error = error_words(data.get("error") or status)
        self._executions.end(
            worker,
            error,
            at,
            {"outputs": serialize_value(data.get("summary") or ""), "report": snapshot(data)},
        )

    # ---- nodes

    def _node(self, event: Any, at: int) -> Node | None:
        """Return the node's loop that an event is about; what is missing is made on the spot.

        Once an execution is over, an event of its nodes is a mark beside it, and there is None to return.
        """
        owner = self._executions.resolve(event)
        if owner is None or owner.ended:
            if owner is not None and (event.execution_id or owner.worker):
                self._mark(_kind_of(event), event, at)
                return None
            owner = self._executions.owner(event, at)
        key = _place_of(event)
        return owner.nodes.get(key) or self._start_node(owner, key, at)

    def _start_node(self, owner: Execution, key: tuple[str, str], at: int) -> Node:
        name = key[1] or key[0] or "node"
        span = self._tracer.start(
            "sub_agent", name, parent=owner.span, session=owner.session, agent_name=name, at=at
        )
        node = owner.nodes[key] = Node(owner, key, span, name)
        return node

    def _node_started(self, event: Any, data: dict[str, Any], at: int) -> None:
        owner = self._executions.owner(event, at)
        key = _place_of(event)
        unfinished = owner.nodes.get(key)
        if unfinished is not None:
            unfinished.end(self._tracer, UNSAID, at)
        node = self._start_node(owner, key, at)
        if data:
            self._tracer.delta(node.span, {"event": "node_loop_started", "data": snapshot(data)}, at=at)

    def _node_iteration(self, event: Any, data: dict[str, Any], at: int) -> None:
        owner = self._executions.owner(event, at)
        key = _place_of(event)
        node = owner.nodes.get(key) or self._start_node(owner, key, at)
        node.begin_turn(self._tracer, data.get("iteration"), at)

    def _node_completed(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        node.end(self._tracer, None, at, {"outputs": "", "iterations": data.get("iterations")})
        owner = node.owner
        if owner.placeholder and not owner.nodes:
            self._executions.end(owner, None, at)

    def _stalled(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        node.stalled = str(data.get("reason") or "stalled")
        self._tracer.delta(node.span, {"event": "node_stalled", "data": snapshot(data)}, at=at)

    # ---- the model

    def _text(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        node.said = True
        self._say(node, data, at)

    def _say(self, node: Node, data: dict[str, Any], at: int) -> None:
        content = data.get("content")
        if not isinstance(content, str) or not content:
            return
        if node.texts and node.llm is not None and data.get("snapshot") == content:
            node.since_ns = at
            node.end_llm(self._tracer, at)  # its snapshot began anew: another model call
        span = node.speaking(self._tracer, at)
        node.texts.append(content)
        self._tracer.text(span, content)

    def _client_text(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        if not node.said:
            self._say(node, data, at)
        else:
            self._tracer.text(node.span, str(data.get("content") or ""), "client")

    def _reasoning(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        thought = str(data.get("content") or "")
        if thought:
            self._tracer.text(node.speaking(self._tracer, at), thought, "reasoning")

    def _turn_complete(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        told = _turn_usage(data)
        one = node.model_calls == 1
        if one and node.llm is not None:
            node.end_llm(self._tracer, at, told=told)
            return
        node.end_llm(self._tracer, at)
        # A note that has no "event" is what the span took: the viewer adds it to its sums.
        if one and node.only_call is not None:
            self._tracer.delta(node.only_call, told, at=min(at, node.call_ended_ns or at))
        else:
            self._tracer.delta(node.place, told, at=at)

    def _context_usage(self, event: Any, data: dict[str, Any], at: int) -> None:
        owner = self._executions.resolve(event)
        node = owner.nodes.get(_place_of(event)) if owner is not None else None
        if node is not None and data.get("trigger") == "post_tool_results":
            node.model_follows_ns = at
        self._mark("context_usage_updated", event, at)

    def _compaction_started(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        if node.compaction is not None:
            self._tracer.end(node.compaction, error=UNSAID, at=at)
        node.start_compaction(self._tracer, {"inputs": serialize_value(data)}, at)

    def _compacted(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        span = node.compaction or node.start_compaction(self._tracer, None, at)
        self._tracer.end(span, {"outputs": serialize_value(data)}, at=at)
        node.compaction = None

    # ---- tools

    def _tool_started(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        if node.llm is None and node.model_follows_ns and not node.tools:
            node.open_llm(self._tracer, node.model_follows_ns)  # it answered with tool calls alone
        node.end_llm(self._tracer, at)
        call_id, name = str(data.get("tool_use_id") or ""), str(data.get("tool_name") or "tool")
        payload = {"input": serialize_value(data.get("tool_input")), "tool_call_id": call_id}
        node.start_tool(self._tracer, call_id, name, payload, at)

    def _tool_completed(self, event: Any, data: dict[str, Any], at: int) -> None:
        node = self._node(event, at)
        if node is None:
            return
        call_id, name = str(data.get("tool_use_id") or ""), str(data.get("tool_name") or "tool")
        if call_id not in node.tools:
            node.start_tool(self._tracer, call_id, name, {"tool_call_id": call_id}, at)
        result = data.get("result")
        error = error_words(result or "failed") if data.get("is_error") else None
        self._tracer.end(node.tools.pop(call_id), {"output": serialize_value(result)}, error=error, at=at)
        node.since_ns = at

    # ---- everything else

    def _mark(self, kind: str, event: Any, at: int) -> None:
        """Note an event where it belongs: at a turn, a node, an execution, or after one's end beside it."""
        payload = {"event": kind, "data": snapshot(data_of(event))}
        execution = self._executions.resolve(event)
        if execution is not None and not execution.ended:
            node = execution.nodes.get(_place_of(event))
            self._tracer.delta(node.place if node is not None else execution.span, payload, at=at)
            return
        stream_id = str(event.stream_id or "")
        beside: Span | None = execution.span if execution is not None else None
        span = self._tracer.start(
            "task",
            kind,
            trace=beside.trace_id if beside is not None else bridge_uuid(SYSTEM, "stream", stream_id),
            session=beside.session if beside is not None else self._executions.session_of(stream_id),
            payload=payload,
            metadata=metadata_of(event),
            at=at,
        )
        self._tracer.end(span, at=at)


_Handler = Callable[[BusSpans, Any, dict[str, Any], int], None]
_HANDLERS: dict[str, _Handler] = {
    "execution_started": BusSpans._execution_started,
    "execution_completed": BusSpans._execution_ended,
    "execution_failed": BusSpans._execution_ended,
    "execution_paused": BusSpans._status,
    "execution_resumed": BusSpans._status,
    "stream_stopped": BusSpans._stream_stopped,
    "subagent_report": BusSpans._report,
    "node_loop_started": BusSpans._node_started,
    "node_loop_iteration": BusSpans._node_iteration,
    "node_loop_completed": BusSpans._node_completed,
    "node_stalled": BusSpans._stalled,
    "llm_text_delta": BusSpans._text,
    "client_output_delta": BusSpans._client_text,
    "llm_reasoning_delta": BusSpans._reasoning,
    "llm_turn_complete": BusSpans._turn_complete,
    "context_usage_updated": BusSpans._context_usage,
    "context_compaction_started": BusSpans._compaction_started,
    "context_compacted": BusSpans._compacted,
    "tool_call_started": BusSpans._tool_started,
    "tool_call_completed": BusSpans._tool_completed,
}


def _kind_of(event: Any) -> str:
    kind = event.type
    return str(getattr(kind, "value", kind))


def _place_of(event: Any) -> tuple[str, str]:
    return str(event.stream_id or ""), str(event.node_id or "")


def _turn_usage(data: dict[str, Any]) -> dict[str, Any]:
    """Return what an iteration took. Cached tokens are part of its input tokens; a cost of 0 is unknown."""
    told: dict[str, Any] = {}
    took, gave = data.get("input_tokens"), data.get("output_tokens")
    if isinstance(took, int) and isinstance(gave, int):
        told["usage"] = {"input_tokens": took, "output_tokens": gave, "total_tokens": took + gave}
        details = {
            "cache_read": data.get("cached_tokens"),
            "cache_creation": data.get("cache_creation_tokens"),
        }
        told["usage"]["input_token_details"] = {key: count for key, count in details.items() if count}
    for key in ("model", "stop_reason", "cost_usd", "credits", "iteration"):
        if data.get(key):
            told[key] = data[key]
    return told

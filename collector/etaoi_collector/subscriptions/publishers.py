"""Publishing into a collector, as on a Hive-style event bus: a program without a bus has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etaoi_collector.receivers.in_process import Published

Id = str | None
Data = dict[str, Any] | None

_EVENT_FIELDS = ("stream_id", "node_id", "execution_id", "correlation_id", "run_id")
_RENAMED = {"input_data": "input"}


class Publishers:
    """The convenience publishers; each may be awaited, and is done when it returns."""

    def publish(self, event: Any) -> Published:
        """Record an event.

        Args:
            event: A map with ``type``, ``stream_id`` and, where they apply, ``node_id``, ``execution_id``,
                ``data`` and ``timestamp``; or an object with these attributes, such as Hive's ``AgentEvent``.
                A type that nobody knows becomes a row.
        """
        raise NotImplementedError

    def _emit(self, kind: str, arguments: dict[str, Any]) -> Published:
        del arguments["self"]
        event: dict[str, Any] = {name: arguments.pop(name) for name in _EVENT_FIELDS if name in arguments}
        data = {_RENAMED.get(name, name): value for name, value in arguments.items() if value is not None}
        return self.publish({"type": kind, **event, "data": data})

    def emit_execution_started(
        self,
        stream_id: str,
        execution_id: str,
        input_data: Data = None,
        correlation_id: Id = None,
        run_id: Id = None,
    ) -> Published:
        """An execution began."""
        return self._emit("execution_started", locals())

    def emit_execution_completed(
        self,
        stream_id: str,
        execution_id: str,
        output: Data = None,
        correlation_id: Id = None,
        run_id: Id = None,
    ) -> Published:
        """An execution came to its end."""
        return self._emit("execution_completed", locals())

    def emit_execution_failed(
        self, stream_id: str, execution_id: str, error: str, correlation_id: Id = None, run_id: Id = None
    ) -> Published:
        """An execution failed."""
        return self._emit("execution_failed", locals())

    def emit_execution_paused(
        self, stream_id: str, node_id: Id = None, reason: str = "", execution_id: Id = None
    ) -> Published:
        """An execution waits to be resumed."""
        return self._emit("execution_paused", locals())

    def emit_execution_resumed(
        self, stream_id: str, node_id: Id = None, execution_id: Id = None
    ) -> Published:
        """A paused execution goes on."""
        return self._emit("execution_resumed", locals())

    def emit_goal_progress(self, stream_id: str, progress: float, criteria_status: Data = None) -> Published:
        """How far the goal is."""
        return self._emit("goal_progress", locals())

    def emit_constraint_violation(
        self, stream_id: str, execution_id: Id, constraint_id: str, description: str
    ) -> Published:
        """A constraint was violated: a warning."""
        return self._emit("constraint_violation", locals())

    def emit_state_changed(
        self, stream_id: str, execution_id: Id, key: str, old_value: Any, new_value: Any, scope: str = ""
    ) -> Published:
        """A key of the shared state changed."""
        return self._emit("state_changed", locals())

    def emit_node_loop_started(
        self, stream_id: str, node_id: str, execution_id: Id = None, max_iterations: int | None = None
    ) -> Published:
        """A node began its loop."""
        return self._emit("node_loop_started", locals())

    def emit_node_loop_iteration(
        self, stream_id: str, node_id: str, iteration: int, execution_id: Id = None
    ) -> Published:
        """A node asks its model again."""
        return self._emit("node_loop_iteration", locals())

    def emit_node_loop_completed(
        self, stream_id: str, node_id: str, iterations: int, execution_id: Id = None
    ) -> Published:
        """A node's loop came to its end."""
        return self._emit("node_loop_completed", locals())

    def emit_llm_text_delta(
        self, stream_id: str, node_id: str, content: str, snapshot: str, execution_id: Id = None
    ) -> Published:
        """A piece of a model's answer."""
        return self._emit("llm_text_delta", locals())

    def emit_llm_reasoning_delta(
        self, stream_id: str, node_id: str, content: str, execution_id: Id = None
    ) -> Published:
        """A piece of a model's reasoning."""
        return self._emit("llm_reasoning_delta", locals())

    def emit_llm_turn_complete(
        self,
        stream_id: str,
        node_id: str,
        stop_reason: str,
        model: str,
        input_tokens: int,
        output_tokens: int,
        cached_tokens: int = 0,
        cache_creation_tokens: int = 0,
        cost_usd: float = 0.0,
        execution_id: Id = None,
    ) -> Published:
        """What an iteration's model calls took."""
        return self._emit("llm_turn_complete", locals())

    def emit_tool_call_started(
        self,
        stream_id: str,
        node_id: str,
        tool_use_id: str,
        tool_name: str,
        tool_input: Data = None,
        execution_id: Id = None,
    ) -> Published:
        """A tool is called."""
        return self._emit("tool_call_started", locals())

    def emit_tool_call_completed(
        self,
        stream_id: str,
        node_id: str,
        tool_use_id: str,
        tool_name: str,
        result: Any = "",
        is_error: bool = False,
        execution_id: Id = None,
    ) -> Published:
        """A tool has answered."""
        return self._emit("tool_call_completed", locals())

    def emit_client_output_delta(
        self, stream_id: str, node_id: str, content: str, snapshot: str, execution_id: Id = None
    ) -> Published:
        """A piece of what a person is told."""
        return self._emit("client_output_delta", locals())

    def emit_client_input_requested(
        self,
        stream_id: str,
        node_id: str,
        prompt: str = "",
        execution_id: Id = None,
        questions: list[dict[str, Any]] | None = None,
    ) -> Published:
        """A node waits for a person."""
        return self._emit("client_input_requested", locals())

    def emit_client_input_received(
        self, stream_id: str, node_id: str, content: str = "", execution_id: Id = None
    ) -> Published:
        """A person has answered."""
        return self._emit("client_input_received", locals())

    def emit_node_internal_output(
        self, stream_id: str, node_id: str, content: str, execution_id: Id = None
    ) -> Published:
        """What a node says to nobody."""
        return self._emit("node_internal_output", locals())

    def emit_node_stalled(
        self, stream_id: str, node_id: str, reason: str = "", execution_id: Id = None
    ) -> Published:
        """A node makes no progress: a warning."""
        return self._emit("node_stalled", locals())

    def emit_node_input_blocked(
        self, stream_id: str, node_id: str, prompt: str = "", execution_id: Id = None
    ) -> Published:
        """A node cannot get its input: a warning."""
        return self._emit("node_input_blocked", locals())

    def emit_judge_verdict(
        self,
        stream_id: str,
        node_id: str,
        action: str,
        feedback: str = "",
        judge_type: str = "implicit",
        iteration: int = 0,
        execution_id: Id = None,
    ) -> Published:
        """A judge has decided."""
        return self._emit("judge_verdict", locals())

    def emit_node_retry(
        self,
        stream_id: str,
        node_id: str,
        retry_count: int,
        max_retries: int,
        error: str = "",
        execution_id: Id = None,
    ) -> Published:
        """A node tries again."""
        return self._emit("node_retry", locals())

    def emit_escalation_requested(
        self,
        stream_id: str,
        node_id: str,
        reason: str = "",
        context: str = "",
        execution_id: Id = None,
        request_id: Id = None,
    ) -> Published:
        """A node asks the queen."""
        return self._emit("escalation_requested", locals())

    def emit_custom(
        self, stream_id: str, custom_type: str, node_id: Id = None, execution_id: Id = None, **more: Any
    ) -> Published:
        """Anything else."""
        arguments = {"self": self, "stream_id": stream_id, "node_id": node_id, "execution_id": execution_id}
        return self._emit("custom", {**arguments, "custom_type": custom_type, **more})

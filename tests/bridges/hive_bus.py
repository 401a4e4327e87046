"""Stand-ins for Hive's EventBus: its first version and its newest, as far as a bridge can tell them apart."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any

FIRST_TYPES = (
    *(
        "execution_started",
        "execution_completed",
        "execution_failed",
        "execution_paused",
        "execution_resumed",
    ),
    *("state_changed", "state_conflict", "goal_progress", "goal_achieved", "constraint_violation"),
    *("stream_started", "stream_stopped", "node_loop_started", "node_loop_iteration", "node_loop_completed"),
    *("llm_text_delta", "llm_reasoning_delta", "tool_call_started", "tool_call_completed"),
    *("client_output_delta", "client_input_requested", "node_internal_output", "node_input_blocked"),
    *("node_stalled", "custom"),
)
NEWER_TYPES = (
    *("payment_required", "llm_turn_complete", "client_reasoning", "client_input_received"),
    *("client_input_committed", "client_credential_form_requested", "colony_suggestion_requested"),
    *("node_tool_doom_loop", "judge_verdict", "node_retry", "stream_ttft_exceeded", "stream_inactive"),
    *("stream_nudge_sent", "loop_state_changed", "reminder_injected", "tool_call_replay_detected"),
    *("worker_completed", "worker_failed", "context_compaction_started", "context_compacted"),
    *("context_usage_updated", "webhook_received", "escalation_requested", "execution_resurrected"),
    *("worker_colony_loaded", "colony_created", "credentials_required", "session_forked"),
    *("queen_phase_changed", "queen_identity_selected", "subagent_report", "trigger_available"),
    *("trigger_activated", "trigger_deactivated", "trigger_fired", "trigger_removed", "trigger_updated"),
    *("missed_triggers", "task_created", "task_updated", "task_deleted", "task_list_reset"),
    *("task_list_reattach_mismatch", "session_snapshot", "credential_provider_connected"),
    *("credential_provider_disconnected", "tool_catalog_refreshed", "tools_config_changed", "crm_changed"),
)
"""With the first ones, all that the newest version knows."""
REMOVED_TYPES = ("output_key_set", "edge_traversed", "node_action_plan", "escalation_received")
"""Names of versions in between."""


class Plain(str, Enum):  # noqa: UP042
    """Base of the first version's event types: `str` of one is not its value."""


class Lenient(StrEnum):
    """Base of the newest version's event types."""


def types(base: Any, *names: str) -> Any:
    return base("EventType", {name.upper(): name for name in names})


@dataclass
class FirstEvent:
    """An event of the first version."""

    type: Any
    stream_id: str
    node_id: str | None = None
    execution_id: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    timestamp: datetime = field(default_factory=datetime.now)
    correlation_id: str | None = None


@dataclass
class NewestEvent(FirstEvent):
    """An event of the newest version."""

    graph_id: str | None = None
    colony_id: str | None = None
    run_id: str | None = None
    seq: int | None = None


class FirstBus:
    """Keeps a ring of events and calls handlers in gathered tasks; their errors are swallowed."""

    EventType = types(Plain, *FIRST_TYPES)
    AgentEvent: type[FirstEvent] = FirstEvent

    def __init__(self, max_history: int = 1000) -> None:
        self._subscriptions: dict[str, tuple[set[Any], Callable[[Any], Awaitable[None]]]] = {}
        self._event_history: list[Any] = []
        self._max_history = max_history
        self._semaphore = asyncio.Semaphore(10)
        self._lock = asyncio.Lock()

    def subscribe(self, event_types: list[Any], handler: Callable[[Any], Awaitable[None]]) -> str:
        name = f"sub_{len(self._subscriptions) + 1}"
        self._subscriptions[name] = (set(event_types), handler)
        return name

    def get_history(self, event_type: Any = None, limit: int = 100) -> list[Any]:
        events = [event for event in reversed(self._event_history) if event_type in (None, event.type)]
        return events[:limit]

    def get_stats(self) -> dict[str, Any]:
        return {"total_events": len(self._event_history), "subscriptions": len(self._subscriptions)}

    async def publish(self, event: Any) -> None:
        async with self._lock:
            self._event_history.append(event)
            del self._event_history[: -self._max_history]
        handlers = [handler for kinds, handler in self._subscriptions.values() if event.type in kinds]
        if handlers:
            await asyncio.gather(*(self._call(handler, event) for handler in handlers))

    async def _call(self, handler: Callable[[Any], Awaitable[None]], event: Any) -> None:
        async with self._semaphore:
            with contextlib.suppress(Exception):
                await handler(event)

    async def emit(self, kind: str, stream_id: str, **rest: Any) -> None:
        """Publish an event of a type by its name, as the bus's many ``emit_*`` methods do."""
        is_type = kind.upper() in self.EventType.__members__
        await self.publish(self.AgentEvent(self.EventType(kind) if is_type else kind, stream_id, **rest))


class NewestBus(FirstBus):
    """Knows more types; stamps events with a number, and a tool's with its place, while it publishes them."""

    EventType = types(Lenient, *FIRST_TYPES, *NEWER_TYPES)
    AgentEvent = NewestEvent

    async def publish(self, event: Any) -> None:
        event.seq = len(self._event_history) + 1
        if event.type in ("tool_call_started", "tool_call_completed"):
            event.data["tool_index"] = 1
        await super().publish(event)


class ScopedBus(NewestBus):
    """Stamps a graph's id on events and passes them on to the real bus."""

    def __init__(self, bus: NewestBus, graph_id: str) -> None:
        self._real_bus = bus
        self._graph_id = graph_id

    async def publish(self, event: Any) -> None:
        event.graph_id = self._graph_id
        await self._real_bus.publish(event)

    def get_history(self, event_type: Any = None, limit: int = 100) -> list[Any]:
        return self._real_bus.get_history(event_type, limit)


class NodeOfTheFirst:
    """Publishes as a node of the first version does: by its own name, and without an execution."""

    def __init__(self, bus: FirstBus, name: str) -> None:
        self._bus = bus
        self._name = name

    async def say(self, kind: str, **data: Any) -> None:
        await self._bus.emit(kind, self._name, node_id=self._name, data=data)


class NodeOfTheNewest:
    """Publishes as a node of the newest version does: with its stream and execution."""

    def __init__(self, bus: FirstBus, name: str, stream_id: str, execution_id: str | None) -> None:
        self._bus = bus
        self._name = name
        self._stream_id = stream_id
        self._execution_id = execution_id

    async def say(self, kind: str, **data: Any) -> None:
        await self._bus.emit(
            kind, self._stream_id, node_id=self._name, execution_id=self._execution_id, data=data
        )

"""How each event type of Hive shows. Names of every version are here, also those that are gone.

Read in its public source: 25 types in the version of 2026-02-03, 74 in that of 2026-08-20.
"""

from __future__ import annotations

from enum import Enum


class Display(Enum):
    """What an event becomes."""

    SPAN = "start, end or part of a span"
    TEXT = "streamed text of a model call"
    WAIT = "the beginning or the end of waiting for somebody"
    ROW = "a row"
    WARNING = "a row that the jump to the next error stops at"
    NOISE = "a row that is folded away with a framework's inner steps"


EVENT_TYPES: dict[str, Display] = {
    **dict.fromkeys(
        (
            "execution_started", "execution_completed", "execution_failed", "stream_stopped",
            "node_loop_started", "node_loop_iteration", "node_loop_completed", "llm_turn_complete",
            "tool_call_started", "tool_call_completed", "context_compaction_started", "context_compacted",
            "subagent_report", "worker_completed", "worker_failed",
        ),
        Display.SPAN,
    ),
    **dict.fromkeys(
        ("llm_text_delta", "llm_reasoning_delta", "client_output_delta", "client_reasoning"), Display.TEXT
    ),
    **dict.fromkeys(
        (
            "execution_paused", "execution_resumed", "client_input_requested", "client_input_received",
            "client_credential_form_requested", "escalation_requested", "escalation_received",
            "loop_state_changed",
        ),
        Display.WAIT,
    ),
    **dict.fromkeys(
        (
            "state_changed", "goal_progress", "goal_achieved", "node_internal_output", "judge_verdict",
            "node_retry", "stream_nudge_sent", "tool_call_replay_detected", "webhook_received", "custom",
            "colony_suggestion_requested", "worker_colony_loaded", "colony_created", "session_forked",
            "queen_phase_changed", "trigger_fired", "task_created", "task_updated", "task_deleted",
            "task_list_reset", "output_key_set", "edge_traversed", "node_action_plan",
        ),
        Display.ROW,
    ),
    **dict.fromkeys(
        (
            "state_conflict", "constraint_violation", "node_input_blocked", "node_stalled",
            "node_tool_doom_loop", "stream_ttft_exceeded", "stream_inactive", "execution_resurrected",
            "payment_required", "credentials_required", "missed_triggers",
        ),
        Display.WARNING,
    ),
    **dict.fromkeys(
        (
            "stream_started", "client_input_committed", "context_usage_updated", "reminder_injected",
            "queen_identity_selected", "trigger_available", "trigger_activated", "trigger_deactivated",
            "trigger_removed", "trigger_updated", "task_list_reattach_mismatch", "session_snapshot",
            "credential_provider_connected", "credential_provider_disconnected", "tool_catalog_refreshed",
            "tools_config_changed", "crm_changed",
        ),
        Display.NOISE,
    ),
}  # fmt: skip
"""A type that is not here becomes a row."""

"""How each event type of a loomcycle stream shows that is no part of a model or tool call.

Read in the packages 0.8.0 to 1.124.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WARNINGS = frozenset(
    {
        "limit", "capability_inert", "provider_fallback", "fallback_suppressed", "model_downgraded",
        "cache_invalidated", "reasoning_invalidated", "turn_cancelled",
    }
)  # fmt: skip
"""Types that are warnings whatever they say."""

NOISE = frozenset({"queued", "admitted", "call_queued", "call_admitted"})
"""Types that folds away: what they mean stands at the run or call that waited."""

DENIALS = frozenset({"deny", "denied", "block", "blocked", "hold"})
"""Decisions of a hook that are warnings."""

ANSWERS = frozenset({"steer", "admitted", "call_admitted", "children_note"})
"""Types that end a waiting."""


def waits_for(kind: str, fields: Mapping[str, Any]) -> str:
    """Return what is waited for from an event on; empty where nothing is."""
    admission = _map(fields.get("admission"))
    if kind == "awaiting_input":
        return "your next message"
    if kind == "awaiting_review":
        review = _map(fields.get("awaiting_review"))
        holder = f" (held by {review['held_by']})" if review.get("held_by") else ""
        return f"your verdict on its answer{holder}"
    if kind == "subagent_hold":
        hold = _map(fields.get("subagent_hold"))
        return (
            f"your verdict on {hold.get('subagent') or 'a sub-agent'}" if hold.get("state") == "held" else ""
        )
    if kind in ("interruption_pending", "interrupt"):
        return str(fields.get("text") or "your answer")
    if kind == "awaiting_children":
        count = len(_map(fields.get("awaiting_children")).get("child_run_ids") or ())
        return f"{count} sub-agents" if count != 1 else "a sub-agent"
    if kind == "queued":
        position = f", place {admission['position']}" if admission.get("position") else ""
        return f"a run slot ({admission.get('reason') or 'all taken'}{position})"
    if kind == "call_queued":
        return f"a slot of {admission.get('provider') or 'the provider'}"
    return ""


def ends_waiting(kind: str, fields: Mapping[str, Any]) -> bool:
    """Whether an event ends a waiting."""
    return kind in ANSWERS or (
        kind == "subagent_hold" and _map(fields.get("subagent_hold")).get("state") == "released"
    )


def is_warning(kind: str, fields: Mapping[str, Any]) -> bool:
    """Whether an event is a warning."""
    decision = str(_map(fields.get("hook_decision")).get("decision") or "").lower()
    return kind in WARNINGS or (kind == "hook_decision" and decision in DENIALS)


def operator_message(kind: str, fields: Mapping[str, Any]) -> str:
    """Return what an operator said to the agent by an event."""
    if kind != "steer":
        return ""
    return str(_map(fields.get("user_input")).get("text") or fields.get("text") or "")


def row_data(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's fields for its row: those of the type's own record stand by themselves."""
    row_fields: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            row_fields.update(
                {str(key): item for key, item in value.items() if item not in ("", None, [], {})}
            )
        else:
            row_fields[name] = value
    return row_fields


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

"""What a Hive node waits for, in words, and what ends its waiting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from etaoi_collector.conventions.waits import question_in_words, questions_in_words

ANSWERED = frozenset({"client_input_received", "escalation_received"})
"""Events that bring what was waited for."""


def waits_for(kind: str, data: Mapping[str, Any]) -> str:
    """Return what is waited for from an event on; empty where nothing is."""
    if kind == "execution_paused":
        return f"go on: {data['reason']}" if data.get("reason") else "somebody to resume it"
    if kind == "client_input_requested":
        return _question(data) or "your answer"
    if kind == "client_credential_form_requested":
        return f"credentials: {question_in_words(data.get('title') or data.get('credential_id') or '')}"
    if kind == "escalation_requested":
        reason = data.get("reason") or data.get("context")
        return f"the queen: {question_in_words(reason)}" if reason else "the queen"
    if kind == "loop_state_changed" and data.get("activity") == "awaiting_user":
        return _question(data) or str(data.get("park_reason") or "your answer")
    return ""


def is_answered(kind: str, data: Mapping[str, Any]) -> bool:
    """Whether an event ends a waiting."""
    return kind in ANSWERED or (kind == "loop_state_changed" and data.get("activity") == "executing")


def answer_of(data: Mapping[str, Any]) -> str:
    """Return what a person said; empty where the event does not tell."""
    for key in ("content", "message", "text", "input", "answer", "response"):
        value = data.get(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, Mapping | list) and value:
            return question_in_words(value)
    return ""


def _question(data: Mapping[str, Any]) -> str:
    questions = data.get("questions")
    if isinstance(questions, list) and questions:
        return questions_in_words(
            [{k: v for k, v in q.items() if k != "id"} if isinstance(q, Mapping) else q for q in questions]
        )
    prompt = data.get("prompt")
    return question_in_words(prompt) if prompt else ""

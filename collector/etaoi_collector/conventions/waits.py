"""Waiting for a person: where the wire says so, and how a question is put into one line.

A span waits from the event whose metadata names `WAITS_FOR` on: a delta of a span that stays open, or an end.
The next event of the span that names it empty, or that ends the span without it, ends the wait; so does a run
that names the span in `RESUMES`. LangGraph's own traces tell the same by their errors (``GraphInterrupt``)
and by runs whose input is a ``Command`` with a ``resume``.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

from etaoi_collector.wire.metadata_keys import RESUMES, SYNTHETIC_END, WAITS_FOR

__all__ = [
    "RESUMES", "SYNTHETIC_END", "UNKNOWN", "WAITS_FOR", "answer_in_words", "question_in_words",
    "question_of_error", "questions_in_words",
]  # fmt: skip

LONGEST = 400
UNKNOWN = "a person"
"""What is waited for when nothing says what."""

_LEADS = (
    "question", "message", "prompt", "query", "text", "title", "instruction", "instructions", "request",
    "ask", "description", "task", "reason", "content", "value",
)  # fmt: skip
_LONGEST_VALUE = 120
_MOST_ITEMS = 12
_INTERRUPT = re.compile(r"\bInterrupt\(value=")
_INTERRUPT_ID = re.compile(r"^[0-9a-f]{32}$")
_PARSED = 100_000


def question_in_words(value: Any) -> str:
    """Put what an interrupt carries into one line: ``May I pay? amount 5``."""
    return " ".join(_words(value, 3).split())[:LONGEST] or UNKNOWN


def questions_in_words(values: list[Any]) -> str:
    """Put the questions of several interrupts into one line."""
    questions = list(dict.fromkeys(map(question_in_words, values)))
    return " · ".join(questions)[:LONGEST] or UNKNOWN


def question_of_error(error: str) -> str:
    """Read the question out of the ``repr`` of a ``GraphInterrupt``; nothing of it is run."""
    values: list[Any] = []
    for match in _INTERRUPT.finditer(error[:_PARSED]):
        value = _literal(error, match.end())
        if value is not None:
            values.append(value)
    if values:
        return questions_in_words(values)
    inner = error.partition("(")[2].removesuffix(")")
    value = _literal(inner, 0)
    return question_in_words(value) if value else UNKNOWN


def answer_in_words(value: Any) -> str:
    """Put what a run was resumed with into one line: ``approve``, ``yes, do it``."""
    if isinstance(value, Mapping) and value and all(_INTERRUPT_ID.match(str(key)) for key in value):
        # One answer for each of several questions, by the question's id.
        return " · ".join(map(answer_in_words, list(value.values())[:_MOST_ITEMS]))[:LONGEST]
    if isinstance(value, Mapping) and isinstance(value.get("decisions"), list):
        return " · ".join(map(_decision, value["decisions"][:_MOST_ITEMS]))[:LONGEST]
    if isinstance(value, list) and value and all(isinstance(one, Mapping) and "type" in one for one in value):
        return " · ".join(map(_decision, value[:_MOST_ITEMS]))[:LONGEST]
    return " ".join(_words(value, 3).split())[:LONGEST]


def _decision(decision: Any) -> str:
    if not isinstance(decision, Mapping):
        return _words(decision, 1)
    rest = {key: value for key, value in decision.items() if key != "type" and value is not None}
    return " ".join([str(decision.get("type", "")), _words(rest, 2) if rest else ""]).strip()


def _words(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return value[: 4 * LONGEST]
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if depth <= 0:
        return "…"
    if isinstance(value, Mapping):
        return _map_in_words(value, depth)
    if isinstance(value, list | tuple):
        parts = (_words(one, depth - 1) for one in value[:_MOST_ITEMS])
        between = " · " if any(isinstance(one, Mapping) for one in value[:_MOST_ITEMS]) else ", "
        return between.join(filter(None, parts))
    return ""


def _map_in_words(value: Mapping[Any, Any], depth: int) -> str:
    requests = value.get("action_requests") or value.get("action_request")
    if isinstance(requests, Mapping):
        requests = [requests]
    if isinstance(requests, list) and requests:
        actions = [_action(one) for one in requests[:_MOST_ITEMS] if isinstance(one, Mapping)]
        if actions:
            return " · ".join(actions)
    parts: list[str] = []
    lead = next((key for key in _LEADS if isinstance(value.get(key), str) and value[key]), None)
    if lead is not None:
        parts.append(str(value[lead])[: 2 * LONGEST])
    for key, item in list(value.items())[:_MOST_ITEMS]:
        item_words = _words(item, depth - 1) if key != lead else ""
        if item_words:
            parts.append(f"{key} {item_words[:_LONGEST_VALUE]}")
    return " ".join(parts)


def _action(request: Mapping[Any, Any]) -> str:
    """Put a request to approve a tool call into words: ``delete_db name "prod"``."""
    name = request.get("name") or request.get("action") or ""
    arguments = request.get("args") or request.get("arguments") or {}
    parts = [str(name)]
    if isinstance(arguments, Mapping):
        parts += [f"{key} {_quoted(item)}" for key, item in list(arguments.items())[:_MOST_ITEMS]]
    elif arguments:
        parts.append(_words(arguments, 1))
    return " ".join(filter(None, parts))


def _quoted(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value[:_LONGEST_VALUE], ensure_ascii=False)
    return _words(value, 2)[:_LONGEST_VALUE]


def _literal(text: str, start: int) -> Any:
    """Read the Python literal that begins at a place of a ``repr``; None if there is none."""
    end = _end_of_literal(text, start)
    try:
        return ast.literal_eval(text[start:end])
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def _end_of_literal(text: str, start: int) -> int:
    depth = 0
    quote = ""
    at = start
    while at < len(text) and at - start < _PARSED:
        char = text[at]
        if quote:
            if char == "\\":
                at += 1
            elif char == quote:
                quote = ""
        elif char in "'\"":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            if not depth:
                return at
            depth -= 1
        elif char == "," and not depth:
            return at
        at += 1
    return at

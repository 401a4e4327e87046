"""Messages told one by one, as events of a span or as log records (older GenAI conventions)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from etaoi_collector.translation.json_text import parse_json
from etaoi_collector.translation.messages import Message, read_messages, read_response

CHOICE = "gen_ai.choice"
DETAILS = "gen_ai.client.inference.operation.details"
"""The event of current conventions: it carries a whole call in its attributes."""
WHOLE_CALL = frozenset({DETAILS, "gen_ai.content.prompt", "gen_ai.content.completion"})
"""Events that carry a call, or one side of it, under the names that attributes of a span have."""

_SUFFIX = ".message"
_PREFIX = "gen_ai."


def is_message_event(name: str) -> bool:
    """Tell whether an event is a message of a conversation."""
    return name == CHOICE or (name.startswith(_PREFIX) and name.endswith(_SUFFIX))


def read_message_events(
    events: Iterable[tuple[str, dict[str, Any]]],
) -> tuple[list[Message], Message | None, str | None]:
    """Read a conversation.

    Args:
        events: Names and bodies, in order.

    Returns:
        The messages of the request, the response, and why the model stopped.
    """
    request: list[Message] = []
    response: Message | None = None
    reason: str | None = None
    for name, body in events:
        if name == CHOICE:
            parsed = parse_json(body.get("message"))
            message = read_response(parsed if isinstance(parsed, dict) else body)
            response = response or message
            reason = reason or (str(body["finish_reason"]) if body.get("finish_reason") else None)
        elif is_message_event(name):
            role = name[len(_PREFIX) : -len(_SUFFIX)]
            parsed = {key: parse_json(value) for key, value in body.items()}
            request += read_messages([{"role": role, **parsed}], role)
    return request, response, reason

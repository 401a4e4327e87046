"""Makes JSON of what programs hand to LangChain: messages, documents, models, anything; within bounds."""

from __future__ import annotations

import math

from . import masks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEPTH = 24
ITEMS = 20_000
"""Values of one payload that are looked at."""
TEXT = 1_000_000
"""Characters of one text."""

_MESSAGE_FIELDS = (
    "content", "type", "name", "id", "tool_calls", "invalid_tool_calls", "usage_metadata",
    "response_metadata", "additional_kwargs", "tool_call_id", "status",
)  # fmt: skip


def value(given: Any) -> Any:
    """Return a value that JSON has, whatever was given; what is too much is said in its place."""
    return _Walk().value(given, 0)


def is_message(made: dict[str, Any]) -> bool:
    """Whether this was made of a message."""
    return made.get("type") == "constructor" and "lc" in made


class _Walk:
    """One payload, with what is left of its bound."""

    def __init__(self) -> None:
        self._left = ITEMS

    def value(self, given: Any, depth: int) -> Any:
        self._left -= 1
        if given is None or given is True or given is False:
            return given
        kind = type(given)
        if kind is str:
            return masks.text(given if len(given) <= TEXT else given[:TEXT] + " … cut")
        if kind is int:
            return given if -(1 << 63) <= given < 1 << 63 else str(given)
        if kind is float:
            return given if math.isfinite(given) else str(given)
        if depth > DEPTH or self._left < 0:
            return "… more"
        try:
            return self._structure(given, depth + 1)
        except Exception:  # an object of the program that cannot be looked at
            return f"<{kind.__name__}>"

    def _structure(self, given: Any, depth: int) -> Any:
        if isinstance(given, dict):
            return {str(key): self._field(str(key), item, depth) for key, item in list(given.items())}
        if isinstance(given, (list, tuple, set, frozenset)):
            return [self.value(item, depth) for item in list(given)]
        if isinstance(given, str):
            return masks.text(str.__str__(given)[:TEXT])
        if isinstance(given, (bytes, bytearray)):
            return f"<{len(given)} bytes>"
        kind = type(given)
        if hasattr(given, "content") and hasattr(given, "additional_kwargs"):
            fields = {name: getattr(given, name, None) for name in _MESSAGE_FIELDS}
            kwargs = {
                name: self.value(item, depth) for name, item in fields.items() if item not in (None, [], {})
            }
            return {"lc": 1, "type": "constructor", "id": ["langchain", kind.__name__], "kwargs": kwargs}
        if hasattr(given, "generations") and hasattr(given, "llm_output"):
            return self._answer(given, depth)
        if hasattr(given, "page_content") and hasattr(given, "metadata"):
            return {
                "page_content": self.value(given.page_content, depth),
                "metadata": self.value(given.metadata, depth),
            }
        to_messages = getattr(given, "to_messages", None)
        if to_messages is not None:
            return {"messages": self.value(to_messages(), depth)}
        known = getattr(kind, "model_fields", None) or getattr(kind, "__dataclass_fields__", None)
        if isinstance(known, dict):
            return {name: self.value(getattr(given, name, None), depth) for name in known}
        if isinstance(given, type):
            return kind.__name__ + " " + given.__name__
        return masks.text(repr(given)[:2000])

    def _field(self, name: str, given: Any, depth: int) -> Any:
        if masks.is_secret(name) and isinstance(given, (str, bytes)) and given:
            return masks.REDACTED
        return self.value(given, depth)

    def _answer(self, given: Any, depth: int) -> dict[str, Any]:
        made = []
        for batch in given.generations:
            row = []
            for generation in batch:
                one = {"text": self.value(getattr(generation, "text", ""), depth)}
                message = getattr(generation, "message", None)
                if message is not None:
                    one["message"] = self.value(message, depth)
                info = getattr(generation, "generation_info", None)
                if info:
                    one["generation_info"] = self.value(info, depth)
                row.append(one)
            made.append(row)
        return {"generations": made, "llm_output": self.value(given.llm_output, depth)}

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


def value(raw: Any) -> Any:
    """Return a value that JSON has, whatever was given; what is too much is said in its place."""
    return _Walk().value(raw, 0)


def is_message(fields: dict[str, Any]) -> bool:
    """Whether this was made of a message."""
    return fields.get("type") == "constructor" and "lc" in fields


class _Walk:
    """One payload, with what is left of its bound."""

    def __init__(self) -> None:
        self._items_left = ITEMS

    def value(self, raw: Any, depth: int) -> Any:
        self._items_left -= 1
        if raw is None or raw is True or raw is False:
            return raw
        kind = type(raw)
        if kind is str:
            return masks.text(raw if len(raw) <= TEXT else raw[:TEXT] + " … cut")
        if kind is int:
            return raw if -(1 << 63) <= raw < 1 << 63 else str(raw)
        if kind is float:
            return raw if math.isfinite(raw) else str(raw)
        if depth > DEPTH or self._items_left < 0:
            return "… more"
        try:
            return self._structure(raw, depth + 1)
        except Exception:  # an object of the program that cannot be looked at
            return f"<{kind.__name__}>"

    def _structure(self, raw: Any, depth: int) -> Any:
        if isinstance(raw, dict):
            return {str(key): self._field(str(key), item, depth) for key, item in list(raw.items())}
        if isinstance(raw, (list, tuple, set, frozenset)):
            return [self.value(item, depth) for item in list(raw)]
        if isinstance(raw, str):
            return masks.text(str.__str__(raw)[:TEXT])
        if isinstance(raw, (bytes, bytearray)):
            return f"<{len(raw)} bytes>"
        kind = type(raw)
        if hasattr(raw, "content") and hasattr(raw, "additional_kwargs"):
            fields = {name: getattr(raw, name, None) for name in _MESSAGE_FIELDS}
            kwargs = {
                name: self.value(item, depth) for name, item in fields.items() if item not in (None, [], {})
            }
            return {"lc": 1, "type": "constructor", "id": ["langchain", kind.__name__], "kwargs": kwargs}
        if hasattr(raw, "generations") and hasattr(raw, "llm_output"):
            return self._answer(raw, depth)
        if hasattr(raw, "page_content") and hasattr(raw, "metadata"):
            return {
                "page_content": self.value(raw.page_content, depth),
                "metadata": self.value(raw.metadata, depth),
            }
        to_messages = getattr(raw, "to_messages", None)
        if to_messages is not None:
            return {"messages": self.value(to_messages(), depth)}
        declared_fields = getattr(kind, "model_fields", None) or getattr(kind, "__dataclass_fields__", None)
        if isinstance(declared_fields, dict):
            return {name: self.value(getattr(raw, name, None), depth) for name in declared_fields}
        if isinstance(raw, type):
            return kind.__name__ + " " + raw.__name__
        return masks.text(repr(raw)[:2000])

    def _field(self, name: str, raw: Any, depth: int) -> Any:
        if masks.is_secret(name) and isinstance(raw, (str, bytes)) and raw:
            return masks.REDACTED
        return self.value(raw, depth)

    def _answer(self, raw: Any, depth: int) -> dict[str, Any]:
        generations = []
        for batch in raw.generations:
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
            generations.append(row)
        return {"generations": generations, "llm_output": self.value(raw.llm_output, depth)}

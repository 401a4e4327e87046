"""What several readers ask of a message in a payload."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from etaoi_collector.conventions import keys

_SAYS_SOMETHING = (
    keys.TEXT, "content", keys.REASONING, keys.REFUSAL, keys.TOOL_CALLS, keys.INVALID_TOOL_CALLS,
    keys.SERVER_TOOL_CALLS, keys.PARTS,
)  # fmt: skip


def is_empty_answer(answer: Any) -> bool:
    """Whether an answer says nothing at all: LangChain hands an empty message over where a call failed."""
    return not answer or (isinstance(answer, dict) and not any(answer.get(key) for key in _SAYS_SOMETHING))


def tool_names(offered: Any) -> list[str]:
    """Return the names of offered tools, told as names or as the schemas that were sent."""
    names = []
    for tool in offered if isinstance(offered, list) else ():
        if isinstance(tool, str):
            names.append(tool)
        elif isinstance(tool, dict):
            function = tool.get("function")
            name = tool.get("name") or (function.get("name") if isinstance(function, dict) else None)
            names.append(str(name or tool.get("type") or "?"))
    return names


def unknown_tools(offered: Any, called: Iterable[Any]) -> list[str]:
    """Return the names among those called that were not offered; none where nothing tells what was.

    Models make names up, or call what was taken away from them.
    """
    offered_names = tool_names(offered)
    return [str(name) for name in called if name not in offered_names] if offered_names else []

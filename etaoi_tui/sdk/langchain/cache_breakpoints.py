"""Where a request asks its provider to keep a prefix: the ``cache_control`` markers of Anthropic's API, and
the ``cachePoint`` blocks of Bedrock's.

Runs on the sender's thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from etaoi_tui.sdk.langchain.tools import tool_name

_KEYS = ("cache_control", "cachePoint")


def cache_breakpoints(
    system: Any, contents: Sequence[Any], tools: Iterable[Any], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the markers of a request in the order in which a provider reads it.

    Args:
        system: the content of the system message.
        contents: the contents of the messages.
        tools: tool objects, or a provider's maps.
        settings: the call's own parameters, which may mark the request as a whole.

    Returns:
        ``{in, control}`` each, with ``index`` and ``name`` in ``tools``, ``block`` and ``blocks`` in
        ``system``, ``index``, ``block`` and ``blocks`` in ``messages``. Counted from 0.
    """
    breakpoints: list[dict[str, Any]] = []
    for index, tool in enumerate(tools):
        control = _control_of_tool(tool)
        if control:
            breakpoints.append({"in": "tools", "index": index, "name": tool_name(tool), "control": control})
    breakpoints += ({"in": "system", **mark} for mark in _in_content(system))
    for index, content in enumerate(contents) if list in map(type, contents) else ():
        if type(content) is list:
            breakpoints += ({"in": "messages", "index": index, **mark} for mark in _in_content(content))
    if control := settings.get("cache_control"):
        breakpoints.append({"in": "request", "control": control})
    return breakpoints


def _in_content(content: Any) -> list[dict[str, Any]]:
    if not isinstance(content, (list, tuple)):
        return []
    return [
        {"block": n, "blocks": len(content), "control": control}
        for n, block in enumerate(content)
        if isinstance(block, Mapping) and (control := _control_of(block))
    ]


def _control_of(block: Mapping[str, Any]) -> Any:
    for key in _KEYS:
        if control := block.get(key):
            return control
    return None


def _control_of_tool(tool: Any) -> Any:
    if isinstance(tool, Mapping):
        inner = tool.get("function")
        return _control_of(tool) or (_control_of(inner) if isinstance(inner, Mapping) else None)
    extras = getattr(tool, "extras", None)
    return _control_of(extras) if isinstance(extras, Mapping) else None

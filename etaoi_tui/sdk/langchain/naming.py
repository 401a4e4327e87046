"""What a LangChain run is called and what kind of thing it is, by the reference SDK's rules."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_HOOK = re.compile(
    r"(?:^|\.)(before_agent|after_agent|before_model|after_model|wrap_model_call|wrap_tool_call|dynamic_prompt)$"
)
_LOOP_NODES = frozenset({"model", "tools", "__start__", "__end__"})
_REACT_NODES = frozenset({"agent", "tools", "__start__", "__end__"})
_REACT_STEPS = frozenset(
    {"call_model", "should_continue", "route_tool_responses", "post_model_hook_router", "Prompt"}
)
"""What ``create_react_agent`` is made of inside."""
_STRUCTURE = frozenset({"RunnableSequence", "RunnableLambda", "RunnableParallel", "RunnablePassthrough"})


class ChainKind(NamedTuple):
    """How a chain run is shown: the wire's kind, and the two words that its metadata carries."""

    node_kind: str
    lc_chain_kind: str
    lc_hook: str | None


@functools.lru_cache(maxsize=4096)
def classify_chain(name: str, node: str | None, enters_agent: bool, in_agent: bool = False) -> ChainKind:
    """Tell plumbing from what people wrote.

    Args:
        name: the run's name.
        node: its ``langgraph_node``, if it runs in a graph.
        enters_agent: it is the first run of an agent, seen from its parent.
        in_agent: it runs in a graph that is an agent.
    """
    hook = _HOOK.search(name)
    if hook is not None:
        return ChainKind("middleware", "hook", hook.group(1))
    if enters_agent:
        return ChainKind("sub_agent", "sub_agent", None)
    if node in _LOOP_NODES:
        return ChainKind("middleware", "graph_node", None)
    if in_agent and node in _REACT_NODES:
        if name == node:
            return ChainKind("middleware", "graph_node", None)
        if name in _REACT_STEPS:
            return ChainKind("middleware", "internal", None)
    if name in _STRUCTURE:
        return ChainKind("middleware", "internal", None)
    return ChainKind("middleware", "user", None)


def agent_name(metadata: Mapping[str, Any] | None) -> str | None:
    """Return the enclosing agent's name; LangChain sometimes writes an absent one as ``"None"``."""
    if not metadata:
        return None
    name = metadata.get("lc_agent_name")
    return name if isinstance(name, str) and name and name != "None" else None


def run_name(serialized: Mapping[str, Any] | None, name: Any, fallback: str) -> str:
    """Return a run's name: the one it was given, else its class's."""
    if name:
        return str(name)
    if serialized:
        own = serialized.get("name")
        if own:
            return str(own)
        path = serialized.get("id")
        if isinstance(path, (list, tuple)) and path:
            return str(path[-1])
    return fallback

"""What LangChain and LangGraph note beside a run tells what the run is, whichever tracer carries it."""

from __future__ import annotations

from etaoi_collector.conventions import keys

HOOKS = ("before_agent", "after_agent", "before_model", "after_model")
_WRAPPERS = ("wrap_model_call", "wrap_tool_call", "dynamic_prompt")
_GRAPH_NODES = frozenset({"model", "tools", "__start__", "__end__"})


def refine(kind: str, name: str, metadata: dict[str, str]) -> str:
    """Return the node kind of a LangChain run, and note its ``lc_chain_kind`` in its metadata.

    Args:
        kind: The kind that its tracer says.
        name: The run's name.
        metadata: What LangChain noted; gets ``lc_chain_kind`` and ``lc_hook``.
    """
    if kind != "middleware" and kind != "sub_agent":
        return kind
    agent = metadata.get("lc_agent_name")
    node = metadata.get("langgraph_node")
    if agent is None and node is None and not name.startswith("Runnable"):
        return kind
    if agent and name == agent:
        metadata[keys.LC_CHAIN_KIND] = "sub_agent"
        return "sub_agent"
    if name.endswith(HOOKS):
        metadata[keys.LC_CHAIN_KIND] = "hook"
        metadata[keys.LC_HOOK] = next(hook for hook in HOOKS if name.endswith(hook))
    elif name.endswith(_WRAPPERS):
        metadata[keys.LC_CHAIN_KIND] = "hook"
    elif name.startswith("Runnable"):
        metadata[keys.LC_CHAIN_KIND] = "internal"
    elif node in _GRAPH_NODES and name == node:
        metadata[keys.LC_CHAIN_KIND] = "graph_node"
    else:
        metadata[keys.LC_CHAIN_KIND] = "user"
    return kind

"""Which graphs are agents, and what an agent is called that nobody gave a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from etaoi_tui.sdk.langchain.frame_inspection import owners_name

if TYPE_CHECKING:
    from etaoi_tui.sdk.langchain.runs import Runs

UNNAMED_GRAPH = "LangGraph"
"""What LangGraph calls a graph without a name."""

_AGENT_MAKERS = frozenset({"langchain_create_agent", "deepagents"})
_REACT_MODULE = "langgraph.prebuilt.chat_agent_executor"
_MOST_NODES = 64


NO_GRAPH = 0
IN_AGENT = 1
"""A step of a graph that is an agent."""
PLAIN_GRAPH = 2
"""A graph's own run."""
AGENT_GRAPH = 3
"""The run of a graph that is an agent."""


class ChainRole(NamedTuple):
    """What a chain run is in its agent."""

    name: str
    agent: str | None
    """The agent that it belongs to."""
    enters: bool
    """It is that agent's own run."""
    graph: int
    """What it has to do with graphs: `NO_GRAPH`, `IN_AGENT`, `PLAIN_GRAPH` or `AGENT_GRAPH`."""


def explicit_name(graph: Any) -> str | None:
    """Return the name that a graph was given."""
    name = getattr(graph, "name", None)
    return name if isinstance(name, str) and name and name != UNNAMED_GRAPH else None


def is_agent_graph(runs: Runs, graph: Any) -> bool:
    """Whether a graph is an agent: made by ``create_agent``, deepagents or ``create_react_agent``."""
    is_agent = runs.agent_graphs.get(graph)
    if is_agent is None:
        is_agent = runs.agent_graphs[graph] = _is_agent(graph)
    return is_agent


def _is_agent(graph: Any) -> bool:
    config = getattr(graph, "config", None)
    metadata = config.get("metadata") if isinstance(config, Mapping) else None
    if isinstance(metadata, Mapping) and metadata.get("ls_integration") in _AGENT_MAKERS:
        return True
    nodes = getattr(getattr(graph, "builder", None), "nodes", None)
    if not isinstance(nodes, dict):
        return False
    return any(_REACT_MODULE in _modules_of(node) for node in list(nodes.values())[:_MOST_NODES])


def _modules_of(node: Any) -> list[str]:
    """Return the modules that a node's functions come from."""
    runnable = getattr(node, "runnable", None)
    functions = (getattr(runnable, "func", None), getattr(runnable, "afunc", None))
    return [str(getattr(function, "__module__", "")) for function in functions]


def name_of_agent(runs: Runs, graph: Any, metadata: Mapping[str, Any], node: str | None) -> str:
    """Name a graph: as it was named, else by its node, its variable or file, or the server's ``graph_id``."""
    name = explicit_name(graph) or node
    if name is not None:
        return name
    agent_name = runs.graph_names.get(graph)
    if agent_name is None:
        chosen_name = owners_name(graph) or metadata.get("graph_id") or metadata.get("assistant_id")
        agent_name = runs.graph_names[graph] = str(chosen_name) if chosen_name else UNNAMED_GRAPH
    return agent_name


def agent_within(above: Any, inherited: str | None) -> str | None:
    """Return the agent that a run belongs to.

    Args:
        above: the run that it lies in.
        inherited: the agent that its metadata names: what an agent without LangChain's own mark is called
            is not in there, but the agent around it is.
    """
    if above is None or (inherited is not None and inherited != above.inherited_agent):
        return inherited
    agent: str | None = above.agent
    return agent or inherited


def chain_role(
    runs: Runs, graph: Any, name: str, metadata: Mapping[str, Any], inherited: str | None, above: Any
) -> ChainRole:
    """Tell which agent a chain run belongs to, and whether it is one.

    Args:
        runs: what is known of graphs.
        graph: the graph whose own run it is; None for all other runs.
        name: the run's name.
        metadata: its metadata.
        inherited: the agent that its metadata names.
        above: the run that it lies in.
    """
    agent = agent_within(above, inherited)
    outer = above.agent if above is not None else None
    enters = (agent is not None and agent != outer) or metadata.get("ls_agent_type") == "subagent"
    if graph is None:
        around = above.graph if above is not None else NO_GRAPH
        inside = IN_AGENT if around == IN_AGENT or around == AGENT_GRAPH else NO_GRAPH
        return ChainRole(name, agent, enters, inside)
    is_agent = is_agent_graph(runs, graph)
    kind = AGENT_GRAPH if is_agent else PLAIN_GRAPH
    if enters:
        return ChainRole(name, agent, True, kind)
    node = metadata.get("langgraph_node") if above is not None else None
    if name == UNNAMED_GRAPH:
        name = name_of_agent(runs, graph, metadata, node)
        named = False
    else:
        named = explicit_name(graph) is not None
    if is_agent or (named and above is not None):
        return ChainRole(name, name, True, kind)
    return ChainRole(name, agent, False, kind)

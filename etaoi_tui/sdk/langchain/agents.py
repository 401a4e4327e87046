"""The agent's snapshot: one ``agent_context`` span that says what the agent is made of."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from etaoi_collector.conventions import keys
from etaoi_tui.sdk.ids import id_text
from etaoi_tui.sdk.langchain.agent_graphs import UNNAMED_GRAPH, name_of_agent
from etaoi_tui.sdk.langchain.introspection import AgentParts, hooks_of, inspect_agent, model_beneath
from etaoi_tui.sdk.langchain.messages import text_of_message
from etaoi_tui.sdk.langchain.runs import Runs
from etaoi_tui.sdk.langchain.tools import describe_tool
from etaoi_tui.sdk.tracer import SessionInfo, Tracer

_PARAMETERS = (
    "temperature", "max_tokens", "top_p", "top_k", "stop", "seed", "reasoning_effort", "reasoning", 
    "thinking", "streaming", "timeout", "max_retries", "base_url",
)  # fmt: skip
_KINDS = ("before_model", "after_model", "wrap_model_call")
"""The hooks that the wire's middleware ``kind`` knows; all hooks are in ``hooks``."""
_MCP_TRANSPORTS = {
    "stdio": "stdio",
    "sse": "sse",
    "streamable_http": "http",
    "http": "http",
    "websocket": "http",
}


def describe_agent(agent: Any, agent_id: str | None = None, name: str | None = None) -> dict[str, Any]:
    """Return an agent's snapshot. What cannot be found is left out; nothing of the agent's code is run.

    ``name`` is what an agent is called that was given no name.
    """
    parts = inspect_agent(agent)
    payload: dict[str, Any] = {"framework": "langchain"}
    if display_name := _explicit_name(agent) or name:
        payload[keys.AGENT_NAME] = display_name
    if agent_id:
        payload["agent_id"] = agent_id
    prompt = _describe_prompt(parts)
    if prompt:
        payload[keys.SYSTEM_PROMPT] = prompt
    payload[keys.TOOLS] = [describe_tool(tool) for tool in parts.tools]
    if parts.model is not None:
        payload[keys.LLM] = _describe_model(parts.model)
    payload[keys.MCP_SERVERS] = _describe_mcp(parts.tools)
    if graph := _describe_graph(agent):
        payload[keys.GRAPH] = graph
    payload[keys.MIDDLEWARE] = [_describe_middleware(item) for item in parts.middleware]
    payload[keys.HASH] = hashlib.sha256(_canonical(payload)).hexdigest()[:16]
    return payload


def agent_display_name(agent: Any) -> str | None:
    """Return the name that the agent's own runs carry, or the object's."""
    config = getattr(agent, "config", None)
    if isinstance(config, Mapping):
        metadata = config.get("metadata")
        name = metadata.get("lc_agent_name") if isinstance(metadata, Mapping) else None
        if isinstance(name, str) and name:
            return name
    name = getattr(agent, "name", None)
    return name if isinstance(name, str) and name else None


class PreparedSnapshot:
    """An attached agent's snapshot, until the first of its runs tells which session it belongs to."""

    def __init__(self, runs: Runs, agent: Any, agent_id: str | None) -> None:
        name = None
        if hasattr(agent, "get_state"):
            config = getattr(agent, "config", None)
            metadata = config.get("metadata") if isinstance(config, Mapping) else None
            name = name_of_agent(runs, agent, metadata or {}, None)
        self._agent = agent
        self._payload = describe_agent(agent, agent_id, name)

    def send(self, tracer: Tracer, runs: Runs, session: SessionInfo) -> Mapping[str, str]:
        """Send it, unless it is known by now; return the metadata that points to it."""
        payload = self._payload
        key = (tracer.session.session_id, "hash", payload[keys.HASH])
        context_metadata = runs.contexts.get(key)
        if context_metadata is None:
            context_metadata = _send(
                tracer, session, payload, payload.get(keys.AGENT_NAME), payload[keys.HASH]
            )
            runs.contexts[key] = context_metadata
        _remember(tracer, runs, self._agent, context_metadata)
        return context_metadata


def snapshot_of_graph(
    tracer: Tracer,
    runs: Runs,
    graph: Any,
    agent_id: str | None,
    session: SessionInfo,
    display_name: str | None = None,
) -> Mapping[str, str]:
    """Send the snapshot of a graph that is about to run, once; return the metadata that points to it.

    A named agent counts as the same when it is built anew, as many programs do for each request. The
    snapshot is made on the sender's thread, so that such a program does not pay for it.

    ``session`` is that of the run, and ``display_name`` what a graph is called that was given no name.
    """
    owner = tracer.session.session_id
    name = _explicit_name(graph)
    if name:
        context_metadata = runs.contexts.get((owner, "name", name))
    else:
        context_metadata = runs.graphs.get(graph, {}).get(owner)
    if context_metadata is None:
        make = functools.partial(describe_agent, graph, agent_id, display_name)
        context_metadata = _send(tracer, session, make, name or display_name, None)
        _remember(tracer, runs, graph, context_metadata)
    return context_metadata


def _remember(tracer: Tracer, runs: Runs, agent: Any, context_metadata: Mapping[str, str]) -> None:
    session = tracer.session.session_id
    if name := _explicit_name(agent):
        runs.contexts[session, "name", name] = context_metadata
    elif hasattr(agent, "get_state"):
        runs.graphs.setdefault(agent, {})[session] = context_metadata


def _explicit_name(agent: Any) -> str | None:
    name = agent_display_name(agent)
    return None if name == UNNAMED_GRAPH else name


def _send(
    tracer: Tracer, session: SessionInfo, payload: Any, name: str | None, digest: str | None
) -> Mapping[str, str]:
    meta = {"agent.context_hash": digest} if digest else {}
    if name:
        meta["lc_agent_name"] = name
    span = tracer.start(
        "agent_context",
        name or "agent_context",
        session=session,
        payload=payload,
        metadata=meta,
        agent_name=name,
    )
    tracer.end(span, at=span.started_ns)
    context_metadata = {"agent.context_id": id_text(span.span_id)}
    if digest:
        context_metadata["agent.context_hash"] = digest
    return context_metadata


def _canonical(payload: dict[str, Any]) -> bytes:
    return msgspec.json.encode(payload, order="sorted", enc_hook=str)


def _describe_prompt(parts: AgentParts) -> dict[str, Any] | None:
    if parts.prompt is None:
        return None
    text = text_of_message(parts.prompt)
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]
    return {"text": text, "hash": digest, "source": "static"}


def _describe_model(model: Any) -> dict[str, Any]:
    beneath, bound = model_beneath(model)
    fields = {**getattr(beneath, "__dict__", {}), **bound}
    description: dict[str, Any] = {}
    try:
        params = beneath._get_ls_params()  # what LangChain itself shows of a model; it holds no secrets
    except Exception:
        params = {}
    description["provider"] = (
        params.get("ls_provider") or getattr(beneath, "_llm_type", None) or type(beneath).__name__
    )
    description["model"] = params.get("ls_model_name") or fields.get("model_name") or fields.get("model")
    description["class"] = type(beneath).__name__
    for name in _PARAMETERS:
        value = fields.get(name)
        if value is not None and isinstance(value, (str, int, float, bool, list, dict)):
            description[name] = value
    return {key: value for key, value in description.items() if value is not None}


def _describe_middleware(middleware: Any) -> dict[str, Any]:
    hooks = hooks_of(middleware)
    kind = next((hook for hook in _KINDS if hook in hooks), "other")
    wrap = getattr(type(middleware), "wrap_model_call", None)
    if getattr(wrap, "__qualname__", "").startswith("dynamic_prompt."):
        kind = "dynamic_prompt"
    description = {
        "name": str(getattr(middleware, "name", None) or type(middleware).__name__),
        "kind": kind,
        "class": f"{type(middleware).__module__}.{type(middleware).__qualname__}",
        "hooks": hooks,
    }
    tools = getattr(middleware, "tools", None)
    if isinstance(tools, (list, tuple)) and tools:
        description["tools"] = [str(getattr(tool, "name", tool)) for tool in tools]
    return description


def _describe_mcp(tools: list[Any]) -> list[dict[str, Any]]:
    """Group tools by the MCP server they come from (langchain-mcp-adapters, or a provider's own)."""
    servers: dict[str, dict[str, Any]] = {}
    for tool in tools:
        if isinstance(tool, Mapping):
            if tool.get("type") != "mcp":
                continue
            name, transport = str(tool.get("server_label") or tool.get("name") or "mcp"), "http"
        else:
            function: Any = getattr(tool, "coroutine", None)
            code = getattr(function, "__code__", None)
            if code is None or "mcp" not in getattr(function, "__module__", ""):
                continue
            cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=False))
            connection = _cell(cells, "connection")
            connection = connection if isinstance(connection, Mapping) else {}
            name = str(
                _cell(cells, "server_name") or connection.get("url") or connection.get("command") or "mcp"
            )
            transport = _MCP_TRANSPORTS.get(str(connection.get("transport")), "")
        server = servers.setdefault(name, {"name": name, "tool_count": 0})
        server["tool_count"] += 1
        if transport:
            server["transport"] = transport
    return list(servers.values())


def _cell(cells: Mapping[str, Any], name: str) -> Any:
    try:
        return cells[name].cell_contents if name in cells else None
    except ValueError:
        return None


def _describe_graph(agent: Any) -> dict[str, Any] | None:
    try:
        graph = agent.get_graph()
        nodes = [{"id": str(node.id), "label": str(node.name), "kind": None} for node in graph.nodes.values()]
        edges = [
            {
                "src": str(edge.source),
                "dst": str(edge.target),
                "condition": (str(edge.data) if edge.data else "conditional") if edge.conditional else None,
            }
            for edge in graph.edges
        ]
    except Exception:  # not every Runnable can draw itself
        return None
    entry = next((edge["dst"] for edge in edges if edge["src"] == "__start__"), None)
    return {"nodes": nodes, "edges": edges, "entrypoint": entry}

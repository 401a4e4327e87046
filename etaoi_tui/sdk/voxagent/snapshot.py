"""What a voxagent agent is made of: prompt, model, tools with schemas, sub-agents, MCP servers."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from etaoi_collector.conventions import keys
from etaoi_tui.sdk.ids import id_text
from etaoi_tui.sdk.tracer import Tracer
from etaoi_tui.sdk.voxagent.models import tool_names


class AgentCard:
    """Tells what an agent is, when it is first met and whenever that has changed."""

    __slots__ = ("_hash", "_looks", "_metadata")

    def __init__(self) -> None:
        self._looks: object = None
        self._hash = ""
        self._metadata: dict[str, str] = {}

    def tell(self, tracer: Tracer, agent: Any, agent_id: str | None = None) -> dict[str, str]:
        """Record the agent's snapshot if it is new; returns metadata that links spans to it."""
        looks = _look_of(agent)
        if looks == self._looks:
            return self._metadata
        self._looks = looks
        fields = {**snapshot_of(agent), "agent_id": agent_id}
        encoded = msgspec.json.encode(fields, enc_hook=str, order="deterministic")
        digest = hashlib.sha256(encoded).hexdigest()[:16]
        if digest != self._hash:
            self._hash = digest
            name = agent.name or "agent"
            span = tracer.start(
                "agent_context", name, payload={**fields, "hash": digest}, agent_name=name, persistent=True
            )
            tracer.end(span, at=span.started_ns)
            self._metadata = {"agent.context_id": id_text(span.span_id), "agent.context_hash": digest}
        return self._metadata


def _look_of(agent: Any) -> object:
    """Return what a change of the agent would change; cheap, since every run asks."""
    tools = [(id(tool), tool.name, tool.description) for tool in agent.tools]
    return agent.name, agent.system_prompt, agent.model_string, tools, len(agent.toolsets)


def snapshot_of(agent: Any) -> dict[str, Any]:
    """Return an agent's parts in the shape of an ``agent_context`` payload, with its sub-agents beside it."""
    name = agent.name or "agent"
    tools, sub_agents = [], []
    for tool in agent.tools:
        schema = msgspec.json.encode(tool.parameters, enc_hook=str).decode()
        tools.append({"name": tool.name, "description": tool.description, "args_schema": schema})
        sub = getattr(tool, "agent", None)
        if sub is not None and hasattr(sub, "model_string"):
            sub_agents.append(
                {
                    "name": tool.name,
                    "llm": sub.model_string,
                    keys.SYSTEM_PROMPT: sub.system_prompt,
                    "tools": tool_names([{"name": inner.name} for inner in sub.tools]),
                }
            )
    nodes = [{"id": name, "label": name, "kind": "agent"}]
    nodes += [
        {"id": f"{name}/{sub['name']}", "label": sub["name"], "kind": "sub_agent"} for sub in sub_agents
    ]
    return {
        "framework": "voxagent",
        keys.AGENT_NAME: name,
        keys.SYSTEM_PROMPT: agent.system_prompt,
        "llm": agent.model_string,
        "tools": tools,
        "sub_agents": sub_agents,
        keys.MCP_SERVERS: [server_name(server) or type(server).__name__ for server in agent.toolsets],
        "middleware": [],
        "graph": {
            "nodes": nodes,
            "edges": [{"src": name, "dst": node["id"]} for node in nodes[1:]],
            "entrypoint": name,
        },
    }


def server_name(server: Any) -> str | None:
    """Return the name that voxagent puts before the names of an MCP server's tools."""
    name = getattr(server, "name", None) or getattr(server, "tool_prefix", None)
    return None if name is None else str(name)

"""What agents are made of, as far as their runs tell: for systems that describe no agent by itself."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import msgspec

CONTEXT_ID = "agent.context_id"
"""Metadata of a start, or of a delta: the span id of the agent's snapshot."""
CONTEXT_HASH = "agent.context_hash"
"""Metadata beside it: what the snapshot says, in short."""

KNOWN_FROM = "what its runs told, and the tools that it has called"
_AGENTS_KEPT = 1_000
_MOST_TOOLS = 200


class SeenAgent:
    """One agent, by its name."""

    __slots__ = ("digest", "links", "model", "system_prompt", "tools")

    def __init__(self) -> None:
        self.model = ""
        self.system_prompt = ""
        self.tools: dict[str, None] = {}
        self.digest = ""
        """What was told of it last."""
        self.links: dict[str, str] = {}
        """Metadata that links spans to its newest snapshot."""


class SeenAgents:
    """The agents of one system; those that were not seen for long are forgotten beyond a bound.

    Args:
        framework: Whose they are.
    """

    def __init__(self, framework: str) -> None:
        self._framework = framework
        self._agents: OrderedDict[str, SeenAgent] = OrderedDict()

    def links(self, name: str) -> dict[str, str]:
        """Return metadata that links a span to an agent's newest snapshot; empty before there is one."""
        agent = self._agents.get(name)
        return agent.links if agent is not None else {}

    def saw(self, name: str, *, model: str = "", system_prompt: str = "", tools: Iterable[str] = ()) -> None:
        """Learn something of an agent; what is empty says nothing."""
        agent = self._agents.get(name)
        if agent is None:
            agent = self._agents[name] = SeenAgent()
            if len(self._agents) > _AGENTS_KEPT:
                self._agents.popitem(last=False)
        agent.model = model or agent.model
        agent.system_prompt = system_prompt or agent.system_prompt
        for tool in tools:
            if len(agent.tools) < _MOST_TOOLS:
                agent.tools[tool] = None

    def news(self, name: str) -> dict[str, Any] | None:
        """Return an agent's snapshot, if it says anything new; call `link_snapshot` then."""
        agent = self._agents.get(name)
        if agent is None or not (agent.model or agent.system_prompt or agent.tools):
            return None
        node = {"id": name, "label": name, "kind": "agent"}
        payload = {
            "framework": self._framework,
            "agent_name": name,
            "system_prompt": agent.system_prompt,
            "llm": {"model": agent.model} if agent.model else None,
            "tools": [{"name": tool, "description": "", "args_schema": ""} for tool in agent.tools],
            "middleware": [],
            "graph": {"nodes": [node], "edges": [], "entrypoint": name},
            "known_from": KNOWN_FROM,
        }
        digest = hashlib.sha256(msgspec.json.encode(payload)).hexdigest()[:16]
        if digest == agent.digest:
            return None
        agent.digest = digest
        return {**payload, "hash": digest}

    def link_snapshot(self, name: str, span_id: str) -> dict[str, str]:
        """Remember the span of a snapshot that was sent; return the metadata that links to it."""
        agent = self._agents[name]
        agent.links = {CONTEXT_ID: span_id, CONTEXT_HASH: agent.digest}
        return agent.links

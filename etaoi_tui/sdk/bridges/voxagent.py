"""Agents of voxagent."""

from __future__ import annotations

import re
from typing import Any

from etaoi_tui.sdk.bridge_support.handle import open_bridge
from etaoi_tui.sdk.bridges.door import Bridge, is_instance
from etaoi_tui.sdk.config import resolve_agent_id
from etaoi_tui.sdk.redact import REDACTED


class VoxagentBridge(Bridge):
    """Watches a ``voxagent.Agent``; the secrets that it declares are masked as well."""

    name = "a voxagent Agent"

    def claims(self, target: Any) -> bool:
        """Whether it is an agent of voxagent."""
        return is_instance(target, "voxagent.agent.core", "Agent")

    def watch(self, target: Any, options: dict[str, Any]) -> Any:
        """Show its runs."""
        from etaoi_tui.sdk.voxagent.agent import secret_rules, watch_agent

        options["redact"] = _with_rules(options.get("redact"), secret_rules(target))
        agent_id = resolve_agent_id(options.pop("agent_id", None))
        return open_bridge(target, options, lambda tracer: watch_agent(target, tracer, agent_id))


def _with_rules(redact: Any, rules: list[Any]) -> Any:
    """Add rules of the watched system to what a user gave as ``redact``."""
    if not rules or redact is False:
        return redact
    if redact is None or redact is True:
        return rules
    if callable(redact):
        return lambda text: redact(_masked(text, rules))
    own_rules = [redact] if isinstance(redact, (str, re.Pattern)) else list(redact)
    return [*own_rules, *rules]


def _masked(text: str, rules: list[Any]) -> str:
    for rule in rules:
        text = rule.sub(REDACTED, text)
    return text


BRIDGE = VoxagentBridge

"""Snapshots of the agents on a Hive bus, made of what their events tell: model and tools."""

from __future__ import annotations

from etaoi_collector.conventions.hive.nodes import Node
from etaoi_collector.conventions.hive.span_writer import SpanWriter
from etaoi_collector.conventions.seen_agents import SeenAgents


class AgentCards:
    """Tells what a node is made of, when that is first known and whenever it has changed.

    Args:
        writer: Where spans go.
    """

    def __init__(self, writer: SpanWriter) -> None:
        self.writer = writer
        self.agents = SeenAgents("hive")

    def tell(self, node: Node, at: int) -> None:
        """Send a node's snapshot if it says anything new, and link the node's span to it."""
        snapshot = self.agents.news(node.name)
        if snapshot is None:
            return
        span = self.writer.start(
            "agent_context",
            node.name,
            session=node.span.session,
            payload=snapshot,
            agent_name=node.name,
            at=at,
        )
        self.writer.end(span, None, at=at)
        self.writer.delta(node.span, {}, at, self.agents.link_snapshot(node.name, self.writer.id_of(span)))

"""Spans out of events: what a test looks at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from etaoi_collector.conventions.waits import SYNTHETIC_END


class SpanNode:
    """One span as its events describe it."""

    def __init__(self, start: dict[str, Any]) -> None:
        self.start = start
        self.deltas: list[dict[str, Any]] = []
        self.end: dict[str, Any] | None = None
        self.parent: SpanNode | None = None
        self.children: list[SpanNode] = []

    @property
    def span_id(self) -> str:
        return str(self.start["span_id"])

    @property
    def kind(self) -> str:
        return str(self.start["node_kind"])

    @property
    def name(self) -> str:
        return str(self.start["metadata"].get("name"))

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self.start["metadata"])

    @property
    def payload(self) -> dict[str, Any]:
        """All payloads merged: start, deltas in order, end."""
        merged = dict(self.start["payload"])
        for delta in self.deltas:
            merged.update(delta["payload"])
        if self.end is not None:
            merged.update(self.end["payload"])
        return merged

    @property
    def error(self) -> str | None:
        assert self.end is not None, f"{self.name} never ended"
        return self.end["error"]

    @property
    def streamed(self) -> str:
        """Streamed answer text, checked against its offsets."""
        text = ""
        for delta in self.deltas:
            if "text" in delta["payload"] and "channel" not in delta["payload"]:
                assert delta["payload"]["at"] == len(text)
                text += delta["payload"]["text"]
        return text

    def walk(self) -> Iterator[SpanNode]:
        yield self
        for child in self.children:
            yield from child.walk()

    def shape(self) -> Any:
        """Kind, name and children, as nested tuples."""
        return (self.kind, self.name, tuple(child.shape() for child in self.children))

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"


class Forest:
    """All spans of a recording, linked."""

    def __init__(self, events: Iterable[dict[str, Any]]) -> None:
        self.spans: list[SpanNode] = []
        by_id: dict[str, SpanNode] = {}
        for event in events:
            if event["kind"] == "span_start":
                assert event["span_id"] not in by_id, "a span was started twice"
                node = by_id[event["span_id"]] = SpanNode(event)
                self.spans.append(node)
            elif event["kind"] == "span_delta":
                by_id[event["span_id"]].deltas.append(event)
            elif event["kind"] == "span_end":
                earlier_end = by_id[event["span_id"]].end
                assert earlier_end is None or SYNTHETIC_END in earlier_end["metadata"], (
                    "a span was ended twice"
                )
                by_id[event["span_id"]].end = event
        for node in self.spans:
            parent = by_id.get(node.start["parent_span_id"])
            if parent is not None:
                node.parent = parent
                parent.children.append(node)

    @property
    def roots(self) -> list[SpanNode]:
        """Spans without a parent, agent snapshots left out."""
        return [node for node in self.spans if node.parent is None and node.kind != "agent_context"]

    @property
    def contexts(self) -> list[SpanNode]:
        return [node for node in self.spans if node.kind == "agent_context"]

    def of(self, kind: str) -> list[SpanNode]:
        return [node for node in self.spans if node.kind == kind]

    def named(self, name: str) -> list[SpanNode]:
        return [node for node in self.spans if node.name == name and node.kind != "agent_context"]

    def one(self, name: str) -> SpanNode:
        named = self.named(name)
        assert len(named) == 1, f"{len(named)} spans are named {name}: {self.spans}"
        return named[0]

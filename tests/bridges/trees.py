"""Recorded events as the trees that a viewer would show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from etaoi_collector.conventions.seen_agents import CONTEXT_ID
from etaoi_collector.conventions.waits import WAITS_FOR


class SpanNode:
    """A span with all that the SDK reported of it."""

    def __init__(self, start: dict[str, Any]) -> None:
        self.start = start
        self.kind: str = start["node_kind"]
        self.name: str = start["metadata"].get("name", "")
        self.payload: dict[str, Any] = start["payload"]
        self.deltas: list[dict[str, Any]] = []
        self.waits: list[str] = []
        self.snapshots: list[str] = []
        self.ends: list[dict[str, Any]] = []
        self.children: list[SpanNode] = []
        self.parent: SpanNode | None = None

    @property
    def end(self) -> dict[str, Any]:
        assert len(self.ends) == 1, f"{self} ended {len(self.ends)} times"
        return self.ends[0]

    @property
    def error(self) -> str | None:
        return self.end["error"]

    @property
    def result(self) -> dict[str, Any]:
        return self.end["payload"]

    @property
    def metadata(self) -> dict[str, str]:
        return {**self.start["metadata"], **(self.ends[0]["metadata"] if self.ends else {})}

    @property
    def began(self) -> datetime:
        return datetime.fromisoformat(self.start["timestamp"])

    @property
    def over(self) -> datetime:
        return datetime.fromisoformat(self.end["timestamp"])

    def text(self, channel: str | None = None) -> str:
        return "".join(
            delta["text"] for delta in self.deltas if "text" in delta and delta.get("channel") == channel
        )

    def json(self, key: str) -> Any:
        """An input or output that travels as JSON text."""
        value = self.payload.get(key, self.result.get(key))
        return json.loads(value)

    def all(self) -> Iterator[SpanNode]:
        yield self
        for child in self.children:
            yield from child.all()

    @property
    def is_row(self) -> bool:
        """Whether it is an event and no span of its own."""
        return "event" in self.start["metadata"]

    def rows(self) -> list[SpanNode]:
        """The events that are shown inside it."""
        return [child for child in self.children if child.is_row]

    def outline(self) -> Any:
        """Kinds and names, to compare at a glance."""
        inside = [child.outline() for child in self.children if not child.is_row]
        own = f"{self.kind} {self.name}"
        return [own, *inside] if inside else own

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}>"


class Forest:
    """All spans of a recording."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.spans: dict[str, SpanNode] = {}
        for event in events:
            if event["kind"] == "span_start":
                assert event["span_id"] not in self.spans, f"started twice: {event}"
                self.spans[event["span_id"]] = SpanNode(event)
        for event in events:
            span = self.spans[event["span_id"]]
            if event["kind"] == "span_delta":
                if WAITS_FOR in event["metadata"]:
                    span.waits.append(event["metadata"][WAITS_FOR])
                elif CONTEXT_ID in event["metadata"]:
                    span.snapshots.append(event["metadata"][CONTEXT_ID])
                else:
                    span.deltas.append(event["payload"])
            elif event["kind"] == "span_end":
                span.ends.append(event)
        self.roots: list[SpanNode] = []
        self.cards: list[SpanNode] = []
        for span in self.spans.values():
            parent = span.start["parent_span_id"]
            if span.kind == "agent_context":
                self.cards.append(span)
            elif parent is None:
                self.roots.append(span)
            else:
                span.parent = self.spans[parent]
                span.parent.children.append(span)
                assert span.parent.start["trace_id"] == span.start["trace_id"]

    def all(self) -> Iterator[SpanNode]:
        for root in self.roots:
            yield from root.all()

    def find(self, kind: str, name: str | None = None) -> list[SpanNode]:
        return [span for span in self.all() if span.kind == kind and name in (None, span.name)]

    def one(self, kind: str, name: str | None = None) -> SpanNode:
        matches = self.find(kind, name)
        assert len(matches) == 1, f"{len(matches)} {kind} {name}: {[root.outline() for root in self.roots]}"
        return matches[0]

    def nothing_dangles(self) -> None:
        """Every span has ended once, and none before what lies in it, but for rows of what was said later."""
        for span in self.all():
            assert span.end is not None
            for child in span.children:
                is_late_row = child.is_row and child.began >= span.over
                assert is_late_row or child.over <= span.over, f"{child} ends after {span}"

"""What a Hive node's model says; snapshots tell where one model call ends and the next begins."""

from __future__ import annotations

from typing import Any

from etaoi_collector.conventions.hive.nodes import Node
from etaoi_collector.conventions.hive.span_writer import SpanWriter


class ModelText:
    """Puts text events into model calls.

    Args:
        writer: Where spans go.
        coalesced: Whether deltas may be merged into one, with the whole snapshot and the last piece alone.
    """

    def __init__(self, writer: SpanWriter, *, coalesced: bool = False) -> None:
        self.writer = writer
        self._coalesced = coalesced

    def take(self, kind: str, node: Node, data: dict[str, Any], at: int) -> None:
        """Take one event with text."""
        if kind == "llm_text_delta":
            node.has_own_text = True
            self._say(node, data, at)
        elif kind == "client_output_delta":
            self._say_to_client(node, data, at)
        elif kind == "client_reasoning":
            if not node.reasoned:
                self._think(node, str(data.get("reasoning") or ""), at)
        else:
            snapshot = data.get("snapshot")
            use_snapshot = self._coalesced and isinstance(snapshot, str) and snapshot
            self._think(node, str(snapshot if use_snapshot else data.get("content") or ""), at)

    def turn_complete(self, node: Node, data: dict[str, Any], at: int) -> None:
        """Take what an iteration took: its call's, unless it had several; then the turn's."""
        usage_fields = _turn_usage(data)
        model = data.get("model")
        if isinstance(model, str) and model:
            node.model = model
        one = len(node.calls) == 1
        if one and node.llm is not None:
            node.end_llm(self.writer, at, usage_fields=usage_fields)
            return
        node.end_llm(self.writer, at)
        # A delta that has no "event" is what the span took: the viewer adds it to its sums.
        if one:
            self.writer.delta(node.calls[0], usage_fields, min(at, *node.call_ends))
            return
        self.writer.delta(node.event_parent, usage_fields, at)
        if usage_fields.get("model"):
            for call, ended in zip(node.calls, node.call_ends, strict=False):
                self.writer.delta(call, {"model": usage_fields["model"]}, min(at, ended))

    def _say(self, node: Node, data: dict[str, Any], at: int) -> None:
        content, snapshot = data.get("content"), data.get("snapshot")
        if not isinstance(content, str) or not content:
            return
        snapshot_text = snapshot if isinstance(snapshot, str) else ""
        if self._coalesced and len(snapshot_text) > len(content):
            if node.text and snapshot_text.startswith(node.text):
                content = snapshot_text[len(node.text) :]
            else:
                self._begin_anew(node, at)
                content = snapshot_text
        elif node.text and snapshot_text == content:
            self._begin_anew(node, at)  # its snapshot began anew: another model call
        if content:
            self._add(node, content, at)

    def _say_to_client(self, node: Node, data: dict[str, Any], at: int) -> None:
        content, snapshot = data.get("content"), data.get("snapshot")
        if not isinstance(content, str) or not content:
            return
        if self._coalesced and isinstance(snapshot, str) and len(snapshot) > len(content):
            previous_snapshot = node.client_snapshot
            content = (
                snapshot[len(previous_snapshot) :]
                if previous_snapshot and snapshot.startswith(previous_snapshot)
                else snapshot
            )
        if isinstance(snapshot, str):
            node.client_snapshot = snapshot
        if node.has_own_text:  # the model's own text came: this is what of it went to the client
            self.writer.text(node.span, content, "client", at)
            node.to_client = True
            return
        if node.text and snapshot == data.get("content"):
            self._begin_anew(node, at)
        self._add(node, content, at)
        node.to_client = True

    def _begin_anew(self, node: Node, at: int) -> None:
        if node.llm is not None and node.text:
            node.since_ns = at
            node.end_llm(self.writer, at)

    def _add(self, node: Node, content: str, at: int) -> None:
        span = node.speaking(self.writer, at)
        node.text += content
        self.writer.text(span, content, None, at)

    def _think(self, node: Node, thought: str, at: int) -> None:
        if thought:
            span = node.speaking(self.writer, at)
            node.reasoned = True
            self.writer.text(span, thought, "reasoning", at)


def _turn_usage(data: dict[str, Any]) -> dict[str, Any]:
    """Return what an iteration took. Cached tokens are part of its input tokens; a cost of 0 is unknown."""
    usage_fields: dict[str, Any] = {}
    input_tokens, output_tokens = data.get("input_tokens"), data.get("output_tokens")
    if isinstance(input_tokens, int) and isinstance(output_tokens, int):
        usage_fields["usage"] = {
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "total_tokens": input_tokens + output_tokens,
        }
        details = {
            "cache_read": data.get("cached_tokens"),
            "cache_creation": data.get("cache_creation_tokens"),
        }
        usage_fields["usage"]["input_token_details"] = {key: count for key, count in details.items() if count}
    for key in ("model", "stop_reason", "cost_usd", "credits", "iteration"):
        if data.get(key):
            usage_fields[key] = data[key]
    return usage_fields

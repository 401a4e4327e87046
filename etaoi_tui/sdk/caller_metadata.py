"""Metadata of a span that its caller began and that we add to, kept apart until it is sent.

Runs inherit the metadata of whoever called them, where ``name`` may be the name of a customer and ``event``
something that happened to one. Entries of the caller's own are not what the wire says with the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RESERVED = frozenset(
    {
        "name", "event", "tags", "run_type", "lc_chain_kind", "lc_hook", "lc_probe", "probe_label",
        "probe_phase", "agent.context_id", "agent.context_hash", "tool_call_id", "etaoi_tui.kind",
        "etaoi_tui.dropped", "etaoi_tui.cut", "etaoi_tui.unknown_parent", "etaoi_tui.waits_for",
        "etaoi_tui.resumes", "etaoi_tui.severity", "etaoi_tui.infrastructure",
    }
)  # fmt: skip
"""Metadata keys by which the wire says what a span is."""

CALLERS_PREFIX = "metadata."
"""Goes before the key of a caller's own entry by such a name, so that it is still there to read."""


class CallerMetadata(dict[str, Any]):
    """A caller's metadata, to be added to. Its maker sets `metadata`: a constructor would cost more."""

    __slots__ = ("metadata",)

    metadata: Mapping[str, Any] | None
    """What the caller said."""

    def resolve(self) -> dict[str, Any]:
        """Return it as it is sent: what the caller said with a reserved word has another key."""
        metadata = self.metadata
        if metadata is None or RESERVED.isdisjoint(metadata):
            return self
        resolved = {}
        for key, value in self.items():
            if key in RESERVED and key in metadata:
                resolved[f"{CALLERS_PREFIX}{key}"] = metadata[key]
                if value is metadata[key]:
                    continue
            resolved[key] = value
        return resolved

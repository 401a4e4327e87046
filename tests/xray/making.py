"""Made-up events in the shapes of the etaoi SDK, for cases that no recording has."""

from __future__ import annotations

from typing import Any

from tests.detail.pages import end, start


def digest(text: str, role: str = "human") -> dict[str, Any]:
    """A message as the etaoi SDK's probes carry it."""
    return {"role": role, "preview": text[:120], "len": len(text)}


def call_with_probe(before: str, after: str) -> list[dict[str, Any]]:
    """A call around which one hook replaced one message."""
    request = {"messages": [digest(before)], "tools": [], "model": {"name": "m", "provider": "p"}}
    passed = {"messages": [digest(after)], "tools": [], "model": {"name": "m", "provider": "p"}}
    meta = {
        "lc_probe": "wrap_model_call",
        "probe_label": "Edits.wrap_model_call",
        "name": "Edits.wrap_model_call",
    }
    probe_payload = {"before": request, "after": passed, "diff": {}}
    pre = start(2, "middleware", probe_payload, 1, 1)
    pre["metadata"] = {**meta, "probe_phase": "pre_handler"}
    full = start(4, "middleware", {**probe_payload, "response": {"messages": []}}, 4, 1)
    full["metadata"] = meta
    node = start(1, "middleware", {"inputs": "{}"}, 0, lc_chain_kind="graph_node")
    node["metadata"]["name"] = "model"
    return [
        node,
        pre,
        end(2, "middleware", {"diff": {}}, 1),
        start(3, "llm", {"input_messages": [{"role": "human", "text": after}]}, 2, 1),
        end(3, "llm", {"response": {"role": "ai", "text": "ok"}}, 3),
        full,
        end(4, "middleware", {"diff": {}}, 4),
        end(1, "middleware", {"outputs": "{}"}, 5),
    ]

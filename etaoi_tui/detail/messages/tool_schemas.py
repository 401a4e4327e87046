"""Finds the schemas of a call's tools: producers send each set of tools once, and its digest after that."""

from __future__ import annotations

from typing import Any

from etaoi_tui.detail.messages.neighbouring_calls import calls_of, run_of, runs_before
from etaoi_tui.detail.span_data import SpanData, as_list, as_map, as_text

_CALLS_READ = 24
_RUNS_READ = 8


def schemas_for(evidence: SpanData) -> dict[str, list[Any]]:
    """Return the schemas of a call's tools by their digest; empty if no call that has them is found."""
    digest = as_text(evidence.begun.get("tools_hash"))
    if not digest or "tool_schemas" in evidence.begun:
        return {}
    run = run_of(evidence.span)
    looked = 0
    runs = [run, *_some(runs_before(run, [2_000]))]
    for one in runs:
        for call in calls_of(one, _CALLS_READ):
            looked += 1
            if looked > _CALLS_READ * 2:
                break
            begun = evidence.of(call).begun
            if as_text(begun.get("tools_hash")) == digest and "tool_schemas" in begun:
                return {digest: as_list(begun["tool_schemas"])}
    return _of_snapshot(evidence, digest)


def _some(runs: Any) -> list[Any]:
    found = []
    for run in runs:
        found.append(run)
        if len(found) >= _RUNS_READ:
            break
    return found


def _of_snapshot(evidence: SpanData, digest: str) -> dict[str, list[Any]]:
    """Take the schemas from the agent's snapshot, if it has every one of the call's tools."""
    wanted = as_text(evidence.metadata.get("agent.context_id"))
    snapshot = evidence.find_snapshot(wanted) if wanted else None
    if snapshot is None:
        return {}
    known = {
        as_text(as_map(tool).get("name")): tool for tool in as_list(evidence.of(snapshot).begun.get("tools"))
    }
    names = [as_text(name) for name in as_list(evidence.begun.get("tools"))]
    if names and all(name in known for name in names):
        return {digest: [known[name] for name in names]}
    return {}

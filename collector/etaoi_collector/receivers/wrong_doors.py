"""What a client is told that asked for something which is not served, and what the viewer says of it."""

from __future__ import annotations

import re

_HINTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"/(chat/completions|completions|responses|messages|embeddings|models)(/|$|:)"),
        "this is a viewer, not a model API",
    ),
    (
        re.compile(r"/api/public/(ingestion|media)"),
        "Langfuse clients before version 3 are not served; newer ones send OpenTelemetry",
    ),
    (re.compile(r"/v1development/profiles|/profiles"), "profiles are not served"),
    (
        re.compile(r"/(sessions|datasets|examples|prompts|commits|repos)"),
        "LangSmith's data cannot be read here",
    ),
    (re.compile(r"/v2/|/api/v2/spans"), "Zipkin and Jaeger clients are not served; OpenTelemetry's are"),
)

SERVED = {
    "etaoi": "ws /ingest",
    "OpenTelemetry": "POST /v1/traces, /v1/logs, /v1/metrics",
    "LangSmith": "POST /runs/multipart, /runs/batch, /runs",
    "status": "GET /healthz",
    "events as they come": "GET /sse/sessions/ID, /sse/sessions/all",
}


def explain(method: str, path: str) -> str:
    """Say in one sentence what a client asked for, and why it gets nothing."""
    request = f"{method[:10]} {path[:80]}".encode("ascii", "replace").decode()
    for pattern, why in _HINTS:
        if pattern.search(path):
            return f"a client asked for {request}: {why}"
    return f"a client asked for {request}, which is not served"

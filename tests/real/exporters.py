"""Exporters of other tracers, and what each needs."""

from __future__ import annotations

ENVIRONMENTS = {
    "otel": (
        "opentelemetry-sdk",
        "opentelemetry-exporter-otlp-proto-http",
        "opentelemetry-exporter-otlp-proto-grpc",
    ),
    "langsmith": ("langsmith", "langchain-core"),
    "openinference": (
        "openinference-instrumentation-langchain",
        "langchain-core",
        "opentelemetry-sdk",
        "opentelemetry-exporter-otlp-proto-http",
    ),
    "logfire": ("logfire", "pydantic-ai-slim"),
}
"""Name of the environment, and what is installed in it."""

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
    "frameworks": (
        "openai-agents==0.24.0",
        "openinference-instrumentation-openai-agents==2.6.0",
        "opentelemetry-exporter-otlp-proto-http==1.45.2",
        "langfuse==5.0.4",
        "anthropic==2.14.0",
        "mcp==2.3.0",
    ),
}
"""Name of the environment, and what is installed in it."""

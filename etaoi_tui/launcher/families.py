"""The variables by which tracers are told where to send, a family for each of them.

A family that the user has set anything of is left alone: what goes to their own account goes on going there.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

import msgspec


class Family(msgspec.Struct, frozen=True):
    """A tracer's variables."""

    name: str
    """What people call it."""
    variables: Mapping[str, str]
    """What to set; ``{url}`` is the viewer's URL, ``{token}`` its token or a placeholder."""
    marks: tuple[str, ...]
    """Variables by which a user has chosen where it sends."""

    def values(self, url: str, token: str) -> dict[str, str]:
        """Return the variables with their values."""
        return {name: text.format(url=url, token=token or "x") for name, text in self.variables.items()}

    def chosen_by(self, names: Container[str]) -> str | None:
        """Return a variable by which this family is configured already, if one of these names is."""
        return next((mark for mark in self.marks if mark in names), None)


LANGSMITH = Family(
    "LangSmith",
    {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": "{url}",
        "LANGSMITH_API_KEY": "{token}",
        # clients before 0.2 know these names only
        "LANGCHAIN_TRACING_V2": "true",
        "LANGCHAIN_ENDPOINT": "{url}",
        "LANGCHAIN_API_KEY": "{token}",
    },
    (
        "LANGSMITH_API_KEY",
        "LANGSMITH_ENDPOINT",
        "LANGSMITH_TRACING",
        "LANGSMITH_TRACING_V2",
        "LANGSMITH_RUNS_ENDPOINTS",
        "LANGCHAIN_API_KEY",
        "LANGCHAIN_ENDPOINT",
        "LANGCHAIN_TRACING",
        "LANGCHAIN_TRACING_V2",
    ),
)

OPENTELEMETRY = Family(
    "OpenTelemetry",
    {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "{url}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    },
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_TRACES_EXPORTER",
        "OTEL_SDK_DISABLED",
    ),
)

LOGFIRE = Family(
    "Logfire",
    {"LOGFIRE_BASE_URL": "{url}", "LOGFIRE_TOKEN": "{token}"},
    ("LOGFIRE_TOKEN", "LOGFIRE_BASE_URL", "LOGFIRE_SEND_TO_LOGFIRE"),
)

LANGFUSE = Family(
    "Langfuse",
    {
        "LANGFUSE_BASE_URL": "{url}",
        "LANGFUSE_HOST": "{url}",
        "LANGFUSE_PUBLIC_KEY": "pk-etaoi-tui",
        "LANGFUSE_SECRET_KEY": "{token}",
    },
    ("LANGFUSE_SECRET_KEY", "LANGFUSE_PUBLIC_KEY", "LANGFUSE_BASE_URL", "LANGFUSE_HOST", "LANGFUSE_BASEURL"),
)

TRACELOOP = Family(
    "Traceloop",
    {"TRACELOOP_BASE_URL": "{url}", "TRACELOOP_API_KEY": "{token}"},
    ("TRACELOOP_API_KEY", "TRACELOOP_BASE_URL", "TRACELOOP_HEADERS"),
)

PHOENIX = Family(
    "Phoenix",
    {"PHOENIX_COLLECTOR_ENDPOINT": "{url}"},
    ("PHOENIX_COLLECTOR_ENDPOINT", "PHOENIX_API_KEY", "PHOENIX_CLIENT_HEADERS"),
)

FAMILIES = (LANGSMITH, OPENTELEMETRY, LOGFIRE, LANGFUSE, TRACELOOP, PHOENIX)

HABITS = {
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "OTEL_BLRP_SCHEDULE_DELAY": "200",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
}
"""Set with OpenTelemetry's variables where they are not: ends are sent at once, and with what was said."""

"""Run below the launcher: a program that traces itself by OpenTelemetry's SDK, and exports nowhere."""

from __future__ import annotations

import json
import os
import sys
import time

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
if os.environ.get("OWN_PROVIDER", "1") == "1":
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
tracer = trace.get_tracer("my.agent")
with tracer.start_as_current_span(
    "invoke_agent helper", attributes={"gen_ai.operation.name": "invoke_agent"}
):
    with tracer.start_as_current_span(
        "chat m", attributes={"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    ) as span:
        span.set_attribute("gen_ai.usage.input_tokens", 12)
        span.set_attribute("gen_ai.usage.output_tokens", 3)
    if sys.argv[1:] == ["die"]:
        time.sleep(0.5)
        os._exit(3)
sys.stdout.write(json.dumps([span.name for span in exporter.get_finished_spans()]))

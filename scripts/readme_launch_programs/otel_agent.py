# row: OpenTelemetry in Python: OpenInference, OpenLLMetry, Pydantic AI, Logfire ...
# needs: opentelemetry-sdk
# expects: sub_agent llm
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

trace.set_tracer_provider(TracerProvider())
tracer = trace.get_tracer("agent")
with tracer.start_as_current_span("invoke_agent a", attributes={"gen_ai.operation.name": "invoke_agent"}):
    with tracer.start_as_current_span("chat m", attributes={"gen_ai.operation.name": "chat"}):
        pass

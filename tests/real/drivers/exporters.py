"""Programs whose own tracer is pointed at the collector; run in an environment of `tests.real.exporters`.

Usage: exporters.py WHICH HOST:PORT
"""

from __future__ import annotations

import os
import sys
import time


def otel(where: str, protocol: str) -> None:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=f"http://{where}", insecure=True)
    else:
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=f"http://{where}/v1/traces", compression=Compression.Gzip)
    provider = TracerProvider(resource=Resource.create({"service.name": "driver"}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("driver")
    with tracer.start_as_current_span("invoke_agent helper") as agent:
        agent.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"})
        agent.set_attribute("gen_ai.conversation.id", "chat-7")
        with tracer.start_as_current_span("chat m") as call:
            call.set_attributes(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.request.model": "m",
                    "gen_ai.usage.input_tokens": 11,
                    "gen_ai.usage.output_tokens": 3,
                    "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]',
                }
            )
        try:
            with tracer.start_as_current_span("execute_tool look") as tool:
                tool.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look"})
                raise LookupError("nothing there")
        except LookupError:
            pass
    provider.shutdown()


def langchain_program() -> None:
    from langchain_core.language_models import FakeListChatModel
    from langchain_core.runnables import RunnableLambda
    from langchain_core.tools import tool

    @tool
    def look(where: str) -> str:
        """Look somewhere."""
        time.sleep(0.4)
        return f"nothing in {where}"

    model = FakeListChatModel(responses=["Look in Paris."])

    def agent(question: str) -> str:
        answer = model.invoke(question)
        return look.invoke("Paris") + str(answer.content)

    RunnableLambda(agent).with_config(run_name="finder").invoke("where is it?")


def langsmith(where: str) -> None:
    os.environ |= {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": f"http://{where}",
        "LANGSMITH_API_KEY": "x",
        "LANGSMITH_PROJECT": "drivers",
    }
    langchain_program()
    from langchain_core.tracers.langchain import wait_for_all_tracers

    wait_for_all_tracers()


def openinference(where: str) -> None:
    from openinference.instrumentation.langchain import LangChainInstrumentor
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"http://{where}/v1/traces")))
    LangChainInstrumentor().instrument(tracer_provider=provider)
    langchain_program()
    provider.shutdown()


def logfire(where: str) -> None:
    os.environ |= {"LOGFIRE_BASE_URL": f"http://{where}", "LOGFIRE_TOKEN": "x", "LOGFIRE_CONSOLE": "false"}
    import logfire as client
    from pydantic_ai import Agent
    from pydantic_ai.models.test import TestModel

    client.configure(send_to_logfire=True, inspect_arguments=False)
    client.instrument_pydantic_ai()
    agent = Agent(TestModel(), name="helper", system_prompt="Be brief.")

    @agent.tool_plain
    def look(where: str) -> str:
        time.sleep(1.0)
        return f"nothing in {where}"

    agent.run_sync("where is it?")
    client.shutdown()


if __name__ == "__main__":
    which, address = sys.argv[1:]
    match which:
        case "otel-http":
            otel(address, "http")
        case "otel-grpc":
            otel(address, "grpc")
        case "langsmith":
            langsmith(address)
        case "openinference":
            openinference(address)
        case "logfire":
            logfire(address)

"""Agents of other frameworks, watched by OpenTelemetry. Runs in the environment ``frameworks``.

Usage: frameworks.py WHICH HOST:PORT

The models are one HTTP server in this process that speaks OpenAI's and Anthropic's protocol.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CALL = {"id": "call-1", "type": "function", "function": {"name": "look", "arguments": '{"where": "Paris"}'}}


class Models(BaseHTTPRequestHandler):
    """Calls a tool first, and answers once there is a result."""

    def do_POST(self) -> None:
        """Answer a request for a completion."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = _anthropic(asked) if self.path.endswith("/messages") else _openai(asked)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


def _openai(asked: dict[str, Any]) -> dict[str, Any]:
    done = any(message["role"] == "tool" for message in asked["messages"])
    message = {"role": "assistant", "content": "It is not there." if done else None}
    if not done:
        message["tool_calls"] = [CALL]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": asked["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop" if done else "tool_calls"}],
        "usage": {
            "prompt_tokens": 40,
            "completion_tokens": 7,
            "total_tokens": 47,
            "prompt_tokens_details": {"cached_tokens": 30},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }


def _anthropic(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": [{"type": "text", "text": "It is not there."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 12,
            "cache_read_input_tokens": 9000,
            "cache_creation_input_tokens": 300,
            "output_tokens": 20,
        },
    }


def serve_models() -> str:
    """Start the server; return its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Models)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def provider_for(where: str) -> Any:
    """Return a provider that exports to the collector, made the one of this process."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"http://{where}/v1/traces")))
    trace.set_tracer_provider(provider)
    return provider


def openai_agents(where: str) -> None:
    """An agent of openai-agents with a tool, told by OpenInference."""
    provider = provider_for(where)
    from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool, set_trace_processors
    from openai import AsyncOpenAI
    from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor

    set_trace_processors([])  # its own exporter, to a cloud
    OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)

    @function_tool
    def look(where: str) -> str:
        """Look somewhere."""
        return f"nothing in {where}"

    client = AsyncOpenAI(base_url=f"{serve_models()}/v1", api_key="x")
    agent = Agent(
        name="helper",
        instructions="Be brief.",
        tools=[look],
        model=OpenAIChatCompletionsModel(model="fake-1", openai_client=client),
    )
    assert Runner.run_sync(agent, "Where is it?").final_output == "It is not there."
    provider.shutdown()


def langfuse(where: str) -> None:
    """An agent, its model call and two tools, noted with Langfuse's SDK."""
    os.environ |= {
        "LANGFUSE_BASE_URL": f"http://{where}",
        "LANGFUSE_PUBLIC_KEY": "x",
        "LANGFUSE_SECRET_KEY": "y",
    }
    from langfuse import Langfuse, propagate_attributes

    client = Langfuse()
    with (
        client.start_as_current_observation(as_type="agent", name="helper", input="Where is it?") as agent,
        propagate_attributes(session_id="chat-7", user_id="ada"),
    ):
        with client.start_as_current_observation(
            as_type="generation",
            name="answering",
            model="m",
            input=[{"role": "user", "content": "Where is it?"}],
        ) as call:
            call.update(
                output={"role": "assistant", "content": "Look."},
                usage_details={"input": 12, "input_cached_tokens": 100, "output": 5},
            )
        with client.start_as_current_observation(
            as_type="tool", name="look", input={"where": "Paris"}
        ) as tool:
            tool.update(output="nothing")
        with client.start_as_current_observation(as_type="tool", name="fail") as tool:
            tool.update(level="ERROR", status_message="nobody is there")
        agent.update(output="It is not there.")
    client.shutdown()


def anthropic(where: str) -> None:
    """A call with Anthropic's client, which traces by itself."""
    os.environ["ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE"] = "content"
    provider = provider_for(where)
    from anthropic import Anthropic

    client = Anthropic(base_url=serve_models(), api_key="x")
    with provider.get_tracer("program").start_as_current_span(
        "invoke_agent helper",
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"},
    ):
        client.messages.create(
            model="claude-fake",
            max_tokens=20,
            system="Be brief.",
            messages=[{"role": "user", "content": "Where is it?"}],
        )
    provider.shutdown()


def mcp(where: str) -> None:
    """An agent and a server of tools in a process of its own, both traced by MCP's own SDK."""
    provider = provider_for(where)
    from mcp.client.client import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    server = StdioServerParameters(
        command=sys.executable, args=[__file__, "mcp-server", where], env=dict(os.environ)
    )

    async def talk() -> None:
        async with Client(stdio_client(server)) as client:
            await client.call_tool("look", {"where": "Paris"})
            await client.call_tool("fail", {})

    with provider.get_tracer("program").start_as_current_span(
        "invoke_agent helper",
        attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"},
    ):
        asyncio.run(talk())
    provider.shutdown()


def mcp_server(where: str) -> None:
    """The server of tools."""
    provider = provider_for(where)
    logging.disable()  # it writes what its tools raise to where this program's own errors go
    from mcp.server import MCPServer

    server = MCPServer("places")

    @server.tool()
    def look(where: str) -> str:
        """Look somewhere."""
        return f"nothing in {where}"

    @server.tool()
    def fail() -> str:
        """Fail."""
        raise LookupError("nobody is there")

    server.run("stdio")
    provider.shutdown()


WAYS = {
    "openai-agents": openai_agents,
    "langfuse": langfuse,
    "anthropic": anthropic,
    "mcp": mcp,
    "mcp-server": mcp_server,
}

if __name__ == "__main__":
    which, address = sys.argv[1:]
    WAYS[which](address)

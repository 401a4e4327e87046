"""A call of livekit-agents, recorded by its own spans alone.

Runs in the environment of `tests.livekit.recorded_run`.

Usage: livekit_call.py HOST:PORT
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from livekit.agents import telemetry
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

sys.path.append(str(Path(__file__).parents[2] / "livekit" / "drivers"))
from fakes import World
from scenarios import Front, idle, session_with


async def call(world: World) -> None:
    """Greet, be asked, look something up, and answer."""
    session = session_with(world)
    await session.start(Front(world, "Hello, how can I help?"))
    await idle(session)
    await world.user_says("where is my order", 0.6)
    await idle(session, after=0.8)
    await session.aclose()


if __name__ == "__main__":
    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=f"http://{sys.argv[1]}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=200))
    telemetry.set_tracer_provider(provider)
    asyncio.run(call(World()))
    provider.shutdown()

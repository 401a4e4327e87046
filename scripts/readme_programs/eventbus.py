# ruff: noqa: F401
# row: an `EventBus` of Hive
# expects: task sub_agent llm
import asyncio
from dataclasses import dataclass, field
from datetime import datetime

import etaoi_tui


@dataclass
class Event:
    """Hive is not on PyPI: this and the bus are as much of it as a program needs to publish."""

    type: str
    stream_id: str
    node_id: str | None = None
    execution_id: str | None = None
    data: dict = field(default_factory=dict)
    timestamp: datetime = field(default_factory=datetime.now)
    correlation_id: str | None = None


class EventBus:
    def subscribe(self, event_types, handler):
        return "sub_1"

    def get_history(self, limit=100):
        return []

    async def publish(self, event):
        pass


async def main():
    bus = EventBus()
    # README_LINE
    delta = {"content": "hello", "snapshot": "hello"}
    await bus.publish(Event("execution_started", "main", execution_id="e1"))
    await bus.publish(Event("node_loop_started", "main", "writer", "e1"))
    await bus.publish(Event("llm_text_delta", "main", "writer", "e1", delta))
    await bus.publish(Event("execution_completed", "main", execution_id="e1"))


asyncio.run(main())

"""What a turn of a long chat costs as the chat grows: bytes and CPU.

Two equal agents take turns, one of them traced into a file; what the traced one takes more is the SDK's. Each
turn has one tool call, and the whole history comes out of a checkpointer each time, as in a chat program.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.checkpoint.memory import InMemorySaver

from benchmarks.report import Done, Row
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.source_items import EventBatch
from etaoi_collector.wire.events import SpanStart
from etaoi_tui.sdk.attach import attach

TURNS = 200
EARLY, LATE = slice(5, 25), slice(TURNS - 20, TURNS)


class _Model(BaseChatModel):
    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        if messages[-1].type == "human":
            calls = [{"name": "look", "args": {"q": "x"}, "id": f"c{len(messages)}"}]
            answer = AIMessage("", tool_calls=calls)
        else:
            answer = AIMessage("An answer of some length. " * 20)
        return ChatResult(generations=[ChatGeneration(message=answer)])


def look(q: str) -> str:
    """Look something up."""
    return f"What was found of {q}. " * 20


def _agent() -> Any:
    return create_agent(
        _Model(), [look], system_prompt="Be brief.", checkpointer=InMemorySaver(), name="chat"
    )


def measure() -> Iterator[Row]:
    """Yield how bytes and CPU of a late turn compare to those of an early one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.msgpack"
        bare, traced = _agent(), _agent()
        handle = attach(traced, sink=path)
        cpu: list[float] = []
        grown: list[int] = []
        for turn in range(TURNS):
            question = {"messages": [("user", f"Question {turn}, please. " * 10)]}
            size_before = path.stat().st_size if path.exists() else 0
            spent = []
            for agent in (bare, traced):
                began = time.process_time()
                agent.invoke(question, {"configurable": {"thread_id": "one"}})
                handle.flush(20)
                spent.append(time.process_time() - began)
            cpu.append((spent[1] - spent[0]) * 1000)
            grown.append(path.stat().st_size - size_before)
        handle.detach()
        done = Done(_turns(path), "turns recorded", TURNS)
        yield Row(
            "bytes of a turn of a chat, turn 200", statistics.median(grown[LATE]) / 1000, "kB", "<= 1.2",
            "turn 10", statistics.median(grown[EARLY]) / 1000, done=done,
        )  # fmt: skip
        yield Row(
            "CPU of the same, net of the bare program", statistics.median(cpu[LATE]), "ms", "<= 1.3",
            "turn 10", statistics.median(cpu[EARLY]), done=done,
        )  # fmt: skip
        yield Row("a recording of 200 turns", path.stat().st_size / 1e6, "MB", "<= 8", done=done)


def _turns(path: Path) -> int:
    """Count the turns in a recording."""
    reader = TraceReader(path)
    roots = sum(
        isinstance(event, SpanStart) and event.node_kind == "sub_agent" and event.parent_span_id is None
        for batch in reader.arrivals()
        if isinstance(batch, EventBatch)
        for event in batch.events
    )
    reader.close()
    return roots

"""What is open on a Hive EventBus: executions, the nodes in them, their turns, model calls and tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from etaoi_collector.conventions.event_rows import SAID_TO, USER
from etaoi_collector.conventions.hive.span_writer import SpanWriter
from etaoi_collector.conventions.waits import WAITS_FOR

UNSAID = "cancelled: it ended without saying so"
BROKEN_OFF = "cancelled: its execution failed"
UNNAMED_MODEL = "model"
LONGEST_MESSAGE = 4_000
"""Characters of a message that a model call's input repeats; all of it is in its own span."""


class Node:
    """One loop of a node: a sub-agent, its turn, its model call, its tools.

    Args:
        owner: The execution or worker that it is in.
        key: Its stream and node id.
        span: Its span; a worker's only node shares the worker's.
        name: What a person reads.
    """

    def __init__(self, owner: Execution, key: tuple[str, str], span: Any, name: str) -> None:
        self.owner = owner
        self.key = key
        self.span = span
        self.name = name
        self.turn: Any = None
        self.llm: Any = None
        self.calls: list[Any] = []
        """The turn's model calls so far."""
        self.call_ends: list[int] = []
        """When they ended."""
        self.first_word_ns = 0
        """When the model call that is on said its first word or thought; 0 before."""
        self.tools: dict[str, Any] = {}
        self.compaction: Any = None
        self.since_ns: int = span.started_ns
        """When the next model call began: at the turn's start, at the last tool's end, or at an answer."""
        self.model_follows_ns = 0
        """When the bus said that a model call follows; 0 when nothing says so."""
        self.model = UNNAMED_MODEL
        """What its calls are named by, once the bus has told."""
        self.has_own_text = False
        """Whether the model's own text came in this turn."""
        self.to_client = False
        """Whether what the model call says goes to a person."""
        self.text = ""
        """What the model call that is on has said."""
        self.client_snapshot = ""
        self.reasoned = False
        self.news: list[dict[str, Any]] = []
        """Messages since the last model call began: what its successor answers."""
        self.stalled: str | None = None
        self.waiting: list[Any] = []
        """Spans that wait: its own, its turn's, and its execution's."""

    @property
    def waits(self) -> bool:
        """Whether it waits for somebody."""
        return bool(self.waiting)

    @property
    def event_parent(self) -> Any:
        """Where an event of this node belongs."""
        return self.turn or self.span

    @property
    def shares_span(self) -> bool:
        """Whether it is the only node of a worker, shown as one with it."""
        return self.span is self.owner.span

    @property
    def open_work(self) -> int:
        """How many model calls, tools and compactions are on; at least 1."""
        return max(1, (self.llm is not None) + len(self.tools) + (self.compaction is not None))

    def begin_turn(self, writer: SpanWriter, iteration: Any, at: int) -> None:
        """Start a turn; the model is called now, and a tool-only answer would say nothing else."""
        self.end_turn(writer, None, at)
        name = f"iteration {iteration}" if iteration is not None else "iteration"
        self.turn = self._start(writer, "turn", name, self.span, at, {"iteration": iteration})
        self.since_ns = at
        self.calls, self.call_ends, self.has_own_text, self.model_follows_ns = [], [], False, 0
        self.open_llm(writer, at)

    def open_llm(self, writer: SpanWriter, at: int | None = None) -> Any:
        """Return the model call that is on, started if need be: at the last tool's end, unless told when."""
        if self.llm is None:
            began = self.since_ns if at is None else at
            payload = {"input_messages": self.news} if self.news else None
            self.llm = self._start(writer, "llm", self.model, self.event_parent, began, payload)
            self.calls.append(self.llm)
            self.model_follows_ns = self.first_word_ns = 0
            self.text, self.news, self.to_client, self.reasoned = "", [], False, False
        return self.llm

    def speaking(self, writer: SpanWriter, at: int) -> Any:
        """Return the model call that says something now."""
        span = self.open_llm(writer)
        if not self.first_word_ns:
            self.first_word_ns = at
        return span

    def end_llm(
        self,
        writer: SpanWriter,
        at: int,
        error: str | None = None,
        usage_fields: dict[str, Any] | None = None,
    ) -> None:
        """End the model call that is on."""
        span, self.llm = self.llm, None
        if span is None:
            return
        self.call_ends.append(at)
        payload = {"response": {"role": "ai", "text": self.text}, **(usage_fields or {})}
        if self.first_word_ns:
            payload["ttft_ms"] = round(max(0, self.first_word_ns - span.started_ns) / 1e6, 3)
        metadata = {SAID_TO: USER} if self.to_client and self.text else None
        writer.end(span, payload, error=error, at=at, metadata=metadata)

    def add_message(self, role: str, text: Any, **rest: Any) -> None:
        """Remember a message that the next model call answers."""
        self.news.append({"role": role, "text": str(text)[:LONGEST_MESSAGE], **rest})

    def start_tool(
        self, writer: SpanWriter, call_id: str, name: str, payload: dict[str, Any], at: int
    ) -> Any:
        """Start a tool in the turn."""
        span = self._start(writer, "tool", name, self.event_parent, at, payload)
        unfinished = self.tools.pop(call_id, None)
        if unfinished is not None:
            writer.end(unfinished, None, error=UNSAID, at=at)
        self.tools[call_id] = span
        return span

    def start_compaction(self, writer: SpanWriter, payload: Any, at: int) -> Any:
        """Start a compaction of the context."""
        self.compaction = self._start(
            writer, "middleware", "context compaction", self.event_parent, at, payload
        )
        return self.compaction

    def wait(self, writer: SpanWriter, what: str, at: int) -> None:
        """Wait for somebody: no model works meanwhile."""
        self.end_llm(writer, at)
        self.waiting = [span for span in (self.turn, self.span) if span is not None]
        if not self.shares_span:
            self.waiting.append(self.owner.span)
        for span in self.waiting:
            writer.delta(span, {}, at, {WAITS_FOR: what})

    def go_on(self, writer: SpanWriter, at: int) -> None:
        """Wait no longer: the next model call begins now."""
        if not self.waits:
            return
        waiting, self.waiting = self.waiting, []
        self.since_ns = at
        others = any(node.waits for node in self.owner.nodes.values())
        for span in waiting:
            if span is not self.owner.span or not others:
                writer.delta(span, {}, at, {WAITS_FOR: ""})

    def end_turn(self, writer: SpanWriter, error: str | None, at: int) -> None:
        """End the turn and everything in it."""
        for span in self.tools.values():
            writer.end(span, None, error=error or UNSAID, at=at)
        self.tools.clear()
        if self.compaction is not None:
            writer.end(self.compaction, None, error=error or UNSAID, at=at)
            self.compaction = None
        self.end_llm(writer, at, error)
        if self.turn is not None:
            writer.end(self.turn, None, error=error, at=at)
            self.turn = None

    def end(self, writer: SpanWriter, error: str | None, at: int, outputs: Any = None) -> None:
        """End the loop; one that has stalled, and never completed, ends with that as its error."""
        self.end_turn(writer, error, at)
        if not self.shares_span:
            writer.end(self.span, outputs, error=error or self.stalled, at=at)
        elif outputs:
            writer.delta(self.span, outputs, at)
        self.owner.nodes.pop(self.key, None)

    def _start(
        self, writer: SpanWriter, kind: str, name: str, parent: Any, at: int, payload: Any = None
    ) -> Any:
        return writer.start(kind, name, parent=parent, payload=payload, agent_name=self.name, at=at)


class Execution:
    """An execution, a worker's run, or what stands for one where the bus names none.

    Args:
        key: What it is known by.
        stream_id: Its stream.
        span: Its span.
        placeholder: Whether it was made up for nodes without one; it ends with its last node.
        worker: Whether it is a worker's run.
    """

    def __init__(
        self, key: str, stream_id: str, span: Any, *, placeholder: bool = False, worker: bool = False
    ) -> None:
        self.key = key
        self.stream_id = stream_id
        self.span = span
        self.placeholder = placeholder
        self.worker = worker
        self.nodes: dict[tuple[str, str], Node] = {}
        self.children: list[Execution] = []
        self.outer: Execution | None = None
        """The execution whose task published its start."""
        self.ended = False
        self.paused = False

    @property
    def open_work(self) -> int:
        """How much is on in its nodes, of what may have failed."""
        return sum(node.open_work for node in self.nodes.values())

    def everything(self) -> Iterator[Execution]:
        """Yield what is open inside it, the innermost first, and itself."""
        for child in list(self.children):
            if not child.ended:
                yield from child.everything()
        yield self

    def pause(self, writer: SpanWriter, what: str, at: int) -> None:
        """Pause: no model works meanwhile."""
        self.paused = True
        for node in self.nodes.values():
            node.wait(writer, what, at)
        if not self.nodes:
            writer.delta(self.span, {}, at, {WAITS_FOR: what})

    def resume(self, writer: SpanWriter, at: int) -> None:
        """Go on: the next model calls begin now."""
        self.paused = False
        waited = [node for node in self.nodes.values() if node.waits]
        for node in waited:
            node.go_on(writer, at)
        if not waited:
            writer.delta(self.span, {}, at, {WAITS_FOR: ""})

    def end(
        self,
        writer: SpanWriter,
        error: str | None,
        at: int,
        outputs: Any = None,
        *,
        inside: str | None = None,
    ) -> None:
        """End it and everything in it; ``inside`` is the error of what is open there."""
        self.ended = True
        for node in list(self.nodes.values()):
            node.end(writer, inside, at)
        writer.end(self.span, outputs, error=error, at=at)

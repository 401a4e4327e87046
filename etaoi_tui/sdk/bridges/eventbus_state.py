"""What is open on a Hive EventBus: executions, the nodes in them, their turns, model calls and tools."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from etaoi_tui.sdk.bridges.shared import error_words
from etaoi_tui.sdk.tracer import SessionInfo, Span, Tracer

UNSAID = "ended without saying so"


class Node:
    """One loop of a node: a sub-agent, its turn, its model call, its tools."""

    __slots__ = (
        "call_ended_ns",
        "compaction",
        "first_word_ns",
        "key",
        "llm",
        "model_calls",
        "model_follows_ns",
        "name",
        "only_call",
        "owner",
        "said",
        "since_ns",
        "span",
        "stalled",
        "texts",
        "tools",
        "turn",
    )

    def __init__(self, owner: Execution, key: tuple[str, str], span: Span, name: str) -> None:
        self.owner = owner
        self.key = key
        self.span = span
        self.name = name
        self.turn: Span | None = None
        self.llm: Span | None = None
        self.only_call: Span | None = None
        """The turn's model call, while it has exactly one."""
        self.first_word_ns = 0
        """When the model call that is on said its first word or thought; 0 before."""
        self.call_ended_ns = 0
        """When the latest model call ended; 0 before."""
        self.tools: dict[str, Span] = {}
        self.compaction: Span | None = None
        self.since_ns = span.started_ns
        """When the next model call began: at the turn's start, or at the last tool's end."""
        self.model_follows_ns = 0
        """When the bus said that a model call follows; 0 when nothing says so."""
        self.model_calls = 0
        self.said = False
        """Whether the model's own text came in this turn."""
        self.texts: list[str] = []
        self.stalled: str | None = None

    @property
    def place(self) -> Span:
        """Where a mark about this node belongs."""
        return self.turn or self.span

    def begin_turn(self, tracer: Tracer, iteration: Any, at: int) -> None:
        """Start a turn; the model is called now, and a tool-only answer would say nothing else."""
        self.end_turn(tracer, None, at)
        name = f"iteration {iteration}" if iteration is not None else "iteration"
        self.turn = self._start(tracer, "turn", name, self.span, at, {"iteration": iteration})
        self.since_ns = at
        self.model_calls, self.only_call, self.said, self.model_follows_ns = 0, None, False, 0
        self.open_llm(tracer, at)

    def open_llm(self, tracer: Tracer, at: int | None = None) -> Span:
        """Return the model call that is on, started if need be: at the last tool's end, unless told when."""
        if self.llm is None:
            began = self.since_ns if at is None else at
            self.llm = self._start(tracer, "llm", "model", self.place, began)
            self.model_calls += 1
            self.only_call = self.llm if self.model_calls == 1 else None
            self.model_follows_ns = self.first_word_ns = 0
            self.texts = []
        return self.llm

    def speaking(self, tracer: Tracer, at: int) -> Span:
        """Return the model call that says something now."""
        span = self.open_llm(tracer)
        if not self.first_word_ns:
            self.first_word_ns = at
        return span

    def end_llm(
        self, tracer: Tracer, at: int, error: str | None = None, told: dict[str, Any] | None = None
    ) -> None:
        """End the model call that is on."""
        span, self.llm = self.llm, None
        if span is not None:
            self.call_ended_ns = at
            payload = {"response": {"role": "ai", "text": "".join(self.texts)}, **(told or {})}
            if self.first_word_ns:
                payload["ttft_ms"] = round(max(0, self.first_word_ns - span.started_ns) / 1e6, 3)
            tracer.end(span, payload, error=error, at=at)

    def start_tool(self, tracer: Tracer, call_id: str, name: str, payload: dict[str, Any], at: int) -> Span:
        """Start a tool in the turn."""
        span = self._start(tracer, "tool", name, self.place, at, payload)
        unfinished = self.tools.pop(call_id, None)
        if unfinished is not None:
            tracer.end(unfinished, error=UNSAID, at=at)
        self.tools[call_id] = span
        return span

    def start_compaction(self, tracer: Tracer, payload: Any, at: int) -> Span:
        """Start a compaction of the context."""
        self.compaction = self._start(tracer, "middleware", "context compaction", self.place, at, payload)
        return self.compaction

    def end_turn(self, tracer: Tracer, error: str | None, at: int) -> None:
        """End the turn and everything in it."""
        for span in self.tools.values():
            tracer.end(span, error=error or UNSAID, at=at)
        self.tools.clear()
        if self.compaction is not None:
            tracer.end(self.compaction, error=error or UNSAID, at=at)
            self.compaction = None
        self.end_llm(tracer, at, error)
        if self.turn is not None:
            tracer.end(self.turn, error=error, at=at)
            self.turn = None

    def end(self, tracer: Tracer, error: str | None, at: int, outputs: Any = None) -> None:
        """End the loop; one that has stalled ends with that as its error."""
        self.end_turn(tracer, error, at)
        failed = self.stalled or error
        tracer.end(self.span, outputs, error=failed and error_words(failed), at=at)
        self.owner.nodes.pop(self.key, None)

    def _start(
        self, tracer: Tracer, kind: str, name: str, parent: Span, at: int, payload: Any = None
    ) -> Span:
        session = self.owner.session
        return tracer.start(
            kind, name, parent=parent, session=session, payload=payload, agent_name=self.name, at=at
        )


class Execution:
    """An execution, a worker's run, or what stands for one where the bus names none."""

    __slots__ = (
        "children",
        "ended",
        "key",
        "nodes",
        "outer",
        "placeholder",
        "session",
        "span",
        "stream_id",
        "worker",
    )

    def __init__(
        self, key: str, stream_id: str, span: Span, *, placeholder: bool = False, worker: bool = False
    ) -> None:
        self.key = key
        self.stream_id = stream_id
        self.span = span
        self.session: SessionInfo = span.session
        self.placeholder = placeholder
        """Whether it was made up for nodes without one; it ends with its last node."""
        self.worker = worker
        self.nodes: dict[tuple[str, str], Node] = {}
        self.children: list[Execution] = []
        self.outer: Execution | None = None
        """The execution whose task published its start."""
        self.ended = False

    def everything(self) -> Iterator[Execution]:
        """Yield what is open inside it, the innermost first, and itself."""
        for child in list(self.children):
            if not child.ended:
                yield from child.everything()
        yield self

    def end(self, tracer: Tracer, error: str | None, at: int, outputs: Any = None) -> None:
        """End it and everything in it."""
        self.ended = True
        for node in list(self.nodes.values()):
            node.end(tracer, error, at)
        tracer.end(self.span, outputs, error=error, at=at)

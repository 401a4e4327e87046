"""What a program does around its agent folds away, is counted, and nothing of it is lost."""

from __future__ import annotations

import random

from etaoi_collector.pricing.totals import Totals
from etaoi_collector.projections.trace_names import title
from etaoi_collector.store import Store
from etaoi_collector.store.model import Trace
from etaoi_collector.translation.event_writer import pack_frames
from etaoi_collector.translation.otel_model import OtelSpan
from etaoi_collector.translation.translators import Translators
from etaoi_collector.wire.codec import decode_frame
from etaoi_tui.view.runs.figures import RunFigures
from etaoi_tui.view.runs.grouped_rows import GroupedRuns
from etaoi_tui.view.visible_rows import TreeRows

HTTP, SQL = {"http.request.method": "POST"}, {"db.system": "postgresql"}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}
CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t"}


class Program:
    """A traced program; spans arrive when they end."""

    def __init__(self) -> None:
        self._stream = Translators().otel
        self.store = Store()
        self.traces = GroupedRuns(self.store, RunFigures(Totals()))
        self.tree = TreeRows()
        self._next = 1

    def span(
        self,
        name: str,
        attributes: dict[str, str],
        parent: str = "",
        kind: int = 1,
        trace: str = "1",
    ) -> OtelSpan:
        self._next += 1
        own = f"{self._next:016x}"
        at = self._next * 1_000_000
        return OtelSpan(
            trace.zfill(32), own, parent, name, kind, at, at + 500, dict(attributes), [], 0, "", "lib", {}
        )

    def send(self, *spans: OtelSpan) -> None:
        for frame in pack_frames(self._stream.take_spans(spans)):
            self.store.apply(decode_frame(frame), -1, 1)
        changes = self.store.drain_changes()
        self.traces.apply(changes)
        self.tree.apply(changes)

    def runs(self) -> list[Trace]:
        return [item for item in self.traces.items if isinstance(item, Trace)]

    def names(self) -> list[str]:
        return [f"{'  ' * depth}{s.name}" for s, depth in zip(self.tree.spans, self.tree.depths, strict=True)]

    def trace(self, name: str) -> Trace:
        return next(trace for trace in self.store.traces.values() if title(trace) == name)


def service() -> tuple[Program, list[OtelSpan]]:
    """A web service whose agent is one of many spans."""
    program = Program()
    web = program.span("POST /chat", HTTP, kind=2)
    agent = program.span("invoke_agent helper", AGENT, web.span_id)
    call = program.span("chat m", CALL, agent.span_id, kind=3)
    tool = program.span("execute_tool t", TOOL, agent.span_id)
    inner = [program.span("SELECT", SQL, tool.span_id, kind=3) for _ in range(300)]
    inner += [program.span("POST", HTTP, call.span_id, kind=3) for _ in range(3)]
    around = [program.span("SELECT session", SQL, web.span_id, kind=3) for _ in range(20)]
    return program, [*inner, call, tool, agent, *around, web]


def test_infrastructure_folds_into_the_agent_and_is_counted() -> None:
    program, spans = service()
    program.send(*spans)
    program.tree.show(program.trace("helper"))
    assert program.names() == ["helper", "  chat m", "  t"]
    counts = [program.tree.infrastructure_of(span) for span in program.tree.spans]
    assert counts == [21, 3, 300] and sum(counts) + 3 == len(spans)
    program.tree.set_plumbing(True)
    assert len(program.tree) == len(spans)
    assert [program.tree.infrastructure_of(span) for span in program.tree.spans[:3]] == [0, 0, 0]


def test_the_order_of_arrival_changes_nothing() -> None:
    for seed in range(30):
        program, spans = service()
        random.Random(seed).shuffle(spans)
        for begin in range(0, len(spans), 40):
            program.send(*spans[begin : begin + 40])
            if program.tree.trace is None and program.store.traces:
                program.tree.show(next(iter(program.store.traces.values())))
        assert program.names() == ["helper", "  chat m", "  t"], seed
        assert sum(map(program.tree.infrastructure_of, program.tree.spans)) == 324, seed


def test_traces_without_an_agent_stay_and_come_last() -> None:
    program = Program()
    program.send(program.span("GET /health", HTTP, kind=2, trace="a"))
    program.send(program.span("chat m", CALL, trace="b"))
    program.send(
        program.span("GET /metrics", HTTP, kind=2, trace="c"), program.span("nightly", {}, trace="d")
    )
    program.send(program.span("chat m", CALL, trace="e"))
    listed = [title(trace) for trace in program.runs()]
    assert listed == ["chat m", "chat m", "nightly", "GET /metrics", "GET /health"]
    rows = range(len(program.traces))
    assert [program.traces.row(program.traces.at(row)) for row in rows] == list(rows)
    plain = program.trace("GET /health")
    program.tree.show(plain)
    assert plain.only_infrastructure and program.names() == ["GET /health"]


def test_a_trace_moves_up_when_its_agent_arrives() -> None:
    program = Program()
    root = program.span("POST /chat", HTTP, kind=2, trace="a")
    program.send(program.span("SELECT", SQL, root.span_id, kind=3, trace="a"))
    program.send(program.span("chat m", CALL, trace="b"))
    assert [trace.only_infrastructure for trace in program.runs()] == [False, True]
    program.tree.show(program.runs()[1])
    program.send(root, program.span("invoke_agent helper", AGENT, root.span_id, trace="a"))
    assert [title(trace) for trace in program.runs()] == ["chat m", "helper"]
    assert program.names() == ["helper"]


def test_a_program_s_own_root_has_a_row() -> None:
    program = Program()
    root = program.span("my app", {})
    program.send(program.span("chat m", CALL, root.span_id), root)
    program.tree.show(program.trace("my app"))
    assert program.names() == ["my app", "  chat m"]


def test_infrastructure_that_failed_is_shown() -> None:
    program = Program()
    agent = program.span("invoke_agent helper", AGENT)
    failed = program.span("POST", HTTP, agent.span_id, kind=3)
    failed.status_code, failed.status_message = 2, "502 Bad Gateway"
    program.send(failed, agent)
    program.tree.show(program.trace("helper"))
    assert program.names() == ["helper", "  POST"]


def test_a_call_that_two_tracers_report_is_one_row() -> None:
    usage = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 2}
    for batches in ([[0, 1]], [[0], [1]], [[1], [0]]):
        program = Program()
        outer = program.span("ChatOpenAI", {**CALL, **usage})  # type: ignore[dict-item]
        inner = program.span("chat m", {**CALL, **usage}, outer.span_id, kind=3)  # type: ignore[dict-item]
        inner.end_ns = outer.end_ns = outer.start_ns + 9_000_000
        for batch in batches:
            program.send(*((outer, inner)[index] for index in batch))
        (trace,) = program.store.traces.values()
        program.tree.show(trace)
        assert program.names() == ["ChatOpenAI"]
        assert (trace.input_tokens, trace.output_tokens, trace.model_calls) == (10, 2, 1)

"""Turns of Codex and opencode: a few rows of hundreds of spans, and nothing lost.

There are no recordings of them here. The spans are built in the shape and number that were measured (641 for
a turn of two model calls of Codex, 1,024 with 293 queries for one of opencode), with the names and attributes
that openai/codex and the AI SDK write.
"""

from __future__ import annotations

from typing import Any

import pytest

from etaoi_collector.projections.trace_names import title
from etaoi_collector.store import Store
from etaoi_collector.translation.event_writer import pack_frames
from etaoi_collector.translation.otel_model import OtelSpan
from etaoi_collector.translation.translators import Translators
from etaoi_collector.wire.codec import decode_frame
from etaoi_tui.view.visible_rows import TreeRows

TRACE = "7" * 32


class Turn:
    """Spans of one turn, in the order of their starts."""

    def __init__(self, service: str) -> None:
        self.resource = {"service.name": service}
        self.spans: list[OtelSpan] = []

    def add(self, name: str, parent: str = "", count: int = 1, **attributes: Any) -> str:
        """Add spans below another; returns the id of the last one."""
        for _ in range(count):
            number = len(self.spans) + 1
            span_attributes = {key.replace("__", "."): value for key, value in attributes.items()}
            start = 1_000_000_000 + number * 1_000
            self.spans.append(
                OtelSpan(
                    trace_id=TRACE,
                    span_id=f"{number:016x}",
                    parent_id=parent,
                    name=name,
                    kind=1,
                    start_ns=start,
                    end_ns=start + 500,
                    attributes={"thread.id": 3, "busy_ns": 400, **span_attributes},
                    events=[],
                    status_code=0,
                    status_message="",
                    scope=self.resource["service.name"],
                    resource=self.resource,
                )
            )
        return self.spans[-1].span_id


def codex() -> Turn:
    turn = Turn("codex_cli_rs")
    root = turn.add("op.dispatch.user_input")
    task = turn.add(
        "session_task.turn",
        root,
        thread__id="01a0-thread",
        turn__id="1",
        model="gpt-fake",
        codex__turn__token_usage__total_tokens=1_020,
    )
    run = turn.add("run_turn", task)
    for step, (input_tokens, cached, output_tokens) in enumerate(((900, 500, 40), (1_000, 900, 20))):
        request = turn.add("run_sampling_request", run, turn_id="1", model="gpt-fake", cwd="/work")
        turn.add("build_prompt", request, 4)
        turn.add("stream_request", request, 6)
        stream = turn.add("receiving_stream", request)
        for _ in range(130):
            turn.add("receiving", turn.add("handle_responses", stream, **{"from": "output_item_added"}))
        turn.add("handle_responses", stream, tool_name="shell", **{"from": "output_item_done"})
        turn.add(
            "handle_responses",
            stream,
            gen_ai__usage__input_tokens=input_tokens,
            gen_ai__usage__cache_read__input_tokens=cached,
            gen_ai__usage__output_tokens=output_tokens,
            codex__usage__reasoning_output_tokens=8,
            codex__usage__total_tokens=input_tokens + output_tokens,
        )
        if step == 0:
            tool = turn.add("shell", request, tool_name="shell", call_id="call-1", aborted=False)
            turn.add("exec", tool, 20)
    turn.add("persist_rollout_items", task, 641 - len(turn.spans))
    return turn


def opencode() -> Turn:
    turn = Turn("opencode")
    root = turn.add("SessionPrompt.loop")
    for step in range(2):
        outer = turn.add("ai.streamText", root, ai__operationId="ai.streamText")
        turn.add(
            "ai.streamText.doStream",
            outer,
            ai__operationId="ai.streamText.doStream",
            ai__model__id="m",
            ai__usage__inputTokens=50,
            ai__usage__outputTokens=5,
        )
        if step == 0:
            tool = turn.add("ai.toolCall", outer, ai__operationId="ai.toolCall", ai__toolCall__name="bash")
            turn.add("Bash.run", tool, 40)
    turn.add("sql.execute", root, 293, db__system="sqlite")
    turn.add("Bus.publish", root, 1_024 - len(turn.spans))
    return turn


@pytest.mark.parametrize("batches", [1, 7])
@pytest.mark.parametrize("ended_first", [False, True])
def test_a_turn_of_codex(batches: int, ended_first: bool) -> None:
    store, rows = sent_and_shown(codex(), batches, ended_first)
    assert names(rows) == ["op.dispatch.user_input", "  turn", "    response", "    shell", "    response"]
    (trace,) = store.traces.values()
    assert len(trace.spans) == 641
    assert sum(map(rows.infrastructure_of, rows.spans)) == 641 - len(rows)
    assert (trace.input_tokens, trace.output_tokens, trace.model_calls) == (1_900, 60, 2)
    call = next(span for span in rows.spans if span.kind == "llm")
    assert call.usage is not None and call.usage.cache_read == 500
    assert not trace.only_infrastructure and title(trace)
    rows.set_plumbing(True)
    assert len(rows) == 641


@pytest.mark.parametrize("batches", [1, 7])
def test_a_turn_of_opencode(batches: int) -> None:
    store, rows = sent_and_shown(opencode(), batches, ended_first=True)
    assert len(rows) <= 15
    assert [name.strip() for name in names(rows)].count("bash") == 1
    (trace,) = store.traces.values()
    assert len(trace.spans) == 1_024
    assert sum(map(rows.infrastructure_of, rows.spans)) == 1_024 - len(rows)
    assert (trace.input_tokens, trace.output_tokens, trace.model_calls) == (100, 10, 2)
    rows.set_plumbing(True)
    assert len(rows) == 1_024


def test_a_service_that_only_counts_threads_is_no_session_of_codex() -> None:
    turn = Turn("web")
    turn.add("handle_responses", tool_name="shell", call_id="1")
    store, _ = sent_and_shown(turn, 1, ended_first=False)
    (trace,) = store.traces.values()
    assert trace.only_infrastructure


def sent_and_shown(turn: Turn, batches: int, ended_first: bool) -> tuple[Store, TreeRows]:
    """Send a turn in some batches; return the store and the rows that are shown."""
    translators, store, rows = Translators(), Store(), TreeRows()
    spans = turn.spans[::-1] if ended_first else turn.spans
    size = -(-len(spans) // batches)
    for begin in range(0, len(spans), size):
        for frame in pack_frames(translators.otel.take_spans(spans[begin : begin + size])):
            store.apply(decode_frame(frame), -1, 1)
    store.drain_changes()
    rows.show(next(iter(store.traces.values())))
    return store, rows


def names(rows: TreeRows) -> list[str]:
    """The rows, indented."""
    return [f"{'  ' * depth}{span.name}" for span, depth in zip(rows.spans, rows.depths, strict=True)]

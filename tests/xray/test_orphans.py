"""Marks that lost their parent find their call by time where only one fits, else they stay unplaced."""

from __future__ import annotations

from typing import Any

import pytest

from etaoi_collector.store.model import Span, SpanFlag, Trace
from etaoi_tui.detail.middleware import orphan_probes as orphans
from etaoi_tui.detail.middleware.orphan_probes import node_of_orphan, read_probe_events
from etaoi_tui.detail.middleware.request_chain import build_chain
from etaoi_tui.detail.span_data import SpanData
from tests.detail.pages import end, start
from tests.detail.recorded import Recorded
from tests.xray.making import digest
from tests.xray.recorders import ObservedRun, under_etaoi
from tests.xray.scenes import CROWD


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> ObservedRun:
    """Runs of one agent at the same time, under the etaoi SDK."""
    return under_etaoi(tmp_path_factory.mktemp("crowd"), ["crowd"])["crowd"]


@pytest.mark.real_clients
def test_among_many_runs_no_probe_is_assigned_to_another_run(crowd: ObservedRun) -> None:
    assert len(crowd.calls) == len(crowd.received) == CROWD
    real = {entry["text"]: entry["chain"] for entry in crowd.received}
    orphans = {span.number for span in crowd.spans if span.flags & 512 and span.parent is None}
    assert orphans
    placed: list[int] = []
    doubtful: set[int] = set()
    for call in crowd.calls:
        chain = crowd.chain(call)
        assert chain.sent.messages is not None
        hooks = real[chain.sent.messages[-1].text]
        assert [step.label for step in chain.down] == [entry["hook"] for entry in hooks]
        # An answer of another run would differ from this call's own.
        assert not any(step.response_changed for step in chain.up)
        for step in chain.up:
            if step.response is None:
                assert step.notes == [
                    "What it returned was not recorded, or cannot be told from other calls."
                ]
            elif step.span is not None and step.span.number in orphans:
                placed.append(step.span.number)
        doubtful |= {span.number for span, _ in chain.unplaced}
        for _, why in chain.unplaced:
            assert "calls came back around that time" in why
    assert len(placed) == len(set(placed))
    assert set(placed) | doubtful == orphans
    assert not set(placed) & doubtful


@pytest.mark.real_clients
def test_the_page_of_an_orphan_agrees_with_the_page_of_its_call(crowd: ObservedRun) -> None:
    placed = {
        step.span.number: call
        for call in crowd.calls
        for step in crowd.chain(call).up
        if step.span is not None and step.span.parent is None
    }
    for span in crowd.spans:
        if span.flags & 512 and span.parent is None:
            call, why = node_of_orphan(crowd.evidence(span))
            assert call is placed.get(span.number)
            assert why


def mark(number: int, at: int, *, down: bool, parent: int | None, name: str = "Hook.awrap_model_call") -> Any:
    request = {"messages": [digest("hi")], "tools": []}
    probe_payload = {"before": request, "after": request, "diff": {}}
    event = start(
        number, "middleware", probe_payload if down else {**probe_payload, "response": {}}, at, parent
    )
    event["metadata"] = {"lc_probe": "awrap_model_call", "probe_label": name, "name": name}
    if down:
        event["metadata"]["probe_phase"] = "pre_handler"
    return event


def node(number: int, at: int) -> Any:
    event = start(number, "middleware", {"inputs": "{}"}, at, lc_chain_kind="graph_node")
    event["metadata"]["name"] = "model"
    return event


def loaded(*events: Any) -> tuple[Recorded, dict[str, Span]]:
    recorded = Recorded()
    recorded.send(*events)
    return recorded, {span.span_id[-2:]: span for span in recorded.spans}


def call(number: int, at: int, until: int, parent: int) -> list[Any]:
    asked = {"input_messages": [{"role": "human", "text": "hi"}]}
    return [
        start(number, "llm", asked, at, parent),
        end(number, "llm", {"response": {"role": "ai", "text": "ok"}}, until),
    ]


def evidence(recorded: Recorded, span: Span) -> SpanData:
    return SpanData(span, recorded.payloads, 100.0)


def spans(recorded: Recorded, kind: str) -> list[Span]:
    return [span for span in recorded.spans if span.kind == kind]


def test_a_call_that_still_runs_does_not_compete_for_a_returning_probe() -> None:
    recorded, _ = loaded(
        node(1, 0), node(2, 0), mark(3, 1, down=True, parent=1), mark(4, 1, down=True, parent=2),
        *call(5, 2, 4, 1), *call(6, 2, 8, 2), mark(7, 5, down=False, parent=None),
        mark(8, 9, down=False, parent=None), end(1, "middleware", {}, 10), end(2, "middleware", {}, 10),
    )  # fmt: skip
    for one, at in zip(spans(recorded, "llm"), (5, 9), strict=True):
        (step,) = build_chain(evidence(recorded, one)).up
        assert step.span is not None
        assert step.span.started_at % 60 == at


def test_a_returning_probe_that_fits_two_calls_is_assigned_to_neither() -> None:
    recorded, _ = loaded(
        node(1, 0), node(2, 0), mark(3, 1, down=True, parent=1), mark(4, 1, down=True, parent=2),
        *call(5, 2, 4, 1), *call(6, 2, 4, 2), mark(7, 5, down=False, parent=None),
        mark(8, 6, down=False, parent=None), end(1, "middleware", {}, 10), end(2, "middleware", {}, 10),
    )  # fmt: skip
    for one in spans(recorded, "llm"):
        chain = build_chain(evidence(recorded, one))
        assert [why for _, why in chain.unplaced] == [
            "it names no call, and 2 calls came back around that time"
        ] * 2


def test_a_hook_of_another_name_does_not_compete_for_a_probe() -> None:
    recorded, _ = loaded(
        node(1, 0), node(2, 0), mark(3, 1, down=True, parent=1),
        mark(4, 1, down=True, parent=2, name="Other.awrap_model_call"),
        *call(5, 2, 4, 1), *call(6, 2, 4, 2), mark(7, 5, down=False, parent=None),
        end(1, "middleware", {}, 10), end(2, "middleware", {}, 10),
    )  # fmt: skip
    first, second = spans(recorded, "llm")
    assert build_chain(evidence(recorded, first)).up[0].response == {}
    assert build_chain(evidence(recorded, second)).up[0].response is None


def test_a_probe_that_starts_after_an_inner_run_is_in_the_chain() -> None:
    recorded, _ = loaded(
        node(1, 0), mark(3, 1, down=True, parent=1, name="Outer.awrap_model_call"),
        mark(4, 3, down=True, parent=None), *call(5, 4, 6, 1), mark(6, 7, down=False, parent=None),
        mark(7, 8, down=False, parent=1, name="Outer.awrap_model_call"), end(1, "middleware", {}, 10),
    )  # fmt: skip
    (one,) = spans(recorded, "llm")
    chain = build_chain(evidence(recorded, one))
    assert [step.label for step in chain.down] == ["Outer.awrap_model_call", "Hook.awrap_model_call"]
    assert "no other call came back then" in chain.down[1].notes[-1]


def test_a_probe_that_fits_two_nodes_is_assigned_to_neither() -> None:
    recorded, _ = loaded(
        node(1, 0), node(2, 0), mark(4, 3, down=True, parent=None), *call(5, 4, 6, 1), *call(6, 4, 6, 2),
        end(1, "middleware", {}, 10), end(2, "middleware", {}, 10),
    )  # fmt: skip
    for one in spans(recorded, "llm"):
        chain = build_chain(evidence(recorded, one))
        assert chain.down == []
        assert [why for _, why in chain.unplaced] == [
            "it names no call, and 2 calls were about to start around that time"
        ]


def test_a_call_before_a_deeper_probe_belongs_to_the_hook() -> None:
    recorded, _ = loaded(
        node(1, 0), mark(3, 1, down=True, parent=1, name="Outer.awrap_model_call"), *call(4, 2, 3, 1),
        mark(5, 4, down=True, parent=1), *call(6, 5, 6, 1), end(1, "middleware", {}, 10),
    )  # fmt: skip
    aside, own = spans(recorded, "llm")
    assert build_chain(evidence(recorded, aside)).notes == [
        "Hook.awrap_model_call made this call for itself: it is not the agent's own."
    ]
    assert [step.label for step in build_chain(evidence(recorded, own)).down] == [
        "Outer.awrap_model_call", "Hook.awrap_model_call",
    ]  # fmt: skip


def test_two_calls_below_one_probe_are_reported_as_two() -> None:
    recorded, _ = loaded(
        node(1, 0), mark(3, 1, down=True, parent=1), *call(4, 2, 3, 1), *call(5, 4, 5, 1),
        end(1, "middleware", {}, 10),
    )  # fmt: skip
    for one in spans(recorded, "llm"):
        assert "2 calls ran inside of it" in build_chain(evidence(recorded, one)).down[0].notes[0]


def test_a_node_with_too_many_children_is_left_alone() -> None:
    recorded, _ = loaded(node(1, 0), *(mark(10 + n, 1, down=True, parent=1) for n in range(401)))
    (model,) = [span for span in recorded.spans if span.name == "model"]
    assert read_probe_events(evidence(recorded, model), model).chains == {}


@pytest.fixture
def looked_through(monkeypatch: pytest.MonkeyPatch) -> list[Trace]:
    """The traces whose spans are looked through for calls."""
    traces: list[Trace] = []
    look = orphans._nodes_with_calls
    monkeypatch.setattr(orphans, "_nodes_with_calls", lambda trace: (traces.append(trace), look(trace))[1])
    return traces


def chained(nodes: int) -> list[Any]:
    """Nodes of which each begins at the last one's end; the newest still runs."""
    events: list[Any] = []
    for n in range(nodes):
        number = 10 + 3 * n
        events += [node(number, n), mark(number + 1, n, down=True, parent=number)]
        events += call(number + 2, n, n + 1, number)
        if n < nodes - 1:
            events.append(end(number, "middleware", {}, n + 1))
    return events


def test_without_orphans_no_trace_is_scanned(looked_through: list[Trace]) -> None:
    recorded, _ = loaded(*chained(5))
    for one in spans(recorded, "llm"):
        assert one.parent is not None
        assert len(read_probe_events(evidence(recorded, one), one.parent).chains[one.number]) == 1
    assert not looked_through


def test_each_trace_is_scanned_once(looked_through: list[Trace]) -> None:
    recorded, _ = loaded(*chained(20), mark(5, 6, down=False, parent=None))
    one = spans(recorded, "llm")[-1]
    assert one.parent is not None
    read_probe_events(evidence(recorded, one), one.parent)
    assert len(looked_through) == 1
    (orphan,) = [span for span in recorded.spans if span.parent is None and span.flags & SpanFlag.PROBE]
    node, _ = node_of_orphan(evidence(recorded, orphan))
    assert node is spans(recorded, "llm")[5]
    assert len(looked_through) == 2

"""Voice and LangChain in one tree, and beside the reference SDK."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from uuid import NAMESPACE_URL, uuid5

import msgpack
import pytest

from etaoi_collector.store import Store
from etaoi_collector.store.model import Span
from etaoi_collector.wire.codec import decode_frame
from etaoi_collector.wire.events import Reject
from etaoi_tui.view.voice.call_model import VoiceCall
from etaoi_tui.view.voice.linked_runs import LinkedRuns
from tests.livekit.recorded_run import RecordedRun, run_once
from tests.voice.calls import folded

pytestmark = pytest.mark.real_clients
RunScenario = Callable[..., RecordedRun]


@pytest.mark.parametrize("scenario", ["graph_after_voice", "voice_after_graph"])
def test_a_graph_is_nested_in_the_model_call_that_it_answers(
    run_scenario: RunScenario, scenario: str
) -> None:
    run = run_scenario(scenario)
    (turn,) = run.turns
    call = turn.only("llm")
    (graph,) = call.children
    assert graph.name == "thinker"
    below = [span for span in graph.under() if span.kind == "llm"]
    assert len(below) == 1
    assert {span.trace_id for span in graph.under()} == {turn.trace_id}
    expected = str(uuid5(NAMESPACE_URL, "etaoi:session:one-call"))
    assert {span.session_id for span in turn.under()} == {expected}
    assert {root.kind for root in run.roots} <= {"voice_session", "agent_context"}


def test_a_chain_inside_a_tool_is_nested_in_the_tool_and_leaks_no_context(run_scenario: RunScenario) -> None:
    run = run_scenario("chain_in_tool")
    (turn,) = run.turns
    (chain,) = turn.only("tool").children
    assert chain.name == "shout" and chain.session_id == turn.session_id
    (after,) = [root for root in run.roots if root.kind != "voice_session"]
    assert after.name == "after the turn"


def test_both_sdks_follow_one_call_and_report_the_same_texts(run_scenario: RunScenario) -> None:
    run = run_scenario("both")
    theirs = [event for event in run.raw["theirs"] if event["kind"] == "span_start"]
    ours = Counter(span.kind for span in run.spans.values())
    reference = Counter(event["node_kind"] for event in theirs)
    assert set(reference) - {"vad"} <= set(ours)
    assert ours["llm"] == len(run.log("llm_started")) < reference["llm"]
    assert ours["voice_input"] == 1 < reference["voice_input"]
    assert ours["voice_output"] == 2 < reference["voice_output"]
    assert ours["tool"] == reference["tool"] == 1
    reference_texts = {event["payload"]["text"] for event in theirs if event["payload"].get("text")}
    our_texts = {span.payload["text"] for span in run.spans.values() if span.kind == "voice_output"}
    assert our_texts <= reference_texts
    asked = run.turns[-1]
    for kind in ("voice_input", "tool", "voice_session", "voice_agent", "eou"):
        keys = {key for event in theirs if event["node_kind"] == kind for key in event["payload"]}
        own = {key for span in run.spans.values() if span.kind == kind for key in span.payload}
        assert keys - own <= {"orphaned"}, f"{kind}: {keys - own}"
    assert asked.only("eou").metrics.keys() >= _metric_keys(run, "eou")
    assert asked.all("llm")[0].metrics.keys() >= _metric_keys(run, "llm") - {"error"}


@pytest.mark.parametrize(
    "scenario", ["call", "troubles", "measured", "realtime", "graph_after_voice", "voice_after_graph"]
)
def test_the_viewers_store_builds_one_tree_of_a_call(run_scenario: RunScenario, scenario: str) -> None:
    run = run_scenario(scenario)
    store = _stored(run)
    spans = [span for span_id in run.spans if (span := store.find_span(span_id)) is not None]
    assert len(spans) == len(run.spans)
    # A graph's card belongs to the graph, which may be attached under no name.
    call_spans = [span for span in spans if span.kind != "agent_context"]
    assert {_topmost(span) for span in call_spans} == {run.call.id}
    assert {span.trace.session.session_id for span in call_spans} == {run.call.session_id}


def test_a_graph_that_the_reference_reports_in_another_session_belongs_to_its_turn() -> None:
    run = run_once("newest", "their_graph", "reference")
    result = folded(run.raw["events"])
    sessions = {trace.session for trace in result.store.traces.values()}
    assert len(sessions) == 2, "one name, two ids"
    call = VoiceCall(
        result.call.session, result.source, LinkedRuns(result.source, result.store.traces.values())
    )
    (turn,) = call.turns()
    (graph,) = turn.runs
    assert graph.name == "thinker" and graph.trace.session is not call.session
    assert turn.agent_said == "The graph says hello."


def _stored(run: RecordedRun) -> Store:
    frame = msgpack.packb([{"schema_version": "0.5.1", "batch": [event]} for event in run.raw["events"]])
    events = decode_frame(frame)
    assert not [event for event in events if isinstance(event, Reject)]
    store = Store()
    store.apply(events, 0, 1)
    return store


def _topmost(span: Span) -> str:
    while span.parent is not None:
        span = span.parent
    return span.span_id


def test_the_references_own_schema_takes_what_we_send(run_scenario: RunScenario) -> None:
    assert run_scenario("both").raw["misfit"] == []


def _metric_keys(run: RecordedRun, kind: str) -> set[str]:
    metrics = [event["voice_metrics"] for event in run.raw["theirs"] if event.get("voice_metrics")]
    return {key for one in metrics if one["type"] == kind for key in one} - {"last_speaking_time"}

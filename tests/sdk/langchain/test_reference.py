"""The same programs under this SDK and under the real `etaoi` SDK give the same trees.

Where they differ, `DIFFERENCES` says why and the test says how.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from etaoi_tui.sdk.attach import attach
from etaoi_tui.sdk.langchain.middleware import instrument
from etaoi_tui.sdk.transport.local import InMemorySink
from tests.real_env import ETAOI, ROOT, real_env
from tests.sdk.langchain.programs import PROGRAMS
from tests.sdk.langchain.trees import Forest, SpanNode

pytestmark = pytest.mark.real_clients

DIFFERENCES = {
    "agent_with_instrumented_hooks": (
        "The reference sends two flat spans without a duration for each wrap hook, beside the model call, "
        "and none for before_agent; here each hook is one span around what it called."
    ),
    "chains": (
        "LangChain gives fallbacks the outer call's config, so they name no parent; the reference makes them "
        "roots, here they lie under the run that LangChain's own context variable names."
    ),
    "retriever_chain": (
        "The reference knows no retriever callbacks: the retriever is missing, what runs inside is a root."
    ),
}
MORE_METADATA = {"etaoi_tui.resumes", "tags", "tool_call_id", "lc_chain_kind", "run_type"}
"""Keys that this SDK also sends for kinds of runs where the reference leaves them out."""


@pytest.fixture(scope="module")
def reference() -> dict[str, Forest]:
    python = real_env("etaoi-agents", *ETAOI, "langchain", "deepagents")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ETAOI", "LANG"))
    }
    done = subprocess.run(
        [str(python), "-m", "tests.sdk.langchain.programs"],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {name: Forest(events) for name, events in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def ours() -> Callable[[str], Forest]:
    forests: dict[str, Forest] = {}

    def run(name: str) -> Forest:
        if name not in forests:
            sink = InMemorySink()
            handles: list[Any] = []

            def attached(agent: Any) -> None:
                handles.append(attach(agent, sink=sink, session_id="same"))

            PROGRAMS[name](attached, instrument)
            forests[name] = Forest(sink.events)
            for handle in handles:
                handle.detach()
        return forests[name]

    return run


def shape(span: SpanNode) -> Any:
    """What must agree of a span: kind, name, place, agent, and how it ended."""
    error = span.error.partition("(")[0] if span.error else None
    meta = span.metadata
    return (
        span.kind,
        name_of(span),
        *(meta.get(key) for key in ("lc_chain_kind", "lc_hook", "lc_agent_name", "langgraph_node")),
        error,
        tuple(sorted((shape(child) for child in span.children), key=repr)),
    )


def name_of(span: SpanNode) -> str:
    """Call a graph without a name what the reference calls it: ours go by their node, or by their file."""
    above = span.parent
    by_node = above is not None and above.name == span.name == span.metadata.get("langgraph_node")
    return "LangGraph" if by_node or span.name == "test_reference" else span.name


def shapes(forest: Forest) -> list[Any]:
    return sorted((shape(root) for root in forest.roots), key=repr)


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in DIFFERENCES])
def test_trees_agree(name: str, ours: Callable[[str], Forest], reference: dict[str, Forest]) -> None:
    assert shapes(ours(name)) == shapes(reference[name])


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name not in DIFFERENCES])
def test_nothing_that_the_reference_records_is_missing(
    name: str, ours: Callable[[str], Forest], reference: dict[str, Forest]
) -> None:
    def facts(forest: Forest) -> list[Any]:
        span_facts = []
        for span in forest.spans:
            if span.kind == "agent_context":
                continue
            payload, meta = span.payload, span.metadata
            span_facts.append(
                {
                    "span": (
                        span.kind,
                        name_of(span),
                        meta.get("langgraph_step"),
                        meta.get("langgraph_node"),
                    ),
                    "input_keys": payload.get("input_keys"),
                    "output_keys": payload.get("output_keys"),
                    "roles": [message["role"] for message in payload.get("input_messages", ())],
                    "texts": [message["text"] for message in payload.get("input_messages", ())],
                    "answer": (payload.get("response") or {}).get("text"),
                    "calls": (payload.get("response") or {}).get("tool_calls"),
                    "model": payload.get("model"),
                    "input": payload.get("input"),
                    "metadata": sorted(
                        key for key in meta if key not in MORE_METADATA and not key.startswith("agent.")
                    ),
                    "agent": "agent.context_id" in meta,
                }
            )
        return sorted(span_facts, key=repr)

    mine, theirs = facts(ours(name)), facts(reference[name])
    for one in (*mine, *theirs):
        if one["input"] is not None:
            one["input"] = json.loads(one["input"])
        one["metadata"] = [key for key in one["metadata"]]
    assert mine == theirs


def test_instrumented_hooks_are_nested_here_and_flat_in_the_reference(
    ours: Callable[[str], Forest], reference: dict[str, Forest]
) -> None:
    name = "agent_with_instrumented_hooks"
    mine, theirs = ours(name), reference[name]
    probes = [span for span in theirs.spans if span.metadata.get("lc_probe") == "wrap_model_call"]
    assert len(probes) == 4
    assert {probe.parent.name for probe in probes if probe.parent} == {"model"}
    outer, inner = mine.one("Guard.wrap_model_call"), mine.one("polite.wrap_model_call")
    assert (inner.parent, mine.of("llm")[0].parent) == (outer, inner)
    assert without_probes(mine) == without_probes(theirs)
    for probe in (outer, inner):
        twin = next(p for p in probes if p.name == probe.name and "probe_phase" in p.metadata)
        request_before, after = (
            probe.payload["before"],
            {**probe.payload["before"], **probe.payload.get("after", {})},
        )
        for state, their_state in ((request_before, twin.payload["before"]), (after, twin.payload["after"])):
            assert [m["preview"] for m in state["messages"]] == [
                m["preview"] for m in their_state["messages"]
            ]
            assert state["tools"] == their_state["tools"]
            assert state["model"] == their_state["model"]
            assert state.get("system", {}).get("text") == their_state.get("system", {}).get("text")


def without_probes(forest: Forest) -> Any:
    def strip(span: SpanNode) -> list[Any]:
        below = sorted((part for child in span.children for part in strip(child)), key=repr)
        return below if "lc_probe" in span.metadata else [(span.kind, span.name, tuple(below))]

    return [part for root in forest.roots for part in strip(root)]


def test_fallbacks_are_children_of_their_run_here(
    ours: Callable[[str], Forest], reference: dict[str, Forest]
) -> None:
    assert len([root for root in reference["chains"].roots if root.name == "saved"]) == 3
    (saved,) = [root for root in ours("chains").roots if root.name == "saved"]
    assert [child.error is None for child in saved.children] == [False, True]
    rest = [
        [shape(root) for root in forest.roots if root.name != "saved"]
        for forest in (ours("chains"), reference["chains"])
    ]
    assert sorted(rest[0], key=repr) == sorted(rest[1], key=repr)


def test_a_retriever_is_recorded_with_its_nested_runs(
    ours: Callable[[str], Forest], reference: dict[str, Forest]
) -> None:
    name = "retriever_chain"
    assert not reference[name].named("Shelf")
    assert reference[name].one("rewrite").parent is None
    shelf = ours(name).one("Shelf")
    assert ours(name).one("rewrite").parent is shelf
    assert shelf.parent is ours(name).one("rag")


_VALIDATE = """
import json, sys
from etaoi_schema import AgentContext, Envelope
for envelope in json.load(sys.stdin):
    Envelope.model_validate(envelope)
    for event in envelope["batch"]:
        if event["kind"] == "span_start" and event["node_kind"] == "agent_context":
            AgentContext.model_validate(event["payload"])
"""


def test_every_event_of_every_program_is_valid_by_the_references_own_schema() -> None:
    python = real_env("etaoi-agents", *ETAOI, "langchain", "deepagents")
    sink = InMemorySink()
    handles: list[Any] = []
    for program in PROGRAMS.values():
        program(lambda agent: handles.append(attach(agent, sink=sink)), instrument)
    envelopes = sink.envelopes
    for handle in handles:
        handle.detach()
    assert len(envelopes) > 200
    done = subprocess.run(
        [str(python), "-c", _VALIDATE],
        input=json.dumps(envelopes),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]

"""Totals of recordings against sums that are made here, from the files' bytes and nothing else.

The walk below knows MessagePack, the names of the wire's fields and where each client puts its token counts;
it takes no reader, no store and no price of the product. Dollars are those of a price list of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zstandard

from etaoi_collector.pricing import book
from etaoi_collector.pricing.book import OwnPrice, PriceBook
from etaoi_collector.pricing.total import Total
from etaoi_collector.pricing.totals import Totals
from etaoi_collector.projections.objects import trace_object
from etaoi_collector.store.model import Session, Trace
from etaoi_tui.cli.load_recording import load
from tests.headless.running import objects, run_here

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [ROOT / "tests" / "captures", *(parent / "shared" / "captures" for parent in ROOT.parents)]
"""More recordings may lie beside the project; it does without them."""

RECORDINGS = sorted(
    {path.name: path for folder in reversed(FOLDERS) for path in folder.glob("*.msgpack*")}.values()
)

PRICES = {
    "fake-gpt-5": (1.25, 10.0, 0.125),
    "fake-opus": (15.0, 75.0, 1.5),
    "fake-haiku": (0.8, 4.0, 0.08),
    "fake-gpt-voice": (2.0, 8.0, 0.5),
}
"""Dollars per million tokens: input, output, input from a cache."""


@dataclass
class Call:
    """A model call as the bytes tell it."""

    span_id: str
    input: int
    output: int
    cached: int
    model: str

    @property
    def dollars(self) -> Fraction | None:
        if self.model not in PRICES:
            return None
        fresh, output, cached = map(Fraction, map(str, PRICES[self.model]))
        return ((self.input - self.cached) * fresh + self.cached * cached + self.output * output) / 1_000_000


@dataclass
class RecordedFacts:
    """What a file tells: model calls, and who is below whom, by span id."""

    calls: dict[str, Call] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    traces: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)

    def inside(self, top: str) -> list[Call]:
        """The calls at and below a span."""
        return [call for call in self.calls.values() if top in self.line(call.span_id)]

    def own(self, top: str) -> list[Call]:
        """Those of them that no agent below it made."""
        calls = []
        for call in self.inside(top):
            line = self.line(call.span_id)
            between = line[1 : line.index(top)] if call.span_id != top else []
            if not any(self.kinds[span] == "sub_agent" for span in between):
                calls.append(call)
        return calls

    def line(self, span: str) -> list[str]:
        """A span and all above it."""
        span_ids: list[str] = []
        at: str | None = span
        while at is not None and at not in span_ids and at in self.kinds:
            span_ids.append(at)
            at = self.parents[at]
        return span_ids


def events_of(path: Path) -> Iterator[dict[str, Any]]:
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().decompress(data)
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)
    unpacker.feed(data)
    for _, frame in unpacker:
        message = msgpack.unpackb(frame, raw=False, strict_map_key=False)
        if isinstance(message, list):
            for envelope in message:
                yield from envelope["batch"]


def walk(path: Path) -> RecordedFacts:
    facts = RecordedFacts()
    for event in events_of(path):
        if event["kind"] not in ("span_start", "span_end"):
            continue
        span = event["span_id"]
        facts.parents.setdefault(span, event["parent_span_id"])
        facts.kinds.setdefault(span, event["node_kind"])
        facts.traces.setdefault(span, event["trace_id"])
        facts.sessions.setdefault(event["trace_id"], event["session_id"])
        if event["kind"] != "span_end" or event["node_kind"] != "llm":
            continue
        payload, metrics = event["payload"], event.get("voice_metrics")
        usage = payload.get("usage")
        if usage:
            cached = (usage.get("input_token_details") or {}).get("cache_read", 0)
            counts = usage["input_tokens"], usage["output_tokens"], cached
            model = payload.get("model") or event["metadata"].get("ls_model_name", "")
        elif metrics and metrics["type"] == "llm":
            cached = metrics["prompt_cached_tokens"]
            counts = metrics["prompt_tokens"], metrics["completion_tokens"], cached
            model = metrics["metadata"]["model_name"]
        elif metrics and metrics["type"] == "realtime_model":
            cached = metrics["input_token_details"]["cached_tokens"]
            counts = metrics["input_tokens"], metrics["output_tokens"], cached
            model = metrics["metadata"]["model_name"]
        else:
            continue
        facts.calls[span] = Call(span, *counts, model=model)
    return facts


def agrees(total: Total, calls: list[Call]) -> None:
    """Check a sum, to the token and to a millionth of a cent."""
    assert (total.input_tokens, total.output_tokens, total.cache_read) == (
        sum(call.input for call in calls),
        sum(call.output for call in calls),
        sum(call.cached for call in calls),
    )
    prices = [call.dollars for call in calls]
    known_prices = [price for price in prices if price is not None]
    assert (total.priced, total.unpriced) == (len(known_prices), len(prices) - len(known_prices))
    if known_prices:
        assert total.cost_usd == pytest.approx(float(sum(known_prices)), abs=1e-8)
    else:
        assert total.cost_usd is None
    input_tokens = sum(call.input for call in calls)
    if input_tokens:
        assert total.cache_hit_rate == pytest.approx(sum(call.cached for call in calls) / input_tokens)


@pytest.fixture(autouse=True)
def own_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {name: OwnPrice(input=i, output=o, cache_read=c) for name, (i, o, c) in PRICES.items()}
    prices = PriceBook(own=own)
    # The package knows other models; nothing but the list above has a price here.
    prices._failed = "left out"
    monkeypatch.setattr(book, "_book", [prices])


def test_there_are_recordings_with_sub_agents_voice_and_unknown_models() -> None:
    facts = [walk(path) for path in RECORDINGS]
    assert len(RECORDINGS) >= 8 and sum(len(one.calls) for one in facts) > 40
    models = {call.model for one in facts for call in one.calls.values()}
    assert {"fake-gpt-5", "fake-gpt-voice"} <= models and models - set(PRICES)
    nested = [
        span
        for one in facts
        for span, kind in one.kinds.items()
        if kind == "sub_agent" and any(one.kinds[above] == "sub_agent" for above in one.line(span)[1:])
    ]
    assert nested


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_totals_are_what_the_bytes_say(path: Path) -> None:
    facts = walk(path)
    with load(str(path)) as loaded:
        totals = Totals()
        sessions: dict[Session, None] = {}
        for trace in loaded.store.traces.values():
            calls = [call for call in facts.calls.values() if facts.traces[call.span_id] == trace.trace_id]
            agrees(totals.of_trace(trace), calls)
            by_model = totals.by_model(trace)
            assert set(by_model) == {call.model for call in calls}
            for model, total in by_model.items():
                agrees(total, [call for call in calls if call.model == model])
            sessions[trace.session] = None
            printed = trace_object(trace)
            assert printed["input_tokens"] == sum(call.input for call in calls)
            assert printed["cost_is_complete"] is all(call.dollars is not None for call in calls)
        for session in sessions:
            agrees(
                totals.of_session(session),
                [
                    c
                    for c in facts.calls.values()
                    if facts.sessions[facts.traces[c.span_id]] == session.session_id
                ],
            )
        checked = 0
        for span_id in facts.kinds:
            span = loaded.store.find_span(span_id)
            assert span is not None
            span_totals, calls = totals.of_span(span), facts.inside(span_id)
            if span_totals is None:
                assert not calls
                continue
            checked += 1
            agrees(span_totals.together, calls)
            if span.kind == "llm":
                continue
            own = facts.own(span_id)
            agrees(span_totals.own, own)
            agrees(span_totals.below, [call for call in calls if call not in own])
        assert checked >= bool(facts.calls)
        for trace in loaded.store.traces.values():
            agrees(totals.of_run(trace), hanging_in(facts, trace))


def hanging_in(facts: RecordedFacts, trace: Trace) -> list[Call]:
    """The calls of a trace, and of every trace whose spans hang below one of its spans."""
    traces = {trace.trace_id}
    while True:
        more = {
            facts.traces[span]
            for span, above in facts.parents.items()
            if above in facts.traces and facts.traces[above] in traces
        }
        if more <= traces:
            return [call for call in facts.calls.values() if facts.traces[call.span_id] in traces]
        traces |= more


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_json_says_what_the_bytes_say(path: Path, tmp_path: Path) -> None:
    """The commands as a script runs them, with the prices of a file of one's own."""
    facts = walk(path)
    spans = objects(run_here(tmp_path, "show", path, "--json", "--all").stdout)
    assert {span["span_id"] for span in spans} == set(facts.kinds)
    for span in spans:
        calls = facts.inside(span["span_id"])
        if span["totals"] is None:
            assert [call.span_id for call in calls] in ([], [span["span_id"]])
            continue
        agrees_in_json(span["totals"]["together"], calls)
        assert span["totals"]["together"]["model_calls"] == len(calls)
    listed = objects(run_here(tmp_path, "ls", path, "--json").stdout)
    assert listed
    for trace in listed:
        agrees_in_json(
            trace, [call for call in facts.calls.values() if facts.traces[call.span_id] == trace["trace_id"]]
        )


def agrees_in_json(printed: dict[str, Any], calls: list[Call]) -> None:
    """Check what a command printed, to the token and to a millionth of a cent."""
    assert (printed["input_tokens"], printed["output_tokens"]) == (
        sum(call.input for call in calls),
        sum(call.output for call in calls),
    )
    dollars = [call.dollars for call in calls if call.dollars is not None]
    assert printed["cost_usd"] == (pytest.approx(float(sum(dollars)), abs=1e-8) if dollars else None)
    assert printed["cost_is_complete"] is (len(dollars) == len(calls))

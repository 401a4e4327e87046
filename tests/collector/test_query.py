"""The filter language: every field and operator, what is wrong and where, and any text at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from etaoi_collector.pricing import book
from etaoi_collector.pricing.book import PriceBook
from etaoi_collector.query import QueryError, parse_query
from etaoi_collector.store import Store
from etaoi_collector.store.model import Session, Span, SpanFlag, Status, Trace, Usage
from etaoi_collector.wire.codec import decode_frame
from tests.generate import frame
from tests.scribe import Scribe

STARTED = int(SpanFlag.STARTED)
DONE = STARTED | int(SpanFlag.ENDED)
SESSION = Session("5e551010-0000-4000-8000-000000000000", 0.0)
TRACE = Trace("7ace0000-0000-4000-8000-000000000000", SESSION, at=100.0)


@dataclass
class Recorded:
    """What was recorded of every span, the same for all."""

    start: bytes = b""
    end: bytes = b""

    def input_bytes(self, span: Span) -> bytes:
        return self.start

    def output_bytes(self, span: Span) -> bytes:
        return self.end


NOTHING = Recorded()


def span(
    name: str = "x", *, kind: str = "tool", flags: int = DONE, seconds: float = 1.0, **facts: object
) -> Span:
    span = Span("abcd0000-0000-4000-8000-000000000000", TRACE, kind, name, started_at=10.0, flags=flags)
    if flags & SpanFlag.ENDED:
        span.ended_at = 10.0 + seconds
    for fact, value in facts.items():
        setattr(span, fact, value)
    return span


@pytest.fixture(autouse=True)
def prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices of its own: another test's event loop may have kept this process's from being read."""
    loaded = PriceBook()
    loaded.load()
    monkeypatch.setattr(book, "_book", [loaded])


def query_matches(text: str, span: Span, recorded: Recorded = NOTHING) -> bool:
    query = parse_query(text)
    assert query is not None
    return query.matches(span, recorded)


def priced(tokens: int, model: str = "gpt-4o") -> Span:
    """A model call with so many tokens of input."""
    return span(kind="llm", model=model, usage=Usage(tokens, 0))


FIELDS: list[tuple[str, Span, Span]] = [
    ("kind:llm", span(kind="llm"), span(kind="tool")),
    ("kind:LLM", span(kind="llm"), span(kind="llmx")),
    ("kind:agent", span(kind="sub_agent"), span(kind="tool")),
    ("kind:agent", span(kind="voice_agent"), span(kind="voice_turn")),
    ("kind:voice", span(kind="voice_turn"), span(kind="llm")),
    ("kind=voice_turn", span(kind="voice_turn"), span(kind="voice_agent")),
    ("status:running", span(flags=STARTED), span()),
    ("status:ok", span(), span(error="ValueError()")),
    ("status:error", span(error="ValueError()"), span(error="CancelledError()")),
    ("status:cancelled", span(error="CancelledError()"), span()),
    ("status:paused", span(error="GraphInterrupt()"), span()),
    ("status:lost", span(error="span_end_synthesized_on_detach"), span()),
    ("status:incomplete", span(flags=int(SpanFlag.ENDED)), span()),
    ("err:", span(error="ValueError()"), span()),
    ("err:timeout", span(error="TimeoutError()"), span(error="ValueError()")),
    ("error:fetch", span("fetch", error="ValueError()"), span("fetch")),
    ("running:", span(flags=STARTED), span()),
    ("running:fetch", span("fetch", flags=STARTED), span("other", flags=STARTED)),
    ("name:fetch", span("prefetch"), span("search")),
    ('name:"read a page"', span("Read a Page twice"), span("read page")),
    ("name:f*h", span("fetch"), span("fits")),
    ("tool:fetch", span("fetch"), span("fetch", kind="middleware")),
    ("mw:guard", span("Guard.before", kind="middleware"), span("guard")),
    ("agent:helper", span(agent="helper-1"), span(agent="planner")),
    ("agent:helper", span("helper", kind="sub_agent"), span("helper")),
    ("model:gpt*mini", span(model="gpt-5-mini"), span(model="gpt-5")),
    ("model:fake", span("fake-gpt", kind="llm"), span("fake-gpt")),
    ("id:ABCD", span(), span(span_id="1234")),
    ("id:7ace", span(), span(span_id="1", trace=Trace("8", SESSION))),
    ("id:5e55", span(), span(trace=Trace("7ace", Session("6", 0.0)))),
    ("dur>2s", span(seconds=2.5), span(seconds=2.0)),
    ("dur>=2s", span(seconds=2.0), span(seconds=1.9)),
    ("dur<800ms", span(seconds=0.7), span(seconds=0.8)),
    ("dur<=1m", span(seconds=60.0), span(seconds=61.0)),
    ("dur>1h", span(seconds=3601.0), span(seconds=3599.0)),
    ("dur=2", span(seconds=2.0), span(seconds=2.1)),
    ("dur:500000US", span(seconds=0.5), span(seconds=0.6)),
    ("dur>50s", span(flags=STARTED), span()),
    ("ttft<0.5s", span(ttft=0.4), span(ttft=0.6)),
    ("ttft>0", span(ttft=0.1), span()),
    ("tok>4k", span(usage=Usage(1, 1, 4001)), span(usage=Usage(1, 1, 4000))),
    ("cost>0.01", priced(1_000_000), priced(100)),
    ("cost<=$0.01", priced(100), priced(1_000_000)),
    ("cost>=0", priced(100), priced(100, "no-such-model")),
    ("cost>=0", priced(100), span()),
    ("cost:?", priced(100, "no-such-model"), priced(100)),
    ("cost=$?", priced(100, "no-such-model"), span()),
    ("tok>=3", span(usage=Usage(1, 2)), span(usage=Usage(1, 1))),
    ("tok<1M", span(usage=Usage(1, 1, 999_999)), span()),
    ("in>1k", span(usage=Usage(1001, 0)), span(usage=Usage(1000, 2000))),
    ("in=0", span(usage=Usage(0, 5)), span(usage=Usage(None, 0))),
    ("out<100", span(usage=Usage(500, 99)), span(usage=Usage(5, 100))),
    ("!kind:tool", span(kind="llm"), span()),
    ("-kind:tool", span(kind="llm"), span()),
    ("!!kind:tool", span(), span(kind="llm")),
    ("fetch | search", span("search"), span("other")),
    ("fetch kind:tool", span("fetch"), span("fetch", kind="llm")),
    ("fetch & kind:tool", span("fetch"), span("search")),
    ("fetch|search kind:llm", span("fetch"), span("search")),
    ("(fetch|search) kind:llm", span("search", kind="llm"), span("fetch")),
    ("!(fetch|search)", span("other"), span("fetch")),
    ("NAME:Fetch", span("fetch"), span("other")),
    ("FETCH", span("prefetching"), span("other")),
    ("straße", span("STRASSE"), span("gasse")),
    ('"kind:llm"', span("say kind:llm"), span(kind="llm")),
    ('"exit 1', span(error="exit 1"), span(error="exit 2")),
    ("gpt", span(model="gpt-5"), span()),
    ("planner", span(agent="planner"), span()),
    ("tool", span(), span(kind="llm")),
]


@pytest.mark.parametrize(("text", "yes", "no"), FIELDS, ids=[text for text, _, _ in FIELDS])
def test_a_field_matches_only_its_own_value(text: str, yes: Span, no: Span) -> None:
    assert query_matches(text, yes)
    assert not query_matches(text, no)


def test_words_search_payloads_and_in_and_out_search_one_side() -> None:
    recorded = Recorded(b'{"city": "Oslo \xc3\x85"}', b'{"text": "a \\u00e5 refund"}')
    for text, expected in {
        "oslo": True,
        "refund": True,
        "å": True,
        "lima": False,
        "in:oslo": True,
        "out:oslo": False,
        "in:refund": False,
        "out:refund": True,
        "out:å": True,
        "in:city*oslo": True,
        "in:oslo*city": False,
    }.items():
        assert query_matches(text, span(), recorded) is expected, text


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\u2003\x1f"])
def test_an_empty_text_is_no_query(text: str) -> None:
    assert parse_query(text) is None


WRONG = [
    ("colour:red", 0, "no field 'colour'"),
    ("fetch  colour:red", 7, "Fields: agent, cost, dur, err"),
    ("http://host", 0, "Quote text that has a colon"),
    ("status:dead", 0, "running, ok, error"),
    ("a (b status:dead)", 5, "status is one of"),
    ("kind:", 0, "kind:llm"),
    ("dur>soon", 0, "800ms"),
    ("x dur>1.2.3s", 2, "800ms"),
    ("dur:", 0, "800ms"),
    ("tok>many", 0, "300 or 4k"),
    ("cost>much", 0, "US dollars"),
    ("cost>nan", 0, "US dollars"),
    ("in>1s", 0, "300 or 4k"),
    ("out<4K", 0, "300 or 4k"),
    ("name>x", 0, "name:something"),
    ("a | name<x", 4, "name:something"),
    ("a )", 2, "a ) without its ("),
    ("(a", 0, "a ( without its )"),
    ("a (b (c)", 2, "a ( without its )"),
    ("()", 1, "next to a | or a bracket"),
    ("| a", 0, "next to a | or a bracket"),
    ("a |", 3, "next to a | or a bracket"),
    ("a || b", 3, "next to a | or a bracket"),
    ("& ", 1, "next to a | or a bracket"),
    ("a !", 3, "follow the !"),
    ("!| a", 1, "follow the !"),
    ("!)", 1, "follow the !"),
    ("(" * 42 + "a" + ")" * 42, 41, "Too many brackets"),
]


@pytest.mark.parametrize(("text", "position", "says"), WRONG, ids=[text[:20] for text, _, _ in WRONG])
def test_errors_of_a_query_have_a_message_and_a_position(text: str, position: int, says: str) -> None:
    with pytest.raises(QueryError) as wrong:
        parse_query(text)
    assert says in str(wrong.value)
    assert wrong.value.position == position


SPANS = [
    span(name, kind=kind, flags=flags, seconds=seconds, error=error, model=model, usage=usage)
    for name, kind, flags, seconds, error, model, usage in (
        ("fetch", "tool", DONE, 0.5, None, None, None),
        ("fetch page", "tool", DONE, 3.0, "TimeoutError()", None, None),
        ("gpt", "llm", DONE, 2.0, None, "gpt-5", Usage(900, 100, 1000)),
        ("gpt", "llm", STARTED, 0.0, None, "gpt-5-mini", None),
        ("planner", "sub_agent", DONE, 60.0, "CancelledError()", None, None),
        ("", "voice_turn", int(SpanFlag.ENDED), 0.0, None, None, Usage(5, None)),
    )
]
Judge = Callable[[Span], bool]
LEAVES: list[tuple[str, Judge]] = [
    ("kind:llm", lambda s: s.kind == "llm"),
    ("kind=agent", lambda s: s.kind in ("sub_agent", "voice_agent")),
    ("status:ok", lambda s: s.status is Status.OK),
    ("err:", lambda s: s.status is Status.ERROR),
    ("name:fetch", lambda s: "fetch" in s.name),
    ('tool:"fetch page"', lambda s: s.kind == "tool" and "fetch page" in s.name),
    ("model:mini", lambda s: "mini" in (s.model or "")),
    ("dur>1s", lambda s: (s.duration(100.0) or 0) > 1),
    ("tok<=1k", lambda s: s.usage is not None and (s.usage.total_tokens or 5) <= 1000),
    ("out>=100", lambda s: s.usage is not None and (s.usage.output_tokens or 0) >= 100),
    ("gpt", lambda s: "gpt" in s.name or "gpt" in (s.model or "")),
    ('"timeout"', lambda s: "timeout" in (s.error or "").lower()),
]


def negated(text: str, holds: Judge, sign: str) -> tuple[str, Judge]:
    return f"{sign}({text})", lambda s: not holds(s)


def joined(first: tuple[str, Judge], second: tuple[str, Judge], by: str) -> tuple[str, Judge]:
    if by == "|":
        return f"({first[0]} | {second[0]})", lambda s: first[1](s) or second[1](s)
    return f"({first[0]}{by}{second[0]})", lambda s: first[1](s) and second[1](s)


QUERIES = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.builds(lambda query, sign: negated(*query, sign), inner, st.sampled_from(["!", "-", "!!!"])),
        st.builds(joined, inner, inner, st.sampled_from([" ", "&", "  & ", "|", "\t"])),
    ),
    max_leaves=10,
)


@given(QUERIES)
@settings(max_examples=300, deadline=None)
def test_any_query_matches_as_its_parts_do(query: tuple[str, Judge]) -> None:
    text, holds = query
    for span in SPANS:
        assert query_matches(text, span) == holds(span), (text, span.name)


PIECES = st.one_of(
    st.sampled_from(
        [*'()|&!-"*:<>= \t\x00\ud800', ">=", "<=", "kind:", "status:error", "dur>", "2s", "9" * 400, "."]
    ),
    st.sampled_from(
        ["name:", "in:", "out>", "tok=", "ttft<", "id:", "agent:", "model:", "mw:", "running:", "x_y:"]
    ),
    st.text(max_size=6),
)


@given(st.lists(PIECES, max_size=25).map("".join))
@example("(" * 5_000)
@example("!" * 100_000)
@example("a|" * 20_000 + "a")
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_query_or_has_an_error_with_a_position(text: str) -> None:
    try:
        query = parse_query(text)
    except QueryError as wrong:
        assert 0 <= wrong.position <= len(text)
        assert str(wrong).endswith(".")
        return
    if query is None:
        assert not text.strip()
        return
    recorded = Recorded(b"\xff\x00 some { bytes", b"")
    for span in SPANS:
        assert query.matches(span, recorded) in (True, False)


def test_an_agent_and_a_run_cost_what_the_calls_in_them_cost() -> None:
    """A million tokens of input of gpt-4o are $2.50."""
    scribe, store = Scribe("costs"), Store()
    run = scribe.start("middleware", "graph")
    for name, model in (("dear", "gpt-4o"), ("odd", "no-such-model")):
        agent = scribe.start("sub_agent", name, run)
        step = scribe.start("middleware", "model", agent)
        call = scribe.start("llm", model, step, metadata={"ls_model_name": model, "ls_provider": "openai"})
        scribe.end(call, {"usage": {"input_tokens": 1_000_000, "output_tokens": 0}})
        scribe.end(scribe.start("tool", "search", agent))
    store.apply(decode_frame(frame(scribe.take())), -1, 1)
    names = {
        text: {span.name for span in next(iter(store.traces.values())).spans if query_matches(text, span)}
        for text in ("cost>2.4", "cost>2.6", "cost:?", "kind:agent cost>0")
    }
    assert names == {
        "cost>2.4": {"graph", "dear", "gpt-4o"},
        "cost>2.6": set(),
        "cost:?": {"graph", "odd", "no-such-model"},
        "kind:agent cost>0": {"dear"},
    }

"""Reads a query's text. The language is described in the package's docstring."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from etaoi_collector.pricing.total import Total, total_of_call, totals_of_spans_above
from etaoi_collector.pricing.totals import tree_of
from etaoi_collector.query.match import (
    COMPARISONS,
    All,
    Anywhere,
    Either,
    Field,
    InputContains,
    Not,
    OutputContains,
    Query,
    Word,
)
from etaoi_collector.store.model import Span, Status
from etaoi_collector.wire.errors import EtaoiError

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\)) | (?P<either>\|) | (?P<and>&) | (?P<not>!|-(?=\S))
        | (?P<field>[A-Za-z_]+)(?P<op>:|>=|<=|>|<|=)(?P<value>"[^"]*"?|[^\s()|&]*)
        | (?P<quoted>"[^"]*"?)
        | (?P<word>[^\s()|&]+)
    )""",
    re.VERBOSE,
)
_NESTED_AT_MOST = 40
_DURATION = re.compile(r"([0-9.]+)\s*(us|ms|s|m|h)?", re.IGNORECASE)
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_COUNT = re.compile(r"([0-9.]+)\s*([kM]?)")

_SUMMED = frozenset({"sub_agent", "voice_agent", "voice_session", "voice_turn", "turn", "task"})
"""Kinds that cost what the model calls in them cost; so does every root."""

_KINDS = {"agent": ("sub_agent", "voice_agent"), "voice": ("voice_session", "voice_turn", "voice_agent")}


class QueryError(EtaoiError, ValueError):
    """A query that cannot be read; the message is a sentence for the person who typed it.

    Args:
        message: The sentence.
        position: Where in the text it went wrong, in characters from its start; the text's length when
            something is missing at its end.
    """

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


def parse_query(text: str) -> Query | None:
    """Compile a query.

    Returns:
        The query, or None for an empty text.

    Raises:
        QueryError: The text is no query.
    """
    tokens = list(_TOKEN.finditer(text))  # every character but spaces begins one or belongs to one
    if not tokens:
        return None
    query, rest = _either(tokens, 0, 0)
    if rest != len(tokens):
        raise QueryError("There is a ) without its (.", _position(tokens, rest))
    return query


def _position(tokens: list[re.Match[str]], at: int) -> int:
    """Return where a token begins, or the end of the last one."""
    if at >= len(tokens):
        return tokens[-1].end()
    return tokens[at].end() - len(tokens[at][0].lstrip())


def _either(tokens: list[re.Match[str]], at: int, depth: int) -> tuple[Query, int]:
    if depth > _NESTED_AT_MOST:
        raise QueryError("Too many brackets inside each other.", _position(tokens, at))
    terms = []
    while True:
        term, at = _all(tokens, at, depth)
        terms.append(term)
        if at >= len(tokens) or not tokens[at]["either"]:
            break
        at += 1
    return (terms[0] if len(terms) == 1 else Either(tuple(terms))), at


def _all(tokens: list[re.Match[str]], at: int, depth: int) -> tuple[Query, int]:
    terms: list[Query] = []
    while at < len(tokens) and not tokens[at]["either"] and not tokens[at]["close"]:
        if tokens[at]["and"]:
            at += 1
            continue
        term, at = _one(tokens, at, depth)
        terms.append(term)
    if not terms:
        raise QueryError("Something is missing next to a | or a bracket.", _position(tokens, at))
    return (terms[0] if len(terms) == 1 else All(tuple(terms))), at


def _one(tokens: list[re.Match[str]], at: int, depth: int) -> tuple[Query, int]:
    negate = False
    while at < len(tokens) and tokens[at]["not"]:
        negate = not negate
        at += 1
    if at >= len(tokens):
        raise QueryError("Something must follow the !.", _position(tokens, at))
    token = tokens[at]
    query: Query
    if token["open"]:
        query, closing = _either(tokens, at + 1, depth + 1)
        if closing >= len(tokens):
            raise QueryError("There is a ( without its ).", _position(tokens, at))
        at = closing + 1
    elif token["field"]:
        try:
            query = _field(token["field"].lower(), token["op"], token["value"].strip('"'))
        except QueryError as error:
            error.position = _position(tokens, at)
            raise
        at += 1
    elif token["quoted"] or token["word"]:
        query = Anywhere(_word((token["quoted"] or token["word"]).strip('"')))
        at += 1
    else:
        raise QueryError("Something must follow the !.", _position(tokens, at))
    return (Not(query) if negate else query), at


def _word(text: str) -> Word:
    return Word(text.casefold())


def _field(name: str, op: str, value: str) -> Query:
    if name in _NUMBERS:
        return _number(name, op, value)
    if op == "=" and name in _NAMES:
        return _NAMES[name](Word(value.casefold(), is_whole_word=True))
    if op in (":", "=") and name in _TEXTS:
        return _TEXTS[name](value)
    if op == ":" and name in _NAMES:
        return _NAMES[name](_word(value))
    if name in _TEXTS or name in _NAMES:
        raise QueryError(f"{name} takes a word: {name}:something.")
    field_names = ", ".join(sorted({*_TEXTS, *_NAMES, *_NUMBERS}))
    raise QueryError(f"There is no field {name!r}. Fields: {field_names}. Quote text that has a colon in it.")


def _number(name: str, op: str, value: str) -> Query:
    if op == ":" and name in ("in", "out"):
        return (InputContains if name == "in" else OutputContains)(_word(value))
    if name == "cost" and op in (":", "=") and value.removeprefix("$") == "?":
        return Field(_without_price)
    read, parse = _NUMBERS[name]
    if op == ":":
        op = "="
    wanted = parse(name, value)
    compare = COMPARISONS[op]

    def predicate(span: Span) -> bool:
        number = read(span)
        return number is not None and compare(number, wanted)

    return Field(predicate)


def _seconds(name: str, value: str) -> float:
    match = _DURATION.fullmatch(value)
    try:
        if match is not None:
            return float(match[1]) * _SECONDS[(match[2] or "s").lower()]
    except ValueError:
        pass
    raise QueryError(f"{name} takes a time such as 800ms, 2s or 1m.")


def _amount(name: str, value: str) -> float:
    match = _COUNT.fullmatch(value)
    try:
        if match is not None:
            return float(match[1]) * {"": 1, "k": 1_000, "M": 1_000_000}[match[2]]
    except ValueError:
        pass
    raise QueryError(f"{name} takes a number such as 300 or 4k.")


def _dollars(name: str, value: str) -> float:
    try:
        amount = float(value.removeprefix("$"))
    except ValueError:
        amount = math.nan
    if not math.isfinite(amount):
        raise QueryError(f"{name} takes US dollars such as 0.01.")
    return amount


def _kind(value: str) -> Query:
    if not value:
        raise QueryError("kind takes a kind: kind:llm, kind:tool, kind:agent.")
    kinds = _KINDS.get(value.lower(), (value.lower(),))
    return Field(lambda span: span.kind in kinds)


def _status(value: str) -> Query:
    try:
        wanted = Status(value.lower())
    except ValueError:
        raise QueryError(f"status is one of {', '.join(Status)}.") from None
    return Field(lambda span: span.status is wanted, status=wanted)


def _state(wanted: Status) -> Callable[[str], Query]:
    def make(value: str) -> Query:
        if not value:
            return Field(lambda span: span.status is wanted, status=wanted)
        word = _word(value)
        return Field(
            lambda span: span.status is wanted and (word.within(span.error) or word.within(span.name)),
            word,
            wanted,
        )

    return make


def _name(word: Word, kinds: tuple[str, ...] = ()) -> Query:
    listed = ("tool", word) if kinds == ("tool",) else None
    return Field(
        lambda span: (not kinds or span.kind in kinds) and word.within(span.name), word, listed=listed
    )


def _agent(word: Word) -> Query:
    return Field(
        lambda span: word.within(span.agent) or (span.kind == "sub_agent" and word.within(span.name)),
        word,
        listed=("agent", word),
    )


def _model(word: Word) -> Query:
    return Field(
        lambda span: word.within(span.model) or (span.kind == "llm" and word.within(span.name)),
        word,
        listed=("model", word),
    )


def _thread(word: Word) -> Query:
    # Only the root of a run tells its thread.
    return Field(lambda span: word.within(span.trace.thread), listed=("thread", word))


def _id(value: str) -> Query:
    start = value.lower()
    return Field(
        lambda span: (
            span.span_id.startswith(start)
            or span.trace.trace_id.startswith(start)
            or span.trace.session.session_id.startswith(start)
        ),
        _word(value),
    )


def _duration(span: Span) -> float | None:
    return span.duration(span.trace.ended_at)


def _tokens_of(span: Span) -> float | None:
    usage = span.usage
    if usage is None:
        return None
    if usage.total_tokens is not None:
        return usage.total_tokens
    return (usage.input_tokens or 0) + (usage.output_tokens or 0)


def _cost(span: Span) -> float | None:
    """Return what a model call cost, or all calls below a run or an agent; loads the prices, once."""
    total = _total(span)
    return total.cost_usd if total is not None else None


def _total(span: Span) -> Total | None:
    if span.usage is not None:
        return total_of_call(span, wait=True)
    if span.parent is not None and span.kind not in _SUMMED:
        return None
    total = Total()
    for trace in tree_of(span.trace) if span.parent is None else (span.trace,):
        if (below := totals_of_spans_above(trace).get(span)) is not None:
            total.add(below)
    return total or None


def _without_price(span: Span) -> bool:
    total = _total(span)
    return total is not None and total.unpriced > 0


_TEXTS: dict[str, Callable[[str], Query]] = {
    "kind": _kind,
    "status": _status,
    "err": _state(Status.ERROR),
    "error": _state(Status.ERROR),
    "running": _state(Status.RUNNING),
    "id": _id,
}
_NAMES: dict[str, Callable[[Word], Query]] = {
    "name": _name,
    "tool": lambda word: _name(word, ("tool",)),
    "mw": lambda word: _name(word, ("middleware",)),
    "agent": _agent,
    "model": _model,
    "thread": _thread,
}
_NUMBERS: dict[str, tuple[Callable[[Span], float | None], Callable[[str, str], float]]] = {
    "dur": (_duration, _seconds),
    "ttft": (lambda span: span.ttft, _seconds),
    "tok": (_tokens_of, _amount),
    "cost": (_cost, _dollars),
    "in": (lambda span: span.usage.input_tokens if span.usage else None, _amount),
    "out": (lambda span: span.usage.output_tokens if span.usage else None, _amount),
}

"""Finds model calls that gave the answer of another model call as their own: routers, gateways, guards.

Both tell the same usage, and adding both up doubles what a run took and cost. The inner call lies inside the
outer one in time, in the same trace; it need not be its child, since LangChain hands a chat model's context
to nothing that the model calls. Two calls that run side by side look alike if their answers do, so that more
has to agree: the id of the answer, or being its child, or the words and who was asked.
"""

from __future__ import annotations

from msgspec import Raw

from etaoi_collector.conventions.payload_fields import LlmEnd
from etaoi_collector.store.model import Span, Trace, Usage

INNER_KEPT = 256
"""Calls inside open ones that a trace remembers."""

ANSWERS_KEPT = 512
"""Newest answers of which the id is remembered."""

SAME_MOMENT = 0.002
"""Seconds by which two tracers may differ about when a call began or ended."""

_PARENTS_ASKED = 64


class InnerCall:
    """A call that ended while another one of its trace was open."""

    __slots__ = ("answer_id", "span", "words")

    def __init__(self, span: Span, answer_id: str | None, words: int) -> None:
        self.span = span
        self.answer_id = answer_id
        self.words = words
        """Digest of the answer's text."""


class NewestAnswers:
    """Ids of the newest answers, for calls that lie in a trace of their own.

    LangChain makes a root of what a model that was asked by itself calls, and a root has its own trace.
    """

    __slots__ = ("_answers",)

    def __init__(self) -> None:
        self._answers: dict[str, tuple[str, float, float]] = {}

    def comes_from_another(self, span: Span, answer_id: str | None) -> bool:
        """Take an answer in; return whether another trace's call, inside this one in time, gave it first.

        So did the same call, where two tracers tell of it.
        """
        if answer_id is None or span.ended_at is None:
            return False
        trace_id = span.trace.trace_id
        entry = self._answers.get(answer_id)
        if entry is not None:
            other, started_at, ended_at = entry
            begins = span.started_at - SAME_MOMENT <= started_at
            return other != trace_id and begins and ended_at <= span.ended_at + SAME_MOMENT
        self._answers[answer_id] = trace_id, span.started_at, span.ended_at
        if len(self._answers) > ANSWERS_KEPT:
            del self._answers[next(iter(self._answers))]
        return False


def end_call(span: Span, llm_end: LlmEnd) -> Span | None:
    """Take a model call's end in; return the call inside it whose answer it gave as its own.

    Args:
        span: The call, with its usage.
        llm_end: What its end tells.
    """
    trace = span.trace
    open_calls = trace.open_calls
    open_calls.discard(span)
    inner: Span | None = None
    if trace.inner_calls:
        inner = _find_inner(span, trace, llm_end)
        if not open_calls:
            trace.inner_calls.clear()
    if open_calls and len(trace.inner_calls) < INNER_KEPT:
        trace.inner_calls.append(InnerCall(span, llm_end.answer_id, _digest(llm_end.answer_text)))
    return inner


def _find_inner(span: Span, trace: Trace, llm_end: LlmEnd) -> Span | None:
    answer_id = llm_end.answer_id
    words: int | None = None
    for inner_call in reversed(trace.inner_calls):
        other: Span = inner_call.span
        if other.started_at < span.started_at or other is span:
            continue
        if answer_id is not None and inner_call.answer_id == answer_id:
            return other
        if span.usage is None or not _same_counts(span.usage, other.usage):
            continue
        if _is_below(other, span):
            return other
        if _question_key(span) != _question_key(other):
            if words is None:
                words = _digest(llm_end.answer_text)
            if words == inner_call.words:
                return other
    return None


def duplicate_calls(span: Span) -> tuple[Span, Span] | None:
    """Return two calls of which one is told inside the other, directly: the outer and the inner one.

    A framework's tracer and one of the model's client tell of the same call, in either order.

    Args:
        span: The call that ended just now.
    """
    parent = span.parent
    if parent is not None and parent.kind == "llm" and parent.ended_at is not None:
        if parent.usage is not None and _same_counts(parent.usage, span.usage):
            return parent, span
    for child in span.children or ():
        if child.kind == "llm" and child.ended_at is not None and span.usage is not None:
            if _same_counts(span.usage, child.usage):
                return span, child
    return None


def _same_counts(one: Usage, other: Usage | None) -> bool:
    return (
        other is not None
        and bool(one.input_tokens)
        and (one.input_tokens, one.output_tokens) == (other.input_tokens, other.output_tokens)
    )


def _question_key(span: Span) -> tuple[str, str | None, str | None]:
    """Who was asked: two calls of one model side by side are not one inside the other."""
    call = span.call
    return (
        span.name,
        call.requested_model if call is not None else None,
        call.provider if call is not None else None,
    )


def _is_below(span: Span, above: Span) -> bool:
    parent = span.parent
    for _ in range(_PARENTS_ASKED):
        if parent is None or parent is above:
            break
        parent = parent.parent
    return parent is above


def _digest(text: Raw) -> int:
    return hash(bytes(text))

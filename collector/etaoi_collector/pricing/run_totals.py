"""What a run came to that is only listed, and how large the context of one grew."""

from __future__ import annotations

from etaoi_collector.pricing.token_counts import read_tokens
from etaoi_collector.pricing.total import Total, total_of_call
from etaoi_collector.store.listed_run import ListedRun
from etaoi_collector.store.model import ModelCall, Span, Trace

_CALLS_LOOKED_AT = 4


def total_of_listed(run: ListedRun, trace: Trace) -> Total:
    """Return what the paid calls of a run came to whose spans are not in memory. See `total_of_call`.

    Args:
        run: What is known of it.
        trace: The same run in the store.
    """
    total = Total()
    for (model, requested_model, provider), at, count, usage in run.paid_calls():
        call = Span("", trace, model=model or None, started_at=at, usage=usage)
        call.call = ModelCall(requested_model=requested_model or None, provider=provider or None)
        one = total_of_call(call)
        for _ in range(count):
            total.add(one)
    return total


def context_tokens(trace: Trace) -> int | None:
    """Return how large the context of a run's newest call was, in tokens; None if nothing reports it."""
    if (unread := trace.unread) is not None:
        return unread.context_tokens or None
    for call in reversed(trace.calls[-_CALLS_LOOKED_AT:]):
        tokens = read_tokens(call.usage) if call.usage is not None else None
        if tokens is not None and tokens.input:
            return tokens.input
    return None

"""What a model call took and cost, for readers that hold its events."""

from __future__ import annotations

from etaoi_collector.pricing.book import Cost
from etaoi_collector.pricing.call_costs import cost_of_call
from etaoi_collector.pricing.token_counts import Tokens, read_tokens
from etaoi_collector.projections.span_events import SpanEvents


def tokens_of(call: SpanEvents) -> Tokens | None:
    """Return a call's reported tokens taken apart; None if it reports none."""
    usage = call.span.usage
    return read_tokens(usage) if usage is not None else None


def cost_of(call: SpanEvents) -> Cost | None:
    """Return what a call cost; None if it reports no usage."""
    return cost_of_call(call.span)

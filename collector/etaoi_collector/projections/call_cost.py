"""What a model call took and cost, from what its events report."""

from __future__ import annotations

from etaoi_collector.conventions.lenient import as_map, as_text
from etaoi_collector.pricing.book import Cost, price_book
from etaoi_collector.pricing.token_counts import Tokens, read_tokens
from etaoi_collector.projections.span_data import SpanData


def tokens_of(call: SpanData) -> Tokens | None:
    """Return a call's reported tokens taken apart; None if it reports none."""
    usage = call.span.usage
    if usage is None:
        return None
    return read_tokens(usage, as_map(call.ended.get("usage")), provider_of(call))


def provider_of(call: SpanData) -> str:
    """Return the provider of a call's model, if it is told."""
    return as_text(call.ended.get("provider") or call.metadata.get("ls_provider"))


def model_of(call: SpanData) -> str:
    """Return the name of a call's model as it was reported, else as it was asked for."""
    return as_text(call.ended.get("model") or call.span.model or call.metadata.get("ls_model_name"))


def cost_of(call: SpanData) -> Cost | None:
    """Return what a call cost; None if it reports no usage."""
    tokens = tokens_of(call)
    if tokens is None:
        return None
    book = price_book()
    model, provider = model_of(call), provider_of(call)
    cost = book.cost(tokens, model, provider, call.span.started_at)
    if cost.total is None and provider and book.ready:
        # Gateways and frameworks name providers as they like.
        cost = book.cost(tokens, model, "", call.span.started_at)
    return cost

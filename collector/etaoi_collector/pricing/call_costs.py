"""What a model call cost, from what a store knows of it."""

from __future__ import annotations

from functools import lru_cache

from etaoi_collector.conventions.usage import Usage
from etaoi_collector.pricing.book import Cost, price_book
from etaoi_collector.pricing.token_counts import read_tokens
from etaoi_collector.store.model import NO_CALL, Span

WRAPPED = Cost(0.0, "paid by the call inside it, whose answer it gave")
FROM_CACHE = Cost(0.0, "answered from the framework's cache, nothing was asked")

_PRICE_SECONDS = 900
"""Prices may change with the date and the time of day; within this they are taken to be the same."""


def cost_of_call(span: Span, *, wait: bool = False) -> Cost | None:
    """Return what a model call cost; None if it reports no usage.

    The model that answered is priced; where it has no price, the one that was asked for.

    Args:
        span: The call.
        wait: Load prices now if they are not yet, which takes half a second, once.
    """
    call = span.call or NO_CALL
    usage = span.usage
    if call.wraps:
        return WRAPPED
    if usage is None:
        return None
    if usage.from_cache:
        return FROM_CACHE
    book = price_book()
    if wait and not book.ready:
        book.load()
    at = int(span.started_at // _PRICE_SECONDS) * _PRICE_SECONDS
    names = (span.model or "", call.requested_model or "", call.provider or "")
    cost = _cached_cost(id(book), book.ready, usage, names, at)
    return cost


@lru_cache(maxsize=8_192)
def _cached_cost(
    book_id: int, ready: bool, usage: Usage, names: tuple[str, str, str], at: int
) -> Cost | None:
    """Return what such a call cost; the first two tell apart what is remembered."""
    model, requested, provider = names
    book = price_book()
    tokens = read_tokens(usage)
    if tokens is None:
        return None
    cost = book.cost(tokens, model, provider, at, usage.service_tier)
    if cost.total is None and requested and requested != model and book.ready:
        estimate = book.cost(tokens, requested, provider, at, usage.service_tier)
        if estimate.total is not None:
            return Cost(
                estimate.total, f"price of {requested}, {estimate.source}", estimate.input, estimate.output
            )
    return cost

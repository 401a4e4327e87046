"""What model calls cost, from what a store knows of them: one, or all of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakKeyDictionary

from etaoi_collector.conventions.usage import Usage
from etaoi_collector.pricing.book import Cost, price_book
from etaoi_collector.pricing.token_counts import read_tokens
from etaoi_collector.store.model import NO_CALL, Span, Trace

WRAPPED = Cost(0.0, "paid by the call inside it, whose answer it gave")
FROM_CACHE = Cost(0.0, "answered from the framework's cache, nothing was asked")

_PRICE_SECONDS = 900
"""Prices may change with the date and the time of day; within this they are taken to be the same."""


@dataclass(frozen=True, slots=True)
class RunCost:
    """What several calls cost together.

    Attributes:
        total: Sum of the known prices in dollars; None if no price is known.
        unknown: Calls with usage of which no price is known.
        calls: Calls with usage.
    """

    total: float | None = None
    unknown: int = 0
    calls: int = 0

    @property
    def complete(self) -> bool:
        """Whether every call with usage has a price."""
        return not self.unknown


def is_paid(span: Span) -> bool:
    """Whether a model call was asked of its provider: neither a cache's answer nor another call's."""
    usage = span.usage
    return not (span.call or NO_CALL).wraps and (usage is None or not usage.from_cache)


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
    cost = _known_cost(id(book), book.ready, usage, names, at)
    return cost


@lru_cache(maxsize=65_536)
def _known_cost(book_id: int, ready: bool, usage: Usage, names: tuple[str, str, str], at: int) -> Cost | None:
    """Return what such a call cost; the first two tell apart what is remembered."""
    model, requested, provider = names
    book = price_book()
    tokens = read_tokens(usage)
    if tokens is None:
        return None
    cost = book.cost(tokens, model, provider, at, usage.service_tier)
    if cost.total is None and requested and requested != model and book.ready:
        asked = book.cost(tokens, requested, provider, at, usage.service_tier)
        if asked.total is not None:
            return Cost(asked.total, f"price of {requested}, {asked.source}", asked.input, asked.output)
    return cost


def sum_costs(calls: Iterable[Span], *, wait: bool = False) -> RunCost:
    """Return what calls cost together; those that report no usage are left out. See `cost_of_call`."""
    total = 0.0
    known = unknown = 0
    for span in calls:
        cost = cost_of_call(span, wait=wait)
        if cost is None:
            continue
        if cost.total is None:
            unknown += 1
        else:
            known += 1
            total += cost.total
    return RunCost(total if known else None, unknown, known + unknown)


def cost_of_trace(trace: Trace, *, wait: bool = False) -> RunCost:
    """Return what all model calls of a trace cost together. See `cost_of_call`."""
    key = (trace.usage_version, price_book().ready)
    known = _traces.get(trace)
    if known is not None and known[0] == key:
        return known[1]
    cost = sum_costs(trace.calls, wait=wait)
    _traces[trace] = ((trace.usage_version, price_book().ready), cost)
    return cost


_traces: WeakKeyDictionary[Trace, tuple[tuple[int, bool], RunCost]] = WeakKeyDictionary()
"""Sums of the traces that are looked at; a list draws the same ones again and again."""

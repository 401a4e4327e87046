"""Tokens and dollars of several model calls, added up."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from weakref import WeakKeyDictionary

import msgspec

from etaoi_collector.pricing.token_counts import read_tokens
from etaoi_collector.pricing.units import UNITS
from etaoi_collector.store.model import NO_CALL, Span, Trace


class Total(msgspec.Struct, gc=False, eq=False):
    """A sum over model calls; only those that report their usage are in it.

    A call that gave another one's answer as its own, or came from a framework's cache, is in it with nothing:
    the other one is counted and paid.
    """

    calls: int = 0
    """Calls that were asked of a provider."""
    priced: int = 0
    """Calls of which it is known what they cost, be it nothing."""
    unpriced: int = 0
    """Calls of which no price is known."""
    input_tokens: int = 0
    """Input as reported: with or without what came from a cache, as the provider counts."""
    output_tokens: int = 0
    """Output, reasoning included."""
    fresh: int = 0
    """Input that came from no cache and went into none."""
    cache_read: int = 0
    """Input that came from a cache."""
    cache_write: int = 0
    """Input that was written to a cache."""
    reasoning: int = 0
    """The part of the output that was reasoning."""
    units: int = 0
    """The known dollars, in parts of `UNITS`."""

    def __bool__(self) -> bool:
        """Whether any call is in it."""
        return bool(self.priced or self.unpriced)

    @property
    def cost_usd(self) -> float | None:
        """Sum of the known prices in US dollars; None when no price is known."""
        return self.units / UNITS if self.priced else None

    @property
    def is_complete(self) -> bool:
        """Whether every call with usage has a price."""
        return not self.unpriced

    @property
    def tokens(self) -> int:
        """All tokens, as they were reported."""
        return self.input_tokens + self.output_tokens

    @property
    def cache_hit_rate(self) -> float | None:
        """Share of the input that came from a cache; None without input."""
        input_tokens = self.fresh + self.cache_read + self.cache_write
        return self.cache_read / input_tokens if input_tokens else None

    def add(self, other: Total, sign: int = 1) -> None:
        """Add another sum, or take it away with a sign of -1."""
        self.calls += sign * other.calls
        self.priced += sign * other.priced
        self.unpriced += sign * other.unpriced
        self.input_tokens += sign * other.input_tokens
        self.output_tokens += sign * other.output_tokens
        self.fresh += sign * other.fresh
        self.cache_read += sign * other.cache_read
        self.cache_write += sign * other.cache_write
        self.reasoning += sign * other.reasoning
        self.units += sign * other.units

    def without(self, other: Total) -> Total:
        """Return what is left of it without another sum that is part of it."""
        remainder = Total()
        remainder.add(self)
        remainder.add(other, -1)
        return remainder


def is_paid(span: Span) -> bool:
    """Whether a model call was asked of its provider: neither a cache's answer nor another call's."""
    usage = span.usage
    return not (span.call or NO_CALL).wraps and (usage is None or not usage.from_cache)


def prices_ready() -> bool:
    """Whether somebody has loaded prices; does not load so much as the module that holds them."""
    book = getattr(sys.modules.get("etaoi_collector.pricing.book"), "price_book", None)
    return book is not None and bool(book().ready)


def load_prices() -> None:
    """Load prices now, if they are not yet; that takes half a second."""
    from etaoi_collector.pricing.book import price_book

    if not price_book().ready:
        price_book().load()


def _price(span: Span) -> float | None:
    from etaoi_collector.pricing.call_costs import cost_of_call  # not needed for the first screen

    cost = cost_of_call(span, wait=True)
    return cost.total if cost is not None else None


def total_of_calls(calls: Iterable[Span], *, wait: bool = False) -> Total:
    """Return what calls came to together. See `total_of_call`."""
    total = Total()
    for call in calls:
        total.add(total_of_call(call, wait=wait))
    return total


def total_of_call(span: Span, *, wait: bool = False) -> Total:
    """Return what one call comes to; nothing if it reports no usage.

    Args:
        span: The call.
        wait: Load prices now if they are not yet, which takes half a second, once. Else the call has no price
            until somebody has loaded them.
    """
    total = Total()
    usage = span.usage
    tokens = read_tokens(usage) if usage is not None else None
    if usage is None or tokens is None:
        return total
    price: float | None = 0.0
    paid = is_paid(span)
    if paid:
        price = _price(span) if wait or prices_ready() else None
    if price is None:
        total.unpriced = 1
    else:
        total.priced = 1
        total.units = round(price * UNITS)
    if paid:
        total.calls = 1
        total.input_tokens = usage.input_tokens or 0
        total.output_tokens = usage.output_tokens or 0
        total.fresh = tokens.fresh
        total.cache_read = tokens.cache_read
        total.cache_write = tokens.cache_write
        total.reasoning = tokens.reasoning or 0
    return total


def total_of_trace(trace: Trace, *, wait: bool = False) -> Total:
    """Return what all model calls of a trace came to; the same sum is not made twice. See `total_of_call`."""
    if wait:
        load_prices()
    key = trace.usage_version, prices_ready()
    cached = _traces.get(trace)
    if cached is None or cached[0] != key:
        cached = _traces[trace] = key, total_of_calls(trace.calls)
    return cached[1]


def totals_of_spans_above(trace: Trace) -> dict[Span, Total]:
    """Return what each span came to that has model calls of a trace below it; loads prices, once.

    The same sums are not made twice. See `total_of_call`.
    """
    load_prices()
    cached = _above.get(trace)
    if cached is None or cached[0] != trace.usage_version:
        sums: dict[Span, Total] = {}
        for call in trace.calls:
            total, above = total_of_call(call, wait=True), call.parent
            while above is not None:
                sums.setdefault(above, Total()).add(total)
                above = above.parent
        cached = _above[trace] = trace.usage_version, sums
    return cached[1]


_above: WeakKeyDictionary[Trace, tuple[int, dict[Span, Total]]] = WeakKeyDictionary()
_traces: WeakKeyDictionary[Trace, tuple[tuple[int, bool], Total]] = WeakKeyDictionary()
"""Sums of the traces that are looked at; a page that is drawn again asks for the same ones."""

"""Rates that are learned once say what the package says of each call, at every size of request."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from types import TracebackType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.pricing.book import PriceBook, _price_of_call
from etaoi_collector.pricing.token_counts import Tokens

BOOK = PriceBook()
AT = 1_790_000_000.0
MODELS = (
    "gpt-5",
    "gpt-4o",
    "claude-sonnet-4-5",
    "claude-opus-4-1",
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "grok-4",
)
"""Two of them cost more from 200,000 tokens of input on."""

COUNTS = st.integers(0, 3_000) | st.integers(0, 400_000) | st.sampled_from([199_999, 200_000, 200_001])


@st.composite
def tokens(draw: st.DrawFn) -> Tokens:
    written = draw(COUNTS)
    return Tokens(
        draw(COUNTS),
        draw(COUNTS),
        written,
        draw(COUNTS),
        None,
        "",
        cache_write_1h=draw(st.integers(0, written)),
    )


@given(st.sampled_from(MODELS), tokens())
@settings(max_examples=150, deadline=None)
def test_rates_and_the_package_agree(model: str, counted: Tokens) -> None:
    if not BOOK.ready:
        BOOK.load()
    cost = BOOK.cost(counted, model, at=AT)
    package_price = _price_of_call(BOOK._package, counted, model, "", datetime.fromtimestamp(AT, UTC), None)
    assert package_price is not None and (cost.total, cost.input, cost.output) == pytest.approx(
        package_price, abs=1e-12
    )


def test_calls_without_a_price_leak_no_memory() -> None:
    """An exception that is kept and raised again grows by a traceback, with its frames, each time."""
    if not BOOK.ready:
        BOOK.load()

    def tracebacks() -> int:
        gc.collect()
        return sum(type(one) is TracebackType for one in gc.get_objects())  # some classes raise when asked

    def price(count: int) -> None:
        for number in range(count):
            counted = Tokens(number, 0, 0, 1, None, "")
            assert BOOK.cost(counted, "nobody-knows-this-1", "nobody", AT).total is None

    price(1)
    count_before = tracebacks()
    price(300)
    assert tracebacks() < count_before + 100

"""Prices of the package ``genai-prices`` as rates per token.

The package takes more than a millisecond to price one call; a session of ten thousand would keep a reader
waiting for a quarter of a minute. Within one model, one moment and one size of request its price is a sum of
counts times rates, so that the package is asked for the rates once, and the sum is made here.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from etaoi_collector.pricing.token_counts import Tokens
from etaoi_collector.pricing.units import UNITS

_SAMPLE = 1_000
"""Tokens that are priced to learn a rate, on top of what a size of request begins with."""

_MODELS_KEPT = 4_096
_REQUESTS = "requests"


class Rates:
    """What one token of each sort costs in one size of request, in units.

    Attributes:
        fresh: Input that came from no cache and went into none; the next ones likewise.
    """

    __slots__ = ("cache_read", "cache_write", "cache_write_1h", "fresh", "output")

    def __init__(self, price: Any, usage: Any, first: int) -> None:
        """Learn the rates.

        Args:
            price: The model's price, of the package.
            usage: The package's `Usage`.
            first: Fewest tokens of input that a request of this size has.
        """
        size = first + _SAMPLE

        def rate(counted: int, **counts: int) -> int:
            token_counts = {"input_tokens": size, "output_tokens": 0, **counts}
            cost: Decimal = price.calc_price(usage(**token_counts))["total_price"]
            return round(cost * UNITS / counted)

        self.fresh = rate(size)
        self.cache_read = rate(size, cache_read_tokens=size)
        self.cache_write = rate(size, cache_write_tokens=size)
        self.cache_write_1h = rate(size, cache_write_tokens=size, cache_write_1h_tokens=size)
        both = rate(1, output_tokens=_SAMPLE)
        self.output = round((both - rate(1)) / _SAMPLE)


class PackageRates:
    """The package's prices, asked for once each.

    Args:
        package: The imported package.
    """

    def __init__(self, package: Any) -> None:
        self._usage = package.Usage
        self._models: dict[tuple[str, str], Any] = {}
        self._prices: dict[int, tuple[Any, list[int], dict[int, Rates]]] = {}

    def cost(
        self, tokens: Tokens, name: str, provider_id: str, when: datetime | None
    ) -> tuple[float, float, float] | None:
        """Return what a call of text costs: in all, for its input and for its output, in dollars.

        Returns:
            None if the package does not know the model there.

        Raises:
            ValueError: It has no rates, but something of its own for each call.
        """
        model = self._model(name, provider_id)
        if model is None:
            return None
        price = model.get_prices(when or datetime.now(UTC))
        cached = self._prices.get(id(price))
        if cached is None:
            # The price is kept along, or another could come to have its address.
            cached = self._prices[id(price)] = price, _sizes(price), {}
        _, sizes, all_rates = cached
        size = bisect_left(sizes, tokens.input)
        rates = all_rates.get(size)
        if rates is None:
            rates = all_rates[size] = Rates(price, self._usage, sizes[size - 1] + 1 if size else 0)
        input_cost = (
            tokens.fresh * rates.fresh
            + tokens.cache_read * rates.cache_read
            + (tokens.cache_write - tokens.cache_write_1h) * rates.cache_write
            + tokens.cache_write_1h * rates.cache_write_1h
        )
        output_cost = tokens.output * rates.output
        return (input_cost + output_cost) / UNITS, input_cost / UNITS, output_cost / UNITS

    def _model(self, name: str, provider_id: str) -> Any:
        """Return the package's model; None, which is remembered as well, if there is none."""
        key = name, provider_id
        try:
            return self._models[key]
        except KeyError:
            pass
        from genai_prices.data_snapshot import get_snapshot

        try:
            _, model_or_error = get_snapshot().find_provider_model(name, None, provider_id or None, None)
        except LookupError:
            model_or_error = None
        if len(self._models) < _MODELS_KEPT:
            self._models[key] = model_or_error
        return model_or_error


def _sizes(price: Any) -> list[int]:
    """Return the sizes of input above which other rates hold.

    Raises:
        ValueError: Requests cost something by themselves.
    """
    thresholds: set[int] = set()
    for key, value in vars(price).items():
        if value is not None and key.startswith(_REQUESTS):
            raise ValueError("requests have a price of their own")
        thresholds.update(tier.start for tier in getattr(value, "tiers", ()))
    return sorted(thresholds)

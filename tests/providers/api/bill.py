"""What an answer costs at this API: counted and priced on its own, without a line of the product."""

from __future__ import annotations

from dataclasses import dataclass

_MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """Dollars per million tokens."""

    fresh: float
    output: float
    read: float
    write: float = 0.0
    write_1h: float = 0.0


PRICES = {
    "gpt-4o": Price(2.50, 10, 1.25),
    "gpt-4o-mini": Price(0.15, 0.60, 0.075),
    "gpt-5": Price(1.25, 10, 0.125),
    "claude-sonnet-4-5": Price(3, 15, 0.30, 3.75, 6),
    "gemini-2.5-flash": Price(0.30, 2.50, 0.03),
    "gpt-3.5-turbo-instruct": Price(1.50, 2, 1.50),
}
"""The providers' public prices; of requests so small that no price of theirs rises with the size."""

TIERS = {("gpt-5", "flex"): 0.5, ("gpt-5", "priority"): 2.0}
"""What a tier makes of a price."""


@dataclass(frozen=True)
class Bill:
    """The tokens of one answer, each counted once.

    Attributes:
        model: The price list's name of the model that answered.
        fresh: Input that came from no cache and went into none.
        output: Output, with ``reasoning``.
    """

    model: str
    fresh: int = 100
    output: int = 20
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    reasoning: int = 0
    input_audio: int = 0
    output_audio: int = 0
    tier: str = ""

    @property
    def input(self) -> int:
        """All input."""
        return self.fresh + self.read + self.write_5m + self.write_1h

    @property
    def dollars(self) -> float:
        """What it costs, without surcharges for audio."""
        price = PRICES[self.model]
        uncached = self.fresh * price.fresh + self.read * price.read
        written = self.write_5m * price.write + self.write_1h * price.write_1h
        standard_price = (uncached + written + self.output * price.output) / _MILLION
        return standard_price * TIERS.get((self.model, self.tier), 1.0)

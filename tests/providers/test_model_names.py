"""Names of models as deployments, gateways and regions write them: each finds its price and its window."""

from __future__ import annotations

from pathlib import Path

import pytest

from etaoi_collector.pricing.book import PriceBook, read_own
from etaoi_collector.pricing.token_counts import Tokens

AT = 1_796_000_000.0
"""A day on which prices are compared: they change."""


@pytest.fixture(scope="module")
def book() -> PriceBook:
    prices = PriceBook()
    prices.load()
    return prices


def asked(
    book: PriceBook, model: str, provider: str = "", tier: str | None = None, **more: int
) -> float | None:
    tokens = Tokens(
        **{"fresh": 1_000, "cache_read": 0, "cache_write": 0, "output": 10, **more}, reasoning=None, rule=""
    )
    return book.cost(tokens, model, provider, AT, tier).total


@pytest.mark.parametrize(
    ("name", "provider", "bare"),
    [
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("openrouter/openai/gpt-4o", "openai", "gpt-4o"),
        ("openai:gpt-4o", "", "gpt-4o"),
        ("anthropic/claude-sonnet-4-5", "litellm", "claude-sonnet-4-5"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5@20250929", "google_anthropic_vertex", "claude-sonnet-4-5"),
        ("models/gemini-2.5-flash", "google_genai", "gemini-2.5-flash"),
        ("publishers/google/models/gemini-2.5-flash", "google_vertexai", "gemini-2.5-flash"),
        ("gpt-4o-2024-08-06", "azure", "gpt-4o"),
        ("gpt-5:latest", "openai", "gpt-5"),
    ],
)
def test_a_name_with_a_vendor_finds_price_and_window(
    book: PriceBook, name: str, provider: str, bare: str
) -> None:
    price = asked(book, name, provider)
    assert price is not None and price == pytest.approx(asked(book, bare) or 0.0)
    assert book.window(name, provider).tokens == book.window(bare).tokens


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("ft:some-model:acme::abc", "openai"),
        ("llama3.1", "ollama"),
        ("", ""),
        ("my-model", "openai"),
    ],
)
def test_what_is_not_known_is_not_guessed(book: PriceBook, name: str, provider: str) -> None:
    assert asked(book, name, provider) is None


def test_tiers_have_their_own_price_or_say_so(book: PriceBook) -> None:
    default_tier, flex = asked(book, "gpt-5"), asked(book, "gpt-5", tier="flex")
    assert default_tier is not None and flex == pytest.approx(default_tier / 2)
    tokens = Tokens(1_000, 0, 0, 10, None, "")
    other = book.cost(tokens, "gpt-4o", "openai", AT, "nobody's")
    assert other.total == asked(book, "gpt-4o") and "standard price" in other.source
    assert book.cost(tokens, "claude-sonnet-4-5", "", AT, "batch").total == pytest.approx(0.001575)


def test_cache_writes_for_an_hour_cost_more(book: PriceBook) -> None:
    five = asked(book, "claude-sonnet-4-5", fresh=0, cache_write=1_000_000, output=0, cache_write_1h=0)
    hour = asked(book, "claude-sonnet-4-5", fresh=0, cache_write=100_000, output=0, cache_write_1h=100_000)
    assert five is not None and hour == pytest.approx(0.6)


def test_modalities_have_their_price_also_beside_a_cache(book: PriceBook) -> None:
    text = asked(book, "gemini-2.5-flash", fresh=400, cache_read=600)
    audio = asked(book, "gemini-2.5-flash", fresh=400, cache_read=600, input_audio=300)
    audio_with_cached = asked(
        book, "gemini-2.5-flash", fresh=400, cache_read=600, input_audio=700, cache_read_audio=600
    )
    assert (
        text is not None
        and audio is not None
        and audio_with_cached is not None
        and text < audio_with_cached < audio
    )
    assert asked(book, "gemini-2.5-flash", input_image=500, input_video=100, output_image=3) is not None


def test_the_users_prices_are_found_by_the_bare_name(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(
        "[models.house]\ninput = 1\noutput = 2\ncache_write = 3\ncache_write_1h = 4\nwindow = 9\n"
    )
    book = read_own(file)
    assert not book.problems
    assert (
        asked(book, "gateway/house", fresh=0, cache_write=3_000_000, cache_write_1h=1_000_000, output=0)
        == 10.0
    )
    assert book.window("gateway/house").tokens == 9

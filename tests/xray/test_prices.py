"""Tokens and money: each convention by the report it is known from, unknown said as unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etaoi_collector.conventions.usage import Usage, read_usage
from etaoi_collector.pricing.book import PriceBook, read_own
from etaoi_collector.pricing.token_counts import Tokens, read_tokens
from etaoi_tui.cli.main import main

LANGCHAIN = {
    "input_tokens": 100,
    "output_tokens": 10,
    "input_token_details": {"cache_read": 60, "cache_creation": 20},
}
OPENAI = {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 60}}
ANTHROPIC = {"input_tokens": 100, "output_tokens": 10, "cache_read_input_tokens": 60}
ODD = {
    "input_tokens": 5,
    "output_tokens": 10,
    "cache_read_input_tokens": 900,
    "cache_creation_input_tokens": 50,
}


@pytest.mark.parametrize(
    ("usage_metadata", "provider", "apart"),
    [
        (LANGCHAIN, "anthropic", (20, 60, 20)),
        (OPENAI, "openai", (40, 60, 0)),
        (ANTHROPIC, "anthropic", (100, 60, 0)),
        (ODD, "", (5, 900, 50)),
        ({"input_tokens": 100, "output_tokens": 10}, "", (100, 0, 0)),
    ],
)
def test_a_cache_is_counted_once(
    usage_metadata: dict[str, Any], provider: str, apart: tuple[int, int, int]
) -> None:
    usage = read_usage(usage_metadata, provider)
    assert usage is not None
    tokens = read_tokens(usage)
    assert tokens is not None
    assert (tokens.fresh, tokens.cache_read, tokens.cache_write) == apart
    assert tokens.sure


def test_an_ambiguous_usage_report_is_read_with_an_assumption() -> None:
    tokens = read_tokens(Usage(100, 10, None, 60))
    assert tokens is not None
    assert not tokens.sure
    assert "assumed" in tokens.rule


@pytest.fixture(scope="module")
def book() -> PriceBook:
    prices = PriceBook()
    prices.load()
    return prices


def test_a_cached_prompt_is_cheaper_by_what_the_cache_saves(book: PriceBook) -> None:
    fresh = book.cost(Tokens(1000, 0, 0, 0, None, ""), "gpt-5", "openai")
    cached = book.cost(Tokens(0, 1000, 0, 0, None, ""), "gpt-5", "openai")
    assert fresh.total is not None
    assert cached.total is not None
    assert 0 < cached.total < fresh.total


def test_an_unknown_model_has_no_price_and_no_window(book: PriceBook) -> None:
    cost = book.cost(Tokens(1000, 0, 0, 5, None, ""), "fake-gpt-5", "fakeai")
    assert cost.total is None
    assert "fake-gpt-5" in cost.source
    assert book.window("fake-gpt-5").tokens is None


def test_the_users_prices_go_first(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(
        '[models."gpt-5"]\ninput = 2.0\noutput = 8\nwindow = 1000\n[models.odd]\ninput = "much"\n'
    )
    book = read_own(file)
    cost = book.cost(Tokens(1_000_000, 0, 0, 1_000_000, None, ""), "gpt-5")
    assert cost.total == pytest.approx(10.0)
    assert cost.source == "your prices"
    assert book.window("gpt-5").tokens == 1000
    assert ["odd" in problem and "input" in problem for problem in book.problems] == [True]
    file.write_text("[models")
    assert "cannot be read" in read_own(file).problems[0]


def test_the_command_names_the_price_list_in_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("etaoi_collector.pricing.report.own_path", lambda: tmp_path / "prices.toml")
    done = CliRunner().invoke(main, ["prices", "gpt-5", "nobody-knows"])
    assert done.exit_code == 0
    assert "genai-prices" in done.output
    assert str(tmp_path) in done.output
    assert "unknown" in done.output.splitlines()[-1]

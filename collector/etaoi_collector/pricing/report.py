"""What ``etaoi-tui prices`` says: where prices come from, and what is known about models."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from etaoi_collector.pricing.book import PACKAGE, PriceBook, own_path, read_own
from etaoi_collector.pricing.token_counts import Tokens

_SAMPLE = 1_000
"""Tokens that are priced: few, because some prices rise with the size of a request."""

_IN = Tokens(_SAMPLE, 0, 0, 0, None, "")
_READ = Tokens(0, _SAMPLE, 0, 0, None, "")
_WRITTEN = Tokens(0, 0, _SAMPLE, 0, None, "")
_OUT = Tokens(0, 0, 0, _SAMPLE, None, "")


def price_report(models: tuple[str, ...] = ()) -> Iterator[str]:
    """Return the lines of the report; with model names, what is known about each."""
    book = read_own(own_path())
    book.load()
    yield f"prices from   {book.package_name}"
    installed = _installed_at()
    if installed is not None:
        days = int((time.time() - installed) // 86_400)
        when = time.strftime("%Y-%m-%d", time.localtime(installed))
        yield f"installed     {when}, {days} day{'s' if days != 1 else ''} ago; prices are as of that release"
    yield f"your prices   {book.path} ({len(book.own)} model{'s' if len(book.own) != 1 else ''})"
    for problem in book.problems:
        yield f"!             {problem}"
    names = models or tuple(book.own)
    if names:
        yield ""
        heads = f"{'input':>9} {'cache read':>10} {'written':>9} {'output':>9}  window"
        yield f"{'dollars per million tokens':<28} {heads}"
    for name in names:
        yield _line(book, name)
    if not names:
        yield "Name models to see what is known about them: etaoi-tui prices gpt-5 claude-sonnet-4-5"


def _line(book: PriceBook, name: str) -> str:
    costs = [book.cost(tokens, name) for tokens in (_IN, _READ, _WRITTEN, _OUT)]
    window = book.window(name)
    window_text = f"{window.tokens:,}" if window.tokens else "unknown"
    if costs[0].total is None:
        return f"{name:<28} {'unknown':>9}  {costs[0].source}; window {window_text}"
    cells = [
        f"{(cost.total or 0.0) * 1_000_000 / _SAMPLE:>{width}.3f}"
        for cost, width in zip(costs, (9, 10, 9, 9), strict=True)
    ]
    return f"{name:<28} {' '.join(cells)}  {window_text}  ({costs[0].source})"


def _installed_at() -> float | None:
    try:
        files = metadata.files(PACKAGE)
    except metadata.PackageNotFoundError:
        return None
    for file in files or ():
        if file.name == "METADATA":
            path = Path(str(file.locate()))
            return path.stat().st_mtime if path.exists() else None
    return None

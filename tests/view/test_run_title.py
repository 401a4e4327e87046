"""The title of a run: what matters stays at every width, and failures that were handled read as such."""

from __future__ import annotations

from collections.abc import Callable

from etaoi_collector.pricing.book import price_book
from etaoi_collector.pricing.totals import Totals
from etaoi_collector.store import Store
from etaoi_collector.wire.codec import decode_frame
from etaoi_tui.text import cells
from etaoi_tui.view.run_title import run_title
from tests.generate import frame
from tests.scribe import Scribe

NAME = "a researcher with a name that is long"
MODEL = {"ls_model_name": "gpt-4o-mini", "ls_provider": "openai"}


def titles(*, fails: bool) -> Callable[[int], str]:
    """Return the title by its width of an agent with three model calls, and two tool calls that failed."""
    scribe = Scribe("titles")
    root = scribe.start("sub_agent", NAME)
    for _ in range(3):
        call = scribe.start("llm", "gpt-4o-mini", root, metadata=MODEL)
        used = {"input_tokens": 7_000, "output_tokens": 100}
        scribe.clock.advance(4_000_000)
        scribe.end(call, {"model_name": "gpt-4o-mini", "usage": used, "response": {"text": "x"}})
    for number in range(2):
        scribe.end(scribe.start("tool", "search", root), error=f"TimeoutError('{number}')")
    scribe.end(scribe.start("tool", "answer", root))
    scribe.end(root, error="RuntimeError('no')" if fails else None)
    price_book().load()
    store, totals = Store(), Totals()
    store.apply(decode_frame(frame(scribe.take())), -1, 1)
    totals.apply(store.drain_changes())
    (trace,) = store.traces.values()
    return lambda width: run_title(trace, totals, trace.ended_at, width)


def test_tokens_cost_and_failures_stay_at_every_width() -> None:
    title = titles(fails=True)
    for width in range(26, 120):
        text = title(width)
        assert cells(text) <= width
        assert "21.3k" in text and "$0.0033" in text and text.endswith(("✗3", "✗ 3 errors"))


def test_counts_of_calls_go_first_then_words_then_the_end_of_the_name() -> None:
    title = titles(fails=True)
    assert [title(width) for width in (100, 60, 42, 28)] == [
        f"{NAME}  12.0s  3 llm  3 tools  21.3k tok  $0.0033  ✗ 3 errors",
        "a researcher with a…  12.0s  21.3k tok  $0.0033  ✗ 3 errors",
        "a researcher w…  12.0s  21.3k  $0.0033  ✗3",
        "a resea…  21.3k  $0.0033  ✗3",
    ]


def test_failures_that_were_handled_do_not_read_as_a_failed_run() -> None:
    title = titles(fails=False)
    assert title(120).endswith("$0.0033  ✓ ok, 2 handled")
    assert title(40).endswith("$0.0033  ✓ 2 handled")

"""When a model's first token came: as its producer says, or when its first text did."""

from __future__ import annotations

from typing import Any

import pytest

from tests.store.folds import folded, span_of
from tests.store.histories import event


def first_token(deltas: list[tuple[float, dict[str, Any]]], end: dict[str, Any]) -> float | None:
    """Return the time to first token of a call that starts at 10 s and ends at 20 s."""
    delta_events = [
        event("span_delta", "call", at, node_kind="llm", payload=payload) for at, payload in deltas
    ]
    store = folded(
        event("span_start", "call", 10, node_kind="llm"),
        *delta_events,
        event("span_end", "call", 20, node_kind="llm", payload=end),
    )
    return span_of(store, "call").ttft


@pytest.mark.parametrize(
    ("deltas", "end", "seconds"),
    [
        ([(13, {"text": "Hel"}), (14, {"text": "lo"})], {}, 3.0),
        ([(12, {"text": "hm", "channel": "reasoning"}), (13, {"text": "Hel"})], {}, 2.0),
        ([(12, {"text": ""}), (13, {"text": "Hel"})], {}, 3.0),
        ([(13, {"text": "Hel"})], {"ttft_ms": 2_900}, 2.9),
        ([(13, {"text": "Hel"})], {"ttft_ms": 200}, 3.0),
        ([], {"ttft_ms": 200}, 0.2),
        ([], {}, None),
    ],
    ids=["the first text", "reasoning counts", "an empty piece", "its producer", "an empty chunk",
         "no text", "none"],
)  # fmt: skip
def test_the_first_token_is_the_first_text(
    deltas: list[tuple[float, dict[str, Any]]], end: dict[str, Any], seconds: float | None
) -> None:
    assert first_token(deltas, end) == (None if seconds is None else pytest.approx(seconds))

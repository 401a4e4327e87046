"""A large value keeps every key and is cut inside its values; what travels as JSON stays whole JSON."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_collector.conventions.cut_json import read_cut_json
from etaoi_tui.sdk.limits import Limits
from etaoi_tui.sdk.redact import Redact
from etaoi_tui.sdk.sanitize import Json
from etaoi_tui.sdk.serialize import PayloadSerializer


def sent(value: Any, limits: Limits | None = None) -> Any:
    """What arrives of a value that travels as JSON text."""
    serializer = PayloadSerializer(limits or Limits(), Redact.of(None))
    text = msgspec.msgpack.decode(serializer.payload({"outputs": Json(value)}))["outputs"]
    assert len(text) <= (limits or Limits()).text
    return json.loads(text)


@pytest.mark.parametrize("notes", [1, 3, 40, 300, 900])
@pytest.mark.parametrize("text", ["note {} ", 'quo"te\n{}\t', "söme ünicode {} ✓ ", "\x01\x02{}"])
def test_small_fields_stay_whole_beside_large_ones(notes: int, text: str) -> None:
    state = {
        "question": "why?",
        "raw_notes": [text.format(n) * 9_000 for n in range(notes)],
        "final_report": "The answer is 42. " * 20,
        "sources": [f"https://example.org/{n}" for n in range(20)],
        "nested": {"big": "y" * 200_000, "small": {"deep": [1, 2, {"x": "kept"}]}},
        "count": 7,
    }
    decoded = sent(state)
    assert list(decoded) == list(state)
    for key in ("question", "final_report", "sources", "count"):
        assert decoded[key] == state[key], key
    assert decoded["nested"]["small"] == {"deep": [1, 2, {"x": "kept"}]}
    assert "truncated" in decoded["nested"]["big"]
    listed = [one for one in decoded["raw_notes"] if not one.startswith("… [")]
    left_out = [
        int(one.split("[")[1].split(" of ")[0]) for one in decoded["raw_notes"] if one.startswith("… [")
    ]
    assert len(listed) + sum(left_out) == notes
    assert any("truncated" in one or len(one) == len(state["raw_notes"][0]) for one in listed)


def test_equals_share_alike() -> None:
    decoded = sent({name: name * 100_000 for name in "abcde"})
    sizes = [len(one) for one in decoded.values()]
    assert min(sizes) > 0.9 * max(sizes) and sum(sizes) > 50_000


def test_the_newest_messages_of_a_long_history_stay() -> None:
    decoded = sent(
        {"messages": [{"type": "human", "content": f"{n} " * 200} for n in range(2_000)], "done": True}
    )
    assert decoded["done"] is True
    assert decoded["messages"][-1]["content"].startswith("1999 ")
    assert decoded["messages"][0]["content"].startswith("0 ")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=6),
    max_leaves=12,
)
maps = st.dictionaries(st.text(min_size=1, max_size=8), json_values, min_size=1, max_size=8)


@settings(deadline=None, max_examples=80)
@given(maps, st.integers(1, 9))
def test_any_map_keeps_its_top_keys_and_stays_json(value: dict[str, Any], scale: int) -> None:
    limits = Limits(text=1_500 * scale)
    serializer = PayloadSerializer(limits, Redact.of(False))
    text = msgspec.msgpack.decode(serializer.payload({"outputs": Json(value)}))["outputs"]
    decoded = json.loads(text)
    if sum(map(len, value)) < 200:
        assert len(decoded) == len(value)


@settings(deadline=None, max_examples=100)
@given(maps | st.lists(json_values, min_size=1), st.data())
def test_json_that_a_producer_cut_keeps_its_type(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    cut = text[: data.draw(st.integers(1, len(text) - 1))]
    for ending in ("", "… [truncated 12 chars]"):
        try:
            decoded = read_cut_json(cut + ending, 64)
        except ValueError:
            continue
        assert type(decoded) is type(value)
    assert type(read_cut_json(cut, 64)) is type(value)

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import math
import time
import types
import uuid
from collections import OrderedDict, UserDict, deque, namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etaoi_tui.sdk.limits import Limits
from etaoi_tui.sdk.redact import DEFAULT, REDACTED, Redact
from etaoi_tui.sdk.sanitize import Sanitizer
from etaoi_tui.sdk.serialize import Json, PayloadSerializer, snapshot


def shaper(**limits: int) -> PayloadSerializer:
    return PayloadSerializer(Limits(**limits), DEFAULT)


def read(encoded: bytes) -> Any:
    return msgspec.msgpack.decode(encoded)


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Point:
    x: int
    y: Any = None


@dataclasses.dataclass(slots=True)
class Slotted:
    a: int


class Record(msgspec.Struct):
    name: str


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __str__(self) -> str:
        raise RuntimeError("no str")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no attributes")


class Hangs:
    def __repr__(self) -> str:
        time.sleep(3600)
        return ""


class EvilDict(dict):  # type: ignore[type-arg]
    def items(self) -> Any:
        raise RuntimeError("no items")

    def __iter__(self) -> Any:
        raise RuntimeError("no iteration")


Pair = namedtuple("Pair", "left right")


CYCLE: list[Any] = [1]
CYCLE.append(CYCLE)
DEEP: Any = 0
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (10**22, "10000000000000000000000"),
        (1 << 63, 1 << 63),
        (-(1 << 63) - 1, "-9223372036854775809"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        ("a\ud800b", "a\\ud800b"),
        (b"\xff\x00", "<2 bytes: b'\\xff\\x00'>"),
        ({1, 2}, [1, 2]),
        (deque([1]), [1]),
        (Pair(1, 2), {"left": 1, "right": 2}),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Point(1, {2}), {"__type__": "tests.sdk.test_values.Point", "x": 1, "y": [2]}),
        (Slotted(5), {"__type__": "tests.sdk.test_values.Slotted", "a": 5}),
        (Record("n"), {"__type__": "tests.sdk.test_values.Record", "name": "n"}),
        (Hostile(), "<tests.sdk.test_values.Hostile>"),
        (Hangs(), "<tests.sdk.test_values.Hangs>"),
        (EvilDict(a=1), {"a": 1}),
        (OrderedDict(b=2), {"b": 2}),
        (types.MappingProxyType({"k": 1}), {"k": 1}),
        ({1: "a", "1": "b", None: "c", (1, 2): "d"}, {"1": "a", "1′": "b", "None": "c", "[1,2]": "d"}),
        (datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "2026-01-02T00:00:00+00:00"),
        (datetime.timedelta(seconds=61), "0:01:01"),
        (decimal.Decimal("1.50"), "1.50"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (Path("/a/b"), "/a/b"),
        (complex(1, 2), "(1+2j)"),
        (ValueError("bad"), "ValueError('bad')"),
        (len, "<builtin_function_or_method builtins.len>"),
        (Point, "<type tests.sdk.test_values.Point>"),
        (1 << 100_000, "<integer of 100001 bits, 0x8000000000000000…>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_odd_values_become_readable(value: Any, expected: Any) -> None:
    assert read(shaper().payload({"value": value})) == {"value": expected}
    assert json.loads(shaper().json_text({"value": value})) == {"value": expected}


def test_cycles_and_bottomless_values_end() -> None:
    assert read(shaper().payload({"v": CYCLE}))["v"] == [1, "<the same list again>"]
    text = shaper().json_text(DEEP)
    assert "nested deeper than 32" in text
    assert json.loads(text)


def test_pydantic_models_and_langchain_messages_show_their_fields() -> None:
    class Model(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        a: int = 1

    fields = read(shaper().payload({"v": Model(b=2)}))["v"]
    assert fields["a"] == 1 and fields["b"] == 2


def test_numpy_values_become_numbers() -> None:
    numbers = read(
        shaper().payload(
            {"i": numpy.int64(3), "f": numpy.float32(0.5), "a": numpy.arange(3), "big": numpy.zeros((9, 99))}
        )
    )
    assert numbers["i"] == 3 and numbers["f"] == 0.5 and numbers["a"] == [0, 1, 2]
    assert "(9, 99)" in numbers["big"]


def test_a_payload_that_is_no_map_or_cannot_be_serialized_has_a_note() -> None:
    def broken() -> Any:
        raise RuntimeError("late")

    assert read(shaper().payload([1])) == {"value": [1]}
    assert read(shaper().payload(None)) == {}
    assert "RuntimeError('late')" in read(shaper().payload(broken))["etaoi_tui.note"]
    assert read(shaper().payload(lambda: {"a": 1})) == {"a": 1}
    assert read(shaper().payload(UserDict(a=1))) == {"a": 1}


def test_a_truncated_value_names_position_and_length_and_stays_valid_json() -> None:
    serializer = shaper(text=1000)
    text = serializer.json_text({"first": "x" * 5000, "second": "y"})
    decoded = json.loads(text)
    assert "[truncated" in decoded["first"] and "of 5000]" in decoded["first"]
    assert decoded["second"] == "y"
    assert len(text) < 1200
    assert serializer.cut == 1


def test_a_long_history_keeps_its_beginning_and_its_end() -> None:
    decoded = json.loads(
        shaper(text=2000).json_text({"messages": [f"message {i} " + "." * 80 for i in range(200)]})
    )
    messages = decoded["messages"]
    assert messages[0].startswith("message 0 ")
    assert messages[-1].startswith("message 199 ")
    assert any("items left out" in item for item in messages)


def test_a_huge_state_costs_what_its_limit_costs() -> None:
    state = {"messages": [{"content": "z" * 1000, "n": i} for i in range(50_000)]}
    text = shaper().json_text(state)
    assert len(text) < 80_000
    assert json.loads(text)


def test_a_dict_that_changes_while_it_is_read_is_still_sent() -> None:
    class Sneaky(dict):  # type: ignore[type-arg]
        pass

    state: dict[str, Any] = {str(i): i for i in range(100)}
    state["child"] = Sneaky(state)
    assert read(shaper().payload(state))["99"] == 99


def test_a_snapshot_does_not_follow_later_changes() -> None:
    state = {"messages": [1, 2], "nested": {"a": [1]}, "s": {1}}
    copied = snapshot(state)
    state["messages"].append(3)  # type: ignore[attr-defined]
    state["nested"]["a"] = 2  # type: ignore[index]
    state["new"] = 1  # type: ignore[assignment]
    assert copied == {"messages": [1, 2], "nested": {"a": [1]}, "s": [1]}


def test_a_snapshot_of_a_long_list_has_its_length() -> None:
    decoded = json.loads(shaper().json_text(snapshot({"rows": list(range(10_000))})))
    assert "8000 of 10000 items left out" in decoded["rows"][-1]


def test_metadata_is_text_and_bounded() -> None:
    serializer = shaper(metadata_items=3)
    decoded = serializer.metadata(
        "name", {"n": 7, "none": None, "nested": {"a": [1]}, "x": "y" * 9000, "more": 1}
    )
    assert decoded["name"] == "name" and decoded["n"] == "7" and decoded["nested"] == "{'a': [1]}"
    assert all(type(value) is str for value in decoded.values())
    assert "none" not in decoded
    assert decoded["etaoi_tui.cut"] == "2 more metadata entries"


def test_errors_read_as_their_repr() -> None:
    class Odd(Exception):
        def __repr__(self) -> str:
            raise RuntimeError

    assert shaper().error(ValueError("x", 2)) == "ValueError('x', 2)"
    assert shaper().error(KeyError(Hangs())) == "KeyError(<tests.sdk.test_values.Hangs>)"
    assert shaper().error(Odd()) == "Odd(its text could not be read)"
    assert shaper().error("interrupted") == "interrupted"
    assert shaper().error(None) is None


JSON_LIKE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
    | st.just(Json({1: 2})),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.sets(st.integers())
        | st.dictionaries(st.text() | st.integers() | st.none() | st.booleans(), inner)
    ),
    max_leaves=40,
)


@settings(max_examples=300, deadline=None)
@given(JSON_LIKE, st.integers(min_value=16, max_value=400))
def test_any_value_encodes_within_its_limit(value: Any, limit: int) -> None:
    serializer = shaper(text=limit, event=limit * 4)
    decoded = read(serializer.payload({"v": value, "after": "kept"}))
    assert isinstance(decoded, dict)
    text = serializer.json_text(value)
    json.loads(text)
    assert len(text) < 12 * limit + 2000


@settings(max_examples=100, deadline=None)
@given(JSON_LIKE)
def test_plain_values_that_fit_arrive_unchanged(value: Any) -> None:
    plain = json.loads(json.dumps(value, default=str, skipkeys=True)) if _plain(value) else None
    if plain is not None:
        assert read(PayloadSerializer(Limits(), Redact(defaults=False)).payload({"v": plain})) == {"v": plain}


def _plain(value: Any) -> bool:
    try:
        msgspec.msgpack.encode(json.loads(json.dumps(value, allow_nan=False)))
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def test_a_long_text_inside_json_is_truncated_once_and_has_its_length() -> None:
    limits = Limits()
    decoded = Sanitizer(limits, DEFAULT, 10 * limits.text, text=limits.text).json(Json("word " * 200_000))
    assert decoded.count("truncated") == 1
    assert decoded.endswith("chars of 1000000]")


def test_values_without_a_size_of_their_own_are_counted() -> None:
    row: list[Any] = [{}] * 1_000
    decoded = shaper(event=20_000).payload({"v": [[row] * 1_000] * 10})
    assert len(decoded) < 40_000


def test_keys_that_become_equal_stay_distinct_within_the_limit() -> None:
    serializer = shaper(event=300_000)
    decoded = serializer.payload({"v": {"k-" + "x" * 300 + str(number): number for number in range(900)}})
    assert len(decoded) < 310_000
    assert list(read(decoded)["v"].values()) == list(range(900))


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode])
def test_a_value_that_its_owner_encoded_is_read_and_masked(encode: Callable[[Any], bytes]) -> None:
    raw = msgspec.Raw(encode({"api_key": "x" * 30, "n": 1}))
    expected = {"v": {"api_key": REDACTED, "n": 1}}
    assert read(shaper().payload({"v": raw})) == expected
    assert json.loads(shaper().json_text({"v": raw})) == expected


@pytest.mark.parametrize("payload", [b"abc", lambda: b"abc"])
def test_bytes_are_a_value_and_not_a_payload_that_is_encoded_already(payload: Any) -> None:
    assert read(shaper().payload(payload)) == {"value": "<3 bytes: b'abc'>"}

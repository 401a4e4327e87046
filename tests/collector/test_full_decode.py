"""Values of every kind as they are shown, with msgpack and without it, as in an agent's environment."""

from __future__ import annotations

import struct
from typing import Any

import msgpack
import pytest

from etaoi_collector.wire import full_decode
from etaoi_collector.wire.full_decode import decode_lossless
from etaoi_collector.wire.limits import MAX_SHOWN_DEPTH

PLAIN: dict[str, Any] = {
    "none": None, "yes": True, "no": False, "small": 5, "negative": -3, "byte": -100, "large": 2**63,
    "least": -(2**63), "half": 0.5, "text": "x" * 300, "long": "y" * 70_000, "list": list(range(20)),
    "many": [0] * 70_000, "map": {str(n): n for n in range(20)}, "empty": [{}, []],
}  # fmt: skip


@pytest.fixture(params=["msgpack", "alone"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "alone":
        monkeypatch.setattr(full_decode, "msgpack", None)
    return str(request.param)


def test_plain_values_are_themselves(way: str) -> None:
    assert decode_lossless(msgpack.packb(PLAIN)) == PLAIN


@pytest.mark.parametrize(
    ("packed", "expected"),
    [
        (b"\xd6\xff" + (1_000_000_000).to_bytes(4, "big"), "2001-09-09T01:46:40Z"),
        (b"\xd7\xff" + ((500_000_000 << 34) | 1).to_bytes(8, "big"), "1970-01-01T00:00:01.500000Z"),
        (b"\xc7\x0c\xff" + struct.pack(">Iq", 1_000, -1), "1969-12-31T23:59:59.000001Z"),
        (b"\xc7\x0c\xff" + struct.pack(">Iq", 0, 2**62), "<extension -1: 12 bytes"),
        (b"\xc7\x03\xffabc", "<extension -1: 61 62 63>"),
        (b"\xd4\x05a", "<extension 5: 61>"),
        (b"\xc7\x00\x05", "<extension 5: empty>"),
        (b"\xc7\x28\x05" + bytes(40), "<extension 5: 40 bytes: 00"),
        (b"\xc4\x02hi", "hi"),
        (b"\xc4\x02\xff\xfe", "<bytes ff fe>"),
        (b"\xa2\xff\xfe", "��"),
        (b"\xc1", "<byte c1>"),
    ],
)
def test_values_that_json_cannot_express_are_described(way: str, packed: bytes, expected: str) -> None:
    value = decode_lossless(b"\x81\xa1x" + packed)["x"]
    # msgpack reads a time that is none of its own way; both say what it is.
    assert value.startswith(expected) or ("extension" in expected and "extension" in value)


def test_keys_become_text_and_other_values_than_maps_get_a_name(way: str) -> None:
    assert decode_lossless(b"\x82\x01\x02\xc0\x05") == {"1": 2, "None": 5}
    assert decode_lossless(b"\x92\x01\x02") == {"value": [1, 2]}


@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1k"])
def test_nesting_too_deep_and_truncation_are_described(way: str, opening: bytes) -> None:
    deep = str(decode_lossless(b"\x81\xa1x" + opening * (MAX_SHOWN_DEPTH + 9) + b"\x01"))
    assert "nested deeper" in deep
    cut = str(decode_lossless(b"\x82\xa1x\x01\xa1y" + opening * 3))
    assert "breaks off" in cut and "'x': 1" in cut
    assert "breaks off" in str(decode_lossless(b"\x81\xa1x\xda\xff\xffabc"))
    assert decode_lossless(b"") == {"value": "… the data breaks off here"}

"""Attributes in protobuf, of every length, and again and again."""

from __future__ import annotations

import pytest

from etaoi_collector.translation import otlp_protobuf
from etaoi_collector.translation.otel_model import OtelSpan
from etaoi_collector.translation.otlp_protobuf import LONGEST_KEPT, NAMES_KEPT, decode_traces

TRACE, SPAN = b"\x01" * 16, b"\x02" * 8


def varint(value: int) -> bytes:
    """Write a number as protobuf does."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, data: bytes) -> bytes:
    """Write a field that has a length."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def attribute(key: str, value: bytes) -> bytes:
    """Write an attribute of a span, with an encoded ``AnyValue``."""
    return field(9, field(1, key.encode()) + field(2, value))


def text(value: str) -> bytes:
    """Write an ``AnyValue`` that is a text."""
    return field(1, value.encode())


def span_with(*attributes: bytes, after: bytes = b"") -> OtelSpan:
    """Decode a request of one span."""
    data = field(1, TRACE) + field(2, SPAN) + b"".join(attributes) + after
    (span,) = decode_traces(field(1, field(2, field(2, data))))
    assert isinstance(span, OtelSpan)
    return span


@pytest.mark.parametrize("size", [0, 1, *range(110, 150), 16_370, 16_383, 16_384, 16_385, 2_100_000])
@pytest.mark.parametrize("filling", ["x", "\x7f", "é"])
def test_texts_of_all_lengths_arrive_whole(size: int, filling: str) -> None:
    content = (filling * size)[:size]
    for _ in range(2):  # the second one may be remembered
        assert span_with(attribute("k", text(content)), attribute("next", text("here"))).attributes == {
            "k": content,
            "next": "here",
        }


def test_numbers_and_truths_keep_their_types() -> None:
    values = {"n": b"\x18\x01", "t": b"\x10\x01", "d": b"\x21" + b"\0" * 6 + b"\xf0\x3f", "s": text("1")}
    for _ in range(2):
        attributes = span_with(*(attribute(key, value) for key, value in values.items())).attributes
        assert [repr(value) for value in attributes.values()] == ["1", "True", "1.0", "'1'"]


def test_lists_that_come_again_are_not_the_same_object() -> None:
    listed = field(5, field(1, text("a")))
    first, second = (span_with(attribute("k", listed)).attributes["k"] for _ in range(2))
    assert first == second == ["a"]
    assert first is not second


def test_what_is_remembered_is_bounded() -> None:
    for number in range(3 * NAMES_KEPT):
        assert span_with(attribute("k", text(str(number)))).attributes == {"k": str(number)}
    span_with(attribute("long", text("x" * LONGEST_KEPT)))
    assert len(otlp_protobuf._short_attributes) <= NAMES_KEPT
    assert max(map(len, otlp_protobuf._short_attributes)) <= LONGEST_KEPT


def test_events_and_status_are_read_wherever_they_stand() -> None:
    event = field(11, field(2, b"exception") + field(3, field(1, b"k") + field(2, text("v"))))
    failed = field(15, field(2, b"broken") + b"\x18\x02")
    later = varint(16 << 3 | 5) + b"\x00\x01\x00\x00"  # flags, which nobody here reads
    for after in (event + failed, failed + event, later + event + failed, event + later + failed):
        span = span_with(attribute("a", text("b")), after=after)
        assert (span.status_code, span.status_message) == (2, "broken")
        assert [(one.name, one.attributes) for one in span.events] == [("exception", {"k": "v"})]
    assert span_with(after=field(15, b"\x18\x01")).status_code == 1


def test_a_text_before_a_field_of_a_later_version_ends_where_it_says() -> None:
    content = "\x02" + "x" * 9
    value = text(content) + field(12, b"y" * 127)
    # Read as a length of two bytes, the length and the first letter would reach to the end.
    assert (value[1] - 0x80) + (value[2] << 7) == len(value) - 3
    assert span_with(attribute("k", value)).attributes == {"k": content}

"""Messages of any size that are well-formed MessagePack and anything but a usual frame."""

from __future__ import annotations

from collections.abc import Callable

import msgpack

from tests.collector.making import frame_of, pack, start


def list_of_nil(size: int) -> bytes:
    """A frame whose envelopes are nil."""
    return b"\xdd" + size.to_bytes(4, "big") + b"\xc0" * size


def batch_of(item: bytes, size: int) -> bytes:
    """A frame with one envelope, whose batch repeats an item."""
    count = size // len(item)
    return b"\x91\x81\xa5batch\xdd" + count.to_bytes(4, "big") + item * count


def one_event(payload: bytes, **fields: object) -> bytes:
    """A frame with one event and this payload."""
    event = pack(start(1, **fields))
    marked = pack("payload") + pack({"input": "{}", "number": 1})
    assert marked in event
    return frame_of([event.replace(marked, pack("payload") + payload)])


def payload_of(item: bytes, size: int) -> bytes:
    """A payload whose one value is a list that repeats an item."""
    count = size // len(item)
    return b"\x81\xa1x\xdd" + count.to_bytes(4, "big") + item * count


def usual(size: int) -> bytes:
    """A frame of events with payloads of a kilobyte."""
    one = len(pack(start(1, payload={"text": "x" * 1_000})))
    return frame_of(start(number, payload={"text": "x" * 1_000}) for number in range(size // one))


def mixed(size: int) -> bytes:
    """Events, every other one of which is wrong."""
    one = len(pack(start(1)))
    return frame_of(
        start(number) if number % 2 else start(number, span_id="x") for number in range(size // one)
    )


ODD: dict[str, Callable[[int], bytes]] = {
    "usual": usual,
    "every other one wrong": mixed,
    "list of nil": list_of_nil,
    "batch of nil": lambda size: batch_of(b"\xc0", size),
    "batch of empty maps": lambda size: batch_of(b"\x80", size),
    "batch of small lists": lambda size: batch_of(b"\x91\xc0", size),
    "batch of small maps": lambda size: batch_of(pack({"kind": "span_start", "x": "y" * 60}), size),
    "envelopes without batch": lambda size: (
        b"\xdd" + (size // 2).to_bytes(4, "big") + b"\x81\xc0\xc0" * (size // 3)
    ),
    "empty batches": lambda size: (
        b"\xdd" + (size // 8).to_bytes(4, "big") + b"\x81\xa5batch\x90" * (size // 8)
    ),
    "payload of nil": lambda size: one_event(payload_of(b"\xc0", size)),
    "payload of small lists": lambda size: one_event(payload_of(b"\x91\xc0", size)),
    "payload of small texts": lambda size: one_event(payload_of(b"\xa1a", size)),
    "payload of nil, wrong event": lambda size: one_event(payload_of(b"\xc0", size), span_id="x"),
    "deep payload": lambda size: one_event(b"\x91" * size + b"\xc0"),
    "large metadata": lambda size: frame_of([start(1, metadata={"name": "x", "more": "y" * size})]),
    "no MessagePack": lambda size: frame_of([start(1)])[:-1] + b"\xc1" * size,
    "breaks off": lambda size: usual(size)[:-100],
    "many fields": lambda size: frame_of([msgpack.packb({f"f{n}": None for n in range(size // 9)})]),
}

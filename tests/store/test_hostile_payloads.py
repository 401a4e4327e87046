"""Names, payloads and frames that no honest client sends cost a store nothing but themselves."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest

from etaoi_collector.store import Store
from etaoi_collector.store.model import Status
from etaoi_collector.wire.codec import decode_frame
from etaoi_collector.wire.events import Reject
from tests.store.folds import folded, members, span_of
from tests.store.histories import event, ident, opened


def test_hostile_names_and_metadata_keys() -> None:
    ugly = "\x1b[31m\x00\x9b\u202eevil\ud7ff" * 200
    store = folded(event("span_start", ugly, 0, metadata={"name": ugly, ugly: ugly, "lc_hook": None}))
    span = members(store)[0]
    assert span.name == ugly[:256], "kept as it came, cut; made safe where it is drawn"


def frame_of(fields: dict[str, Any], payload: bytes) -> bytes:
    """Pack an event around the bytes of a payload, whatever they are."""
    marker = b"\xa6marker"
    plain = msgpack.packb([{"schema_version": "0.5.1", "batch": [fields | {"payload": "marker"}]}])
    return bytes(plain.replace(marker, payload))


def event_fields(kind: str, node_kind: str, at: int) -> dict[str, Any]:
    return {
        "kind": kind,
        "event_id": ident(kind, node_kind),
        "session_id": ident("s"),
        "trace_id": ident("trace", "t"),
        "span_id": ident("span", node_kind),
        "node_kind": node_kind,
        "timestamp": f"2026-01-02T03:04:0{at}Z",
        "metadata": {},
    }


_TEXT_OF = b"\x84\xa4text\xa3\xff\xfe\xfd\xaainput_size\x01\xa5usage\xa1\xff\xa5model\xa2\xc3\x28"
_DEEP = b"\x82\xa4deep" + b"\x91" * 400 + b"\xc0" + b"\xa4text\xa2ok"


@pytest.mark.parametrize("payload", [_TEXT_OF, _DEEP, b"\x93\x01\x02\x03", b"\xc0", b"\x81\xc0\xc0"])
@pytest.mark.parametrize("node_kind", ["llm", "voice_input", "tool"])
def test_payloads_that_are_broken_or_deep(payload: bytes, node_kind: str) -> None:
    store = Store()
    opened(store)
    for at, kind in enumerate(("span_start", "span_delta", "span_end")):
        store.apply(decode_frame(frame_of(event_fields(kind, node_kind, at), payload)), at, 1)
    assert store.rejected == 0
    assert members(store)[0].status is Status.OK


def test_depth_that_fits_the_decoder_but_not_the_reader() -> None:
    """The screen's thread stands deeper in its stack than the collector's: what fits there may not here."""
    events = [
        decode_frame(frame_of(event_fields(kind, "llm", at), b"\x81\xa4deep" + b"\x91" * 500 + b"\xc0"))
        for at, kind in enumerate(("span_start", "span_delta", "span_end"))
    ]
    assert not any(isinstance(item, Reject) for items in events for item in items)

    def deeper(levels: int) -> Store:
        if levels:
            return deeper(levels - 1)
        return folded(*(item for items in events for item in items))  # type: ignore[arg-type]

    assert members(deeper(450))[0].status is Status.OK


def test_json_cut_in_the_middle() -> None:
    cut = '{"messages": [{"type": "human", "content": "wh'
    store = folded(
        event("span_start", "a", 0, node_kind="llm", payload={"inputs": cut}),
        event("span_end", "a", 1, node_kind="llm", payload={"usage": cut, "model": "m", "ttft_ms": cut}),
    )
    assert span_of(store, "a").model == "m"
    assert span_of(store, "a").usage is None


def test_frames_of_ten_thousand_envelopes() -> None:
    batch = []
    for number in range(10_000):
        one = event_fields("span_start", "tool", 1)
        batch.append({"schema_version": "0.5.1", "batch": [one | {"span_id": ident(number), "payload": {}}]})
    store = Store()
    opened(store)
    store.apply(decode_frame(msgpack.packb(batch)), 0, 1)
    assert store.span_count == store.events == 10_000
    assert members(store)[-1].start_ref == 9_999

"""What the bridges record, folded by the viewer's store: nothing rejected, nothing said twice."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest

from etaoi_collector.model import Mark
from etaoi_collector.store import Store
from etaoi_collector.wire.codec import decode_frame
from etaoi_collector.wire.places import pack_place
from tests.bridges.real import played

pytestmark = pytest.mark.real_clients

WRONG = Mark.CONFLICT | Mark.ID_CLASH | Mark.PARENT_CYCLE | Mark.CLOCK_BACKWARDS


def folded(events: list[dict[str, Any]]) -> Store:
    store = Store()
    for number, event in enumerate(events):
        frame = msgpack.packb([{"schema_version": "0.5.1", "batch": [event]}])
        store.apply(decode_frame(frame), pack_place(0, number), 0)
    return store


@pytest.mark.parametrize("version", ["oldest", "newest"])
@pytest.mark.parametrize("package", ["voxagent", "loomcycle"])
def test_the_store_takes_it_as_it_is(package: str, version: str) -> None:
    for name, told in played(package, version, "watched").items():
        store = folded(told["events"])
        assert (store.rejected, store.repeats) == (0, 0), name
        for trace in store.traces.values():
            assert trace.running == 0, name
            for span in trace.members:
                assert not span.marks & WRONG, f"{name}: {span.name} {Mark(span.marks & WRONG)!r}"


def test_tokens_are_counted_once() -> None:
    told = played("loomcycle", "newest", "watched")["stream"]
    traces = folded(told["events"]).traces.values()
    assert [(trace.input_tokens, trace.output_tokens) for trace in traces] == [(30, 9)] * 3

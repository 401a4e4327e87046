"""Where the turns of a call stand, in whatever order their spans arrive."""

from __future__ import annotations

import random

import pytest

from etaoi_collector.source_items import Missing
from etaoi_collector.store import Store
from etaoi_tui.view.voice.call_model import VoiceCall
from tests.store.histories import event


class Unread:
    """A recording of which nothing can be read."""

    def read(self, ref: int) -> bytes | Missing:
        return Missing("it was not kept")


@pytest.mark.parametrize("seed", range(8))
def test_a_turn_is_ordered_by_the_start_of_its_first_span(seed: int) -> None:
    chance = random.Random(seed)
    events = []
    for number in range(40):
        at = chance.uniform(0, 100)
        fields = {"node_kind": "voice_input", "trace": f"t{number % 5}"}
        events += [
            event("span_start", f"s{number}", at, **fields),
            # What a span ends with may arrive first: until it begins it stands where it ended.
            event("span_end", f"s{number}", at + chance.uniform(-5, 5), **fields),
        ]
    chance.shuffle(events)
    store = Store()
    call: VoiceCall | None = None
    for index, one in enumerate(events):
        store.apply([one], index, 1)
        changes = store.drain_changes()
        if call is None:
            call = VoiceCall(next(iter(store.sessions.values())), Unread())
        else:
            call.apply(changes)
        for group in call.groups:
            began = min(leader.started_at for leader in group.leaders)
            assert group.order == (began, min(leader.number for leader in group.leaders))
        assert call.groups == sorted(call.groups, key=lambda group: group.order)
    assert call is not None and len(call) == 5

"""A run of which its agent had to drop events is never shown as if all of it were there."""

from __future__ import annotations

from etaoi_collector.projections.objects import trace_object
from etaoi_collector.wire.encode import DROPPED_KEY

from .world import world


async def test_a_run_with_dropped_events_shows_their_number_in_the_list_and_in_json() -> None:
    async with world() as (w, pilot):
        w.source.connect()
        for name, dropped in (("whole", None), ("holey", "1234")):
            metadata = {"lc_chain_kind": "sub_agent", "lc_agent_name": name}
            if dropped is not None:
                metadata[DROPPED_KEY] = dropped
            span = w.scribe.start("sub_agent", name, None, {"inputs": "{}"}, metadata=metadata)
            span.metadata = {key: value for key, value in span.metadata.items() if key != DROPPED_KEY}
            w.scribe.end(span, {"outputs": "{}"})
        await w.tick(pilot)
        runs = w.app.main.query_one("TraceList")
        lines = [runs.render_line(y).text for y in range(runs.size.height)]
        holey = [line for line in lines if "⚠1,234 lost" in line]
        assert len(holey) == 1 and sum("lost" in line for line in lines) == 1, lines
        objects = [trace_object(trace) for trace in w.app.store.traces.values()]
        assert sorted((one["dropped"], one["status"]) for one in objects) == [(0, "ok"), (1234, "ok")]

"""A collector with subscribers in its own process, which says how long it took to take events in.

    python -m benchmarks.bus_driver EVENTS SUBSCRIBERS WHAT

WHAT is ``hears`` (a function is called with every event), ``filters`` (with one kind of span only) or
``sleeps`` (subscribed, and never looks). The first line on stdout has the URL; the last one, when all has
arrived, has the seconds and CPU seconds from the first event to the last, and what the subscribers were told.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from benchmarks.viewer import VIEWER_CORE
from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.subscriptions.bus_event import BusEvent

_LOOK_EVERY = 0.001
_TOO_LONG = 120.0


def _ignore(event: BusEvent) -> None:
    """What a program does with an event is not measured."""


def _say(values: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve one run."""
    expected_events, count, what = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    os.sched_setaffinity(0, {VIEWER_CORE})
    collector = Collector(CollectorOptions(port=0, record=Record.NONE, watched=False)).bind()
    filters: dict[str, Any] = {"node_kind": "llm"} if what == "filters" else {}
    callback = None if what == "sleeps" else _ignore
    subscriptions = [collector.subscribe(callback, **filters) for _ in range(count)]
    collector.start()
    collector.wait_ready(_TOO_LONG)
    _say({"url": collector.endpoint})
    deadline = time.perf_counter() + _TOO_LONG
    began = used = 0.0
    while (events := collector.stats().events) < expected_events and time.perf_counter() < deadline:
        if events and not began:
            began, used = time.perf_counter(), time.process_time()
        time.sleep(_LOOK_EVERY)  # often enough for the figure, seldom enough to cost nothing
    seconds, used = time.perf_counter() - began, time.process_time() - used
    collector.stop(timeout=5.0)
    for subscription in subscriptions:
        subscription.join(_TOO_LONG)
    stats = [subscription.stats() for subscription in subscriptions]
    _say(
        {
            "events": events,
            "seconds": seconds,
            "cpu": used,
            "delivered": [one.delivered for one in stats],
            "missed": [one.missed for one in stats],
        }
    )
    collector.close_recording()


if __name__ == "__main__":
    main()

"""An exporter that posts spans as fast as they are taken, each under ids of its own, until its time is over.

    python -m benchmarks.otlp_driver URL --wait --seconds 12

Speaks with `benchmarks.viewer.Client` as `tests.load` does: a line when it is ready, one with counts at the
end.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import random
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from etaoi_collector.translation.otel_model import OtelSpan
from etaoi_collector.translation.otlp_protobuf import decode_traces
from tests.receivers.ingest_captures import captured

CAPTURE = "otlp-openinference-langchain"
SPANS = 512
"""Spans of a request, at least: what OpenTelemetry's batch processor sends at once."""
AHEAD = 64
"""Requests that are made ahead, so that making them takes nothing from the sending."""


class Body:
    """One request, of which copies with other ids are made."""

    def __init__(self, data: bytes) -> None:
        spans = [span for span in decode_traces(data) if isinstance(span, OtelSpan)]
        ids = {span.trace_id for span in spans} | {span.span_id for span in spans}
        self.spans = len(spans)
        self._data = data
        self._ids = [bytes.fromhex(one) for one in sorted(ids)]

    def copy(self, names: random.Random) -> bytes:
        """Return the request as it is with ids that were not used before."""
        data = self._data
        for one in self._ids:
            data = data.replace(one, names.randbytes(len(one)))
        return data


def requests() -> Iterator[tuple[bytes, int]]:
    """Yield bodies of requests, and how many spans are in each."""
    names = random.Random(7)
    captures = [
        Body(request.body)
        for request in captured(CAPTURE)
        if request.path.endswith("traces") and request.status == 200
    ]
    parts: list[bytes] = []
    spans = 0
    for body in itertools.cycle(captures):
        parts.append(body.copy(names))
        spans += body.spans
        if spans >= SPANS:
            yield (
                b"".join(parts),
                spans,
            )  # messages of protobuf one after the other are one with all they list
            parts, spans = [], 0


def _say(values: dict[str, object]) -> None:
    print(json.dumps(values), flush=True)


def main() -> None:
    """Parse the command line and post."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="any address of the collector")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--wait", action="store_true")
    options = parser.parse_args()
    source = requests()
    ahead = itertools.chain([next(source) for _ in range(AHEAD)], source)
    connection = http.client.HTTPConnection(urlsplit(options.url).netloc, timeout=30)
    connection.connect()
    _say({"event": "connected"})
    if options.wait:
        sys.stdin.readline()
    began = time.perf_counter()
    sent = 0
    broken = ""
    data, spans = next(ahead)
    while time.perf_counter() - began < options.seconds and not broken:
        connection.request("POST", "/v1/traces", data, {"Content-Type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()
        if answer.status == http.HTTPStatus.OK:
            sent += spans
        elif answer.status == http.HTTPStatus.TOO_MANY_REQUESTS or answer.status == 503:
            time.sleep(0.01)  # asked to come again; sooner than an exporter would
            continue
        else:
            broken = f"the answer was {answer.status}"
        data, spans = next(ahead)
    seconds = time.perf_counter() - began
    _say({"event": "sent", "events": sent, "seconds": seconds, "broken": broken})
    connection.close()


if __name__ == "__main__":
    main()

"""JSON, one object a line: spans for ``show --json`` and copies, and whatever else is printed as JSON.

Everything outside ASCII is escaped, so that no control character reaches a terminal and no encoding can fail.
"""

from __future__ import annotations

from typing import TextIO

from etaoi_collector.projections.objects import span_object
from etaoi_tui.export.door import Exporter, Extract
from etaoi_tui.json_text import dumps


def write(extract: Extract, out: TextIO) -> None:
    """Write every span as an object, trace by trace, parents before children."""
    for span in extract.spans():
        out.write(dumps(span_object(span, extract.payloads, extract.now, extract.totals)) + "\n")
    if extract.is_cut():
        out.write(dumps({"cut": f"more than {extract.most_spans} spans; see etaoi-tui show --json"}) + "\n")


EXPORTER = Exporter(name="json-lines", label="JSON, a span a line", suffix=".jsonl", write=write)

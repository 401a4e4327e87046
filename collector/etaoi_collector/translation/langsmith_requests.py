"""Reads the bodies of LangSmith's protocol: multipart, batches, single runs, feedback.

The splitter is our own: the bodies are well-formed and flat, and a general parser takes three times as long.
Parts of the Python client have a Content-Length, those of the JavaScript client have not; neither is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from etaoi_collector.translation.json_text import read_json
from etaoi_collector.translation.langsmith_runs import Run
from etaoi_collector.translation.otel_model import InvalidPayload

PARTS_READ = 100_000
"""Parts of one body that are read."""

_END = 4_096
"""Bytes in which the last boundary is; hardly anything comes after it."""
_BIG_FIELDS = frozenset({"inputs", "outputs", "events", "extra", "error", "serialized"})
_NAME = re.compile(rb'name="([^"]*)"')
_TYPE = re.compile(rb"^content-type:\s*([^\r\n;]*)", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)


class Operations(msgspec.Struct):
    """What a request tells."""

    runs: list[tuple[bool, Run]] = []
    """For each run, whether this is its first request, and what is told."""
    feedback: list[dict[str, Any]] = []
    rejected: list[str] = []
    """What could not be read, in words for a person."""


def parse_body(data: bytes) -> Any:
    """Parse JSON as `json_text.read_json` does.

    Raises:
        InvalidPayload: It is no JSON.
    """
    try:
        return read_json(data)
    except ValueError as error:
        raise InvalidPayload("the body is not JSON") from error


def read_batch(body: bytes) -> Operations:
    """Read ``{"post": [run], "patch": [run]}``.

    Raises:
        InvalidPayload: It is something else.
    """
    value = parse_body(body)
    if not isinstance(value, dict):
        raise InvalidPayload("the body is not a batch of runs")
    operations = Operations()
    for key, is_first in (("post", True), ("patch", False)):
        runs = value.get(key)
        for run in runs if isinstance(runs, list) else ():
            if isinstance(run, dict):
                operations.runs.append((is_first, run))
            else:
                operations.rejected.append("a run that is not an object")
    return operations


def read_run(body: bytes, run_id: str | None = None) -> Operations:
    """Read one run: a new one, or an update of the one with the given id.

    Raises:
        InvalidPayload: It is something else.
    """
    run = parse_body(body)
    if not isinstance(run, dict):
        raise InvalidPayload("the body is not a run")
    return Operations(runs=[(run_id is None, run if run_id is None else {**run, "id": run_id})])


def read_multipart(body: bytes, content_type: str) -> Operations:
    """Read a multipart body.

    Args:
        body: The body, inflated.
        content_type: The header, which names the boundary.

    Raises:
        InvalidPayload: It is no multipart body.
    """
    operations = Operations()
    runs: dict[tuple[str, str], Run] = {}
    order: list[tuple[str, str]] = []
    for name, media_type, data in split_parts(body, content_type):
        event, _, rest = name.partition(".")
        run_id, _, field = rest.partition(".")
        if event == "attachment":
            run = runs.get(("post", run_id)) or runs.get(("patch", run_id))
            if run is not None:
                run.setdefault("attachments", []).append(
                    {"name": field[:200], "type": media_type[:100], "bytes": len(data)}
                )
            continue
        if event not in ("post", "patch", "feedback") or (field and field not in _BIG_FIELDS):
            operations.rejected.append(f"a part called {name[:60]!a}")
            continue
        try:
            value = parse_body(data)
        except InvalidPayload:
            operations.rejected.append(f"the part {name[:60]!a}, which is not JSON")
            continue
        if event == "feedback":
            if isinstance(value, dict):
                operations.feedback.append(value)
            continue
        key = (event, run_id)
        if key not in runs:
            runs[key] = {"id": run_id}
            order.append(key)
        if field:
            runs[key][field] = value
        elif isinstance(value, dict):
            runs[key].update({**value, **{big: runs[key][big] for big in _BIG_FIELDS if big in runs[key]}})
    operations.runs += [(key[0] == "post", runs[key]) for key in order]
    return operations


def check_ends(body: bytes, content_type: str) -> None:
    """Look whether a multipart body begins and ends as one, which takes microseconds.

    Raises:
        InvalidPayload: It does not.
    """
    if _mark(body, content_type) + b"--" not in body[-_END:]:
        raise InvalidPayload("the body breaks off within a part")


def _mark(body: bytes, content_type: str) -> bytes:
    """Return what each part begins with."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise InvalidPayload("the Content-Type names no boundary")
    mark = b"--" + match[1].strip().encode("latin-1", "replace")
    if not body.startswith(mark):
        raise InvalidPayload("the body does not begin with its boundary")
    return mark


def split_parts(body: bytes, content_type: str) -> Iterator[tuple[str, str, bytes]]:
    """Split a multipart body: name, media type and bytes of each part.

    Raises:
        InvalidPayload: It has no boundary, or does not begin or end as one.
    """
    mark = _mark(body, content_type)
    between = b"\r\n" + mark
    at = len(mark)
    for _ in range(PARTS_READ):
        if body[at : at + 2] == b"--":
            return
        head_end = body.find(b"\r\n\r\n", at)
        if head_end < 0:
            raise InvalidPayload("the body breaks off within a part")
        stop = body.find(between, head_end + 4)
        # Bytes of an attachment may look like a boundary, but not like one that a header or the end follows.
        while stop >= 0 and body[stop + len(between) : stop + len(between) + 2] not in (b"\r\n", b"--"):
            stop = body.find(between, stop + 1)
        if stop < 0:
            raise InvalidPayload("the body breaks off within a part")
        head = body[at:head_end]
        name = _NAME.search(head)
        kind = _TYPE.search(head)
        if name is not None:
            yield (
                name[1].decode("utf-8", "replace"),
                kind[1].decode("latin-1").strip() if kind is not None else "",
                body[head_end + 4 : stop],
            )
        at = stop + len(between)

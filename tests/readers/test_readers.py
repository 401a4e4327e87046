"""Foreign files open like recordings, are followed while they grow, and a bad line costs that line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from etaoi_collector.readers.registry import find_readers, open_recording
from etaoi_collector.recording.reader import TraceFileError, TraceReader
from etaoi_collector.source_items import Closed, Ended, EventBatch, Missing
from etaoi_collector.sources.replay import ReplaySource
from etaoi_collector.store import Store
from etaoi_collector.translation.langsmith_requests import read_batch
from tests.receivers.ingest_captures import EXPECTED, captured, summary

VERCEL = "otlp-vercel-ai-json"


def otlp_lines() -> list[bytes]:
    return [request.body.replace(b"\n", b" ") for request in captured(VERCEL)]


def langsmith_runs() -> list[dict[str, Any]]:
    """Runs as they would be exported: each with all that its requests told."""
    runs: dict[str, dict[str, Any]] = {}
    for request in captured("langsmith-batch-json"):
        if request.method == "POST":
            for _, run in read_batch(request.body).runs:
                fields = {key: value for key, value in run.items() if value is not None}
                runs.setdefault(run["id"], {}).update(fields)
    return list(runs.values())


def read_all(reader: TraceReader) -> Store:
    store = Store()
    for item in reader.arrivals():
        if isinstance(item, EventBatch):
            store.apply(item.events, item.base_ref + item.first_ordinal, item.connection)
    return store


def old(path: Path, *chunks: bytes) -> Path:
    """Write a file that nobody is writing any more."""
    import os

    path.write_bytes(b"".join(chunks))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("last_line_ends", [False, True])
def test_lines_of_otlp(tmp_path: Path, compress: bool, last_line_ends: bool) -> None:
    data = b"\n".join(otlp_lines()) + (b"\n" if last_line_ends else b"")
    path = old(tmp_path / "traces.jsonl", gzip.compress(data) if compress else data)
    reader = open_recording(path)
    result = summary(read_all(reader))
    assert result["spans"] == EXPECTED[VERCEL]["spans"]
    assert sorted(result["tree"]) == sorted(EXPECTED[VERCEL]["tree"])
    assert reader.ended and reader.position == reader.size and not reader.notices
    reader.close()


@pytest.mark.parametrize("form", ["lines", "list"])
def test_an_export_of_langsmith(tmp_path: Path, form: str) -> None:
    runs = langsmith_runs()
    text = json.dumps(runs, indent=2) if form == "list" else "\n".join(map(json.dumps, runs))
    reader = open_recording(old(tmp_path / "runs.json", text.encode()))
    result, expected = summary(read_all(reader)), EXPECTED["langsmith-batch-json"]
    for key in ("spans", "by_kind", "llm_input_tokens", "llm_output_tokens", "errors", "roots"):
        assert result[key] == expected[key], key
    assert sorted(result["tree"]) == sorted(expected["tree"])
    reader.close()


def test_a_line_that_cannot_be_read_costs_itself(tmp_path: Path) -> None:
    lines = [b'{"resourceSpans": 3}', *otlp_lines(), b"{broken", b'{"other": 1}', b"\xff\xfe"]
    reader = open_recording(old(tmp_path / "traces.jsonl", b"\n".join(lines) + b"\n"))
    assert summary(read_all(reader))["spans"] == EXPECTED[VERCEL]["spans"]
    assert any("3 lines cannot be read" in notice for notice in reader.notices)
    reader.close()


def test_a_file_that_grows_is_followed(tmp_path: Path) -> None:
    (body,) = otlp_lines()
    whole = json.loads(body)
    spans = whole["resourceSpans"][0]["scopeSpans"][0]["spans"]
    path = tmp_path / "traces.jsonl"

    def line(part: list[dict[str, Any]]) -> bytes:
        resource = {**whole["resourceSpans"][0]}
        resource["scopeSpans"] = [{**resource["scopeSpans"][0], "spans": part}]
        return json.dumps({"resourceSpans": [resource]}).encode() + b"\n"

    first, second = line(spans[:4]), line(spans[4:])
    path.write_bytes(first + second[:100])
    source = ReplaySource(path)
    store = Store()

    def take() -> list[Any]:
        items = source.take(0.1)
        for item in items:
            if isinstance(item, EventBatch):
                store.apply(item.events, item.base_ref + item.first_ordinal, item.connection)
        return items

    while take():
        pass
    assert store.span_count >= 4 and source.live
    with path.open("ab") as file:
        file.write(second[100:])
    while take():
        pass
    assert summary(store)["spans"] == len(spans) and source.live
    span = next(span for trace in store.traces.values() for span in trace.spans if span.kind == "llm")
    assert not isinstance(source.read(span.start_ref), Missing)
    old(path, first + second)
    kinds = [type(item) for item in take()]
    assert kinds[-1] is Ended and Closed in kinds and not source.live
    source.close()


def test_what_is_empty_or_unknown_says_so(tmp_path: Path) -> None:
    for name, data in (("a.jsonl", b'{"resourceSpans": []}\n'), ("b.jsonl", b'{"hello": 1}\n'), ("c", b"")):
        with pytest.raises(TraceFileError) as caught:
            open_recording(old(tmp_path / name, data))
        assert str(caught.value).count(".") >= 1


def test_another_package_may_bring_a_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site"
    (package / "their_reader-1.dist-info").mkdir(parents=True)
    (package / "their_reader-1.dist-info" / "METADATA").write_text("Name: their-reader\nVersion: 1\n")
    (package / "their_reader-1.dist-info" / "entry_points.txt").write_text(
        "[etaoi_tui.readers]\ntheirs = their_reader:Theirs\nbroken = their_reader:Missing\n"
    )
    (package / "their_reader.py").write_text(THEIRS)
    monkeypatch.syspath_prepend(str(package))
    assert [reader.name for reader in find_readers()][-1] == "theirs"
    reader = open_recording(old(tmp_path / "x.their", b"THEIRS 1\nspan one\nspan two\n"))
    assert [line for line in summary(read_all(reader))["tree"]] == ["tool:one", "tool:two"]
    reader.close()


THEIRS = """
from etaoi_collector.readers.door import ForeignReader
from etaoi_collector.translation.otel_model import InvalidPayload, OtelSpan
from etaoi_collector.translation.translators import Translators


class Theirs(ForeignReader):
    name = "theirs"

    def sniff(self, start):
        return start.startswith(b"THEIRS")

    def translation(self):
        return Lines()


class Lines:
    def __init__(self):
        self.otel = Translators().otel
        self.count = 0

    def take(self, pieces):
        spans = []
        for piece in pieces:
            if piece.startswith(b"span "):
                self.count += 1
                name = piece[5:].decode()
                spans.append(OtelSpan("a" * 32, f"{self.count:016x}", "", name, 1, self.count, self.count, {
                    "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name
                }, [], 0, "", "theirs", {}))
        return self.otel.take_spans(spans)
"""


def test_recordings_still_open_as_they_are(tmp_path: Path) -> None:
    folder = Path(__file__).parent.parent / "captures"
    reader = open_recording(folder / "s01_create_agent.msgpack")
    assert type(reader) is TraceReader and read_all(reader).span_count > 5
    reader.close()

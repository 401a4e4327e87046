"""Search across everything: the same spans as the viewer's search finds, wherever they lie."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgpack
import pytest

from etaoi_collector.projections.recorded_content import RecordedContent
from etaoi_collector.query import parse_query
from etaoi_collector.readers import registry
from etaoi_collector.readers.hive_log import HiveLog
from etaoi_collector.recording.catalogue.database import FILE_NAME, CatalogueFile
from etaoi_collector.recording.catalogue.lookup import runs_of
from etaoi_collector.recording.directory import recordings_dir
from etaoi_collector.search import recording_search
from etaoi_collector.search.find import find
from etaoi_collector.search.hits import RunHit
from etaoi_collector.store import Store
from etaoi_collector.wire.trace_records import TraceWriter
from etaoi_tui.cli.recent_recordings import RecentRecordings
from tests import generate
from tests.catalogue.making import CAPTURES, NOW, at, write_run
from tests.catalogue.test_rows import folded
from tests.collector.serving import wait_for
from tests.generate import Scribe
from tests.headless.running import objects, run, run_here

QUERIES = (
    "order", "REFUND", "search textual", "nobody", '"were of"', "model", "kind:llm", "kind:tool dur>1ms",
    "err:", "err:timeout", "status:error | status:lost", "!kind:llm", "tool:search", "agent:researcher",
    "model:fake*", "in:which", "out:week", "tok>100", "w*k", "id:0", "guard | turbine", "(err: search)",
    "user", "turn", "7", "zzznowhere", "Müller", "a:b".replace(":", "."), "*",
)  # fmt: skip


def native(tmp_path: Path) -> Path:
    """All captures as automatic recordings of our own format."""
    folder = recordings_dir(tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(sorted(CAPTURES.glob("*.msgpack"))):
        target = folder / f"run-20260102-0304{number:02}-abcd.msgpack"
        writer = TraceWriter(target, writer="tests")
        with path.open("rb") as file:
            for record in msgpack.Unpacker(file, max_buffer_size=2**31 - 1, strict_map_key=False):
                if isinstance(record, list) and len(record) == 2 and isinstance(record[1], bytes):
                    if not record[1].startswith((b"\x84", b"\x85", b"\x86", b"\x83")):
                        writer.append_frame(float(record[0]), 1, record[1])
        writer.close()
    write_run(tmp_path, "run-20260102-040000-abcd", events=1_500)
    return folder


@cache
def read_once(path: Path) -> tuple[Store, RecordedContent]:
    """All of a recording; no test changes one after it was looked at."""
    store, reader = folded(path)
    return store, RecordedContent(reader)


@cache
def matches(path: Path, text: str) -> dict[str, list[str]]:
    """What the viewer's search finds: spans of each run, in order of arrival."""
    query = parse_query(text)
    assert query is not None
    store, content = read_once(path)
    span_ids = {
        trace.trace_id: [
            span.span_id for span in trace.spans if not span.placeholder and query.matches(span, content)
        ]
        for trace in store.traces.values()
    }
    return {trace: spans for trace, spans in span_ids.items() if spans}


def search(state: Path, text: str, *, since: float = 0.0) -> list[RunHit]:
    """What is found in a state folder."""
    query = parse_query(text)
    assert query is not None
    return list(find(query, state, since=since, clock=lambda: NOW))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with many recordings."""
    folder = tmp_path_factory.mktemp("state")
    native(folder)
    return folder


@pytest.mark.parametrize("text", QUERIES)
def test_the_command_finds_the_same_as_the_viewer(state: Path, text: str) -> None:
    expected = {
        (path.name, trace): len(spans)
        for path in recordings_dir(state).iterdir()
        for trace, spans in matches(path, text).items()
    }
    hits = search(state, text)
    assert {(Path(hit.file).name, hit.trace_id): hit.matches for hit in hits} == expected
    assert len(hits) == len(expected)
    for hit in hits:
        ids = matches(Path(hit.file), text)[hit.trace_id]
        assert [span.span_id for span in hit.spans] == ids[: len(hit.spans)]


def test_queries_find_something(state: Path) -> None:
    """What is compared above is not empty."""
    assert sum(bool(search(state, text)) for text in QUERIES) > len(QUERIES) * 2 // 3


@pytest.mark.parametrize("text", ["nobody", "kind:llm week"])
def test_of_a_large_run_only_records_with_a_match_are_read(
    state: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_search, "LARGE_RUN", 0)
    expected = {
        (path.name, trace) for path in recordings_dir(state).iterdir() for trace in matches(path, text)
    }
    hits = search(state, text)
    assert {(Path(hit.file).name, hit.trace_id) for hit in hits} == expected
    assert {hit.more for hit in hits} == {text == "nobody"}
    assert all(hit.name for hit in hits)


def test_a_hit_names_the_field_of_the_words(tmp_path: Path) -> None:
    scribe = Scribe(4)
    tool = scribe.start("tool", "lookup", payload={"input": '{"order": "A-1007 of the Miller family"}'})
    scribe.end(tool, {"output": "It is Locked\nby somebody"}, error="TimeoutError: gave up")
    write(tmp_path, scribe)
    for text, where, snippet in (
        ("miller", "input", "A-1007 of the Miller family"),
        ("locked", "output", "It is Locked by somebody"),
        ("gave", "error", "TimeoutError: gave up"),
        ("LOOK", "name", "lookup"),
        ("err:", "", ""),
    ):
        ((span,),) = (hit.spans for hit in search(tmp_path, text))
        assert span.where == where
        assert snippet in span.snippet


def write(state: Path, scribe: Scribe, name: str = "run-20260102-030405-abcd") -> Path:
    """A recording of what was written."""
    folder = recordings_dir(state)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.msgpack"
    writer = TraceWriter(path, writer="tests")
    for frame in generate.frames(scribe.take()):
        writer.append_frame(1.0, 1, frame)
    writer.close()
    return path


def test_only_recent_recordings_are_searched(state: Path) -> None:
    every = search(state, "model")
    ends = sorted(hit.ended_at for hit in every)
    since = ends[len(ends) // 2]
    assert {hit.trace_id for hit in search(state, "model", since=since)} == {
        hit.trace_id for hit in every if hit.ended_at >= since
    }
    assert search(state, "model", since=time.time() + 100) == []


def test_a_word_across_two_pieces_that_are_read_is_found(tmp_path: Path) -> None:
    """Wherever in a large recording it lies."""
    for shift in range(0, 40, 3):
        scribe = Scribe(shift)
        filler = "x" * ((256 << 10) - 200 - shift)
        tool = scribe.start("tool", "long", payload={"input": "Needle" + "y" * (300_000 - shift)})
        scribe.end(tool, {"output": "z" * 20 + "NEEDLE" + filler})
        shutil.rmtree(tmp_path / "recordings", ignore_errors=True)
        write(tmp_path, scribe)
        (hit,) = search(tmp_path, "in:needle out:needle")
        assert hit.matches == 1


def test_rows_that_cannot_be_read_are_made_again(tmp_path: Path) -> None:
    path = write_run(tmp_path)
    expected = search(tmp_path, "nobody")
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("UPDATE runs SET row = x'c1' WHERE number = 0")
    database.close()
    assert search(tmp_path, "nobody") == expected
    with CatalogueFile(tmp_path) as file:
        assert runs_of(file, at(path), clock=lambda: NOW) is not None


@pytest.mark.parametrize("damage", ["torn", "middle", "header"])
def test_a_damaged_recording_is_searched_as_far_as_it_can_be_read(tmp_path: Path, damage: str) -> None:
    path = write_run(tmp_path, events=1_500)
    data = bytearray(path.read_bytes())
    if damage == "torn":
        del data[-100:]
    elif damage == "middle":
        data[len(data) // 2 : len(data) // 2 + 5_000] = bytes(5_000)
    else:
        data[:40] = bytes(40)
    path.write_bytes(data)
    expected = {} if damage == "header" else matches(path, "nobody")
    assert {hit.trace_id: hit.matches for hit in search(tmp_path, "nobody")} == {
        trace: len(spans) for trace, spans in expected.items()
    }


def test_a_growing_recording_is_searched_to_its_end(tmp_path: Path) -> None:
    """With a catalogue that knows a part of it, and with none."""
    scribe = Scribe(1)
    path = write(tmp_path, scribe)
    path.unlink()
    writer = TraceWriter(path, writer="tests")
    for number in range(5):
        tool = scribe.start("tool", f"step {number}", payload={"input": f"needle{number}"})
        scribe.end(tool, {"output": "done"})
        writer.append_frame(1.0, 1, generate.frame(scribe.take()))
        writer.flush()
        (hit,) = search(tmp_path, f"needle{number}")
        assert (hit.matches, hit.spans[0].name) == (1, f"step {number}")
    with CatalogueFile(tmp_path) as file:
        assert runs_of(file, at(path), clock=lambda: NOW) is None
    writer.close()


TOOL_CALL = (
    '{"type":"tool_call_started","stream_id":"s","node_id":"n","execution_id":"e",'
    '"timestamp":"2026-01-02T03:04:05","data":{"tool_use_id":"t","tool_name":"find_order",'
    '"tool_input":{"order":"A-1007"}}}\n'
)
"""A line of one of Hive's logs."""


def test_logs_where_hive_leaves_them_are_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, debug = tmp_path / "hive", tmp_path / "debug"
    monkeypatch.setenv("HIVE_HOME", str(home))
    monkeypatch.setenv("HIVE_DEBUG_EVENTS", str(debug))
    logs = [
        home / "event_logs" / "20260102_030405.jsonl",
        home / "agents" / "queens" / "ada" / "sessions" / "session_1" / "events.jsonl",
        debug / "20260102_030406.jsonl",
    ]
    for number, log in enumerate(logs):
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(TOOL_CALL)
        os.utime(log, (NOW + number, NOW + number))
    (home / "config.jsonl").write_text(TOOL_CALL)
    (debug / "broken.jsonl").symlink_to(tmp_path / "nothing")
    newest_first = [str(log) for log in reversed(logs)]
    offered = [(str(file.path), file.format) for file in registry.offered_files()]
    assert offered == [(log, "Hive events") for log in newest_first]
    hits = [(hit.file, hit.spans[0].name) for hit in search(tmp_path, "a-1007")]
    assert hits == [(log, "find_order") for log in newest_first]
    monkeypatch.setenv("ETAOI_TUI_STATE_DIR", str(tmp_path))
    recent = RecentRecordings()
    recent()
    wait_for(lambda: len(recent()) == len(logs))
    assert [one.path for one in recent()] == newest_first
    assert recent()[0].what == "Hive events  debug/20260102_030406.jsonl"


def test_a_reader_that_fails_and_files_of_others_cost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "events.jsonl"
    log.write_text(TOOL_CALL)

    def failing(self: HiveLog) -> Iterator[Path]:
        yield log
        yield tmp_path / "gone.jsonl"
        raise RuntimeError("no")

    monkeypatch.setattr(HiveLog, "offered", failing)
    assert [file.path for file in registry.offered_files()] == [log]
    if registry.OWN_USER is not None:
        monkeypatch.setattr(registry, "OWN_USER", registry.OWN_USER + 1)
        assert registry.offered_files() == []


def test_the_command_prints_runs_with_their_hits(state: Path) -> None:
    done = run(state, "find", "nobody")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].endswith("run-20260102-040000-abcd.msgpack")
    assert any("input: " in line or "output: " in line for line in lines)
    runs = objects(run_here(state, "find", "nobody", "--json").stdout)
    assert [one["trace_id"] for one in runs] == [hit.trace_id for hit in search(state, "nobody")]
    assert {"file", "trace_id", "name", "question", "status", "started_at", "matches", "spans"} <= set(
        runs[0]
    )
    assert {"span_id", "kind", "name", "where", "snippet"} == set(runs[0]["spans"][0])


def test_the_command_explains_empty_results_and_invalid_queries(state: Path) -> None:
    done = run_here(state, "find", "zzznowhere")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "Nothing found.\n")
    for query, sentence in (
        ("dur>x", "dur takes a time"),
        ("nofield:x", "There is no field"),
        (" ", "Write what"),
    ):
        done = run_here(state, "find", query)
        assert (done.returncode, done.stdout) == (2, "")
        assert sentence in done.stderr
    done = run_here(state, "find", "model", "--limit", "2")
    assert len([line for line in done.stdout.splitlines() if line.startswith("  2")]) == 2
    assert done.stderr == "These are the first 2 runs; --limit shows more.\n"


def test_hostile_words_reach_no_terminal(tmp_path: Path) -> None:
    scribe = Scribe(4)
    tool = scribe.start("tool", "bell\x07\x1b[31m", payload={"input": "needle\x1b]0;title\x07 \u202e"})
    scribe.end(tool, {"output": "done"})
    write(tmp_path, scribe)
    out = run(tmp_path, "find", "needle").stdout
    assert "needle" in out
    assert not {"\x1b", "\x07", "\u202e"} & set(out)
    assert os.linesep in out

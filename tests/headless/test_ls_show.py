"""What `ls` and `show` say about recordings, for people and for scripts."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import msgpack
import pytest

from etaoi_collector.projections.objects import trace_object
from etaoi_collector.projections.trace_names import is_listed
from etaoi_collector.wire.trace_records import TraceWriter
from etaoi_tui.cli.load_recording import load
from tests import generate
from tests.generate import Scribe
from tests.headless.running import invoke, objects

CAPTURES = Path(__file__).parents[1] / "captures"

# Events, spans and traces of each recording, from its own table.
COUNTS = {
    "s01_create_agent": (116, 58, 5),
    "s03_stategraph": (186, 93, 6),
    "s04_lcel": (126, 63, 13),
    "s05_streaming": (52, 26, 6),
    "s09a_livekit_text": (157, 39, 7),
    "s09c_livekit_driven": (55, 18, 4),
    "s10a_sigkill": (9, 6, 2),
}

TRACE_KEYS = {
    "trace_id",
    "session_id",
    "name",
    "status",
    "started_at",
    "duration_ms",
    "spans",
    "events",
    "errors",
}
SPAN_KEYS = {
    "span_id",
    "parent_span_id",
    "trace_id",
    "session_id",
    "kind",
    "name",
    "status",
    "started_at",
    "ended_at",
    "duration_ms",
    "error",
    "attributes",
    "input",
    "output",
    "usage",
}
STATUSES = {"running", "ok", "error", "cancelled", "paused", "lost", "incomplete"}
RAW_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]")


def spans_of(path: Path, *arguments: str) -> list[dict[str, Any]]:
    """All spans of a recording, as `show --json` tells them."""
    done = invoke("show", path, "--json", *arguments)
    assert done.exit_code == 0, done.output
    return objects(done.stdout)


def write_stream(path: Path, scribe: Scribe) -> Path:
    """Write what a scribe wrote as a plain stream of frames."""
    path.write_bytes(generate.hello() + b"".join(generate.frames(scribe.take())))
    return path


@pytest.mark.parametrize("name", COUNTS)
def test_every_capture_is_told_completely(name: str) -> None:
    """Both commands account for all of a real recording; `ls` lists the runs alone."""
    path = CAPTURES / f"{name}.msgpack"
    done = invoke("ls", path, "--json")
    assert done.exit_code == 0
    traces = objects(done.stdout)
    events, spans, count = COUNTS[name]
    with load(str(path)) as loaded:
        all_traces = [trace_object(trace) for trace in loaded.store.traces.values()]
        runs = [trace.trace_id for trace in loaded.store.traces.values() if is_listed(trace)]
    assert [trace["trace_id"] for trace in traces if trace["is_run"]] == runs
    assert traces == all_traces and len(all_traces) == count
    assert sum(trace["spans"] for trace in all_traces) == spans
    ticks = sum(
        event["kind"] == "state_tick"
        for _, frame in msgpack.Unpacker(path.open("rb"))
        for envelope in msgpack.unpackb(frame)
        if isinstance(envelope, dict)
        for event in envelope["batch"]
    )
    assert sum(trace["events"] for trace in all_traces) == events - ticks
    all_spans = spans_of(path)
    assert Counter(span["trace_id"] for span in all_spans) == {t["trace_id"]: t["spans"] for t in all_traces}
    alone = {
        s["trace_id"] for s in all_spans if s["kind"] != "agent_context" and "lc_probe" not in s["attributes"]
    }
    assert alone <= set(runs), "what has a span that is neither a snapshot nor a mark is listed"
    assert len({span["span_id"] for span in all_spans}) == spans
    for trace in traces:
        assert TRACE_KEYS <= trace.keys()
        assert trace["status"] in STATUSES
        assert isinstance(trace["duration_ms"], float)
        datetime.strptime(trace["started_at"], "%Y-%m-%dT%H:%M:%S.%fZ")


def test_spans_that_never_end_are_lost() -> None:
    """A killed agent's open spans have no end, say that they are lost, and until when they were seen."""
    spans = spans_of(CAPTURES / "s10a_sigkill.msgpack")
    lost = [span for span in spans if span["status"] == "lost"]
    assert len(lost) == 3
    assert all(span["ended_at"] is None and span["last_seen_at"] > span["started_at"] for span in lost)
    assert all(span["duration_ms"] > 0 for span in lost)
    assert all(span["last_seen_at"] is None for span in spans if span not in lost)


def test_span_objects_have_the_stable_shape() -> None:
    """Keys, types and times of a span's object."""
    spans = spans_of(CAPTURES / "s01_create_agent.msgpack")
    for span in spans:
        assert SPAN_KEYS <= span.keys()
        assert span["status"] in STATUSES
        assert isinstance(span["attributes"], dict)
        assert span["duration_ms"] is None or isinstance(span["duration_ms"], float)
    call_ended = next(span for span in spans if span["kind"] == "llm")
    assert call_ended["started_at"].endswith("Z")
    assert call_ended["input"][0]["role"] == "system"
    assert call_ended["output"]["tool_calls"][0]["args"] == {"city": "Oslo"}
    assert call_ended["usage"] == {
        "input_tokens": 37,
        "output_tokens": 7,
        "total_tokens": 44,
        "cache_read": 18,
        "cache_creation": 0,
        "reasoning": 0,
        "cache_creation_5m": None,
        "cache_creation_1h": None,
        "input_audio": None,
        "output_audio": None,
        "input_image": None,
        "service_tier": None,
    }
    assert call_ended["input"][1]["role"] == "user"
    assert call_ended["output"]["role"] == "assistant"
    tool = next(span for span in spans if span["kind"] == "tool" and span["status"] == "ok")
    assert tool["input"] == {"city": "Oslo"}
    assert tool["output"]["type"] == "tool"
    failed = next(span for span in spans if span["kind"] == "tool" and span["status"] == "error")
    assert failed["error"].startswith("ValueError")
    probe = next(span for span in spans if "lc_probe" in span["attributes"])
    assert set(probe["input"]) == {"before", "after"}
    assert "diff" in probe["output"]


def test_a_hook_that_sends_its_change_as_a_delta(tmp_path: Path) -> None:
    """Changed sections alone are sent; the object has the whole request before and after."""
    scribe = Scribe(8)
    state_before = {"system": {"text": "short"}, "tools": ["a", "b"], "tool_choice": "a"}
    probe = scribe.start(
        "middleware",
        "Trim.wrap_model_call",
        payload={"before": state_before},
        metadata={"lc_probe": "wrap_model_call"},
    )
    diff = {"tools_removed": ["b"]}
    scribe.delta(probe, {"attempt": 1, "after": {"tools": ["a"], "tool_choice": None}, "diff": diff})
    scribe.end(probe, {"response": {"messages": []}})
    (span,) = spans_of(write_stream(tmp_path / "run.msgpack", scribe))
    assert span["input"] == {"before": state_before, "after": {"system": {"text": "short"}, "tools": ["a"]}}
    assert span["output"] == {"diff": diff, "response": {"messages": []}}


def test_parents_come_before_their_children() -> None:
    """Within a trace, whoever reads line by line knows the parent already."""
    earlier_ids: set[str] = set()
    spans = spans_of(CAPTURES / "s03_stategraph.msgpack")
    ids = {span["span_id"]: span["trace_id"] for span in spans}
    for span in spans:
        parent = span["parent_span_id"]
        if parent is not None and ids.get(parent) == span["trace_id"]:
            assert parent in earlier_ids
        earlier_ids.add(span["span_id"])


def test_streamed_text_is_the_output_of_a_call_that_never_ended(tmp_path: Path) -> None:
    """What arrived of an answer is told even when its end is missing."""
    scribe = Scribe(1)
    root = scribe.start("sub_agent", "agent")
    model = scribe.start("llm", "gpt-5", root, {"input_messages": []})
    scribe.say(model, "Three ")
    scribe.say(model, "changes")
    spans = spans_of(write_stream(tmp_path / "run.msgpack", scribe))
    assert spans[1]["output"] == {"role": "assistant", "text": "Three changes", "incomplete": True}
    assert spans[1]["status"] == "lost"


def test_the_tree_is_indented_and_says_status_and_duration() -> None:
    """A line has the status word, the duration, and the name at its depth."""
    done = invoke("show", CAPTURES / "s01_create_agent.msgpack", "--all")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    root = next(line for line in lines if "◆ order-assistant" in line)
    assert re.match(r"(ok|error) +\S+m?s  ◆", root)
    tool = next(line for line in lines if "⚒ get_weather" in line)
    assert tool.index("⚒") == root.index("◆") + 4
    assert sum(line.startswith("trace ") for line in lines) == 5


def test_plumbing_is_left_out_and_counted() -> None:
    """Inner steps of a framework are folded away, never silently."""
    path = CAPTURES / "s01_create_agent.msgpack"
    short, whole = invoke("show", path).stdout, invoke("show", path, "--all").stdout
    left_out = sum(int(number) for number in re.findall(r"^([\d,]+) inner steps?", short, re.MULTILINE))
    assert left_out > 0
    assert short.splitlines()[-1] == "1 trace without a run left out; --all shows what they are"
    snapshot, *runs = whole.split("\n\n")
    assert "▣ order-assistant" in snapshot and "▣ order-assistant" not in short
    assert len([line for run in runs for line in run.splitlines()]) == left_out + len(
        [line for line in short.splitlines() if line and "left out" not in line]
    )


def test_a_hook_has_one_line_although_its_node_and_its_probe_tell_of_it() -> None:
    path = CAPTURES / "s01_create_agent.msgpack"
    lines = invoke("show", path).stdout.splitlines()
    all_lines = invoke("show", path, "--all").stdout.splitlines()

    def hooks(printed: list[str]) -> int:
        return sum("Guard.before_model" in line for line in printed)

    assert hooks(all_lines) == 2 * hooks(lines) > 0
    first = next(n for n, line in enumerate(lines) if "Guard.before_model" in line)
    assert "✦" in lines[first + 1] and lines[first].index("▤") == lines[first + 1].index("✦")


def test_turns_stand_in_the_tree_of_their_session() -> None:
    """A voice turn has a trace of its own, and is read where it happened; alone when asked for."""
    path = CAPTURES / "s09c_livekit_driven.msgpack"
    whole = invoke("show", path).stdout
    assert whole.count("trace ") == 1
    assert "⇄ turn" in whole
    turn = next(t for t in objects(invoke("ls", path, "--json").stdout) if t["name"] == "turn")
    alone = invoke("show", path, "--trace", turn["trace_id"][:8]).stdout
    assert alone.startswith(f"trace {turn['trace_id']}")
    assert "♪" not in alone


def test_a_trace_is_found_by_the_beginning_of_its_id() -> None:
    """An unknown beginning fails with a sentence, an ambiguous one too."""
    path = CAPTURES / "s01_create_agent.msgpack"
    trace = objects(invoke("ls", path, "--json").stdout)[1]["trace_id"]
    only = spans_of(path, "--trace", trace[:6])
    assert {span["trace_id"] for span in only} == {trace}
    for trace_prefix in ("zzz", ""):
        done = invoke("show", path, "--trace", trace_prefix)
        assert done.exit_code == 1
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [("ls",), ("ls", "--json"), ("show",), ("show", "--json")])
def test_hostile_content_shows_no_raw_control_characters(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Escape sequences, bidi overrides and lone surrogates never reach stdout as they are."""
    scribe = Scribe(3)
    generate.ugly_trace(scribe, huge=10_000)
    root = scribe.start("sub_agent", "\x1b]52;c;aGk=\x07\u202eagent", payload={"inputs": "\x1b[2J"})
    scribe.end(root, {"outputs": "\x9b31m"}, error="ValueError('\x1b[31m\n\u2066boom')")
    path = write_stream(tmp_path / "run.msgpack", scribe)
    done = invoke(arguments[0], path, *arguments[1:])
    assert done.exit_code == 0
    assert not RAW_CONTROL.search(done.output)
    if "--json" in arguments:
        assert done.stdout.isascii()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(float("nan"), id="nan"),
        pytest.param(float("inf"), id="infinity"),
        pytest.param(2**63, id="large"),
        pytest.param("\x7f", id="delete"),
        pytest.param("[" * 5_000, id="deep"),
        pytest.param("", id="empty"),
    ],
)
def test_any_value_is_valid_json(tmp_path: Path, value: object) -> None:
    """Numbers that JSON has no word for, and text that only looks like JSON, stay readable."""
    scribe = Scribe(4)
    tool = scribe.start("tool", "odd", payload={"input": value})
    scribe.end(tool, {"output": value})
    (span,) = spans_of(write_stream(tmp_path / "run.msgpack", scribe))
    expected = str(value) if isinstance(value, float) else value if value != "" else None
    assert span["input"] == span["output"] == expected


def test_json_that_its_producer_cut_stays_what_it_was(tmp_path: Path) -> None:
    scribe = Scribe(4)
    tool = scribe.start("tool", "odd", payload={"input": '{"cut": "of'})
    scribe.end(tool, {"output": '[1, {"a": "b… [truncated 90 chars]'})
    (span,) = spans_of(write_stream(tmp_path / "run.msgpack", scribe))
    assert span["input"] == {"cut": "of"}
    assert span["output"] == [1, {"a": "b… [truncated 90 chars]"}]


def test_a_large_value_is_told_whole_as_json_and_short_as_text(tmp_path: Path) -> None:
    """One megabyte is one line of JSON, and no more than a row of text."""
    scribe = Scribe(5)
    tool = scribe.start("tool", "read_file", payload={"input": "x" * 1_000_000})
    scribe.end(tool, {"output": "y" * 1_000_000})
    path = write_stream(tmp_path / "run.msgpack", scribe)
    assert spans_of(path)[0]["output"] == "y" * 1_000_000
    assert max(map(len, invoke("show", path).stdout.splitlines())) < 200


def test_a_deep_tree_is_walked_without_recursion(tmp_path: Path) -> None:
    """Five thousand levels neither overflow a stack nor fill a terminal with blanks."""
    scribe = Scribe(6)
    generate.deep_trace(scribe, 5_000)
    path = write_stream(tmp_path / "run.msgpack", scribe)
    assert len(spans_of(path)) == 5_000
    assert max(map(len, invoke("show", path, "--all").stdout.splitlines())) < 250


def test_a_torn_file_opens_with_a_notice(tmp_path: Path) -> None:
    """What is whole is told; the tear is told on stderr."""
    whole = tmp_path / "whole.msgpack"
    generate.write_trace(whole, 300)
    torn = tmp_path / "torn.msgpack"
    torn.write_bytes(whole.read_bytes()[:-17])
    done = invoke("ls", torn, "--json")
    assert done.exit_code == 0
    assert "torn.msgpack breaks off" in done.stderr
    assert len(objects(done.stdout)) > 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty", b""),
        ("text", b"hello, I am no recording\n"),
        ("picture", b"\x89PNG\r\n\x1a\n" + bytes(64)),
        ("other", msgpack.packb({"some": "map"})),
        ("\x1b[31mred", b"nothing"),
    ],
)
@pytest.mark.parametrize("arguments", [("ls",), ("show", "--json"), ("--replay",)])
def test_a_foreign_file_gets_one_sentence(
    tmp_path: Path, name: str, content: bytes, arguments: tuple[str, ...]
) -> None:
    """Exit code 1, nothing on stdout, one line on stderr without control characters, no traceback."""
    path = tmp_path / name
    path.write_bytes(content)
    done = invoke(arguments[0], path, *arguments[1:])
    assert (done.exit_code, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert not RAW_CONTROL.search(done.stderr)


def test_a_missing_file_and_a_folder_get_one_sentence(tmp_path: Path) -> None:
    """The two mistakes that people make most."""
    for path in (tmp_path / "nowhere.msgpack", tmp_path):
        done = invoke("ls", path)
        assert (done.exit_code, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1


def test_a_recording_of_nothing_is_empty_and_says_so(tmp_path: Path) -> None:
    """A file that holds only a header, or only a connection, opens."""
    for name, content in (("nobody", b""), ("silent", generate.hello())):
        path = tmp_path / name
        if content:
            path.write_bytes(content)
        else:
            TraceWriter(path, writer="tests").close()
        done = invoke("ls", path, "--json")
        assert (done.exit_code, done.stdout) == (0, "")
        assert len(done.stderr.splitlines()) == 1


def test_rejected_events_are_told(tmp_path: Path) -> None:
    """What could not be taken is counted on stderr, with a reason."""
    scribe = Scribe(7)
    generate.wide_trace(scribe, 3)
    events = scribe.take()
    events[1] = {**events[1], "timestamp": "yesterday"}
    path = tmp_path / "run.msgpack"
    path.write_bytes(generate.hello() + generate.frame(events))
    done = invoke("ls", path, "--json")
    assert done.exit_code == 0
    assert "1 event could not be taken" in done.stderr

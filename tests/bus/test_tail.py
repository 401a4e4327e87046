"""``etaoi-tui tail`` as a script would run it, against a real collector."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from etaoi_collector.collector import Collector
from etaoi_collector.source_items import EventBatch, SourceItem
from etaoi_collector.wire.codec import decode_frame
from etaoi_collector.wire.events import SpanEnd
from etaoi_tui.cli.since_filter import SinceFilter
from tests import generate
from tests.bus.telling import numbered, send
from tests.collector.serving import serving, wait_for
from tests.headless.running import PATIENCE, command, environment, finish, run, running


@contextmanager
def tailing(state: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Run it until it says whom it follows."""
    with running(state, "tail", *arguments) as process:
        assert line_of(process.stderr).startswith("Following ws://127.0.0.1:")
        yield process


def line_of(stream: IO[str] | None) -> str:
    """Read one line, waiting for it."""
    assert stream is not None
    line = stream.readline()
    assert line.endswith("\n")
    return line.rstrip("\n")


def agent_frames(seed: int) -> list[bytes]:
    """A short run of an agent."""
    scribe = generate.Scribe(seed)
    generate.agent_trace(scribe, f"agent-{seed}", turns=2, tools=1)
    return list(generate.frames(scribe.take(), 5))


def port_of(collector: Collector) -> int:
    """The port that it listens on."""
    return int(collector.endpoint.rsplit(":")[2].removesuffix("/ingest"))


def test_lines_of_what_was_recorded_and_of_what_comes(tmp_path: Path) -> None:
    """Ctrl-C ends it well; the viewer never took it for an agent."""
    with serving(tmp_path) as (collector, _):
        send(collector, agent_frames(1))
        with tailing(tmp_path, f"127.0.0.1:{port_of(collector)}") as process:
            lines: list[str] = []
            while not lines or "ok          " not in lines[-1] or "◆ agent-1" not in lines[-1]:
                lines.append(line_of(process.stdout))
            assert any("✦ fake-gpt-5" in line for line in lines)
            assert not any("graph:step" in line or "⚙" in line for line in lines)
            send(collector, numbered(1, 3))
            live = [line_of(process.stdout) for _ in range(3)]
            assert [line[32:].split()[0] for line in live] == ["running"] * 3
            assert ["tool 1" in live[0], "tool 2" in live[1], "tool 3" in live[2]] == [True] * 3
            stats = collector.stats()
            assert (stats.viewers, stats.connections) == (1, 2)
            process.send_signal(signal.SIGINT)
            assert finish(process) == ("", "") and process.returncode == 0


def test_objects_are_those_of_show(tmp_path: Path) -> None:
    """The last object told of each span is what `show --json` prints of the recording."""
    with serving(tmp_path) as (collector, _):
        with tailing(tmp_path, collector.endpoint, "--json") as process:
            frames = agent_frames(2)
            send(collector, frames)
            ends = {e.span_id for f in frames for e in decode_frame(f) if isinstance(e, SpanEnd)}
            newest_objects: dict[str, dict[str, Any]] = {}
            while {key for key, span in newest_objects.items() if span["ended_at"]} != ends:
                span = json.loads(line_of(process.stdout))
                newest_objects[span["span_id"]] = span
            process.send_signal(signal.SIGTERM)
            assert finish(process)[1] == "" and process.returncode == 0
        collector.recorder.flush()
        path = collector.recorder.path
        assert path is not None
        printed = run(tmp_path, "show", path, "--json").stdout.splitlines()
    assert {span["span_id"]: span for span in map(json.loads, printed)} == newest_objects
    assert len(newest_objects) > 5


def test_it_waits_for_the_viewer_to_come_back_and_says_so(tmp_path: Path) -> None:
    with serving(tmp_path / "one") as (collector, _):
        port = port_of(collector)
        send(collector, numbered(1, 1))
        process_of = tailing(tmp_path, collector.endpoint)
        process = process_of.__enter__()
        try:
            assert "tool 1" in line_of(process.stdout)
            collector.stop(60)
            assert "is gone" in line_of(process.stderr)
            collector.close_recording()
            with serving(tmp_path / "two", port=port) as (again, _):
                assert line_of(process.stderr).endswith("is there again.")
                send(again, numbered(2, 2))
                assert "tool 2" in line_of(process.stdout)
            process.send_signal(signal.SIGINT)
            finish(process)
            assert process.returncode == 0
        finally:
            process_of.__exit__(None, None, None)


def test_it_ends_with_the_viewer_if_asked_to(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _), tailing(tmp_path, collector.endpoint, "--no-wait") as process:
        send(collector, numbered(1, 20))
        wait_for(lambda: collector.stats().events == 20)
        lines = [line_of(process.stdout) for _ in range(20)]
        collector.stop(60)
        rest, stderr = finish(process)
        assert process.returncode == 0 and rest == "" and len(set(lines)) == 20
        assert "is gone" in stderr


def test_a_pipe_that_nobody_reads_any_more_ends_it_quietly(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _), tailing(tmp_path, collector.endpoint) as process:
        send(collector, numbered(1, 1))
        assert "tool 1" in line_of(process.stdout)
        assert process.stdout is not None
        process.stdout.close()
        send(collector, numbered(2, 2))
        process.wait(PATIENCE)
        assert process.stderr is not None and process.stderr.read() == ""
        assert process.returncode == 1
        wait_for(lambda: collector.stats().viewers == 0)


def test_the_token_is_needed_and_may_come_from_the_environment(tmp_path: Path) -> None:
    with serving(tmp_path, token="open sesame") as (collector, _):
        done = run(tmp_path, "tail", collector.endpoint, "--token", "guessed")
        assert (done.returncode, done.stdout) == (1, "")
        assert "Wrong or missing token" in done.stderr and "Traceback" not in done.stderr
        process = subprocess.Popen(
            command("tail", collector.endpoint),
            env=environment(tmp_path) | {"ETAOI_TUI_TOKEN": "open sesame"},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert line_of(process.stderr).startswith("Following")
        finally:
            process.kill()
            process.communicate(timeout=PATIENCE)


@pytest.mark.parametrize(
    ("url", "words"),
    [("ws://127.0.0.1:1", "Nothing listens on ws://127.0.0.1:1/ingest"), ("ws://[", "etaoi-tui: ")],
)
def test_a_viewer_that_is_not_there_is_a_sentence(tmp_path: Path, url: str, words: str) -> None:
    done = run(tmp_path, "tail", url)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr and done.stderr.count("\n") == 1
    attached = run(tmp_path, "--attach", url)
    assert (attached.returncode, attached.stderr) == (1, done.stderr)


def test_options_of_listening_mean_nothing_with_attach(tmp_path: Path) -> None:
    done = run(tmp_path, "--attach", "ws://127.0.0.1:1", "--port", "5")
    assert done.returncode == 2 and "--port means nothing with --attach" in done.stderr
    done = run(tmp_path, "--attach", "ws://127.0.0.1:1", "--replay", "x")
    assert done.returncode == 2


def test_only_what_is_new(tmp_path: Path) -> None:
    """What was recorded is left out, but not forgotten: a span that ran tells its end, as deep as it lies."""
    scribe = generate.Scribe("before")
    task = scribe.start("task", "outer")
    inner = scribe.start("tool", "before", task)
    (begun,) = generate.frames(scribe.take())
    scribe.delta(inner, {"text": "still at it"})
    (going_on,) = generate.frames(scribe.take())
    scribe.end(inner)
    (ended,) = generate.frames(scribe.take())
    with serving(tmp_path) as (collector, _):
        send(collector, [*numbered(1, 3), begun])
        wait_for(lambda: collector.stats().events == 5)
        with tailing(tmp_path, collector.endpoint, "--new") as process:
            send(collector, [going_on, *numbered(6, 6)])
            assert "tool 6" in line_of(process.stdout)  # and nothing about what runs since before
            send(collector, [ended, *numbered(7, 7)])
            lines = [line_of(process.stdout) for _ in range(2)]
            span_line = next(line for line in lines if "before" in line)
            assert not span_line.startswith("running")
            assert span_line.index("⚒") > next(line for line in lines if "tool 7" in line).index("⚒")
            process.send_signal(signal.SIGINT)
            assert finish(process) == ("", "")


def test_new_and_the_end_of_the_viewer(tmp_path: Path) -> None:
    with (
        serving(tmp_path) as (collector, _),
        tailing(tmp_path, collector.endpoint, "--new", "--no-wait") as process,
    ):
        send(collector, numbered(1, 40))
        lines = {line_of(process.stdout) for _ in range(40)}
        collector.stop(60)
        assert finish(process)[0] == "" and len(lines) == 40


class AllAtOnce:
    """A source that has everything at once."""

    live, progress, notices = True, None, ()

    def __init__(self, *received: float) -> None:
        self.waiting: list[SourceItem] = [EventBatch(-1, 0, [], 1, at) for at in received]

    def take(self, seconds: float) -> list[SourceItem]:
        items, self.waiting = self.waiting, []
        return items


def test_what_is_newer_waits_until_it_is_released() -> None:
    dam = SinceFilter(AllAtOnce(1.0, 2.0, 5.0, 3.0, 6.0), since=4.0)  # type: ignore[arg-type]
    assert [item.received for item in dam.take(1.0) if isinstance(item, EventBatch)] == [1.0, 2.0]
    assert (dam.waiting, dam.take(1.0)) == (True, [])
    dam.released = True
    assert [item.received for item in dam.take(1.0) if isinstance(item, EventBatch)] == [5.0, 3.0, 6.0]
    assert (dam.waiting, dam.take(1.0)) == (False, [])

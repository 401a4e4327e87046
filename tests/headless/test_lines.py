"""Without a terminal: spans as lines while they happen, and where the recording is at the end."""

from __future__ import annotations

import io
import re
import signal
from pathlib import Path

from etaoi_collector.sources.replay import ReplaySource
from etaoi_collector.store import Store
from etaoi_tui.export.text_log import LinePrinter
from etaoi_tui.feed import Feed
from etaoi_tui.view.row_summaries import Summaries
from tests import generate
from tests.generate import Scribe
from tests.headless.running import finish, objects, run, running, send

LINE = re.compile(
    r"[0-9:.]{12}  .{16}  (running|ok|error|cancelled|paused|lost|incomplete) +(\S+)?  ( *)\S \S"
)


class Printed:
    """A store that is filled step by step, and what a printer made of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._path.write_bytes(generate.hello())
        source = ReplaySource(path)
        source.reader.follow()
        self._feed = Feed(source, Store())
        self._out = io.StringIO()
        self._printer = LinePrinter(self._out, Summaries(source))

    def after(self, scribe: Scribe) -> list[str]:
        """Return the lines that the scribe's newest events make."""
        with self._path.open("ab") as file:
            file.write(generate.frame(scribe.take()))
        self._printer.print_changes(self._feed.tick(1000, scribe.clock.seconds))
        lines = self._out.getvalue().splitlines()
        self._out.seek(0)
        self._out.truncate()
        return lines


def test_a_line_when_a_span_runs_and_one_when_it_ends(tmp_path: Path) -> None:
    """Indented by depth, in the order in which things happened, each once."""
    printed = Printed(tmp_path / "run.msgpack")
    scribe = Scribe(1)
    root = scribe.start("sub_agent", "agent")
    tool = scribe.start("tool", "search", root, {"input": '{"q": "x"}'})
    begun = printed.after(scribe)
    assert [line[14:] for line in begun] == [
        "agent             running            ◆ agent",
        'agent             running              ⚒ search  q="x"',
    ]
    clock = re.compile(r"\d\d:\d\d:\d\d\.\d{3}  ")
    assert all(clock.match(line) for line in begun)
    scribe.clock.advance(250_000)
    scribe.end(tool, {}, error="ValueError('no')")
    scribe.end(root, {})
    ended = printed.after(scribe)
    assert [line[32:] for line in ended] == [
        "error       250ms    ⚒ search  ValueError('no')",
        "ok          250ms  ◆ agent",
    ]
    assert begun[0][:12] < ended[0][:12]
    scribe.delta(tool, {"text": "late"})
    assert printed.after(scribe) == []


def test_what_began_and_ended_between_two_looks_is_one_line(tmp_path: Path) -> None:
    """A short span does not claim to be running."""
    printed = Printed(tmp_path / "run.msgpack")
    scribe = Scribe(2)
    scribe.end(scribe.start("tool", "quick", payload={"input": "{}"}), {})
    (line,) = printed.after(scribe)
    assert line[32:].startswith("ok ")


def test_a_pipe_gets_lines_and_an_automatic_recording(tmp_path: Path) -> None:
    """`etaoi-tui | cat` prints instead of failing, and Ctrl-C ends it well."""
    with running(tmp_path, "--port", "0") as process:
        assert process.stderr is not None
        url = re.search(r"ws://\S+/ingest", process.stderr.readline())
        assert url is not None
        send(url[0])
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, talk = finish(process)
    assert process.returncode == 0
    lines = [first.rstrip("\n"), *rest.splitlines()]
    assert all(LINE.match(line) for line in lines)
    assert any(line[32:].startswith("error") and "run_tests" in line for line in lines)
    recorded = re.search(r"Recorded to (\S+)", talk)
    assert recorded is not None
    assert Path(recorded[1]).is_relative_to(tmp_path)
    (listed,) = objects(run(tmp_path, "ls", "--json").stdout)
    assert (listed["file"], listed["errors"], listed["running"]) == (recorded[1], 1, False)
    traces = objects(run(tmp_path, "ls", "last", "--json").stdout)
    assert listed["traces"] == len([trace for trace in traces if trace["is_run"]])
    again = run(tmp_path, "--replay", "last")
    assert again.returncode == 0
    assert "researcher" in again.stdout


def test_no_record_leaves_nothing_behind(tmp_path: Path) -> None:
    """Nor does a run that no agent visited."""
    for arguments, expected in (
        (["--no-record"], ""),
        ([], "No agent connected, so nothing was recorded.\n"),
    ):
        with running(tmp_path, "--port", "0", *arguments) as process:
            assert process.stderr is not None
            process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            _, talk = finish(process)
        assert (process.returncode, talk) == (0, expected)
        assert run(tmp_path, "ls", "--json").stdout == ""


def test_the_newest_of_no_recordings_is_a_sentence(tmp_path: Path) -> None:
    """`--replay last` before anything was recorded."""
    done = run(tmp_path, "--replay", "last")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1

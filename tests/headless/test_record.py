"""`record`: what scripts lean on."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.headless.running import finish, objects, read_object, run, running, send


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_flushes_and_prints_the_counts(tmp_path: Path, ending: signal.Signals) -> None:
    """One line when it listens, one when it has stopped; the file holds what the counts say."""
    file = tmp_path / "run.msgpack"
    with running(tmp_path, "record", "-o", file, "--port", "0") as process:
        record = read_object(process.stdout)
        assert record.keys() == {"event", "url", "file"}
        assert (record["event"], record["file"]) == ("listening", str(file))
        send(record["url"])
        process.send_signal(ending)
        rest, talk = finish(process)
    assert (process.returncode, talk) == (0, "")
    (stopped,) = objects(rest)
    assert stopped["event"] == "stopped"
    assert {"frames", "events", "rejected", "dropped"} <= stopped.keys()
    assert stopped["clients"] == 1
    assert stopped["frames"] > 0
    assert (stopped["rejected"], stopped["refused_frames"], stopped["unrecorded_frames"]) == (0, 0, 0)
    listed = objects(run(tmp_path, "ls", file, "--json").stdout)
    # State ticks belong to no trace.
    assert 0 < sum(trace["events"] for trace in listed) <= stopped["events"]


def test_it_stops_by_itself(tmp_path: Path) -> None:
    """`--for` ends it, though nobody came."""
    done = run(tmp_path, "record", "-o", tmp_path / "run.msgpack", "--port", "0", "--for", "100ms")
    assert done.returncode == 0
    assert [line["event"] for line in objects(done.stdout)] == ["listening", "stopped"]


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("arguments", [["record", "-o", "run.msgpack"], ["demo"], []])
def test_a_taken_port_gets_one_sentence(tmp_path: Path, taken_port: int, arguments: list[str]) -> None:
    """It names the port, and nothing is left behind."""
    arguments = [str(tmp_path / "run.msgpack") if a == "run.msgpack" else a for a in arguments]
    done = run(tmp_path, *arguments, "--port", str(taken_port))
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert str(taken_port) in done.stderr
    assert not (tmp_path / "run.msgpack").exists()


def test_another_viewer_on_the_port_is_recognised(tmp_path: Path) -> None:
    """Whoever starts it twice is told so."""
    with running(tmp_path, "record", "-o", tmp_path / "one.msgpack", "--port", "0") as process:
        url = read_object(process.stdout)["url"]
        port = url.rsplit(":", 1)[1].partition("/")[0]
        done = run(tmp_path, "record", "-o", tmp_path / "two.msgpack", "--port", port)
    assert done.returncode == 1
    assert "another etaoi-tui" in done.stderr


def test_beyond_loopback_a_token_is_demanded(tmp_path: Path) -> None:
    """Listening for others without a secret is refused before anything is opened."""
    done = run(tmp_path, "record", "-o", tmp_path / "run.msgpack", "--host", "0.0.0.0", "--port", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--token" in done.stderr


def test_an_unwritable_file_gets_one_sentence(tmp_path: Path) -> None:
    """A folder in the way of the recording."""
    done = run(tmp_path, "record", "-o", tmp_path, "--port", "0", "--for", "1s")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1

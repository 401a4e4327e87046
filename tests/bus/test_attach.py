"""A second full viewer on the stream of a first one, in a real terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.terminal import Terminal
from tests import generate
from tests.bus.telling import send
from tests.collector.serving import serving, wait_for


def run_of(name: str) -> list[bytes]:
    """A short run of an agent with this name."""
    scribe = generate.Scribe(name)
    generate.agent_trace(scribe, name, turns=2, tools=1)
    return list(generate.frames(scribe.take(), 5))


def test_it_shows_what_was_and_what_comes(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        send(collector, run_of("early-bird"))
        command = [sys.executable, "-m", "etaoi_tui", "--attach", collector.endpoint]
        env = {"ETAOI_TUI_STATE_DIR": str(tmp_path / "state")}
        with Terminal(command, env=env, size=(150, 30)) as terminal:
            terminal.wait_for("early-bird")
            send(collector, run_of("late-comer"))
            terminal.wait_for("late-comer")
            stats = collector.stats()
            assert (stats.viewers, stats.connections) == (1, 2)
            terminal.press("q")
            wait_for(lambda: terminal.process.poll() == 0)
        wait_for(lambda: collector.stats().viewers == 0)
    assert not list((tmp_path / "state").glob("recordings/*"))


def test_an_empty_viewer_says_that_it_follows_another(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        command = [sys.executable, "-m", "etaoi_tui", "--attach", collector.endpoint]
        env = {"ETAOI_TUI_STATE_DIR": str(tmp_path / "state")}
        with Terminal(command, env=env, size=(120, 30)) as terminal:
            terminal.wait_for(f"Following {collector.endpoint}")
            assert "Listening" not in terminal.text()
            terminal.press("q")
            wait_for(lambda: terminal.process.poll() == 0)


def test_a_file_that_still_grows_is_followed_and_not_loading(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        send(collector, run_of("early-bird"))
        collector.recorder.flush()
        command = [sys.executable, "-m", "etaoi_tui", "--replay", str(collector.recorder.path)]
        env = {"ETAOI_TUI_STATE_DIR": str(tmp_path / "state")}
        with Terminal(command, env=env, size=(150, 30)) as terminal:
            terminal.wait_for("following the file")
            terminal.wait_for("early-bird")
            send(collector, run_of("late-comer"))
            terminal.wait_for("session 1 of 2")
            terminal.press("1g")
            terminal.wait_for("late-comer")
            # A busy machine may be behind for a moment, and says so, but not once all was read.
            wait_for(lambda: _last_of(terminal, "following the file", "loading") == "following the file")
            terminal.press("q")
            wait_for(lambda: terminal.process.poll() == 0)


def _last_of(terminal: Terminal, *words: str) -> str:
    """Which of these words was written last."""
    return max(words, key=terminal.text().rfind)

"""Settings in the running viewer; and a recording that is opened instead of listening."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.terminal import Terminal
from etaoi_tui.app import ViewerApp
from etaoi_tui.commands import load_commands
from etaoi_tui.screens.palette_entries import palette_entries
from etaoi_tui.view.settings import Settings
from tests.collector.making import numbered_frame, write_trace
from tests.collector.serving import wait_for

from .world import FedSource, world

VIEWER = [sys.executable, "-m", "etaoi_tui"]


async def test_a_keymap_changes_keys_footer_help_and_palette() -> None:
    settings = Settings(keys={"theme.next": ("f5",), "follow.toggle": ("t",)})
    app = ViewerApp(FedSource(), settings=settings, automatic=False)
    async with app.run_test(size=(160, 45)) as pilot:
        assert not app.main.span_tree.following or app.main.span_tree.follow(False) is None
        await pilot.press("2", "f5")
        await pilot.pause()
        assert app.theme == "etaoi-light"
        await pilot.press("t")
        assert app.main.span_tree.following
        assert "f5" in {entry.note for entry in palette_entries(app.main, [])}


async def test_invalid_settings_are_listed_on_the_problems_page() -> None:
    app = ViewerApp(FedSource(), settings=Settings(problems=["config.toml:3: no"]), automatic=False)
    async with app.run_test(size=(120, 35)) as pilot:
        await pilot.press("exclamation_mark")
        await pilot.pause()
        pane = app.screen.query_one("DetailPane")
        page = "\n".join(pane.render_line(y).text for y in range(pane.size.height))
        assert "Left out of commands and settings" in page and "config.toml:3: no" in page


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "ETAOI_TUI_STATE_DIR": str(tmp_path / "state"),
        "ETAOI_TUI_CONFIG": str(tmp_path / "config" / "config.toml"),
        "COLORTERM": "truecolor",
    }


def test_the_viewer_starts_with_odd_settings_and_names_them(environment: dict[str, str]) -> None:
    config = Path(environment["ETAOI_TUI_CONFIG"])
    (config.parent / "themes").mkdir(parents=True)
    config.write_text('theme = "sea"\n[keys]\n"no.such" = "x"\n"theme.next" = "f5"\n')
    (config.parent / "themes" / "sea.toml").write_text('primary = "#00aaff"\nbackground = "#010203"\n')
    with Terminal([*VIEWER, "--port", "0"], size=(140, 40), env=environment) as terminal:
        terminal.wait_for("Listening on")
        terminal.wait_for(b"48;2;1;2;3m")  # the background of the person's theme
        terminal.press("!")
        terminal.wait_for("Left out of commands and settings")
        # The first closes the page, which ignores what is typed with it; one after that quits.
        wait_for(lambda: terminal.press("q") and terminal.process.poll() is not None)
        terminal.wait_end()
    startup_text = terminal.written().partition(b"\x1b[?1049h")[0].decode()
    assert re.search(r'config\.toml:3: "no\.such" is no command', startup_text)


def test_a_recording_opened_from_the_first_screen_really_stops_listening(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = tmp_path / "state" / "recordings"
    folder.mkdir(parents=True)
    write_trace(folder / "run-20260101-120000-1.msgpack", [numbered_frame(0, 3)])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Terminal([*VIEWER, "--port", str(port)], size=(140, 40), env=environment) as terminal:
        terminal.wait_for("Recorded before")
        assert _listens(port)
        terminal.press("\r")
        terminal.wait_for("replay")
        terminal.wait_for(f"Stopped listening on ws://127.0.0.1:{port}")
        wait_for(lambda: not _listens(port))
        terminal.press("q")
        terminal.wait_end()
        assert terminal.process.returncode == 0


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 60).close()
    except ConnectionRefusedError:
        return False
    return True


def test_app_and_start_know_each_other_one_way_only() -> None:
    script = "import sys, etaoi_tui.app; print('etaoi_tui.cli.start_viewer' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert "start_viewer" not in Path(sys.modules[ViewerApp.__module__].__file__ or "").read_text("utf-8")


def test_the_newest_recording_is_looked_up_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from etaoi_tui.cli import load_recording, start_viewer
    from etaoi_tui.viewer_options import ViewerOutcome

    path = write_trace(tmp_path / "a", [numbered_frame(0, 3)])
    asked: list[str] = []

    def list_recordings() -> list[object]:
        asked.append("listed")
        return [type("Known", (), {"path": path})()]

    monkeypatch.setattr(load_recording, "list_recordings", list_recordings)
    monkeypatch.setattr(start_viewer, "has_terminal", lambda: True)
    monkeypatch.setattr(start_viewer, "view", lambda options: ViewerOutcome(0))
    assert start_viewer.replay("last", theme=None) == 0
    assert asked == ["listed"]


async def test_every_command_with_a_key_is_bound() -> None:
    async with world() as (w, pilot):
        w.scribe.start("tool", "search")
        await w.tick(pilot)
        w.app.main.span_tree.focus()
        await pilot.pause()
        bound = {one.id for keys in w.app.main.active_bindings.values() for one in (keys.binding,)}
        assert {one.id for one in load_commands().in_pane("tree") if one.id != "palette.open"} <= bound

"""The real program in a real terminal: what reaches it, and how it is left."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from websockets.sync.client import connect

from benchmarks.terminal import Terminal
from etaoi_collector.wire.trace_records import TraceWriter
from tests.app.quitting import quit_viewer
from tests.generate import UGLY, frame, frames, hello, ugly_trace
from tests.scribe import Scribe

VIEWER = [sys.executable, "-m", "etaoi_tui"]
LEAVES_THE_SCREEN = b"\x1b[?1049l"

CONTROL = re.compile(
    rb"\x1b\]22;[a-z-]*(?:\x07|\x1b\\)"
    rb"|\x1b\[[0-9;:?<>=]*[ -/]*[@-~]|\x1b[=>78]|\x1b\(B|\x1bP>\|q\x1b\\|\r|\n|\x07"
)
"""What the program itself may send: pointer shapes, CSI sequences, keypad modes, character set, a query."""

UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


_OVER_THE_SCREEN = (
    ("y", "copy"),
    ("\x1b", "[1] runs"),
    ("?", "help"),
    ("}", "States"),
    ("\x1b", "[1] runs"),
    ("!", "problems"),
    ("\x1b", "[1] runs"),
    ("/copied", " hit"),
    ("\x1b", "[1] runs"),
    (":", "find and run"),
    ("\x1b", "[1] runs"),
)
"""Keys that open or close something, and what is drawn then. An escape has to arrive alone: a key that
reached the program together with it would be another key."""


def test_a_terminal_has_its_own_size_whatever_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    asks = "import shutil; print(*shutil.get_terminal_size())"
    with Terminal([sys.executable, "-c", asks], size=(150, 40)) as terminal:
        terminal.wait_for("150 40")


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    return {"ETAOI_TUI_STATE_DIR": str(tmp_path / "state"), "COLORTERM": "truecolor"}


def test_nothing_hostile_reaches_the_terminal_from_any_surface(tmp_path: Path, state: dict[str, str]) -> None:
    path = tmp_path / "\u202eugly.msgpack"
    scribe = Scribe("hostile")
    writer = TraceWriter(path, writer="tests", created=1.0, recording="hostile")
    voice = scribe.start("voice_session", UGLY[1], payload={"room_name": UGLY[0]})
    scribe.delta(voice, {"error_event": {"stage": UGLY[0], "type": UGLY[2], "message": UGLY[3]}})
    scribe.tick(UGLY[0], UGLY[6])
    ugly_trace(scribe, huge=20_000)
    writer.opened(1.0, 1, peer=UGLY[0], client=UGLY[1], hello=hello())
    for message in frames(scribe.take(), 8):
        writer.append_frame(2.0, 1, message)
    writer.append_frame(2.0, 1, frame([{"kind": UGLY[0]}, {"kind": "span_start", UGLY[1]: UGLY[2]}]))
    writer.close()
    with Terminal([*VIEWER, "--replay", str(path)], size=(150, 40), env=state) as terminal:
        terminal.wait_for("⚒")
        terminal.wait_quiet()
        for _ in range(len(UGLY) + 4):
            terminal.press("j")
            terminal.wait_quiet(0.1)
        for _ in range(4):
            terminal.press("}")
            terminal.wait_quiet(0.1)
            for _ in range(len(UGLY)):
                terminal.press("k")
            terminal.wait_quiet(0.1)
        for keys, screen_text in _OVER_THE_SCREEN:
            since = terminal.position
            terminal.press(keys)
            terminal.wait_for(screen_text, since=since)
            terminal.wait_quiet(0.1)
        for keys in ("J", "3", "G", "1", "K", "e"):
            terminal.press(keys)
            terminal.wait_quiet(0.15)
        written = terminal.written()
        terminal.press("q")
        terminal.wait_end()
    for text in (b"\x1b]52", b"\x1b]8;", b"\x1b]0;", b"\x1b]2;"):
        assert text not in written
    screen_text = CONTROL.sub(b"", written).decode("utf-8", "strict")
    unsafe = UNSAFE.findall(screen_text)
    assert not unsafe, f"{unsafe[:5]!r} in {screen_text[max(screen_text.index(unsafe[0]) - 40, 0) :][:80]!r}"
    assert "wiped" in screen_text, "the values themselves are shown"


@pytest.fixture
def viewer(state: dict[str, str]) -> Iterator[Terminal]:
    """A live viewer that has one span to show and to record."""
    with Terminal([*VIEWER, "--port", "0"], size=(120, 35), env=state) as terminal:
        terminal.wait_for("Listening on")
        port = re.search(r"127\.0\.0\.1:(\d+)", terminal.text())
        assert port is not None
        scribe = Scribe("ending")
        scribe.start("sub_agent", "ended-abruptly")
        with connect(f"ws://127.0.0.1:{port[1]}/ingest", compression=None, proxy=None) as client:
            client.send(hello())
            client.recv()
            client.send(frame(scribe.take()))
            terminal.wait_for("ended-abruptly")
            yield terminal


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("q", 0),
        ("\x11", 0),
        (signal.SIGINT, 130),
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGQUIT, 131),
    ],
    ids=["q", "ctrl+q", "SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"],
)
def test_every_exit_restores_the_terminal_and_names_the_recording(
    viewer: Terminal, state: dict[str, str], ending: str | signal.Signals, code: int
) -> None:
    exit_start = viewer.position
    if isinstance(ending, str):
        viewer.press(ending)
    else:
        os.kill(viewer.process.pid, ending)
    viewer.wait_end()
    after = viewer.written(exit_start)
    assert LEAVES_THE_SCREEN in after
    exit_text = after.split(LEAVES_THE_SCREEN)[-1].decode()
    recordings = list((Path(state["ETAOI_TUI_STATE_DIR"]) / "recordings").glob("*.msgpack"))
    assert len(recordings) == 1
    assert recordings[0].name in exit_text
    assert "Traceback" not in exit_text
    assert viewer.process.returncode == code
    assert b"ended-abruptly" in recordings[0].read_bytes()
    assert recordings[0].stat().st_mode & 0o777 == 0o600


CRASHING = """
import etaoi_tui.app as app
from etaoi_tui.cli.main import main
show = app.ViewerApp.show
def crash(self):
    show(self)
    if self.store.events:
        raise RuntimeError("a defect of ours")
app.ViewerApp.show = crash
main(["--port", "0"])
"""


def test_a_defect_in_every_tick_costs_neither_the_viewer_nor_the_recording(state: dict[str, str]) -> None:
    with Terminal([sys.executable, "-c", CRASHING], size=(120, 35), env=state) as terminal:
        terminal.wait_for("Listening on")
        port = re.search(r"127\.0\.0\.1:(\d+)", terminal.text())
        assert port is not None
        scribe = Scribe("crash")
        scribe.start("sub_agent", "last-words")
        with connect(f"ws://127.0.0.1:{port[1]}/ingest", compression=None, proxy=None) as client:
            client.send(hello())
            client.recv()
            client.send(frame(scribe.take()))
            terminal.wait_for("a defect of ours")
            terminal.press("!")
            terminal.wait_for("Traceback")
            since = terminal.position
            terminal.press("q")  # closes the page; an escape and a key together would be another key
            terminal.wait_for("[2] last-words", since=since)
        quit_viewer(terminal)
        assert terminal.process.returncode == 0
        written = terminal.written()
    assert LEAVES_THE_SCREEN in written
    recordings = list((Path(state["ETAOI_TUI_STATE_DIR"]) / "recordings").glob("*.msgpack"))
    assert b"last-words" in recordings[0].read_bytes()


def test_sizes_and_theme_survive_a_restart(state: dict[str, str]) -> None:
    with Terminal([*VIEWER, "--port", "0"], size=(160, 45), env=state) as terminal:
        terminal.wait_for("Listening on")
        terminal.press("t")
        terminal.wait_for("Theme: light")
        terminal.press("q")
        terminal.wait_end()
    saved = msgspec.json.decode((Path(state["ETAOI_TUI_STATE_DIR"]) / "layout.json").read_bytes())
    assert saved["theme"] == "etaoi-light"


@pytest.mark.parametrize("ending", ["q", signal.SIGTERM], ids=["q", "SIGTERM"])
def test_a_blocked_terminal_does_not_block_the_exit(
    viewer: Terminal, state: dict[str, str], ending: str | signal.Signals
) -> None:
    _fill(viewer)
    if isinstance(ending, str):
        viewer.press(ending)
    else:
        os.kill(viewer.process.pid, ending)
    viewer.process.wait(60)
    assert viewer.process.returncode == (0 if ending == "q" else 143)
    recordings = list((Path(state["ETAOI_TUI_STATE_DIR"]) / "recordings").glob("*.msgpack"))
    assert b"ended-abruptly" in recordings[0].read_bytes()


def test_a_terminal_that_moves_again_is_drawn_to_again(viewer: Terminal) -> None:
    _fill(viewer)
    viewer.press("?")
    since = viewer.position
    viewer.resume()
    viewer.wait_for("What did the model get?", since=since)


def _fill(viewer: Terminal) -> None:
    """Have the terminal stand still, and so much drawn that nothing more fits anywhere on the way to it.

    Each resize draws the whole screen.
    """
    viewer.hold()
    deadline = time.monotonic() + 60
    beyond = 0
    while beyond < 40 and time.monotonic() < deadline:
        for columns in (100, 160):
            size = struct.pack("HHHH", 45, columns, 0, 0)
            fcntl.ioctl(viewer._master, termios.TIOCSWINSZ, size)
            time.sleep(0.05)
        beyond += _is_full(viewer)
    assert _is_full(viewer)


def _is_full(viewer: Terminal) -> bool:
    """Whether the viewer's side of the terminal takes nothing more."""
    side = os.open(f"/proc/{viewer.process.pid}/fd/1", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        return not select.select([], [side], [], 0)[1]
    finally:
        os.close(side)

"""Types, clicks and resizes at random in the real viewer, and says whether it is still there.

    .venv/bin/python scripts/fuzz_viewer.py --inputs 200000 --seed 7 RECORDING...

Each recording is replayed in a terminal of its own while bursts of keys, mouse events, pasted text, resizes
and raw bytes arrive. A viewer that is asked to quit is started anew; one that ends in any other way,
or that stops to answer, is a failure, and so is an exception that it had to contain. The last bursts are
printed, and the same seed makes the same ones again.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "collector")]

from tests.pty_session import PtySession

_NOT_AT_RANDOM = (0x11, 0x71, 0x1A)
"""Control-Q and q quit. Control-Z gives the terminal back, where what is typed next is for the shell."""

KEYS = [
    *(bytes([code]) for code in range(0x20, 0x7F) if chr(code) != "q"),
    *(bytes([code]) for code in range(1, 0x1B) if code not in _NOT_AT_RANDOM),
    b"\x1b", b"\x7f", b"\r", b"\t", b"\x1b[Z",
    *(b"\x1b[" + letter for letter in (b"A", b"B", b"C", b"D", b"H", b"F")),
    *(b"\x1b[%d~" % number for number in (2, 3, 5, 6, 15, 17)),
    *(b"\x1b[1;%d%s" % (modifier, letter) for modifier in (2, 3, 5) for letter in (b"A", b"B", b"C", b"D")),
    b"\x1bOP", b"\x1bOQ", b"\x1b[I", b"\x1b[O",
]  # fmt: skip
"""Every key of a plain terminal but those that quit."""

OPENERS = [b"y", b"?", b"!", b":", b"a", b"c", b"/", b"\r", b"r", b"d", b"v", b"z", b"t"]
"""Keys that open something: what is typed behind them reaches more than the main screen."""

TEXTS = ["kind:tool", "dur>2s", "\x1b[31m", "ä€😀", "nofield:x", "[/]", "\u202e", "x" * 300]
SIZES = [(20, 6), (40, 12), (80, 24), (100, 30), (120, 35), (160, 45), (200, 60), (9, 3), (300, 80)]
CONTAINED = b"Press ! for more"

BURSTS_AHEAD = 20
"""Bursts that are typed before the viewer is given the time to answer them.

It would else still be at them when it is asked to end.
"""


def bursts(dice: random.Random) -> Iterator[tuple[str, bytes]]:
    """Make bursts of input without end: what kind it is, and its bytes."""
    while True:
        kind = dice.choices(("keys", "dialog", "mouse", "paste", "raw"), (6, 5, 4, 1, 2))[0]
        if kind == "keys":
            yield kind, b"".join(dice.choices(KEYS, k=dice.randint(1, 12)))
        elif kind == "dialog":
            yield kind, dice.choice(OPENERS) + b"".join(dice.choices(KEYS, k=dice.randint(0, 6)))
        elif kind == "mouse":
            yield kind, b"".join(_mouse(dice) for _ in range(dice.randint(1, 10)))
        elif kind == "paste":
            text = dice.choice(TEXTS).encode(dice.choice(("utf-8", "latin-1", "utf-16")), "replace")
            yield kind, b"\x1b[200~" + text.replace(b"q", b"") + b"\x1b[201~"
        else:
            yield (
                kind,
                bytes(code for code in dice.randbytes(dice.randint(1, 40)) if code not in _NOT_AT_RANDOM),
            )


def _mouse(dice: random.Random) -> bytes:
    button = dice.choice((0, 0, 0, 1, 2, 32, 35, 64, 65, 4, 16))
    column, line = dice.choice((1, 40, 79, 119, 150)) + dice.randint(-1, 40), dice.randint(-2, 62)
    if dice.random() < 0.1:  # the old form, whose bytes are no UTF-8 behind column 95
        return b"\x1b[M" + bytes((32 + button % 64, 32 + abs(column) % 223, 32 + abs(line) % 223))
    return b"\x1b[<%d;%d;%d%c" % (button, column, line, dice.choice(b"Mm"))


class Fuzz:
    """One recording under fire."""

    def __init__(self, recording: Path, dice: random.Random, state: Path) -> None:
        self._command = [sys.executable, "-m", "etaoi_tui", "--replay", str(recording)]
        self._dice = dice
        self._state = state
        self.inputs = 0
        self.starts = 0
        self._last: list[bytes] = []

    def run(self, inputs: int) -> str:
        """Send that many inputs; return what went wrong, empty for nothing."""
        stream = bursts(self._dice)
        while self.inputs < inputs:
            self.starts += 1
            with PtySession(self._command, self._state) as viewer:
                wrong = self._fire(viewer, stream, inputs)
            if wrong:
                recent = b" ".join(self._last).decode("latin-1")
                return f"{wrong}\nThe last bursts: {recent!r}"
        return ""

    def _fire(self, viewer: PtySession, stream: Iterator[tuple[str, bytes]], inputs: int) -> str:
        viewer.wait_for(b"replay")
        sent = 0
        while self.inputs < inputs:
            _, data = next(stream)
            data = data.replace(b"|", b"/")  # what is typed at random must not become a command of a shell
            self.inputs += max(1, data.count(b"\x1b[") or len(data))
            self._last = [*self._last[-9:], data]
            if self._dice.random() < 0.02:
                viewer.resize(*self._dice.choice(SIZES))
                viewer.signal(signal.SIGWINCH)
            viewer.send(data)
            sent += 1
            if sent % BURSTS_AHEAD:
                viewer.read(0.0)
            else:
                viewer.wait_idle()
            if CONTAINED in viewer.drawn:
                return f"an exception had to be contained: {_around(viewer.drawn)}"
            if viewer.process.poll() is not None:
                viewer.read(0.2)
                code, output = viewer.process.returncode, viewer.drawn
                if code == 0 and b"Traceback" not in output:
                    return ""  # it was asked to quit, by the palette for example
                return f"it ended with status {code}: {output[-3_000:].decode('utf-8', 'replace')}"
            viewer.drawn = viewer.drawn[-4_096:]
        return self._still_answers(viewer)

    def _still_answers(self, viewer: PtySession) -> str:
        viewer.resize(120, 35)
        viewer.signal(signal.SIGWINCH)
        viewer.wait_idle()
        for _ in range(12):  # out of a paste, a search, a dialog and a zoom
            viewer.send(b"\x1b[201~")
            viewer.read(0.2)
            viewer.send(b"\x1b")
            viewer.read(0.3)
        viewer.forget()
        viewer.send(b"q")
        code = viewer.wait()
        return "" if code == 0 else f"it does not end on q, or with status {code}"


def _around(drawn: bytes) -> str:
    at = drawn.index(CONTAINED)
    return drawn[max(0, at - 400) : at + 40].decode("utf-8", "replace")


def main() -> int:
    """Run it."""
    # A pager would wait for the right key; and pagers run commands, too.
    os.environ.update(EDITOR="true", VISUAL="true", PAGER="true")
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("recordings", nargs="*", type=Path, help="recordings to replay")
    options.add_argument("--inputs", type=int, default=3_000, help="keys, mouse events and bytes in all")
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    recordings = asked.recordings or sorted((ROOT / "tests" / "captures").glob("*.msgpack"))[:6]
    failed = 0
    with tempfile.TemporaryDirectory() as state:
        for number, recording in enumerate(recordings):
            fuzz = Fuzz(recording, random.Random(f"{asked.seed} {number}"), Path(state))
            try:
                wrong = fuzz.run(asked.inputs // len(recordings))
            except TimeoutError as error:
                wrong = f"it does not answer: {error}"
            failed += bool(wrong)
            print(f"{recording.name}: {fuzz.inputs:,} inputs, {fuzz.starts} starts: {wrong or 'still there'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

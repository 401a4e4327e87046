"""Runs the real viewer for a long time under load and a person's hands, and says whether it grows.

    python scripts/soak.py [--minutes 60] [--rate 2000] [--keep-bytes 64MiB] [--keep-spans 50000]
                           [--json FILE]

A client sends all the time, others come and go, keys are pressed, the terminal changes its size. Each minute
prints memory, file descriptors, threads, processor time and bytes on disk. In the end: a small chart of each,
and its slope over the second half, carried on to a day.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import random
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "collector")]

from benchmarks.terminal import Terminal
from benchmarks.viewer import COMMAND, free_port, wait_listening

KEYS = ["j", "k", "\r", "\t", "e", "g", "G", "1", "2", "3", "d", "r", "f", "\x1b", " ", "\x1b[6~", "\x1b[5~"]
SIZES = [(80, 24), (120, 35), (160, 45), (200, 60)]
DAY = 24 * 60


def measure(terminal: Terminal, state: Path) -> dict[str, float]:
    """Return what the viewer uses now."""
    process = Path(f"/proc/{terminal.process.pid}")
    recordings = others = 0
    for path in state.rglob("*"):
        with contextlib.suppress(OSError):
            size = path.stat().st_size if path.is_file() else 0
            if path.name.startswith("run-"):
                recordings += size
            else:
                others += size
    return {
        "memory MiB": terminal.anonymous_bytes() / (1 << 20),
        "descriptors": len(os.listdir(process / "fd")),
        "threads": len(os.listdir(process / "task")),
        "processor s": terminal.cpu_seconds_all(),
        "recordings MiB": recordings / (1 << 20),
        "other files MiB": others / (1 << 20),
    }


def slope(samples: list[dict[str, float]], what: str) -> float:
    """Return by how much a figure grows each minute, by least squares."""
    times = [sample["minute"] for sample in samples]
    values = [sample[what] for sample in samples]
    middle, mean = sum(times) / len(times), sum(values) / len(values)
    spread = sum((at - middle) ** 2 for at in times)
    return sum((at - middle) * (value - mean) for at, value in zip(times, values, strict=True)) / spread


def chart(values: list[float]) -> str:
    """Draw values as a line of blocks, the least at the bottom and the most on top."""
    least, most = min(values), max(values)
    blocks = "▁▂▃▄▅▆▇█"
    return "".join(
        blocks[round((value - least) / (most - least) * (len(blocks) - 1)) if most > least else 0]
        for value in values
    )


def sender(url: str, rate: float, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a client."""
    command = [sys.executable, "-m", "tests.load", url, "--rate", str(rate), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def disturb(terminal: Terminal, chance: random.Random) -> None:
    """Press some keys; sometimes change the size."""
    for _ in range(chance.randint(1, 5)):
        terminal.press(chance.choice(KEYS))
    if chance.random() < 0.1:
        columns, rows = chance.choice(SIZES)
        fcntl.ioctl(terminal._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def soak(options: argparse.Namespace) -> int:
    """Run, print, and return the exit code: 1 if the viewer ended."""
    chance = random.Random(options.seed)
    samples: list[dict[str, float]] = []
    with TemporaryDirectory(prefix="etaoi-soak-") as folder:
        state, port = Path(folder) / "state", free_port()
        environment = {"ETAOI_TUI_STATE_DIR": str(state), "ETAOI_TUI_CONFIG": f"{folder}/config.toml"}
        command = [*COMMAND, "--port", str(port), "--keep-bytes", options.keep_bytes]
        command += ["--keep-spans", str(options.keep_spans)]
        with Terminal(command, env=environment, cwd=ROOT) as terminal:
            wait_listening(port, terminal)
            url = f"ws://127.0.0.1:{port}/ingest"
            steady = sender(url, options.rate)
            guests: list[subprocess.Popen[bytes]] = []
            began = time.monotonic()
            due = 1.0
            try:
                while (minutes := (time.monotonic() - began) / 60) < options.minutes:
                    if terminal.process.poll() is not None:
                        print(
                            f"the viewer ended with {terminal.process.returncode}:\n{terminal.text()[-2000:]}"
                        )
                        return 1
                    disturb(terminal, chance)
                    if chance.random() < 0.1:
                        guest = ("--seconds", "5", "--seed", str(chance.randrange(1000)), "--pieces", "5")
                        guests.append(sender(url, options.rate / 10, *guest))
                    guests = [guest for guest in guests if guest.poll() is None]
                    if minutes >= due:
                        due += 1
                        samples.append({"minute": minutes} | measure(terminal, state))
                        print(
                            "  ".join(f"{what} {value:.1f}" for what, value in samples[-1].items()),
                            flush=True,
                        )
                    terminal.forget()
                    time.sleep(1)
            finally:
                for client in (steady, *guests):
                    client.kill()
                    client.wait()
    late = samples[len(samples) // 2 :]
    if len(late) > 2:
        print("Minute by minute:")
        for what in list(late[0])[1:]:
            values = [sample[what] for sample in samples]
            if what == "processor s":  # what each minute took
                values = [after - before for before, after in zip([0.0, *values], values, strict=False)]
            print(f"  {what}: {min(values):.1f} to {max(values):.1f}  {chart(values)}")
        print("Slopes of the second half:")
        for what in list(late[0])[1:]:
            grows = slope(late, what)
            print(f"  {what}: {grows:+.3f} a minute, {grows * DAY:+.0f} a day if it went on like that")
    if options.json:
        options.json.write_text(json.dumps(samples))
    return 0


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=2_000, help="events a second")
    parser.add_argument("--keep-bytes", default="64MiB")
    parser.add_argument("--keep-spans", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write all samples to this file")
    return soak(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())

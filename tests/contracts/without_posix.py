"""A process without the names that Windows lacks: it loads everything, records, reads, unpacks and shows.

    python -m tests.contracts.without_posix windows|posix FOLDER

The folder holds ``plain.msgpack`` and the same as ``packed.msgpack.gz``. Prints what was seen, as JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import pkgutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

# The standard library and others use the names while they load, and may: they know Windows themselves.
import click.testing
import textual.app
import textual.drivers.linux_driver
import textual.pilot  # noqa: F401
import websockets.asyncio.server
import websockets.sync.client  # noqa: F401
import zstandard  # noqa: F401

MODULES = "fcntl termios tty pty resource pwd grp curses syslog readline".split()
NAMES = {
    signal: (
        "SIGHUP SIGQUIT SIGKILL SIGUSR1 SIGUSR2 SIGPIPE SIGALRM SIGCONT SIGTSTP SIGWINCH pthread_sigmask "
        "pause sigwait setitimer"
    ).split(),
    os: (
        "pread pwrite preadv pwritev fork forkpty register_at_fork getuid geteuid getgid fchmod fchown chown "
        "uname sysconf statvfs fstatvfs getpgid setsid killpg mkfifo O_NONBLOCK O_CLOEXEC O_NOFOLLOW "
        "O_DIRECTORY posix_fadvise posix_fallocate sendfile getloadavg nice sched_getaffinity"
    ).split(),
}


def take_names_away() -> None:
    """Make this process look to what is imported later as one on Windows does."""
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for module, names in NAMES.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    del asyncio.unix_events._UnixSelectorEventLoop.add_signal_handler


def load_everything() -> list[str]:
    """Import all modules of both packages; returns what failed for want of ours or of a POSIX module."""
    import etaoi_collector
    import etaoi_tui

    failed = []
    for package in (etaoi_collector, etaoi_tui):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("__main__"):
                continue
            try:
                importlib.import_module(module.name)
            except ImportError as error:
                if str(error.name).partition(".")[0] in (*MODULES, "etaoi_tui", "etaoi_collector"):
                    failed.append(f"{module.name}: {error}")
    return failed


def show(path: Path) -> list[dict[str, Any]]:
    """Return the spans of a recording, as the command prints them."""
    from etaoi_tui.cli.main import main

    done = click.testing.CliRunner().invoke(main, ["show", str(path), "--json"])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def record(file: Path) -> list[dict[str, Any]]:
    """Send a span to a collector, and return the spans of its recording."""
    import etaoi_tui
    from etaoi_collector import Collector, CollectorOptions

    collector = Collector(CollectorOptions(port=0, record=file, state=file.parent)).bind()
    collector.start()
    tracer = etaoi_tui.open_tracer(server_url=collector.endpoint)
    tracer.end(tracer.start("tool", "sent"))
    assert tracer.flush(60)
    tracer.close()
    while collector.stats().clients:
        time.sleep(0.01)
    collector.stop()
    collector.close_recording()
    return show(file)


async def view(path: Path) -> int:
    """Show a recording in the viewer, press some keys and leave; returns how many rows its tree had."""
    from etaoi_collector.sources.replay import ReplaySource
    from etaoi_tui.app import ViewerApp

    app = ViewerApp(ReplaySource(path))
    async with app.run_test(size=(120, 30)) as pilot:
        deadline = time.monotonic() + 60
        while not app.feed.ended and time.monotonic() < deadline:
            await pilot.pause(0.02)
        app.tick()
        await pilot.pause()
        rows = len(app.main.span_tree.rows)
        await pilot.press("down", "enter", "a", "escape", "q")
    return rows


def main() -> None:
    """Do all of it."""
    names, folder = sys.argv[1], Path(sys.argv[2])
    if names == "windows":
        take_names_away()
    results = {
        "failed": load_everything(),
        "plain": show(folder / "plain.msgpack"),
        "packed": show(folder / "packed.msgpack.gz"),
        "recorded": record(folder / f"{names}.msgpack"),
        "rows": asyncio.run(view(folder / "plain.msgpack")),
    }
    print(json.dumps(results))  # noqa: T201


if __name__ == "__main__":
    main()

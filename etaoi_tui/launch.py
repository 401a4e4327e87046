"""Starts what the command line asks for: sockets and files first, on a normal screen, then the viewer.

Without a terminal the same sources are printed as lines of text.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from etaoi_collector.store import Store
from etaoi_tui.feed import Feed
from etaoi_tui.headless.lines import LinePrinter
from etaoi_tui.headless.load import find_recording, load, open_recording
from etaoi_tui.headless.show import print_trees
from etaoi_tui.headless.talk import Failure, say
from etaoi_tui.options import ViewerOptions
from etaoi_tui.view.summary import Summaries

if TYPE_CHECKING:
    from etaoi_collector.host import Collector, CollectorOptions
    from etaoi_collector.source import Source

FRAMES_PER_SECOND = "250"
"""Textual draws at most this often. Its own 60 would add up to 17 ms to every key press; what is drawn at all
is decided by the viewer's tick."""

_POLL_SECONDS = 0.05
_TICK_MS = 40.0
_AGENT_ENDS_WITHIN = 2.0
_LAST_WORDS_WITHIN = 2.0
_SWITCHES = ("ETAOI_DISABLED", "AGENTVIZ_DISABLED")
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def has_terminal() -> bool:
    """Whether there is a screen to draw on and a keyboard to listen to."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def live(options: CollectorOptions, *, theme: str | None) -> int:
    """Listen, record and show until the user has seen enough.

    Returns:
        The exit code.
    """
    with listening(options) as collector, _source_of(collector) as source:
        if has_terminal():
            return _view(ViewerOptions(source, collector, theme=theme))
        say(f"Listening on {collector.endpoint}; printing spans as they happen. Ctrl-C ends.")
        with until_signal() as stop:
            _print_lines(source, stop)
    return 0


def replay(name: str, *, theme: str | None) -> int:
    """Show a recording.

    Returns:
        The exit code.
    """
    if not has_terminal():
        with load(name) as loaded:
            print_trees(loaded.store, loaded.source, sys.stdout, time.time())
        return 0
    path = find_recording(name)
    source = open_recording(name)
    try:
        return _view(ViewerOptions(source, replay=path, theme=theme))
    finally:
        source.close()


def demo(*, seed: int, loop: bool, port: int | None, speed: float, theme: str | None) -> int:
    """Show a scripted agent that runs in a process of its own.

    Without a terminal it runs once, and its tree is printed.

    Returns:
        The exit code.
    """
    with _demo_collector(port) as collector, _source_of(collector) as source:
        drawn = has_terminal()
        with _agent(collector.endpoint, seed=seed, speed=speed, loop=loop and drawn) as agent:
            if drawn:
                return _view(ViewerOptions(source, collector, theme=theme, demo=True))
            store = Store()
            with until_signal() as stop:
                feed = Feed(source, store)
                deadline = None
                while not stop.is_set():
                    now = time.monotonic()
                    if deadline is None and agent.poll() is not None:
                        deadline = now + _LAST_WORDS_WITHIN
                    feed.tick(_TICK_MS, time.time())
                    if deadline is not None and not feed.behind and (_everybody_left(store) or now > deadline):
                        break
                    stop.wait(_POLL_SECONDS)
            print_trees(store, source, sys.stdout, time.time())
            return agent.returncode or 0


@contextmanager
def listening(options: CollectorOptions) -> Iterator[Collector]:
    """Bind and start a collector; at the end stop it and say where the recording is.

    Raises:
        Failure: It cannot listen or record as asked.
    """
    from etaoi_collector.host import BindError, Collector, OptionError
    from etaoi_collector.recorder import RecordError

    try:
        collector = Collector(options).bind().start()
    except (BindError, OptionError, RecordError) as error:
        raise Failure(str(error)) from None
    try:
        yield collector
    finally:
        collector.stop()
        _say_where(collector)


@contextmanager
def _source_of(collector: Collector) -> Iterator[Source]:
    from etaoi_collector.live import LiveSource

    source = LiveSource(collector)
    try:
        yield source
    finally:
        source.close()


@contextmanager
def _demo_collector(port: int | None) -> Iterator[Collector]:
    """Listen on the port that was asked for, or on the usual one, or on a free one when that is taken.

    The demo keeps no recording: it must not push a real run out of the folder.
    """
    from etaoi_collector.host import BindError, Collector, CollectorOptions

    try:
        collector = Collector(CollectorOptions(port=DEFAULT_PORT if port is None else port, no_record=True)).bind()
    except BindError as error:
        if port is not None:
            raise Failure(str(error)) from None
        say(f"Port {DEFAULT_PORT} is taken, so the demo uses a free one.")
        collector = Collector(CollectorOptions(port=0, no_record=True)).bind()
    collector.start()
    try:
        yield collector
    finally:
        collector.stop()


@contextmanager
def _agent(url: str, *, seed: int, speed: float, loop: bool) -> Iterator[subprocess.Popen[bytes]]:
    """Run the scripted agent; it ends with this block, and with this process, however that ends."""
    command = [sys.executable, "-m", "etaoi_tui.demo", "--url", url, "--seed", str(seed), "--speed", str(speed)]
    command += ["--stop-at-eof", *(["--loop"] if loop else [])]
    environment = {name: value for name, value in os.environ.items() if name not in _SWITCHES}
    agent = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )
    try:
        yield agent
    finally:
        if agent.poll() is None:
            agent.terminate()
        try:
            _, told = agent.communicate(timeout=_AGENT_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            agent.kill()
            _, told = agent.communicate()
        if agent.returncode not in (0, -signal.SIGTERM) and told:
            say(f"The demo's agent failed: {told.decode(errors='replace').strip().splitlines()[-1]}")


def _view(options: ViewerOptions) -> int:
    os.environ.setdefault("TEXTUAL_FPS", FRAMES_PER_SECOND)
    from etaoi_tui.app import run_viewer

    return run_viewer(options)


def _print_lines(source: Source, stop: threading.Event) -> None:
    feed = Feed(source, Store())
    printer = LinePrinter(sys.stdout, Summaries(source))
    while not feed.ended:
        printer.print_changes(feed.tick(_TICK_MS, time.time()))
        if stop.is_set() and not feed.behind:
            return
        if not feed.behind:
            stop.wait(_POLL_SECONDS)


@contextmanager
def until_signal() -> Iterator[threading.Event]:
    """Turn Ctrl-C, SIGTERM and SIGHUP into an event for the length of a block."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _everybody_left(store: Store) -> bool:
    connections = store.connections.values()
    return bool(connections) and all(connection.closed_at is not None for connection in connections)


def _say_where(collector: Collector) -> None:
    """Say where the recording is, or why there is none."""
    path = collector.recording
    if path is not None:
        say(f"Recorded to {path}")

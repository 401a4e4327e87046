"""Starts what the command line asks for: sockets and files first, on a normal screen, then the viewer.

Without a terminal the same sources are printed as lines of text. What only that needs, or only a viewer that
listens, is imported there: the first screen should not wait for it.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from etaoi_collector.store import DEFAULT_MAX_SPANS, Store
from etaoi_tui.cli.recent_recordings import RecentRecordings
from etaoi_tui.cli.signals import until_signal
from etaoi_tui.console import echo
from etaoi_tui.feed import Feed
from etaoi_tui.viewer_options import ChosenRecording, StoreFollower, ViewerOptions, ViewerOutcome

if TYPE_CHECKING:
    from etaoi_collector.collector import Collector, CollectorOptions
    from etaoi_collector.recording.recorder import Recorder
    from etaoi_collector.sources.base import Source

FRAMES_PER_SECOND = "250"
"""Textual draws at most this often. Its own 60 would add up to 17 ms to every key press; what is drawn at all
is decided by the viewer's tick."""

_POLL_SECONDS = 0.05
_TICK_MS = 40.0
_LAST_WORDS_WITHIN = 2.0


def has_terminal() -> bool:
    """Whether there is a screen to draw on and a keyboard to listen to."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def live(
    options: CollectorOptions, *, theme: str | None, joins: bool = False, keep_spans: int | None = None
) -> int:
    """Listen, record and show until the user has seen enough.

    Args:
        options: Where to listen, and what to record to.
        theme: See `ViewerOptions`.
        joins: Where another etaoi-tui listens already, show what it has.
        keep_spans: Bound on spans in memory; None for the default.

    Returns:
        The exit code.
    """
    from etaoi_tui.cli.collector_context import AddressHeld

    try:
        return _live(options, theme, DEFAULT_MAX_SPANS if keep_spans is None else keep_spans)
    except AddressHeld:
        if not joins:
            raise
    url = f"ws://{options.host}:{options.port}"
    joined = f"Another etaoi-tui listens on port {options.port}: this shows what it has."
    echo(joined)
    return attach(url, token=options.token, theme=theme, greeting=joined)


def _live(options: CollectorOptions, theme: str | None, max_spans: int) -> int:
    from etaoi_collector.sources.live import LiveSource
    from etaoi_tui.cli.catalogue_follower import catalogue_follower
    from etaoi_tui.cli.collector_context import running_collector

    recorder = None
    try:
        with running_collector(options, start=not has_terminal()) as collector:
            recorder, endpoint = collector.recorder, collector.endpoint
            source = LiveSource(collector)
            follower = catalogue_follower(options, collector, source)
            if not has_terminal():
                with until_signal() as stop:
                    echo(f"Listening on {endpoint}; printing spans as they happen. Ctrl-C ends.")
                    _print_lines(collector, source, stop, follower, max_spans)
                return 1 if collector.failure else 0
            outcome = view(
                ViewerOptions(
                    source,
                    theme=theme,
                    recordings=RecentRecordings(lambda: collector.recorder.path),
                    follower=follower,
                    max_spans=max_spans,
                )
            )
    finally:
        if recorder is not None:
            _say_where(recorder)
    if outcome.recording is None:
        return outcome.code
    stopped = f"Stopped listening on {endpoint}: this is a recording."
    echo(stopped)
    return _replay(outcome.recording, theme=theme, greeting=stopped)


def replay(name: str, *, theme: str | None) -> int:
    """Show a recording.

    Args:
        name: Its path, ``last``, or another of its names.
        theme: See `ViewerOptions`.

    Returns:
        The exit code.
    """
    from etaoi_tui.cli.load_recording import find_recording, load

    if not has_terminal():
        from etaoi_tui.cli.show import write_traces

        with load(name) as loaded:
            write_traces(loaded.store, loaded.source, sys.stdout, time.time())
        return 0
    return _replay(ChosenRecording(str(find_recording(name))), theme=theme)


def _replay(recording: ChosenRecording, *, theme: str | None, greeting: str = "") -> int:
    """Show a recording, and those that the person goes on to."""
    from etaoi_collector.recording.directory import state_dir
    from etaoi_collector.sources.catalogued import open_catalogued
    from etaoi_tui.cli.load_recording import open_recording

    wanted: ChosenRecording | None = recording
    code = 0
    while wanted is not None:
        listed = open_catalogued(Path(wanted.path), state_dir())
        source = open_recording(wanted.path) if listed is None else listed
        first = wanted.trace_id or (listed.newest_run if listed is not None else "")
        source.prefer(first, lambda _: False)
        try:
            outcome = view(
                ViewerOptions(
                    source,
                    theme=theme,
                    greeting=greeting,
                    span_id=wanted.span_id,
                    recordings=RecentRecordings(),
                )
            )
        finally:
            source.close()
        code, wanted, greeting = outcome.code, outcome.recording, ""
    return code


def attach(url: str, *, token: str | None, theme: str | None, greeting: str = "") -> int:
    """Show what another viewer has, as a second viewer.

    Args:
        url: Its address.
        token: The secret that it wants, if any.
        theme: See `ViewerOptions`.
        greeting: Said when the screen is there.

    Returns:
        The exit code.
    """
    from etaoi_tui.cli import tail

    if not has_terminal():
        return tail.run(url, token=token)
    source = tail.opened(url, token=token)
    try:
        outcome = view(ViewerOptions(source, theme=theme, greeting=greeting, recordings=RecentRecordings()))
    finally:
        source.close()
        if source.failure:
            echo(source.failure)
    return outcome.code if outcome.recording is None else _replay(outcome.recording, theme=theme)


def demo(*, seed: int, loop: bool, port: int | None, speed: float, theme: str | None) -> int:
    """Show a scripted agent that runs in a process of its own.

    Without a terminal it runs once, and its tree is printed.

    Returns:
        The exit code.
    """
    from etaoi_collector.collector import CollectorOptions, Record
    from etaoi_collector.options import DEFAULT_PORT
    from etaoi_collector.sources.live import LiveSource
    from etaoi_tui.cli.collector_context import running_collector
    from etaoi_tui.demo.process import agent_process

    drawn = has_terminal()
    # No recording: demos must not push real runs out of the folder.
    wanted = CollectorOptions(port=DEFAULT_PORT if port is None else port, record=Record.NONE)
    instead = CollectorOptions(port=0, record=Record.NONE) if port is None else None
    with running_collector(wanted, instead, start=not drawn) as collector:
        source = LiveSource(collector)
        with agent_process(collector.endpoint, seed=seed, speed=speed, loop=loop and drawn) as agent:
            if drawn:
                outcome = view(ViewerOptions(source, theme=theme, demo=True))
                echo("That was the demo; it keeps no recording. To see your own agent:")
                echo("  etaoi_tui.attach(agent)   in your program, after `import etaoi_tui`")
                echo("  etaoi-tui                 in another terminal")
                if outcome.recording is not None:
                    return _replay(outcome.recording, theme=theme)
                return outcome.code
            with until_signal() as stop:
                echo(f"A scripted agent streams to {collector.endpoint}; its tree follows when it has ended.")
                from etaoi_tui.cli.show import write_traces

                store = _follow(source, stop, lambda: agent.poll() is not None)
            write_traces(store, source, sys.stdout, time.time())
        return 1 if agent.returncode and not stop.is_set() else 0


def view(options: ViewerOptions) -> ViewerOutcome:
    """Open the viewer; it returns when the user quits, or wants to see something else."""
    os.environ.setdefault("TEXTUAL_FPS", FRAMES_PER_SECOND)  # read by Textual when it is imported
    gc.disable()  # `etaoi_tui.garbage` decides when to look
    from etaoi_tui.app import run_viewer

    return run_viewer(options, echo)


def _print_lines(
    collector: Collector,
    source: Source,
    stop: threading.Event,
    follower: Callable[[Store], StoreFollower] | None,
    max_spans: int,
) -> None:
    from etaoi_tui.export.text_log import LinePrinter
    from etaoi_tui.view.row_summaries import Summaries

    feed = Feed(source, Store(max_spans=max_spans))
    following = follower(feed.store) if follower is not None else None
    printer = LinePrinter(sys.stdout, Summaries(source))

    def take() -> None:
        changes = feed.tick(_TICK_MS, time.time())
        printer.print_changes(changes)
        if following is not None:
            following.follow(changes)

    printed: set[str] = set()
    while not collector.failure and not stop.wait(0.0 if feed.behind else _POLL_SECONDS):
        take()
        for notice in source.notices:
            if notice not in printed:
                printed.add(notice)
                echo(notice)
    collector.stop()
    take()  # what had arrived before the end
    while feed.behind:
        take()
    if following is not None:
        following.finish(feed)


def _follow(source: Source, stop: threading.Event, ended: Callable[[], bool]) -> Store:
    """Fold what arrives until the only client has ended and everything it sent is there."""
    store = Store()
    feed = Feed(source, store)
    deadline: float | None = None
    while True:
        if deadline is None and ended():
            deadline = time.monotonic() + _LAST_WORDS_WITHIN
        feed.tick(_TICK_MS, time.time())
        if feed.behind:
            continue
        if deadline is not None and (_all_disconnected(store) or time.monotonic() > deadline):
            return store
        if stop.wait(_POLL_SECONDS):
            return store


def _all_disconnected(store: Store) -> bool:
    connections = store.connections.values()
    return bool(connections) and all(connection.closed_at is not None for connection in connections)


def _say_where(recorder: Recorder) -> None:
    """Say where the recording is, and what kept it from being complete."""
    from etaoi_collector.recording.recorder import State

    if recorder.trouble:
        echo(recorder.trouble)
    if recorder.path is not None:
        echo(f"Recorded to {recorder.path}")
    elif recorder.state is State.RECORDING:
        echo("No agent connected, so nothing was recorded.")

"""The viewer: owns the tick, moves what arrived from the feed to the screen, ends cleanly.

The screen pulls: nothing that receives events knows of it. One task does the work of a tick in slices of a
few milliseconds and lets keys through between them, so that a flood or a large file never takes the keyboard
away.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App, SystemCommand
from textual.driver import Driver
from textual.filter import LineFilter
from textual.notifications import SeverityLevel
from textual.screen import Screen

from etaoi_collector.sources.base import Source
from etaoi_collector.store import DEFAULT_MAX_SPANS, Store
from etaoi_collector.store.model import Trace
from etaoi_tui.commands.registry import ACTIONS
from etaoi_tui.feed import Feed
from etaoi_tui.resilient_driver import make_resilient
from etaoi_tui.screens.main import MainScreen
from etaoi_tui.screens.panes import ScreenContext
from etaoi_tui.text import printable
from etaoi_tui.view import format as fmt
from etaoi_tui.view.layout import Layout
from etaoi_tui.view.status import Recording, StatusLine, live_status, replay_status
from etaoi_tui.widgets.control_char_filter import CONTROL_CHAR_FILTER
from etaoi_tui.widgets.welcome import RecentRecording

if TYPE_CHECKING:
    from etaoi_collector.collector import Collector
    from etaoi_collector.sources.remote import RemoteSource
    from etaoi_tui.viewer_options import ViewerOptions

TICKS_PER_SECOND = 12
"""How often the screen follows the store."""

_SLICE_MS = 4.0
"""Longest stretch of work between two looks at the keyboard."""

_SHORT_SLICE_MS = 1.5
_HANDS_ON_FOR = 1.0
"""The same while somebody uses keys or mouse, and the seconds after which nobody seems to any more."""

_WORK_MS = 70.0
_FLOOD_WORK_MS = 220.0
"""Work in one tick while more waits than can be shown, with somebody's hands on the keys and without; then
the screen is drawn. A flood tells an eye nothing that four pictures a second do not."""

_FIRST_WORK_MS = 20.0
"""Work before the first screen of a recording: enough to fill it."""

_PREPARE_AFTER = 0.15
"""Seconds after the first screen at which imports are done that nobody waits for then."""

_BREATH = 0.001
"""Seconds between two slices while somebody uses keys or mouse: a key needs several turns of the event loop
until it is drawn. The first one needs a single turn to be noticed, so there is no pause before it."""

_SWITCH_INTERVAL = 0.000_5
"""Seconds after which a thread lets go of the interpreter. Python's own 5 ms would be added to a key press
each time the loop wakes up while the collector's thread is busy."""

_QUEUED_FRAMES = 1
"""Screens that may wait for the terminal; while more do, nothing new is drawn."""

_FREEZE_EVERY = 20.0
"""Seconds between two times that everything alive is taken out of the garbage collector's sight."""

_SESSIONS_TIMED = 1_024
"""Sessions of which it is remembered when their newest time stamp was seen."""

_SPINNER_EVERY = 2
THEMES = ("textual-dark", "textual-light", "ansi-dark", "ansi-light")
THEME_NAMES = {"dark": "textual-dark", "light": "textual-light", "ansi": "ansi-dark"}


class LiveFacts:
    """What a live run tells about itself; a replay has none.

    Args:
        endpoint: WebSocket URL.
        token: Whether clients need a token.
        start: Lets the collector begin; called when the first screen is drawn.
        clients: Counts connected clients.
        recording: Tells how the recording is doing.
        lost: Counts events that arrived and could not be kept.
        offers: Lists recordings for the empty screen.
        followed: It is another viewer that is followed, and agents connect there.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        token: bool,
        start: Callable[[], object],
        clients: Callable[[], int],
        recording: Callable[[], Recording],
        lost: Callable[[], int],
        offers: Callable[[], list[RecentRecording]],
        followed: bool = False,
    ) -> None:
        self.endpoint = endpoint
        self.token = token
        self.start = start
        self.clients = clients
        self.recording = recording
        self.lost = lost
        self.offers = offers
        self.followed = followed


class ViewerApp(App[str]):
    """Shows one source. Exits with the path of a recording when the person asked for that instead.

    Args:
        source: Where events come from; closed by whoever made it.
        live: What a live run tells about itself, or None for a replay.
        name: Name of the replayed file.
        layout: Sizes of the panes.
        theme: ``dark``, ``light``, ``ansi`` or the name of a Textual theme; empty for the saved one.
        max_spans: Bound on spans in memory.
        demo: A scripted agent is about to connect.
        clock: The present, in seconds since the epoch.
        automatic: Whether ticks come by themselves; tests call `tick`.
    """

    TITLE = "etaoi-tui"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    CSS = MainScreen.ARRANGEMENT

    def __init__(
        self,
        source: Source,
        *,
        live: LiveFacts | None = None,
        name: str = "",
        layout: Layout | None = None,
        theme: str = "",
        max_spans: int = DEFAULT_MAX_SPANS,
        demo: bool = False,
        clock: Callable[[], float] = time.time,
        automatic: bool = True,
    ) -> None:
        super().__init__()
        self.source = source
        self.live = live
        self.store = Store(max_spans=max_spans)
        self.feed = Feed(source, self.store)
        self.sizes = layout or Layout()
        self.sub_title = name
        self._clock = clock
        self._automatic = automatic
        self._wanted_theme = theme
        self._theme_settled = False
        self._ticks = 0
        self._spinner_frame = 0
        self._rates: deque[tuple[float, int]] = deque(maxlen=2 * TICKS_PER_SECOND)
        self._newest: dict[str, tuple[float, float]] = {}
        self._froze_at = 0.0
        self._touched_at = -_HANDS_ON_FOR
        self._notices_told = 0
        self.main = MainScreen(
            ScreenContext(
                source=source,
                store=self.store,
                layout=self.sizes,
                now=self._now,
                endpoint=live.endpoint if live else "",
                token=live.token if live else False,
                demo=demo,
            )
        )
        self.main.welcome.followed = live is not None and live.followed

    # beginning and end

    def get_default_screen(self) -> Screen[Any]:
        """Return the only screen that is always there."""
        return self.main

    def get_driver_class(self) -> type[Driver]:
        """Draw on a terminal whose loss does not keep the viewer from ending."""
        return make_resilient(super().get_driver_class())

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Add the net that takes control characters out of every line."""
        return [*super().get_line_filters(), CONTROL_CHAR_FILTER]

    def on_mount(self) -> None:
        """Choose colours and begin to tick."""
        wanted = self._wanted_theme or self.sizes.theme
        wanted = THEME_NAMES.get(wanted, wanted)
        if wanted in self.available_themes:
            self.theme = wanted
        self._theme_settled = True
        self.main.span_tree.following = self.live is not None
        self._restore_terminal_on_signals()
        if self._automatic:
            if self.live is None:
                self.feed.work(_FIRST_WORK_MS, self._clock())
                self.show()
            self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """Begin to take what arrives: the first screen is drawn."""
        sys.setswitchinterval(_SWITCH_INTERVAL)
        if self.live is not None:
            self.live.start()
            self.main.welcome.show_offers(self.live.offers())
        self.run_worker(self._tick_for_ever(), name="tick", exit_on_error=True)
        self.set_timer(_PREPARE_AFTER, self._prepare)

    def _prepare(self) -> None:
        """Do what would otherwise be waited for when the first detail, or a search, opens."""
        import etaoi_collector.query  # noqa: F401
        import etaoi_tui.detail.pages.voice_turn  # noqa: F401 - a tenth of a second of imports, all viewers in it
        from etaoi_tui.kinds.registry import KINDS

        KINDS.load_plugins()

        gc.collect()
        gc.freeze()

    def _restore_terminal_on_signals(self) -> None:
        """End as after ``q`` on signals too, with the exit code that shells expect."""
        loop = asyncio.get_running_loop()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # Windows knows no SIGHUP
            if number is None:
                continue
            try:
                loop.add_signal_handler(number, partial(self.exit, return_code=128 + number))
            except (NotImplementedError, RuntimeError, ValueError):
                # No signals on this loop (Windows) or in this thread (tests).
                return

    def open_recording(self, path: str) -> None:
        """End, and ask for a recording to be shown instead."""
        self.exit(path)

    # the tick

    async def _tick_for_ever(self) -> None:
        pause = 1 / TICKS_PER_SECOND
        while True:
            began = time.perf_counter()
            self.feed.work(self._slice_ms(), self._clock())
            while self.feed.behind and time.perf_counter() - began < self._work_seconds():
                await asyncio.sleep(self._breath())
                self.feed.work(self._slice_ms(), self._clock())
            self._collect_garbage(while_loading=self.feed.behind and not self.source.live)
            self.show()
            rest = pause - (time.perf_counter() - began)
            await asyncio.sleep(self._breath() if self.feed.behind else max(rest, 0.005))

    def _hands_on(self) -> bool:
        return time.monotonic() - self._touched_at < _HANDS_ON_FOR

    def _slice_ms(self) -> float:
        return _SHORT_SLICE_MS if self._hands_on() else _SLICE_MS

    def _work_seconds(self) -> float:
        return (_WORK_MS if self._hands_on() else _FLOOD_WORK_MS) / 1000

    def _breath(self) -> float:
        return _BREATH if self._hands_on() else 0.0

    async def on_event(self, event: events.Event) -> None:
        """Remember when somebody last used keys or mouse."""
        if isinstance(event, events.InputEvent):
            self._touched_at = time.monotonic()
        await super().on_event(event)

    def _collect_garbage(self, *, while_loading: bool) -> None:
        """Leave garbage alone while a recording is read: what is made then stays; looking costs a sixth."""
        if while_loading and gc.isenabled():
            gc.disable()
        elif not while_loading and not gc.isenabled():
            gc.freeze()
            gc.enable()

    def tick(self) -> None:
        """Do all that waits, and show it: what happens by itself twelve times a second."""
        self.feed.work(1_000, self._clock())
        self.show()

    def show(self) -> None:
        """Bring the screen to the state of the store, unless the terminal does not keep up."""
        if self._terminal_waits():
            return
        self._ticks += 1
        if self._ticks % _SPINNER_EVERY == 0:
            self._spinner_frame += 1
        self.main.apply(self.store.drain_changes(), self._spinner_frame)
        self.main.show_status(self._status())
        self._tell_notices()
        now = time.monotonic()
        if now - self._froze_at > _FREEZE_EVERY:
            # Long lists of spans live for good: a collection that walks them only freezes the screen.
            self._froze_at = now
            gc.freeze()

    def _terminal_waits(self) -> bool:
        """Whether drawn screens pile up: the terminal does not take them (a slow line, a closed lid)."""
        thread = getattr(self._driver, "_writer_thread", None)
        queue = getattr(thread, "_queue", None)
        return queue is not None and queue.qsize() > _QUEUED_FRAMES

    def _now(self, trace: Trace) -> float:
        """The present by the clock of a trace's producers, which may not be ours.

        That is the newest thing they told plus the time that has passed here since we saw it; in a recording,
        where no time passes, the last thing that happened in the trace.
        """
        if not self.source.live:
            return trace.ended_at
        session = trace.session
        clock = self._clock()
        newest, seen_at = self._newest.get(session.session_id, (None, clock))
        if newest != session.newest_at:
            newest, seen_at = session.newest_at, clock
            if len(self._newest) > _SESSIONS_TIMED:
                self._newest.clear()
            self._newest[session.session_id] = (newest, seen_at)
        return session.newest_at + max(clock - seen_at, 0.0)

    # the first line

    def _status(self) -> StatusLine:
        trace = self.main.span_tree.rows.trace
        session = None if trace is None else trace.session
        if self.live is None:
            progress = self.source.progress
            share = None if progress is None or self.feed.ended else progress.share
            growing = share is not None and self.source.live and not self.feed.behind
            return replay_status(
                self.sub_title, share, self.source.notices, self.store, session, growing=growing
            )
        clients = self.live.clients()
        if not len(self.main.traces.rows):
            self.main.welcome.show_clients(
                [c.client or c.peer for c in self.store.connections.values() if c.closed_at is None]
            )
        return live_status(
            self.live.endpoint.removeprefix("ws://").removeprefix("wss://").removesuffix("/ingest"),
            clients,
            self._rate(),
            self.live.recording(),
            self.store,
            self.live.lost(),
            self.main.span_tree.following,
            session,
        )

    def _rate(self) -> float:
        now = self._clock()
        self._rates.append((now, self.store.events))
        first_at, first = self._rates[0]
        return (self.store.events - first) / (now - first_at) if now > first_at else 0.0

    def _tell_notices(self) -> None:
        notices = self.source.notices
        for notice in notices[self._notices_told :]:
            self.notify(printable(notice), severity="warning", timeout=8, markup=False)
        self._notices_told = len(notices)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Answer a key, in place of the answer before it; warnings and errors stay for their time."""
        if severity == "information":
            for answer in [said for said in self._notifications if said.severity == severity]:
                self._unnotify(answer)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    # commands

    def next_theme(self) -> None:
        """Go on to the next of dark, light and the terminal's own colours."""
        at = THEMES.index(self.theme) if self.theme in THEMES else -1
        self.theme = THEMES[(at + 1) % len(THEMES)]
        self.notify(f"Theme: {self.theme.removeprefix('textual-')}", markup=False, timeout=2)

    def watch_theme(self, theme: str) -> None:
        """Remember a theme chosen here; one that the command line names holds for one run."""
        if self._theme_settled:
            self.sizes.theme = theme

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer every action in the palette."""
        if screen is self.main:
            for action in ACTIONS:
                if self.main.pane in action.panes and not action.id.startswith("cursor."):
                    name = f"{action.group}: {action.help}  ({action.shown_key})"
                    yield SystemCommand(name, action.id, partial(self.main.action_run, action.id))
        yield SystemCommand("Theme: choose from all", "Change the theme", self.action_change_theme)


def run_viewer(options: ViewerOptions) -> int:
    """Show a source until the person quits, and further recordings that are asked for from the screen.

    Returns:
        The exit code: 0, or 128 plus the number of the signal that ended it.
    """
    from etaoi_collector.recording.directory import state_dir

    layout_file = state_dir() / "layout.json"
    layout = Layout.load(layout_file)
    theme = options.theme or ""
    live = None
    if options.collector is not None:
        live = facts_of(options.collector)
    elif options.attached is not None:
        live = facts_of_remote(options.attached)
    name = options.replay.name if options.replay is not None else ""
    app = ViewerApp(options.source, live=live, name=name, layout=layout, theme=theme, demo=options.demo)
    wanted = app.run()
    layout.save(layout_file)
    if wanted is None:
        return app.return_code or 0
    app.store.release()
    from etaoi_tui.start_viewer import replay

    return replay(wanted, theme=options.theme)


def facts_of(collector: Collector) -> LiveFacts:
    """Tell the viewer of a running collector."""

    from etaoi_collector.recording.recorder import State

    def recording() -> Recording:
        recorder = collector.recorder
        return Recording(recorder.state is State.RECORDING, recorder.bytes_written, recorder.warning)

    def offers() -> list[RecentRecording]:
        from etaoi_collector.recording.directory import list_recordings

        return [
            RecentRecording(
                str(known.path), fmt.timestamp(known.started)[:16], fmt.size(known.size), known.path.name
            )
            for known in list_recordings()
            if not known.running
        ]

    return LiveFacts(
        collector.endpoint,
        token=collector.options.token is not None,
        start=collector.start,
        clients=lambda: collector.stats().clients,
        recording=recording,
        lost=lambda: collector.inbox.lost,
        offers=offers,
    )


def facts_of_remote(source: RemoteSource) -> LiveFacts:
    """Tell the viewer of another viewer that it follows."""
    return LiveFacts(
        source.url,
        token=False,
        start=lambda: None,  # it is followed since before the first screen
        clients=lambda: source.clients,
        recording=lambda: Recording(False, source.spooled, next(iter(source.notices), "")),
        lost=lambda: source.stats().dropped,
        offers=list,
        followed=True,
    )

"""The viewer: owns the tick, moves what arrived from the feed to the screen, ends cleanly.

The screen pulls: nothing that receives events knows of it. One task does the work of a tick in slices of a
few milliseconds and lets keys through between them, so that a flood or a large file never takes the keyboard
away.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import events, on
from textual.app import SystemCommand
from textual.driver import Driver
from textual.filter import LineFilter
from textual.message_pump import MessagePump
from textual.notifications import SeverityLevel
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from etaoi_collector.sources.base import Source
from etaoi_collector.store import DEFAULT_MAX_SPANS, Store
from etaoi_collector.store.model import Trace
from etaoi_tui.commands import load_commands
from etaoi_tui.feed import Feed
from etaoi_tui.resilient_driver import make_resilient
from etaoi_tui.screens import workspace_style
from etaoi_tui.screens.workspace import ScreenContext, Workspace
from etaoi_tui.text import printable
from etaoi_tui.view import format as fmt
from etaoi_tui.view.faults import FaultLog
from etaoi_tui.view.layout import Layout
from etaoi_tui.view.status import Recording, StatusLine, live_status, replay_status
from etaoi_tui.widgets.control_char_filter import CONTROL_CHAR_FILTER
from etaoi_tui.widgets.textual_internals import (
    ContainedApp,
    frames_waiting,
    leave_terminal,
    take_terminal_again,
    withdraw_notifications,
)
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

_CONTINUES_WITHIN = 0.1
"""Seconds after which a program that was not stopped takes its terminal again."""

_FAULT_SECONDS = 6

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


class ViewerApp(ContainedApp[str]):
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
    CSS = workspace_style.CSS

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
        self._suspended = False
        self._touched_at = -_HANDS_ON_FOR
        self._notices_told = 0
        self.faults = FaultLog(clock)
        self.commands = load_commands()
        self.main = Workspace(
            ScreenContext(
                source=source,
                store=self.store,
                layout=self.sizes,
                now=self._now,
                commands=self.commands,
                endpoint=live.endpoint if live else "",
                token=live.token if live else False,
                demo=demo,
                faults=self.faults,
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
        self.containing = True
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
        handlers: dict[str, Callable[[], object]] = {
            name: partial(self.exit, return_code=128 + getattr(signal, name, 0))
            for name in ("SIGINT", "SIGTERM", "SIGHUP")
        }
        # Textual does this in handlers that may run in the middle of anything, and then waits for itself.
        handlers["SIGTSTP"] = partial(self._suspend, os.getpid())
        handlers["SIGCONT"] = self._continued
        for name, handler in handlers.items():
            number = getattr(signal, name, None)
            if number is None:  # Windows knows fewer
                continue
            try:
                loop.add_signal_handler(number, handler)
            except (NotImplementedError, RuntimeError, ValueError):
                # No signals on this loop (Windows) or in this thread (tests).
                return

    def action_suspend_process(self) -> None:
        """Stop until the shell's ``fg``, with whatever started this program."""
        self._suspend(0)

    def _suspend(self, process: int) -> None:
        """Give the terminal back and stop.

        Args:
            process: Whose processes stop, as `os.kill` has it; 0 for all of the terminal's job.
        """
        if not hasattr(signal, "SIGTSTP") or not leave_terminal(self):
            return
        loop = asyncio.get_running_loop()
        # The default way to stop does nothing where no shell could continue the job.
        loop.remove_signal_handler(signal.SIGTSTP)
        os.kill(process, signal.SIGTSTP)
        loop.add_signal_handler(signal.SIGTSTP, partial(self._suspend, os.getpid()))
        self._suspended = True
        loop.call_later(_CONTINUES_WITHIN, self._continued_unseen)

    def _continued_unseen(self) -> None:
        """Take the terminal when no SIGCONT came: the program was not stopped at all."""
        if self._suspended:
            self._continued()

    def _continued(self) -> None:
        """Draw the whole screen again: somebody else had the terminal, or nobody."""
        self._suspended = False
        if not self._exit:
            take_terminal_again(self)
            self.refresh(layout=True)

    @on(Workspace.RecordingChosen)
    def _recording_chosen(self, event: Workspace.RecordingChosen) -> None:
        """End, and ask for a recording to be shown instead."""
        self.exit(event.path)

    # what goes wrong

    def contain(
        self, error: Exception, where: MessagePump | None, *, drawing: bool = False, what: str = ""
    ) -> None:
        """Keep an exception for the problems page, close the dialog that it came from, and say so in a line.

        Args:
            error: What was raised.
            where: The widget, screen or app in whose handler it was raised.
            drawing: A widget failed to draw itself; it stays, with an empty line.
            what: What failed, if the caller knows better than the screen.
        """
        modal = None if drawing else self._modal_of(where)
        fault = self.faults.add(error, what or _named(modal or where))
        if modal is not None:
            self.call_later(self._close, modal)
        if fault.times == 1:
            said = f"{fault.what} failed: {fault.error}. Press ! for more."
            self.notify(printable(said), severity="error", timeout=_FAULT_SECONDS, markup=False)

    def contain_from_thread(self, error: Exception) -> None:
        """Keep an exception of another thread for the problems page."""
        self.call_later(self.contain, error, None, what="Reading the keyboard")

    def _modal_of(self, where: MessagePump | None) -> ModalScreen[Any] | None:
        """Return the dialog that an exception came from; commands of a dialog run in the app."""
        screen = where.screen if isinstance(where, Widget) and where.is_attached else self.screen
        return screen if isinstance(screen, ModalScreen) and screen in self.screen_stack else None

    def _close(self, modal: ModalScreen[Any]) -> None:
        while modal in self.screen_stack:
            self.pop_screen()

    # the tick

    async def _tick_for_ever(self) -> None:
        pause = 1 / TICKS_PER_SECOND
        while True:
            began = time.perf_counter()
            try:
                await self._tick_once(began)
            except Exception as error:  # the next tick may do better
                self.contain(error, None)
            rest = pause - (time.perf_counter() - began)
            await asyncio.sleep(self._breath() if self.feed.behind else max(rest, 0.005))

    async def _tick_once(self, began: float) -> None:
        self.feed.work(self._slice_ms(), self._clock())
        while self.feed.behind and time.perf_counter() - began < self._work_seconds():
            await asyncio.sleep(self._breath())
            self.feed.work(self._slice_ms(), self._clock())
        self._collect_garbage(while_loading=self.feed.behind and not self.source.live)
        self.show()

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
        if frames_waiting(self) > _QUEUED_FRAMES:
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
        trace = self.main.selection.trace
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
            withdraw_notifications(self, severity)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)

    # commands

    @on(Workspace.ThemeAsked)
    def _theme_asked(self) -> None:
        """Go on to the next of dark, light and the terminal's own colours."""
        at = THEMES.index(self.theme) if self.theme in THEMES else -1
        self.theme = THEMES[(at + 1) % len(THEMES)]
        self.notify(f"Theme: {self.theme.removeprefix('textual-')}", markup=False, timeout=2)

    def watch_theme(self, theme: str) -> None:
        """Remember a theme chosen here; one that the command line names holds for one run."""
        if self._theme_settled:
            self.sizes.theme = theme

    def action_command_palette(self) -> None:
        """Open the palette, once."""
        from etaoi_tui.screens.one_answer import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer every action in the palette."""
        if screen is self.main:
            for one in self.commands.in_pane(self.main.pane):
                if not one.id.startswith("cursor."):
                    name = f"{one.group}: {one.help}  ({one.shown_key})"
                    yield SystemCommand(name, one.id, partial(self.main.action_run, one.id))
        yield SystemCommand("Theme: choose from all", "Change the theme", self.action_change_theme)


def _named(where: MessagePump | None) -> str:
    """Name what failed, for a person."""
    title = getattr(where, "TITLE_TEXT", "") or getattr(where, "BINDING_GROUP_TITLE", "")
    if title:
        return str(title).capitalize()
    return type(where).__name__ if isinstance(where, Widget) else "The viewer"


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

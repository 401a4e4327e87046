"""The viewer: shows one source and ends with what is to be shown next, if anything.

The screen pulls: nothing that receives events knows of it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rich.console import RenderableType
from textual import events, on
from textual.app import App
from textual.driver import Driver
from textual.filter import LineFilter
from textual.message_pump import MessagePump
from textual.notifications import SeverityLevel
from textual.screen import ModalScreen, Screen
from textual.theme import BUILTIN_THEMES, Theme
from textual.widget import Widget

from etaoi_collector.sources.base import Source
from etaoi_collector.store import DEFAULT_MAX_SPANS, Store
from etaoi_tui.commands import load_commands
from etaoi_tui.feed import Feed
from etaoi_tui.garbage import accounted_objects
from etaoi_tui.job_control import JobControl
from etaoi_tui.resilient_driver import make_resilient
from etaoi_tui.screens import workspace_style
from etaoi_tui.screens.requests import RecordingChosen, ThemeAsked, ValueOpened
from etaoi_tui.screens.status_reporter import StatusReporter
from etaoi_tui.screens.workspace import ScreenContext, Workspace
from etaoi_tui.stuck_terminal import StuckTerminal
from etaoi_tui.text import one_line
from etaoi_tui.tick_loop import TickLoop
from etaoi_tui.view.command import CommandTable
from etaoi_tui.view.faults import FaultLog
from etaoi_tui.view.footer_messages import FooterMessage
from etaoi_tui.view.layout import Layout
from etaoi_tui.view.palette import PaletteEntry
from etaoi_tui.view.settings import Settings, load_settings
from etaoi_tui.view.trace_clock import TraceClock
from etaoi_tui.view.voice.thresholds import config_file
from etaoi_tui.viewer_options import ChosenRecording, StoreFollower, ViewerOptions, ViewerOutcome
from etaoi_tui.widgets.control_char_filter import CONTROL_CHAR_FILTER
from etaoi_tui.widgets.textual_internals import (
    ContainedApp,
    frames_waiting,
    key_name,
)
from etaoi_tui.widgets.themes import DARK, LIGHT
from etaoi_tui.widgets.tour import TourLine
from etaoi_tui.widgets.user_themes import load_themes
from etaoi_tui.widgets.welcome import RecentRecording

_FIRST_WORK_MS = 20.0
"""Work before the first screen of a recording: enough to fill it."""

_PREPARE_AFTER = 0.15
"""Seconds after the first screen at which imports are done that nobody waits for then."""

_SWITCH_INTERVAL = 0.000_5
"""Seconds after which a thread lets go of the interpreter. Python's own 5 ms would be added to a key press
each time the loop wakes up while the collector's thread is busy."""

_QUEUED_FRAMES = 1
"""Screens that may wait for the terminal; while more do, nothing new is drawn."""

_MESSAGE_SECONDS: dict[SeverityLevel, float] = {"information": 2.0, "warning": 4.0, "error": 6.0}
_LONGEST_MESSAGE = 400
"""Cells of a message; the footer is as wide as the screen."""

_SPINNER_EVERY = 2
THEMES = (DARK.name, LIGHT.name, "ansi-dark", "ansi-light")
THEME_NAMES = {"dark": DARK.name, "light": LIGHT.name, "ansi": "ansi-dark"}


class ViewerApp(ContainedApp[ChosenRecording]):
    """Shows one source. Exits with a recording when the person asked for that instead.

    Args:
        source: Where events come from; closed by whoever made it.
        layout: Sizes of the panes.
        settings: The person's own keymap and theme, and what was not understood in them.
        themes: The person's own themes.
        theme: ``dark``, ``light``, ``ansi`` or the name of a Textual theme; empty for the saved one.
        max_spans: Bound on spans in memory.
        demo: A scripted agent is about to connect.
        greeting: Said when the screen is there; empty for nothing.
        span_id: The span to go to as soon as it is there; empty for none.
        recordings: Lists what can be opened from the empty screen.
        follower: See `ViewerOptions`.
        clock: The present, in seconds since the epoch.
        automatic: Whether ticks come by themselves; tests call `tick`.
    """

    TITLE = "etaoi-tui"
    ENABLE_COMMAND_PALETTE = False
    CSS = workspace_style.CSS

    def __init__(
        self,
        source: Source,
        *,
        layout: Layout | None = None,
        commands: CommandTable | None = None,
        settings: Settings | None = None,
        themes: Sequence[Theme] = (),
        theme: str = "",
        max_spans: int = DEFAULT_MAX_SPANS,
        demo: bool = False,
        greeting: str = "",
        span_id: str = "",
        recordings: Callable[[], list[RecentRecording]] = list,
        follower: Callable[[Store], StoreFollower] | None = None,
        clock: Callable[[], float] = time.time,
        automatic: bool = True,
    ) -> None:
        super().__init__()
        status = source.status()
        self.source = source
        self.store = Store(max_spans=max_spans)
        self.feed = Feed(source, self.store)
        self.sizes = layout or Layout()
        self.faults = FaultLog(clock)
        settings = settings or Settings()
        self.commands = (commands or load_commands()).with_keys(settings.keys)
        self._tour = TourLine(id="tour") if demo else None
        if self._tour is not None:
            self.commands = self._tour.listening(self.commands)
        self._themes = [*THEMES, *(one.name for one in themes)]
        for one in (DARK, LIGHT, *themes):
            self.register_theme(one)
        # Before anything is styled: a theme that is set later makes Textual style every widget again.
        self.set_reactive(App.theme, DARK.name)
        self.stylesheet.set_variables(self.get_css_variables())
        self._listens = bool(status.endpoint)
        self._greeting = greeting
        self._wanted_span = span_id
        self._recordings = recordings
        self.follower = None if follower is None else follower(self.store)
        self._clock = clock
        self._automatic = automatic
        self._wanted_theme = theme or self.sizes.theme or settings.theme
        self._left_out = [*self.commands.problems, *settings.problems]
        self._theme_settled = False
        self._all_arrived = False
        self._ticks = 0
        self._spinner_frame = 0
        self._notice_count = 0
        self._jobs = JobControl(self)
        self._stuck_terminal = StuckTerminal()
        self._tick_loop = TickLoop(self.feed, clock, self.show, partial(self.contain, where=None))
        self.input_read = partial(self._tick_loop.touched, is_handled=False)
        """Called by the driver's thread when it has read a key or the mouse, whose event comes later."""
        self.frame_written = self._tick_loop.drawn
        self.main = Workspace(
            ScreenContext(
                source=source,
                store=self.store,
                layout=self.sizes,
                now=TraceClock(clock, lambda: source.live).now,
                commands=self.commands,
                status=status,
                demo=demo,
                faults=self.faults,
                settings_problems=self._left_out,
                budgets=settings.budgets,
            )
        )
        self._status = StatusReporter(self.main, self.feed, clock)

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
        wanted = THEME_NAMES.get(self._wanted_theme, self._wanted_theme)
        if wanted in self.available_themes:
            self.theme = wanted
        self._theme_settled = True
        self.main.span_tree.following = self._listens
        self._jobs.install()
        if self._automatic:
            if not self._listens:
                self.feed.work(_FIRST_WORK_MS, self._clock())
                self.show()
            self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """Begin to take what arrives: the first screen is drawn."""
        sys.setswitchinterval(_SWITCH_INTERVAL)
        self.containing = True
        self.source.start()
        self.main.welcome.show_offers(self._recordings())
        if self._left_out:
            self.notify(f"{self._left_out[0]} (! lists all)", severity="warning")
        if self._greeting:
            self.notify(self._greeting, severity="warning")
        self.run_worker(self._tick_loop.run(), name="tick", exit_on_error=True)
        self.set_timer(_PREPARE_AFTER, self._prepare)

    def _prepare(self) -> None:
        """Do what would otherwise be waited for when the first detail, or a search, opens."""
        import etaoi_collector.query  # noqa: F401
        import etaoi_tui.detail.layout.occurrences
        import etaoi_tui.detail.pages.voice_turn  # noqa: F401 - a tenth of a second of imports, all viewers in it
        from etaoi_tui.kinds.registry import KINDS

        KINDS.load_plugins()
        self.main.traces.figures.load_prices()
        self._tick_loop.garbage.prepared(accounted_objects(self.store))

    @on(RecordingChosen)
    def _recording_chosen(self, event: RecordingChosen) -> None:
        """End, and ask for a recording to be shown instead."""
        self.exit(event.recording)

    def exit(
        self,
        result: ChosenRecording | None = None,
        return_code: int = 0,
        message: RenderableType | None = None,
    ) -> None:
        """End, or leave for a recording, also where the terminal takes nothing any more."""
        self._stuck_terminal.watch(return_code)
        super().exit(result, return_code, message)

    def on_terminal_restored(self) -> None:
        """The terminal is as it was before."""
        self._stuck_terminal.terminal_restored()

    def action_suspend_process(self) -> None:
        """Stop until the shell's ``fg``, with whatever started this program."""
        self._jobs.suspend()

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
            message = f"{fault.what} failed: {fault.error}. Press ! for more."
            self.notify(message, severity="error")

    def contain_from_thread(self, error: Exception) -> None:
        """Keep an exception of another thread for the problems page."""
        self.call_later(self.contain, error, None, what="Reading the keyboard")

    def _modal_of(self, where: MessagePump | None) -> ModalScreen[Any] | None:
        """Return the dialog that an exception came from; commands of a dialog run in the app."""
        if where is None:
            return None
        screen = where.screen if isinstance(where, Widget) and where.is_attached else self.screen
        return screen if isinstance(screen, ModalScreen) and screen in self.screen_stack else None

    def _close(self, modal: ModalScreen[Any]) -> None:
        while modal in self.screen_stack:
            self.pop_screen()

    async def on_event(self, event: events.Event) -> None:
        """Remember when somebody last used keys or mouse."""
        if isinstance(event, events.InputEvent):
            self._tick_loop.touched()
            if isinstance(event, events.Key):
                self.main.last_key = event.key
        await super().on_event(event)

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
        changes = self.store.drain_changes()
        self._status.apply(changes)
        self.main.apply(changes, self._spinner_frame)
        if self._tour is not None:
            self._tour.look_at(self.store.traces.values(), self.main.footer)
        if self._wanted_span and (self.feed.ended or self.store.find_span(self._wanted_span)):
            self.main.go_to_span_id(self._wanted_span)
            self._wanted_span = ""
        if self.follower is not None:
            self.follower.follow(changes)
        self.main.status_bar.show(self._status.line(self._spinner_frame))
        if self.feed.ended and not self._all_arrived:
            self._all_arrived = True
            self.main.span_tree.fold_what_arrived()
        self._tell_notices()

    def _tell_notices(self) -> None:
        notices = self.source.notices
        for notice in notices[self._notice_count :]:
            self.notify(notice, severity="warning")
        self._notice_count = len(notices)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say something in a line: see `KeyFooter.say`."""
        seconds = timeout or _MESSAGE_SECONDS[severity]
        self.main.footer.say(FooterMessage(one_line(message, _LONGEST_MESSAGE), severity, seconds))

    def action_help_quit(self) -> None:
        """Say how to quit to who presses ctrl+c, which agents' terminals end with."""
        self.notify("Press q to quit.")

    @on(ThemeAsked)
    def _theme_asked(self) -> None:
        """Go on to the next of dark, light and the terminal's own colours."""
        at = self._themes.index(self.theme) if self.theme in self._themes else -1
        self.theme = self._themes[(at + 1) % len(self._themes)]
        self.notify(f"Theme: {self.theme.removeprefix('etaoi-')}")

    @on(ValueOpened)
    def _value_opened(self, event: ValueOpened) -> None:
        """Let the person's editor or pager have the terminal."""
        if problem := self._jobs.open_value(event.text):
            self.notify(problem, severity="warning")

    def watch_theme(self, theme: str) -> None:
        """Remember a theme chosen here; one that the command line names holds for one run."""
        if self._theme_settled:
            self.sizes.theme = theme

    def action_command_palette(self) -> None:
        """Open the palette, once."""
        from etaoi_tui.screens.palette import Palette
        from etaoi_tui.screens.palette_entries import palette_entries

        if not isinstance(self.screen, Palette):
            entries = palette_entries(self.main, self._recordings())
            self.push_screen(Palette(entries, self.sizes.recent), self._run_entry)

    def _run_entry(self, chosen: PaletteEntry | None) -> None:
        if chosen is not None:
            self.sizes.used(chosen.id)
            chosen.run()


def _named(where: MessagePump | None) -> str:
    """Name what failed, for a person."""
    title = getattr(where, "TITLE_TEXT", "") or getattr(where, "BINDING_GROUP_TITLE", "")
    if title:
        return str(title).capitalize()
    return type(where).__name__ if isinstance(where, Widget) else "The viewer"


def run_viewer(options: ViewerOptions, report: Callable[[str], object]) -> ViewerOutcome:
    """Show a source until the person quits, or asks for a recording instead.

    Args:
        options: What is shown.
        report: Says something on a normal screen: what was not understood in the settings.
    """
    from etaoi_collector.recording.directory import state_dir

    layout_file = state_dir() / "layout.json"
    layout = Layout.load(layout_file)
    commands = load_commands()
    settings = load_settings(config_file(), commands, key_name)
    themes, problems = load_themes(config_file().parent / "themes")
    settings.problems += problems
    theme_names = {*BUILTIN_THEMES, *THEMES, *THEME_NAMES, *(one.name for one in themes)}
    for theme, where in ((options.theme, "--theme"), (settings.theme, str(config_file()))):
        if theme and theme not in theme_names:
            settings.problems.append(
                f"{where}: {theme!r} is no theme; there are {', '.join(sorted(theme_names))}"
            )
    for problem in (*commands.problems, *settings.problems):
        report(problem)
    app = ViewerApp(
        options.source,
        layout=layout,
        commands=commands,
        settings=settings,
        themes=themes,
        theme=options.theme or "",
        demo=options.demo,
        greeting=options.greeting,
        span_id=options.span_id,
        recordings=options.recordings,
        follower=options.follower,
        max_spans=options.max_spans,
    )
    wanted = app.run()
    app.on_terminal_restored()
    layout.save(layout_file)
    if app.follower is not None:
        app.follower.finish(app.feed)
    app.store.release()
    return ViewerOutcome(app.return_code or 0, wanted)

"""The screen: list, tree or lanes, and detail, put together from parts that observe one selection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.screen import Screen

from etaoi_collector.pricing.totals import Totals
from etaoi_collector.projections.payload_reader import RecordedPayloads
from etaoi_collector.projections.trace_names import title
from etaoi_collector.sources.base import Source, SourceStatus
from etaoi_collector.store import Store
from etaoi_collector.store.model import Changes, Span, Status, Trace
from etaoi_tui.screens import footer_commands
from etaoi_tui.screens.arrangement import Arrangement
from etaoi_tui.screens.conversation_controller import ConversationController
from etaoi_tui.screens.detail_controller import DetailController
from etaoi_tui.screens.navigator import Navigator
from etaoi_tui.screens.run_loader import RunLoader
from etaoi_tui.screens.search_controller import SearchController
from etaoi_tui.screens.voice_controller import VoiceController
from etaoi_tui.text import one_line
from etaoi_tui.view.activity import Activity
from etaoi_tui.view.budget import NO_BUDGETS, Budgets, BudgetWatch
from etaoi_tui.view.command import PANE_KEYS, CommandTable, Pane
from etaoi_tui.view.faults import FaultLog
from etaoi_tui.view.glyphs import kind_word
from etaoi_tui.view.layout import Layout
from etaoi_tui.view.now_line import NowLine
from etaoi_tui.view.row_summaries import Summaries
from etaoi_tui.view.selection import Selection, SelectionChange
from etaoi_tui.view.slowest_tools import SlowestTools
from etaoi_tui.view.voice import thresholds
from etaoi_tui.widgets.breadcrumb import Breadcrumb
from etaoi_tui.widgets.conversation_view import ConversationView
from etaoi_tui.widgets.detail_pane import DetailPane
from etaoi_tui.widgets.divider import Divider
from etaoi_tui.widgets.footer import KeyFooter
from etaoi_tui.widgets.pane_area import PaneArea
from etaoi_tui.widgets.partial_compositor import install_partial_compositor
from etaoi_tui.widgets.row_view import RowView
from etaoi_tui.widgets.search_bar import SearchBar
from etaoi_tui.widgets.span_tree import SpanTree
from etaoi_tui.widgets.status_bar import StatusBar
from etaoi_tui.widgets.textual_internals import contained, set_bindings
from etaoi_tui.widgets.trace_list import TraceList
from etaoi_tui.widgets.voice_lanes import VoiceLanes
from etaoi_tui.widgets.welcome import Welcome

_SNAPSHOTS_SHOWN = 8
_NEAR_CALLS = frozenset({"llm", "middleware", "sub_agent", "tool"})
"""Kinds of spans that stand beside model calls; `call_near` finds the one that is meant."""


class ScreenContext(msgspec.Struct, frozen=True):
    """What a workspace shows.

    Attributes:
        source: For payloads; the feed alone takes events from it.
        store: What has arrived.
        layout: Sizes of the panes; changed in place.
        now: The present for a trace, in seconds since the epoch.
        commands: What keys, footer, help and palette offer.
        status: What kind of source it is, and where it listens.
        demo: A scripted agent is about to connect.
        faults: What failed in the viewer itself.
        settings_problems: What of commands and the user's settings was left out.
        budgets: What runs and conversations should not take more of.
    """

    source: Source
    store: Store
    layout: Layout
    now: Callable[[Trace], float]
    commands: CommandTable
    status: SourceStatus
    demo: bool
    faults: FaultLog
    settings_problems: Sequence[str] = ()
    budgets: Budgets = NO_BUDGETS


class Workspace(Screen[None]):
    """Holds the panes and what moves between them; changes views, never the store."""

    AUTO_FOCUS = None

    def __init__(self, context: ScreenContext) -> None:
        """Make the screen.

        Args:
            context: What it shows.
        """
        super().__init__()
        install_partial_compositor(self)
        self.source = context.source
        self.store = context.store
        self.now = now = context.now
        self.commands = context.commands
        self.found_text = ""
        """What was searched in all recordings last."""
        self.faults = context.faults
        self.settings_problems = context.settings_problems
        set_bindings(self, _bindings(context.commands))
        self.selection = selection = Selection()
        self.payloads = RecordedPayloads(context.source)
        limits, self.limits_problem = thresholds.load()
        summaries = Summaries(context.source)
        self.status_bar = StatusBar(id="status")
        self.breadcrumb = Breadcrumb(id="breadcrumb")
        self.totals = Totals()
        self.traces = TraceList(selection, context.store, summaries, now, self.totals, id="traces")
        self.span_tree = SpanTree(
            selection, summaries, now, partial(_snapshots, self.store), totals=self.totals, id="tree"
        )
        self._budget_watch = _watch_budgets(context.budgets, self.traces, self.span_tree)
        self.lanes = VoiceLanes(selection, now, limits, id="lanes")
        self.talk = ConversationView(id="conversation")
        self.detail = DetailPane(number=PANE_KEYS["detail"], id="detail")
        self.welcome = Welcome(context.status, demo=context.demo, id="welcome")
        self.search_bar = SearchBar(id="search")
        self.footer = KeyFooter(id="footer")
        self.arrangement = Arrangement(
            self,
            context.layout,
            traces=self.traces,
            tree=self.span_tree,
            lanes=self.lanes,
            conversation=self.talk,
            detail=self.detail,
            welcome=self.welcome,
            changed=self.show_place,
        )
        self.voice = VoiceController(
            selection, self.lanes, self.arrangement, context.store, context.source, now, limits
        )
        self.conversation = ConversationController(
            self.talk,
            selection,
            self.span_tree,
            self.arrangement,
            self.store,
            self.payloads,
            now,
            self.totals,
            self._budget_watch,
        )
        self.detail_controller = DetailController(
            self,
            self.detail,
            selection,
            self.payloads,
            now,
            lambda span: self.voice.describe(span, self.payloads, self.detail_controller.options),
        )
        self.last_key = ""
        """The key that was pressed last, for commands with several that mean different things."""
        self.activity = self.span_tree.activity = Activity()
        self.now_line = NowLine(self.activity, summaries, now)
        self.slowest_tools = SlowestTools()
        self.traces.painter.doing = self.now_line.doing
        self.navigator = Navigator(selection, self.span_tree, self.traces)
        self.loader = RunLoader(context.source, context.store, selection, self.conversation, self.navigator)
        self.search = SearchController(
            selection,
            self.span_tree,
            self.traces,
            self.search_bar,
            context.source,
            context.layout.filters,
            self.go_to_span,
            self.loader.show,
            self.detail_controller,
        )
        selection.watch(self._selection_changed)
        self.is_live = self.span_tree.is_live = self.lanes.is_live = bool(context.status.endpoint)
        # Each class that is set later makes Textual style every widget again.
        self.add_class("-at-tree", *(["-empty"] if self.is_live else []))

    def compose(self) -> ComposeResult:
        """Put the panes together."""
        split_traces, split_detail = self.arrangement.before_mount(self.app.size)
        yield self.status_bar
        yield self.breadcrumb
        with PaneArea(id="body"):
            yield self.traces
            yield split_traces
            with Container(id="work"):
                yield self.welcome
                yield self.span_tree
                yield self.lanes
                yield self.talk
                yield split_detail
                yield self.detail
        yield self.search_bar
        yield self.footer

    def on_mount(self) -> None:
        """Begin with the tree, or with the welcome."""
        self.arrangement.arrange()

    # what arrives

    def apply(self, changes: Changes, frame: int) -> None:
        """Show what a tick changed.

        Args:
            changes: From the store.
            frame: Number of the spinner's picture.
        """
        self.activity.apply(changes)
        self.slowest_tools.apply(changes)
        priced = self.totals.prices_known
        self.totals.apply(changes)
        prices_came = priced is not self.totals.prices_known
        if prices_came:
            self.span_tree.refresh()
        self.traces.apply(changes)
        if self.is_live:
            changed = self.store.traces.values() if prices_came else changes.traces
            for sentence in self._budget_watch.look(changed):
                self.app.notify(one_line(sentence, 200), severity="warning", markup=False)
        trace = self.selection.trace
        shown_trace = trace if trace is not None and self.store.traces.get(trace.trace_id) is trace else None
        newest = self.traces.newest()
        if newest is not None and (
            shown_trace is None or (self.span_tree.following and _is_newer(newest, shown_trace))
        ):
            self.selection.show(newest, by_hand=False)
        else:
            self.span_tree.apply(changes)
        self.loader.apply()
        empty = self.is_live and newest is None
        if empty:
            self.welcome.show_callers(self.store.connections.values(), self.source.notices)
        self.arrangement.show_welcome(empty)
        self.arrangement.fit()
        self.traces.animate_running(frame)
        self.span_tree.animate_running(frame)
        if self.voice.apply(changes, frame):
            self.detail_controller.describe_again()
        self.conversation.apply(changes)
        self.search.apply(changes)
        self.detail_controller.apply(changes)
        self.show_place()

    # what is selected

    def _selection_changed(self, change: SelectionChange) -> None:
        if change.trace and self.voice.call is not None and self.limits_problem is not None:
            self.answer(self.limits_problem, warning=True)
            self.limits_problem = None

    def show_trace(self, trace: Trace) -> None:
        """Show a trace in the tree and put the list's cursor on it."""
        self.selection.show(trace, by_hand=False)

    def go_to_span(self, span: Span) -> None:
        """Show a span, in whichever trace it is."""
        self.release_follow()
        self.navigator.go_to_span(span)

    def go_to_span_id(self, span_id: str | None) -> None:
        """Show a span by its id, if it is there."""
        if span_id and (span := self.store.find_span(span_id)) is not None:
            self.go_to_span(span)

    def go_to_agent(self, number: int) -> None:
        """Show what the agent with a number on the first line does."""
        if (target := self.now_line.target(number)) is None:
            self.answer(f"No agent has the number {number} now.")
        elif isinstance(target, Trace):
            self.navigator.go_to_run(target)
        else:
            self.go_to_span(target)

    def release_follow(self) -> None:
        """Stop to follow the newest span: the person goes somewhere else."""
        if self.span_tree.following:
            self.span_tree.follow(False)
            self.show_place()

    def draw_detail_now(self) -> None:
        """Draw the detail of the selected span without waiting for the cursor to rest."""
        self.detail_controller.draw_now()

    # where the person is

    @property
    def pane(self) -> Pane:
        """The pane that has the keys."""
        return self.arrangement.pane

    @property
    def in_lanes(self) -> bool:
        """Whether the lanes stand in the tree's place."""
        return self.arrangement.in_lanes

    def answer(self, text: str, *, warning: bool = False) -> None:
        """Answer a key in a line."""
        self.app.notify(text, severity="warning" if warning else "information")

    def show_place(self) -> None:
        """Say where the person is, and which keys matter there."""
        span, pane = self.selection.span, self.pane
        self.breadcrumb.show(_way_to(pane, self.selection, self.traces.hidden_words))
        if self.arrangement.empty:
            self.footer.show(
                footer_commands.on_welcome(self.commands, pane, recordings=self.welcome.chosen is not None)
            )
            return
        self.footer.show(
            footer_commands.in_pane(
                self.commands,
                pane,
                about_a_call=span is not None and span.kind in _NEAR_CALLS,
                has_lanes=self.voice.call is not None or self.voice.turn_of_run() is not None,
                in_lanes=self.in_lanes,
            )
        )

    # what a person does

    def action_run(self, command_id: str) -> None:
        """Run a command."""
        command = self.commands[command_id]
        try:
            command.run(self)
        except Exception as error:
            if not contained(self, error, f"“{command.label}”"):
                raise

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Commands of another pane do not apply."""
        if action != "run" or not parameters:
            return True
        if parameters[0] == "search.open" and self.search_bar.has_keys:
            return False
        command = self.commands.get(str(parameters[0]))
        return command is None or self.pane in command.panes

    def on_resize(self, event: events.Resize) -> None:
        """Arrange the panes for the new size."""
        self.arrangement.arrange()

    def on_click(self, event: events.Click) -> None:
        """A click gives the keys to its pane."""
        self.arrangement.clicked(event.widget)

    @on(Divider.Dragged)
    def _dragged(self, event: Divider.Dragged) -> None:
        self.arrangement.dragged(event.divider, event.cells)

    @on(RowView.RowOpened)
    def _row_opened(self) -> None:
        self.action_run("pane.open")

    @on(KeyFooter.CommandClicked)
    def _footer_clicked(self, event: KeyFooter.CommandClicked) -> None:
        self.action_run(event.command_id)

    @on(StatusBar.ChipChosen)
    def _chip_chosen(self, event: StatusBar.ChipChosen) -> None:
        self.go_to_agent(event.number)

    @on(StatusBar.CommandClicked)
    def _status_clicked(self, event: StatusBar.CommandClicked) -> None:
        self.action_run(event.command_id)

    @on(SearchBar.Changed)
    def _search_changed(self, event: SearchBar.Changed) -> None:
        self.search.change(event.text)

    @on(SearchBar.Submitted)
    def _search_kept(self) -> None:
        self.arrangement.go_to("traces" if self.search.in_list else "tree")
        self.search.keep()

    @on(SearchBar.Cancelled)
    def _search_left(self) -> None:
        self.search.give_up()
        self.arrangement.focus()


def _watch_budgets(budgets: Budgets, runs: TraceList, tree: SpanTree) -> BudgetWatch:
    runs.painter.budgets = tree.painter.budgets = budgets
    tree.painter.conversation = runs.conversation_figures
    return BudgetWatch(budgets, runs.figures.of, runs.all.group_of)


def _snapshots(store: Store, trace: Trace) -> list[Span]:
    """Return the agent snapshots that a trace names, as far as they stand in other traces."""
    candidates = (store.find_span(span_id) for span_id in trace.context_ids[-_SNAPSHOTS_SHOWN:])
    return [span for span in candidates if span is not None and span.trace is not trace]


def _way_to(pane: Pane, selection: Selection, runs: str) -> tuple[str, ...]:
    """Return the names of what lies between the list of runs and a pane, with the keys that lead there."""
    trace, span = selection.trace, selection.span
    if pane == "traces" or trace is None:
        return ("runs",)
    listed = f"{PANE_KEYS['traces']} {runs or 'runs'}"
    if pane == "detail" and span is not None:
        return (listed, f"{PANE_KEYS['tree']} {title(trace)}", span.name or kind_word(span.kind))
    return (listed, title(trace))


def _is_newer(newest: Trace, shown_trace: Trace) -> bool:
    """Whether following should go on to the newest trace: not while the shown one still runs."""
    return (
        newest is not shown_trace
        and newest.number > shown_trace.number
        and shown_trace.status is not Status.RUNNING
    )


def _bindings(commands: CommandTable) -> list[Binding]:
    return [
        Binding(
            ",".join(one.keys),
            f"run('{one.id}')",
            one.label,
            show=False,
            id=one.id,
            tooltip=one.help,
            priority=one.priority,
        )
        for one in commands
        if one.keys
    ]

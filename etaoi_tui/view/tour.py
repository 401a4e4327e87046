"""The demo's tour: the questions that the viewer answers with one key, and which were asked already."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec.structs import replace
from rich.cells import cell_len

from etaoi_collector.store.model import Status, Trace
from etaoi_tui.view.command import Command, CommandTable

Mark = Literal["", "key", "done"]
"""How a piece of the line looks: plain, a key that was not pressed yet, a question that was asked."""

LEAVE = "pane.back"
_LANES = "voice.toggle"


class Step(msgspec.Struct, frozen=True):
    """A question of the tour.

    Attributes:
        command: Id of the command that answers it.
        words: The question.
        short: The same for a narrow screen.
    """

    command: str
    words: str
    short: str


STEPS = (
    Step("error.next", "why did it fail", "failure"),
    Step("call.request", "what did the model get", "request"),
    Step("call.diff", "what changed", "changes"),
    Step("agent.show", "the agent", "agent"),
    Step(_LANES, "the call", "call"),
    Step("conversation.show", "the conversation", "talk"),
)


def last_act(traces: Iterable[Trace]) -> Trace | None:
    """Return the demo's last act, a phone call, once it has ended."""
    calls = (
        trace
        for trace in traces
        if trace.status is not Status.RUNNING and any(root.kind == "voice_session" for root in trace.roots)
    )
    return next(calls, None)


class Tour:
    """Knows what was asked.

    Args:
        changed: Called when the line reads differently, or is to go.
    """

    def __init__(self, changed: Callable[[], object]) -> None:
        self._changed = changed
        self._keys: dict[str, str] = {}
        self._used_commands: set[str] = set()
        self.started = False
        self._is_over = False

    @property
    def is_shown(self) -> bool:
        """Whether there is a line to show."""
        return self.started and not self._is_over

    def listening(self, commands: CommandTable) -> CommandTable:
        """Return the commands, those of the tour with an ear for when they are run."""
        listeners = {one.command: self._ask for one in STEPS} | {LEAVE: self._leave}
        table = [
            replace(one, run=partial(listeners[one.id], one)) if one.id in listeners else one
            for one in commands
        ]
        self._keys = {one.id: one.shown_key for one in table if one.id in listeners}
        return CommandTable(table, commands.problems)

    def begin(self) -> None:
        """Show the line."""
        self.started = True

    def line(self, width: int) -> list[tuple[str, Mark]]:
        """Return the pieces of the line.

        Args:
            width: Cells that there are; the short words are taken where the long ones do not fit.
        """
        long = self._pieces([one.words for one in STEPS])
        fits = sum(cell_len(text) for text, _ in long) <= width
        return long if fits else self._pieces([one.short for one in STEPS])

    def _pieces(self, words: Iterable[str]) -> list[tuple[str, Mark]]:
        pieces: list[tuple[str, Mark]] = [(" ", "")]
        for step, text in zip(STEPS, words, strict=True):
            key = self._keys.get(step.command, "")
            if step.command in self._used_commands:
                pieces += [(f"✓{key} {text}", "done"), ("  ", "")]
            elif key:
                pieces += [(f" {key}", "key"), (f" {text}  ", "")]
        return [*pieces, (self._keys.get(LEAVE, ""), "key"), (" end", "")]

    def _ask(self, command: Command, at: Any) -> None:
        call = last_act(at.store.traces.values()) if self.is_shown and command.id == _LANES else None
        if call is not None and at.voice.call is None:
            at.release_follow()
            at.navigator.go_to_run(call)  # which opens as lanes; the run that is shown has none
        else:
            command.run(at)
        if self.is_shown:
            self._used_commands.add(command.id)
            self._is_over = len(self._used_commands) == len(STEPS)
            self._changed()

    def _leave(self, command: Command, at: Any) -> None:
        """Step back from a detail as ever; elsewhere end the tour first."""
        if (
            not self.is_shown
            or at.pane == "detail"
            or at.search.active
            or at.arrangement.zoomed
            or at.conversation.is_shown
        ):
            command.run(at)
            return
        self._is_over = True
        self._changed()

"""One step on the way of a request, and how long it took by itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from etaoi_collector.store.model import Span
from etaoi_tui.detail.compare.request_diff import RequestDiff
from etaoi_tui.detail.span_data import Map
from etaoi_tui.view.middleware.effect import Effect


@dataclass(slots=True)
class Step:
    """One middleware hook on the way, or a part of the way that nobody recorded.

    Attributes:
        label: ``Class.hook``.
        span: Its span; None for a part that was not recorded.
        direction: On the way down to the model, or back up.
        diff: What it changed; None if that is not known.
        own_seconds: Its own time, without what ran inside it; None if it is not known.
        own_is_rough: The time is that between probe events, not a measurement of the hook.
        response: What it returned, on the way up.
        notes: What is worth saying about it.
        wraps: It is around the call; else it works on the agent's state.
        partial: Its recording does not tell all parts of a request: that nothing else changed is not known.
    """

    label: str
    span: Span | None = None
    direction: str = "down"
    diff: RequestDiff | None = None
    own_seconds: float | None = None
    own_is_rough: bool = False
    response: Map | None = None
    response_changed: bool | None = None
    attempt: int = 0
    attempts: int = 0
    notes: list[str] = field(default_factory=list)
    recorded: bool = True
    partial: bool = False
    hooks_hidden: list[str] = field(default_factory=list)
    wraps: bool = False

    @property
    def changed(self) -> bool:
        """Whether it is known to have changed anything."""
        return bool((self.diff is not None and not self.diff.nothing) or self.response_changed)

    @property
    def effect(self) -> Effect:
        """What it did to the request in figures; nothing where that is not known."""
        return effect_of(self.diff) if self.diff is not None else Effect()


def effect_of(diff: RequestDiff) -> Effect:
    """Return a difference between two requests in the figures that rows show of a hook."""
    return Effect(
        messages=diff.count("added") - diff.count("removed"),
        edited=diff.count("edited"),
        tools=sum(change.what == "added" for change in diff.tools)
        - sum(change.what == "removed" for change in diff.tools),
        characters=diff.characters,
        system=diff.system_changed,
        model=diff.model is not None,
        parameters=bool(diff.parameters),
        tools_edited=sum(change.what == "changed" for change in diff.tools),
        reordered=bool(diff.count("moved") or diff.tools_reordered),
        breakpoints=diff.breakpoints is not None,
    )

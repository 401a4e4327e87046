"""What the viewer is started with, and what it ends with.

Whatever can fail on a normal screen was done before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import msgspec

from etaoi_collector.store import DEFAULT_MAX_SPANS

if TYPE_CHECKING:
    from etaoi_collector.sources.base import Source
    from etaoi_collector.store import Store
    from etaoi_collector.store.model import Changes
    from etaoi_tui.feed import Feed
    from etaoi_tui.widgets.welcome import RecentRecording


class ChosenRecording(msgspec.Struct, frozen=True):
    """A recording that is to be shown."""

    path: str
    trace_id: str = ""
    """The run to show first; empty for none."""
    span_id: str = ""
    """The span of it to go to; empty for none."""


class ViewerOptions(msgspec.Struct, frozen=True):
    """Everything ``etaoi_tui.app.run_viewer`` needs.

    The caller opens and closes the source, and prints what is to be said at the end, whatever way the viewer
    ends.
    """

    source: Source
    """Open and ready; the viewer is its only reader."""
    theme: str | None = None
    """dark, light, ansi or a Textual theme's name; None for the one chosen last."""
    demo: bool = False
    """A scripted agent is about to connect: the empty screen says so instead of showing set-up code."""
    greeting: str = ""
    """Said when the screen is there; empty for nothing."""
    span_id: str = ""
    """The span to go to as soon as it is there; empty for none."""
    recordings: Callable[[], list[RecentRecording]] = list
    """Lists what can be opened from the empty screen; called once that is drawn."""
    follower: Callable[[Store], StoreFollower] | None = None
    """Makes what else looks at the store that is shown."""
    max_spans: int = DEFAULT_MAX_SPANS
    """Spans in memory before the oldest finished runs leave it."""


class StoreFollower(Protocol):
    """Looks at a store beside the screen."""

    def follow(self, changes: Changes) -> None:
        """Take in what a tick changed; returns within a few milliseconds."""

    def finish(self, feed: Feed) -> None:
        """The screen is gone; take in what is left."""


class ViewerOutcome(msgspec.Struct, frozen=True):
    """How the viewer ended."""

    code: int = 0
    """The exit code: 0, or 128 plus the number of the signal that ended it."""
    recording: ChosenRecording | None = None
    """What the person wants to see next."""

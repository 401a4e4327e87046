"""What the viewer is started with. Whatever can fail on a normal screen has been done before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from etaoi_collector.collector import Collector
    from etaoi_collector.sources.base import Source
    from etaoi_collector.sources.remote import RemoteSource


@dataclass(frozen=True, slots=True)
class ViewerOptions:
    """Everything ``etaoi_tui.app.run_viewer`` needs.

    The caller opens and closes the source and the collector, and prints what is to be said at the end,
    whatever way the viewer ends.
    """

    source: Source
    """Open and ready; the viewer is its only reader."""
    collector: Collector | None = None
    """The running collector behind a live source: endpoint, clients and recording for the status bar."""
    attached: RemoteSource | None = None
    """The source again, when it is another viewer."""
    replay: Path | None = None
    """The recording that is shown; None when live."""
    theme: str | None = None
    """dark, light, ansi or a Textual theme's name; None for the one chosen last."""
    demo: bool = False
    """A scripted agent is about to connect: the empty screen says so instead of showing set-up code."""

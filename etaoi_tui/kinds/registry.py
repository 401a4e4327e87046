"""Finds the viewers of all kinds of span: one a file in `etaoi_tui.detail.viewers`, and third parties' ones.

A file of the folder holds a `VIEWER`; a distribution of somebody else names one under the entry point group
``etaoi_tui.viewers``. One that cannot be loaded is skipped; `KindRegistry.failures` says which and why.
The folder is read by its name when the first row is drawn, so that rows need not import details.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import unicodedata

from etaoi_collector.store.model import Span
from etaoi_tui.kinds.appearance import ANY_KIND, COLOURS, KindAppearance
from etaoi_tui.plugins import load_entry_points, load_folder

FOLDER = "etaoi_tui.detail.viewers"
ENTRY_POINT_GROUP = "etaoi_tui.viewers"

_log = logging.getLogger(__name__)


_UNKNOWN = KindAppearance(kinds=(ANY_KIND,), glyph="○", word="")
"""How a span looks when the viewer of any kind could not be loaded."""


class KindRegistry:
    """All known viewers, by kind of span.

    Args:
        folder: The package whose modules hold a viewer each.
        group: The entry points that third parties add viewers by.

    Attributes:
        failures: What could not be loaded, and why; one sentence each.
    """

    def __init__(self, folder: str = FOLDER, group: str = ENTRY_POINT_GROUP) -> None:
        self.failures: list[str] = []
        self._folder = folder
        self._group = group
        self._viewers: list[tuple[KindAppearance, str]] = []
        self._kinds = {ANY_KIND}
        self._of_kind: dict[str, KindAppearance] = {}
        self._by_kind: dict[str, tuple[KindAppearance, ...]] = {}
        self._folder_read = self._plugins_read = False

    def for_kind(self, kind: str) -> KindAppearance:
        """Return what says how rows of a kind look."""
        appearance = self._of_kind.get(kind)
        if appearance is None:
            candidates = self.candidates(kind)
            appearance = next((viewer for viewer in candidates if viewer.applies is None), _UNKNOWN)
            if kind in self._kinds:
                self._of_kind[kind] = appearance
        return appearance

    def for_span(self, span: Span) -> KindAppearance:
        """Return what says how a span's row looks."""
        for viewer in self.candidates(span.kind):
            if viewer.applies is None:
                return viewer
            try:
                if viewer.applies(span):
                    return viewer
            except Exception:
                self.report(viewer, "could not look at a span")
        return self.for_kind(ANY_KIND)

    def candidates(self, kind: str) -> tuple[KindAppearance, ...]:
        """Return the viewers that may apply to spans of a kind, in the order in which they are asked."""
        self.load()
        if kind not in self._kinds:
            # Only somebody else can know this kind. Kinds are data from outside: unknown ones are not kept.
            self.load_plugins()
            kind = kind if kind in self._kinds else ANY_KIND
        cached = self._by_kind.get(kind)
        if cached is None:
            applicable = [
                viewer for viewer, _ in self._viewers if not {kind, ANY_KIND}.isdisjoint(viewer.kinds)
            ]
            cached = self._by_kind[kind] = tuple(sorted(applicable, key=lambda viewer: viewer.priority))
        return cached

    def legend(self) -> list[tuple[str, str]]:
        """Return the glyph and the word of every kind that has one, in the order of the words."""
        self.load()
        pairs = {(viewer.glyph, viewer.word) for viewer, _ in self._viewers if viewer.word}
        return sorted(pairs, key=lambda pair: pair[1])

    def name_of(self, viewer: KindAppearance) -> str:
        """Return where a viewer comes from, for people."""
        return next((name for other, name in self._viewers if other is viewer), "?")

    def load_plugins(self) -> None:
        """Load the viewers of third parties, once.

        That looks through all installed distributions, and reads files. On an event loop a thread does it;
        until it is through, their kinds look like any that nobody knows.
        """
        if self._plugins_read:
            return
        self._plugins_read = True
        self.load()
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._read_plugins()
        else:
            threading.Thread(target=self._read_plugins, name="etaoi-tui-viewers", daemon=True).start()

    def _read_plugins(self) -> None:
        for name, viewer in load_entry_points(self._group):
            self._try(viewer, name)

    def add(self, viewer: object, name: str) -> None:
        """Add a viewer.

        Raises:
            TypeError: It is not a viewer.
            ValueError: Its glyph or its colour cannot be drawn.
        """
        if not isinstance(viewer, KindAppearance):
            raise TypeError(f"expected a KindViewer, not {type(viewer).__name__}")
        if len(viewer.glyph) != 1 or unicodedata.east_asian_width(viewer.glyph) in "WF":
            raise ValueError(f"its glyph {viewer.glyph!r} is not one cell wide")
        if viewer.colour not in COLOURS:
            raise ValueError(f"its colour {viewer.colour!r} is none of {', '.join(sorted(COLOURS))}")
        self._viewers.append((viewer, name))
        self._kinds.update(viewer.kinds)
        self._of_kind.clear()
        self._by_kind.clear()

    def report(self, viewer: KindAppearance, what: str) -> None:
        """Say once that a viewer raised; called while its exception is handled."""
        sentence = f"The viewer {self.name_of(viewer)} {what}."
        if sentence not in self.failures:
            self.failures.append(sentence)
            _log.warning(sentence, exc_info=True)

    def load(self) -> None:
        """Load the viewers of this project, once; it reads a folder, so not on an event loop."""
        if self._folder_read:
            return
        loaded = list(load_folder(self._folder, "VIEWER"))
        self._folder_read = True
        for name, viewer in loaded:
            self._try(viewer, name)

    def _try(self, viewer: object, name: str) -> None:
        """Add what was loaded, or say why it could not be."""
        try:
            if isinstance(viewer, Exception):
                raise viewer
            self.add(viewer, name)
        except Exception as error:
            self.failures.append(f"The viewer {name} was skipped: {type(error).__name__}: {error}"[:300])
            _log.warning("viewer %s skipped", name, exc_info=True)


KINDS = KindRegistry()
"""The viewers of this process."""

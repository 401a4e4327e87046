"""An app over a source that the test feeds, with the test's own clock: nothing happens by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen

from etaoi_collector.recording.frame_cache import FrameCache
from etaoi_collector.source_items import Closed, EventBatch, Missing, Opened, SourceItem
from etaoi_collector.sources.base import Progress, RecordingStatus, SourceKind, SourceStatus
from etaoi_collector.store import DEFAULT_MAX_SPANS
from etaoi_collector.store.model import Connection
from etaoi_collector.wire.codec import decode_frame
from etaoi_collector.wire.event_ref import pack_event_ref, unpack_event_ref
from etaoi_tui.app import ViewerApp
from etaoi_tui.screens.facets import FacetPicker
from etaoi_tui.view.settings import Settings
from etaoi_tui.widgets.page_view import PageView
from etaoi_tui.widgets.welcome import RecentRecording
from tests.generate import frame
from tests.scribe import Scribe

ADDRESS = "127.0.0.1:8787"
ENDPOINT = f"ws://{ADDRESS}/ingest"


class FedSource:
    """A source of frames that a test hands over; bytes are kept and decoded as from a recording."""

    def __init__(self, *, live: bool = True) -> None:
        self.live = live
        self.clients = 0
        self.progress: Progress | None = None
        """How far it was read; a recording is read to its end."""
        self.notices: list[str] = []
        self._frames: list[bytes] = []
        self._waiting: list[SourceItem] = []
        self._splits = FrameCache(self._frame, list)

    def connect(self, number: int = 1, *, client: str = "etaoi-schema 0.5.1", at: float = 0.0) -> None:
        """A client comes."""
        self.clients += 1
        self._waiting.append(Opened(Connection(number, "127.0.0.1:50000", at, client)))

    def disconnect(self, number: int = 1, *, at: float = 0.0) -> None:
        """A client goes."""
        self.clients -= 1
        self._waiting.append(Closed(number, at, 1000, ""))

    def send(self, events: list[dict[str, Any]], number: int = 1) -> None:
        """A client sends a frame."""
        self.send_bytes(frame(events), number)

    def send_bytes(self, data: bytes, number: int = 1) -> None:
        """A client sends whatever it likes."""
        ref = pack_event_ref(0, len(self._frames))
        self._frames.append(data)
        self._waiting.append(EventBatch(ref, 0, decode_frame(data), number, 0.0))

    def status(self) -> SourceStatus:
        """How it is doing."""
        if self.live:
            recording = RecordingStatus(True, 1_234)
            return SourceStatus(SourceKind.LIVE, ADDRESS, ENDPOINT, clients=self.clients, recording=recording)
        return SourceStatus(SourceKind.REPLAY, "world.msgpack", progress=self.progress)

    def start(self) -> None:
        """Let agents in."""

    def take(self, seconds: float) -> list[SourceItem]:
        """Hand over what waits."""
        items, self._waiting = self._waiting, []
        return items

    def read(self, ref: int) -> bytes | Missing:
        """Read an event back."""
        return self._splits.read(ref)

    def close(self) -> None:
        """Nothing to release."""

    def _frame(self, ref: int) -> bytes | Missing:
        return self._frames[unpack_event_ref(ref)[1]]


class World:
    """A source, a scribe that writes for it, and the app that shows it."""

    def __init__(
        self,
        *,
        live: bool = True,
        offers: list[RecentRecording] | None = None,
        max_spans: int = DEFAULT_MAX_SPANS,
        settings: Settings | None = None,
    ) -> None:
        self.source = FedSource(live=live)
        self.scribe = Scribe("world")
        self.time = self.scribe.clock.seconds
        self.app = ViewerApp(
            self.source,
            recordings=lambda: offers or [],
            clock=lambda: self.time,
            automatic=False,
            max_spans=max_spans,
            settings=settings,
        )

    @property
    def tree(self) -> Any:
        """The span tree."""
        return self.app.main.span_tree

    @property
    def message(self) -> str:
        """What the footer says; empty while it shows keys."""
        message = self.app.main.footer.message
        return "" if message is None else message.text

    def lines(self) -> list[str]:
        """What the span tree shows, line by line, without its header."""
        tree = self.tree
        return [tree.render_line(y).text.rstrip() for y in range(1, tree.size.height)]

    def line_of(self, text: str) -> int:
        """The line on which a text stands."""
        return next(y for y, line in enumerate(self.lines()) if text in line)

    async def tick(self, pilot: Pilot[Any]) -> None:
        """Send what the scribe has written, let the app take it, and draw."""
        written = self.scribe.take()
        if written:
            self.source.send(written)
        self.time = max(self.time, self.scribe.clock.seconds)
        self.app.tick()
        await pilot.pause()
        self.app.main.draw_detail_now()
        await pilot.pause()

    async def finish(self, pilot: Pilot[Any]) -> None:
        """Wait until what is counted and laid out in slices is whole: a busy machine takes more of them."""
        deadline = time.monotonic() + 60
        while not _whole(self.app.screen):
            assert time.monotonic() < deadline, "it does not get whole"
            await self.tick(pilot)
            await asyncio.sleep(0.02)


def _whole(screen: Screen[Any]) -> bool:
    counted = not isinstance(screen, FacetPicker) or screen._facets.done
    return counted and all(page.laid_out for page in screen.query(PageView))


@asynccontextmanager
async def world(
    *,
    size: tuple[int, int] = (160, 45),
    live: bool = True,
    offers: list[RecentRecording] | None = None,
    max_spans: int = DEFAULT_MAX_SPANS,
    settings: Settings | None = None,
) -> AsyncIterator[tuple[World, Pilot[Any]]]:
    """Run an app in a terminal of that size."""
    viewer = World(live=live, offers=offers, max_spans=max_spans, settings=settings)
    async with viewer.app.run_test(size=size) as pilot:
        viewer.source.connect()
        await viewer.tick(pilot)
        yield viewer, pilot

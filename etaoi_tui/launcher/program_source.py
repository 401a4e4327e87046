"""A viewer's source together with the program that was started for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from etaoi_collector.source_items import Missing, SourceItem
from etaoi_collector.sources.base import Source, SourceStatus
from etaoi_tui.launcher.background import BackgroundCommand


class ProgramSource:
    """Reads from another source, and says how the program has ended.

    Args:
        source: Where events come from.
        program: What was started.
        left_alone: Sentences about what the program sends elsewhere.
    """

    def __init__(self, source: Source, program: BackgroundCommand, left_alone: Sequence[str] = ()) -> None:
        self._source = source
        self._left_alone = left_alone
        self.program = program

    @property
    def live(self) -> bool:
        """As the source."""
        return self._source.live

    @property
    def notices(self) -> list[str]:
        """The source's, and one about the program when it has ended."""
        code = self.program.code
        if code is None:
            ended = []
        else:
            how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
            ended = [f"{self.program.described} has ended {how}; P shows what it printed"]
        return [*self._source.notices, *self._left_alone, *ended]

    def status(self) -> SourceStatus:
        """As the source."""
        return self._source.status()

    def start(self) -> None:
        """As the source."""
        self._source.start()

    def take(self, seconds: float) -> list[SourceItem]:
        """As the source."""
        return self._source.take(seconds)

    def read(self, event_ref: int) -> bytes | Missing:
        """As the source."""
        return self._source.read(event_ref)

    def prefer(self, trace_id: str, is_held: Callable[[str], bool]) -> None:
        """As the source does."""
        self._source.prefer(trace_id, is_held)

    def close(self) -> None:
        """As the source."""
        self._source.close()

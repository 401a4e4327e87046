"""The translators of one collector, which share what they know of each other's spans."""

from __future__ import annotations

from collections.abc import Callable

from etaoi_collector.translation.langsmith_stream import LangSmithStream
from etaoi_collector.translation.otel_stream import OtelStream
from etaoi_collector.translation.trace_builder import TraceBuilder
from etaoi_collector.translation.twins import Twins


class Translators:
    """Used by one thread.

    Args:
        between: Called before each span that is looked at; whoever computes for long may rest there.
    """

    def __init__(self, between: Callable[[], None] = lambda: None) -> None:
        self.builder = TraceBuilder()
        twins = Twins()
        self.otel = OtelStream(self.builder, twins, between)
        self.langsmith = LangSmithStream(self.builder, twins, between)

"""Events that are warnings: a violated constraint, a denial, a limit."""

from __future__ import annotations

from msgspec.structs import replace

from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.detail.viewers.event import VIEWER as EVENT_VIEWER


def _is_warning(span: Span) -> bool:
    return bool(span.flags & SpanFlag.WARNING)


VIEWER = replace(EVENT_VIEWER, glyph="▲", word="warning", applies=_is_warning, priority=5)

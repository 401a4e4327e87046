"""Numbers as every row and every detail shows them: short, of a known greatest width, in familiar units."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from etaoi_collector.store.model import Span, SpanFlag, Status, Trace

DURATION_CELLS = 7
"""No duration is wider than this."""

TOKENS_CELLS = 5
"""No token count below a thousand billion is wider than this."""

_ROOTS = 4
"""Roots of a run by which it is known how long its client was there."""

UNKNOWN = "–"
"""Stands for a number that nobody told."""


def at_least(seconds: float | None) -> str:
    """Format how long something is known to have lasted whose end never came: ``≥2.10s``, or a dash."""
    return f"≥{duration(seconds)}" if seconds is not None and seconds >= 0.000_5 else UNKNOWN


def span_duration(span: Span, now: float) -> str:
    """Format how long a span took or has been running; of a lost one, how long it is known to have run.

    ``~`` stands before a duration that is at most so long: nobody told when it ended, only that it had.
    """
    seconds = span.duration(now)
    if span.ended_at is None and span.status is Status.LOST:
        return at_least(seconds)
    return f"~{duration(seconds)}" if span.flags & SpanFlag.APPROXIMATE_END else duration(seconds)


def trace_duration(trace: Trace, now: float) -> str:
    """Format how long a trace took or has been running; of a lost one, how long it is known to have run."""
    status = trace.status
    end = now if status is Status.RUNNING else trace.ended_at
    is_cut = status is Status.LOST and (trace.running or trace.unread is not None)
    if is_cut:
        # Its client was there for longer than anything came; its spans ran as long.
        end = max([end, *(root.last_seen_at or end for root in trace.roots[:_ROOTS])])
    seconds = max(end - trace.started_at, 0.0)
    return at_least(seconds) if is_cut else duration(seconds)


def duration(seconds: float | None) -> str:
    """Format seconds: ``<1ms``, ``840ms``, ``2.10s``, ``12.4s``, ``1m02s``, ``1h04m``, ``3d02h``."""
    if seconds is None or seconds != seconds:
        return UNKNOWN
    if seconds <= 0:
        return "0ms"
    if seconds < 0.000_5:
        return "<1ms"
    if seconds < 0.999_5:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 9.995:
        return f"{seconds:.2f}s"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    if seconds < 3599.5:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes}m{rest:02d}s"
    if seconds < 86_400 - 30:
        hours, rest = divmod(round(seconds / 60), 60)
        return f"{hours}h{rest:02d}m"
    if seconds >= 999.5 * 86_400:
        return ">999d"
    days, rest = divmod(round(seconds / 3600), 24)
    return f"{days}d{rest:02d}h"


def tokens(count: int | float | None) -> str:
    """Format a token count: ``340``, ``1.2k``, ``23.1k``, ``312k``, ``1.2M``."""
    if count is None:
        return UNKNOWN
    return _scaled(count, 1000, ("", "k", "M", "G", "T"))


def dollars(amount: float) -> str:
    """Format an amount of US dollars: ``$0``, ``<$0.0001``, ``$0.0041``, ``$0.041``, ``$12.30``."""
    if amount <= 0:
        return "$0"
    if amount < 0.0001:
        return "<$0.0001"
    return f"${amount:.4f}" if amount < 0.01 else f"${amount:.3f}" if amount < 1 else f"${amount:,.2f}"


def cost(amount: float | None, unpriced: int = 0) -> str:
    """Format what several calls cost: ``$0.041``; ``≥$0.041`` if more was paid, ``$?`` if nothing is known.

    Args:
        amount: Sum of the known prices in US dollars; None when no price is known.
        unpriced: Calls of which no price is known.
    """
    if amount is None:
        return "$?" if unpriced else ""
    return ("≥" if unpriced else "") + dollars(amount)


def size(count: int | float | None) -> str:
    """Format a size in bytes: ``340 B``, ``1.2 kB``, ``4.1 MB``."""
    if count is None:
        return UNKNOWN
    return _scaled(count, 1000, (" B", " kB", " MB", " GB", " TB"))


def count(number: int, one: str, many: str | None = None) -> str:
    """Format a number with its noun: ``1 line``, ``1,204 lines``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def rate(per_second: float | None, unit: str = "tok/s") -> str:
    """Format something per second: ``143 tok/s``, ``8.3 tok/s``, ``1.2k tok/s``."""
    if per_second is None:
        return UNKNOWN
    if per_second < 99.95:
        return f"{per_second:.1f} {unit}"
    return f"{_scaled(per_second, 1000, ('', 'k', 'M', 'G', 'T'))} {unit}"


def percent(share: float | None) -> str:
    """Format a share of one: ``<1%``, ``42%``."""
    if share is None:
        return UNKNOWN
    return "<1%" if 0 < share < 0.005 else f"{share * 100:.0f}%"


def clock(at: float | None, *, milliseconds: bool = False, zone: tzinfo | None = None) -> str:
    """Format a time of day, local unless a zone is given: ``12:48:35`` or ``12:48:35.120``."""
    when = _moment(at, zone)
    if when is None:
        return UNKNOWN
    text = when.strftime("%H:%M:%S")
    return f"{text}.{when.microsecond // 1000:03d}" if milliseconds else text


def timestamp(at: float | None, *, zone: tzinfo | None = None) -> str:
    """Format a date and time of day to the millisecond: ``2026-01-02 12:48:35.120``."""
    when = _moment(at, zone)
    return UNKNOWN if when is None else f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03d}"


def ago(at: float | None, now: float) -> str:
    """Format how long ago something was: ``now``, ``12s ago``, ``4m ago``, ``2h ago``, ``3d ago``."""
    if at is None:
        return UNKNOWN
    past = now - at
    if past < 1:
        return "now"
    for limit, unit, name in ((60, 1, "s"), (3600, 60, "m"), (86_400, 3600, "h")):
        if past < limit:
            return f"{int(past // unit)}{name} ago"
    return f"{int(past // 86_400)}d ago"


def offset(seconds: float) -> str:
    """Format a distance from a starting point: ``+1.20s``, ``-3ms``."""
    return f"-{duration(-seconds)}" if seconds < 0 else f"+{duration(seconds)}"


def _moment(at: float | None, zone: tzinfo | None) -> datetime | None:
    if at is None:
        return None
    try:
        when = datetime.fromtimestamp(at, UTC)
        return when.astimezone(zone)
    except (ValueError, OverflowError, OSError):
        return None


def _scaled(number: int | float, step: int, units: tuple[str, ...]) -> str:
    if number < 0:
        return "-" + _scaled(-number, step, units)
    value = float(number)
    for unit in units[:-1]:
        # Decided on the rounded value: 999,950 is 1.0M, never 1000k.
        if unit is units[0]:
            if round(value) < step:
                return f"{round(value)}{unit}"
        elif value < 99.95:
            return f"{value:.1f}{unit}"
        elif round(value) < step:
            return f"{value:.0f}{unit}"
        value /= step
    return f"{value:.1f}{units[-1]}"

"""Time stamps: nanoseconds since the epoch in the agent's threads, RFC 3339 text on the sender's."""

from __future__ import annotations

import time

now_ns = time.time_ns

_MAX_SECONDS = 253_402_300_799  # 9999-12-31T23:59:59Z, the last second that four digits of a year can tell
_FLOAT_SECONDS_BELOW = 1e11

_TEXT_OF_27 = b"\xbb"
_cached_texts: dict[int, bytes] = {}


def to_ns(at: float | int | None) -> int:
    """Return a moment in nanoseconds since the epoch.

    Args:
        at: None for now; a float, or an int below 1e11, in seconds since the epoch; a larger int in
            nanoseconds.
    """
    if at is None:
        return now_ns()
    try:
        if isinstance(at, int) and abs(at) >= _FLOAT_SECONDS_BELOW:
            return at
        return round(at * 1e6) * 1000  # a float of seconds does not tell more than microseconds
    except (TypeError, ValueError, OverflowError):  # no number, NaN, infinity
        return now_ns()


def encoded_time(at_ns: int) -> bytes:
    """Return UTC text with microseconds and ``Z``, as ``2026-01-02T03:04:05.120000Z``, in MessagePack.

    A moment outside years 1970 to 9999 is moved to the nearest one inside.
    """
    seconds, rest = divmod(at_ns, 1_000_000_000)
    if seconds < 0:
        seconds, rest = 0, 0
    elif seconds > _MAX_SECONDS:
        seconds, rest = _MAX_SECONDS, 0
    prefix = _cached_texts.get(seconds)
    if prefix is None:
        prefix = _TEXT_OF_27 + time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode()
        if len(_cached_texts) > 512:
            _cached_texts.clear()
        _cached_texts[seconds] = prefix
    return b"%b.%06dZ" % (prefix, rest // 1000)

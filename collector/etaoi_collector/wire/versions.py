"""Which schema versions we understand, which one we name, and our own version."""

from __future__ import annotations

import re

PROGRAM_VERSION = "0.1.0"
"""Of both distributions; handshakes and trace files name it."""

SCHEMA_VERSION = "0.5.1"
"""The schema that our own messages follow."""

SUPPORTED = "0.3 to 0.5"
"""The same for people."""

_MINORS = frozenset((3, 4, 5))
_VERSION = re.compile(r"0\.(\d{1,3})(?:\.\d{1,6})?(?:[.\-+]?[0-9A-Za-z][0-9A-Za-z.\-+]{0,30})?")


def accepted(version: str) -> str | None:
    """Return the version to echo to a client that speaks ``version``, or None when it is not understood.

    Patch levels, suffixes such as ``rc1`` and local parts are all the same to us. The client's own version is
    echoed, because that is the one that it is sure to accept.
    """
    match = _VERSION.fullmatch(version)
    if match is None or int(match.group(1)) not in _MINORS:
        return None
    return version


def advice(version: str) -> str:
    """Say what somebody should upgrade whose client speaks ``version``, which we do not."""
    match = re.match(r"(\d{1,4})(?:\.(\d{1,4}))?", version)
    newer = match is not None and (int(match.group(1)) > 0 or int(match.group(2) or 0) > max(_MINORS))
    return "upgrade etaoi-tui" if newer else "upgrade the client's etaoi package"

"""Which addresses mean this machine."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine: localhost and names below it, 127.0.0.0/8, ::1.

    Names that end in ``.localhost`` never leave the machine (RFC 6761, section 6.3).
    """
    name = host.lower().rstrip(".").strip("[]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False

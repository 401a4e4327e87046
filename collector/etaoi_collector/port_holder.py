"""Who listens on a port: asked of ``GET /healthz``, which needs no token."""

from __future__ import annotations

import json
from typing import Any

import msgspec

APP = "etaoi-tui"


class Holder(msgspec.Struct, frozen=True):
    """An etaoi-tui that listens."""

    version: str
    schema_version: str = ""
    wants_token: bool = False

    @property
    def name(self) -> str:
        """Name and version, for people."""
        return f"{APP} {self.version}".rstrip()


def holder_of(host: str, port: int, timeout: float = 2.0) -> Holder | None:
    """Ask who holds a port; None when it is not one of ours, or nobody.

    Args:
        host: Name or address; an address that means all of them is asked on loopback.
        port: The port.
        timeout: Seconds to wait for an answer, which one on a busy machine may take.
    """
    import http.client  # not for every start: only a port that is taken needs it

    reached = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = http.client.HTTPConnection(reached, port, timeout=timeout)
    try:
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        answer = json.loads(connection.getresponse().read(4096))
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    if not isinstance(answer, dict) or answer.get("app") != APP:
        return None
    return Holder(
        _short(answer.get("version")), _short(answer.get("schema_version")), answer.get("token") is True
    )


def _short(value: Any) -> str:
    return ascii(str(value or ""))[1:-1][:20]

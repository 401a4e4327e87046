"""``GET /healthz``: who is there. It needs no token, so that programs can tell whose port this is."""

from __future__ import annotations

from typing import ClassVar

from etaoi_collector.port_holder import APP
from etaoi_collector.receivers.door import Endpoint, HttpAnswer, HttpRequest, Receiver, endpoint, json_answer
from etaoi_collector.wire.versions import SCHEMA_VERSION


class Health(Receiver):
    """Says name, version and schema version, and whether clients need a token."""

    name = "status"
    endpoints: ClassVar[tuple[Endpoint, ...]] = (endpoint("GET HEAD", r"^/healthz$"),)
    open_to_all = True

    def respond(self, request: HttpRequest) -> HttpAnswer:
        """Answer who is there."""
        return json_answer(
            200,
            {
                "status": "ok",
                "app": APP,
                "version": self.context.version,
                "schema_version": SCHEMA_VERSION,
                "token": self.context.gate.wants_token,
            },
        )


RECEIVER = Health

"""Finds who answers a request, after the rules that hold for all of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from etaoi_collector.receivers.door import (
    Headers,
    HttpAnswer,
    HttpRequest,
    Receiver,
    ReceiverContext,
    json_answer,
)
from etaoi_collector.receivers.wrong_doors import SERVED, explain

_log = logging.getLogger("etaoi_collector.receivers")
_log.addHandler(logging.NullHandler())


class Abortable(Protocol):
    """A connection that can be cut off."""

    def abort(self) -> None:
        """Close it at once."""


class Route(NamedTuple):
    """Who answers a request."""

    receiver: Receiver
    groups: Mapping[str, str]


class Routes:
    """All endpoints of all receivers.

    Args:
        context: What receivers use.
        receivers: Those whose endpoints are served.
    """

    def __init__(self, context: ReceiverContext, receivers: Iterable[Receiver]) -> None:
        self.context = context
        self.server_header = f"etaoi-tui/{context.version}"
        self.connections: set[Abortable] = set()
        """Those that are open."""
        self._receivers = tuple(receivers)

    def find(self, method: str, path: str, headers: Headers, peer: str) -> Route | HttpAnswer:
        """Find who answers a request, from its head.

        Returns:
            What to answer at once, where nobody does or the client may not ask.
        """
        gate, ingest = self.context.gate, self.context.ingest
        objection = gate.objection(headers)
        if objection is not None:
            ingest.turn_away(objection.reason.strip())
            return HttpAnswer(objection.status, objection.reason.encode(), "text/plain; charset=utf-8")
        allowed: set[str] = set()
        for receiver in self._receivers:
            for endpoint in receiver.endpoints:
                match = endpoint.path.search(path)
                if match is None:
                    continue
                if method not in endpoint.methods:
                    allowed |= endpoint.methods
                    continue
                if not receiver.open_to_all and not gate.admits(headers):
                    ingest.turn_away("a client without the token of --token")
                    return json_answer(
                        401,
                        {"error": "Wrong or missing token: send the one of --token."},
                        ("WWW-Authenticate", "Bearer"),
                    )
                return Route(receiver, match.groupdict())
        sentence = explain(method, path)
        ingest.turn_away(sentence)
        if allowed:
            return json_answer(405, {"error": sentence}, ("Allow", ", ".join(sorted(allowed))))
        return json_answer(404, {"error": sentence, "served": SERVED})

    def respond(self, route: Route, request: HttpRequest) -> HttpAnswer:
        """Have a request answered; a failure of ours asks the client to come again, and shows."""
        try:
            return route.receiver.respond(request)
        except Exception as error:
            _log.exception("a request could not be answered")
            self.context.ingest.trouble = (
                f"a request failed within etaoi-tui: {error or type(error).__name__}"
            )
            return json_answer(503, {"error": "the request failed within etaoi-tui"}, ("Retry-After", "1"))

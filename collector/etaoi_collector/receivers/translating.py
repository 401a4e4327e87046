"""What receivers of foreign tracers have in common: bodies go to the worker, frames come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from etaoi_collector.receivers.door import HttpAnswer, HttpRequest, Receiver, json_answer
from etaoi_collector.receivers.inflate import CannotInflate, inflate

if TYPE_CHECKING:
    from etaoi_collector.translation.translators import Translators

Translate = Callable[["Translators", bytes], Iterator[list[bytes]]]
"""Turns an inflated body into encoded events, on the worker's thread."""


class TranslatingReceiver(Receiver):
    """A receiver whose requests are answered before they are looked into."""

    keeps_clients: ClassVar[bool] = True

    def queue(
        self,
        request: HttpRequest,
        translate: Translate,
        accepted: HttpAnswer,
        check: Callable[[bytes], None] | None = None,
    ) -> HttpAnswer:
        """Have a request's body translated.

        Args:
            request: The request.
            translate: Turns its body into events.
            accepted: What to answer when the body was taken.
            check: Looks whether a body is whole, at a cost with a bound; raises ValueError.

        Returns:
            What to answer: 4xx for a body that cannot be read, as far as that is known already, and 503 when
            too much waits.
        """
        body, encoding = request.body, request.headers.get("content-encoding")
        if request.is_small or not encoding:
            try:
                body, encoding = request.inflated(), ""
                if check is not None:
                    check(body)
            except CannotInflate as error:
                return self._refused(request, str(error), error.status)
            except ValueError as error:
                return self._refused(request, str(error), 400)
        if not self.submit(request.peer, request.headers.get("user-agent"), translate, body, encoding):
            return json_answer(503, {"error": "too much at once"}, ("Retry-After", "1"))
        return accepted

    def submit(self, peer: str, agent: str, translate: Translate, body: bytes, encoding: str = "") -> bool:
        """Hand a body to the worker; False if too much waits already."""
        return self.context.worker.submit(
            partial(_translated, translate, body, encoding),
            partial(self._deliver, peer, agent),
            partial(self._reject, peer, agent),
            len(body),
        )

    def _refused(self, request: HttpRequest, reason: str, status: int) -> HttpAnswer:
        self._reject(request.peer, request.headers.get("user-agent"), len(request.body), reason)
        return json_answer(status, {"error": reason})

    def _deliver(self, peer: str, agent: str, frame: bytes) -> None:
        number = self.context.clients.number(self.name, peer, agent)
        self.context.ingest.frame(number, frame)

    def _reject(self, peer: str, agent: str, size: int, reason: str) -> None:
        number = self.context.clients.number(self.name, peer, agent)
        self.context.ingest.refuse(number, size, reason)


def check_json(body: bytes) -> None:
    """Look whether a body is a whole JSON object; raises ValueError if it is not."""
    from etaoi_collector.translation.json_text import check_json_object

    check_json_object(body)


def _translated(
    translate: Translate, body: bytes, encoding: str, translators: Translators
) -> Iterator[list[bytes]]:
    from etaoi_collector.translation.otel_model import InvalidPayload

    if encoding:
        try:
            body = inflate(body, encoding)
        except CannotInflate as error:
            raise InvalidPayload(str(error)) from error
    return translate(translators, body)

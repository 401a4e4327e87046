"""What a receiver is: one way in which agents reach the collector, one file in this folder each.

A receiver that speaks HTTP names its endpoints, and answers requests; the front reads heads and bodies within
bounds, applies the rules of the `Gate`, and finds the receiver by its endpoint. A receiver of another wire
recognises the first bytes of a connection and takes it over. `registry` finds them all.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import msgspec

from etaoi_collector.receivers.inflate import inflate

if TYPE_CHECKING:
    from etaoi_collector.free_memory import FreeMemory
    from etaoi_collector.ingest.pipeline import Ingest
    from etaoi_collector.receivers.clients import Clients
    from etaoi_collector.receivers.gate import Gate
    from etaoi_collector.receivers.worker import TranslationWorker

INFLATED_AT_ONCE = 256 << 10
"""Bytes of a body that are inflated on the event loop; larger ones are left to the worker."""


class Headers:
    """The fields of a request's head; names in lower case, as they are looked up."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self._fields = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in fields]

    def get(self, name: str, default: str = "") -> str:
        """Return the first field of a name."""
        return next((value for field_name, value in self._fields if field_name == name), default)

    def get_all(self, key: str) -> list[str]:
        """Return all fields of a name, however it is spelled."""
        key = key.lower()
        return [value for field_name, value in self._fields if field_name == key]


class Endpoint(NamedTuple):
    """Requests that a receiver serves."""

    methods: frozenset[str]
    path: re.Pattern[str]
    """Searched in the path without its query; most are anchored at the end, so that any prefix will do."""


def endpoint(methods: str, path: str) -> Endpoint:
    """Return an endpoint.

    Args:
        methods: Names of methods, with spaces between them.
        path: Regular expression of the path.
    """
    return Endpoint(frozenset(methods.split()), re.compile(path))


class HttpRequest(msgspec.Struct, eq=False):
    """One request with its whole body."""

    method: str
    path: str
    headers: Headers
    body: bytes
    """As it came, perhaps compressed."""
    peer: str
    """Address of the client."""
    groups: Mapping[str, str] = {}
    """Named parts of the path that the endpoint's pattern found."""

    @property
    def media_type(self) -> str:
        """The body's type without parameters, in lower case."""
        return self.headers.get("content-type").partition(";")[0].strip().lower()

    @property
    def is_small(self) -> bool:
        """Whether the body may be inflated on the event loop."""
        return len(self.body) <= INFLATED_AT_ONCE

    def inflated(self) -> bytes:
        """Return the body without its compression.

        Raises:
            CannotInflate: It is damaged, of an unknown compression, or inflates beyond all bounds.
        """
        return inflate(self.body, self.headers.get("content-encoding"))


class AnswerStream(Protocol):
    """An answer that goes on; all on the event loop."""

    def opened(self, send: Callable[[bytes], bool]) -> None:
        """Begin; ``send`` takes a piece, and says whether the client is still there."""

    def closed(self) -> None:
        """The client has gone, or does not read on."""


class HttpAnswer(msgspec.Struct, eq=False):
    """What a request is answered."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: list[tuple[str, str]] = []
    stream: AnswerStream | None = None
    """What is sent in the place of a body, piece by piece, until the client goes."""


def json_answer(status: int, value: Any, *headers: tuple[str, str]) -> HttpAnswer:
    """Return an answer of JSON, with a line feed for people who asked with curl."""
    return HttpAnswer(status, json.dumps(value).encode() + b"\n", headers=list(headers))


class ReceiverContext(NamedTuple):
    """What a receiver may use."""

    ingest: Ingest
    gate: Gate
    clients: Clients
    worker: TranslationWorker
    free_memory: FreeMemory
    version: str
    """This program's version."""
    patience: float
    """Seconds after which a viewer that does not read on is sent away."""


class Receiver:
    """A way in. Subclasses are found by the name ``RECEIVER`` in their module.

    All calls come from the collector's event loop, so none may take long.

    Args:
        context: What it may use.
    """

    name: ClassVar[str] = ""
    """What connections are called in the viewer."""
    endpoints: ClassVar[tuple[Endpoint, ...]] = ()
    """Requests over HTTP that it answers."""
    open_to_all: ClassVar[bool] = False
    """Its endpoints need no token."""
    keeps_clients: ClassVar[bool] = False
    """Who sends to it is a client, which is shown as connected."""

    def __init__(self, context: ReceiverContext) -> None:
        self.context = context

    def recognises(self, first: bytes) -> bool | None:
        """Tell whether a connection that begins with these bytes speaks a wire of this receiver's own.

        Returns:
            None if more bytes are needed to tell.
        """
        return False

    def take_over(self, peer: str) -> asyncio.Protocol:
        """Return the protocol that serves a connection which it recognised.

        Args:
            peer: Address of the client.
        """
        raise NotImplementedError

    def respond(self, request: HttpRequest) -> HttpAnswer:
        """Answer a request to one of its endpoints."""
        raise NotImplementedError

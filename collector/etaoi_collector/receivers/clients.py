"""Programs that send over HTTP, as the connections that the rest of the collector knows.

Exporters open and close TCP connections as they like, so a client is here who sends the same User-Agent from
the same address to the same receiver. It is gone when none of its TCP connections has been open for a while.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from etaoi_collector.wire.handshake import INGEST, encode_hello

if TYPE_CHECKING:
    from etaoi_collector.ingest.pipeline import Ingest

GONE_AFTER = 60.0
"""Seconds without an open connection after which a client is gone: some close theirs between two requests."""

LAUNCHED = "etaoi-tui-run/"
"""How the User-Agent of a program below `etaoi-tui run` begins; its connection lasts as long as it does."""
LAUNCHED_GONE_AFTER = 2.0

ClientKey = tuple[str, str, str]


class _Client(msgspec.Struct):
    number: int
    connections: int = 0
    leaving: asyncio.TimerHandle | None = None


class Clients:
    """The clients of all receivers that speak HTTP.

    Args:
        ingest: Is told who comes and goes.
        gone_after: Seconds without an open connection after which a client is gone.
    """

    def __init__(self, ingest: Ingest, gone_after: float = GONE_AFTER) -> None:
        self._ingest = ingest
        self._gone_after = gone_after
        self._clients: dict[ClientKey, _Client] = {}

    def number(self, receiver: str, peer: str, agent: str) -> int:
        """Return the number of a client's connection, opened if it is new.

        Args:
            receiver: Name of the receiver.
            peer: Address of the client, with its port.
            agent: Its User-Agent.
        """
        key = _key(receiver, peer, agent)
        client = self._clients.get(key)
        if client is None:
            name = " ".join(filter(None, (receiver, agent[:80].strip())))
            number = self._ingest.open(key[1], name, encode_hello(name, role=INGEST))
            client = self._clients[key] = _Client(number)
        return client.number

    def connected(self, receiver: str, peer: str, agent: str) -> None:
        """Note that a TCP connection of a client is open, and will be until `disconnected`."""
        self.number(receiver, peer, agent)
        client = self._clients[_key(receiver, peer, agent)]
        client.connections += 1
        if client.leaving is not None:
            client.leaving.cancel()
            client.leaving = None

    def disconnected(self, receiver: str, peer: str, agent: str) -> None:
        """Note that a TCP connection of a client was closed."""
        key = _key(receiver, peer, agent)
        client = self._clients.get(key)
        if client is None:
            return
        client.connections -= 1
        if client.connections <= 0 and client.leaving is None:
            loop = asyncio.get_running_loop()
            patience = LAUNCHED_GONE_AFTER if agent.startswith(LAUNCHED) else self._gone_after
            client.leaving = loop.call_later(patience, self._let_go, key)

    def close(self) -> None:
        """Let all go: the collector stops."""
        for key in list(self._clients):
            self._let_go(key)

    def _let_go(self, key: ClientKey) -> None:
        client = self._clients.pop(key, None)
        if client is not None:
            if client.leaving is not None:
                client.leaving.cancel()
            self._ingest.close(client.number, None, "")


def _key(receiver: str, peer: str, agent: str) -> ClientKey:
    host = peer.rpartition(":")[0] or peer
    return receiver, host, agent[:200]

"""Programs that send over HTTP, as the connections that the rest of the collector knows.

Exporters open and close TCP connections as they like, so a client is here who sends the same User-Agent from
the same address to the same receiver. It is gone when none of its TCP connections has been open for a while,
and nothing of it has come; one whose requests are all refused never counts as connected, and goes likewise.
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

MOST_AWAY = 1_024
"""Clients without an open connection; of more the one that came first goes at once."""

ClientKey = tuple[str, str, str]


class _Client(msgspec.Struct):
    number: int
    patience: float
    connections: int = 0
    seen_at: float = 0.0
    """When something of it came, or its last connection was closed, by the loop's clock."""
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
        self._away: dict[ClientKey, None] = {}
        """Those without an open connection, in the order in which they were left without."""

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
            patience = LAUNCHED_GONE_AFTER if agent.startswith(LAUNCHED) else self._gone_after
            client = self._clients[key] = _Client(number, patience)
        if not client.connections:
            self._is_away(key, client)
        return client.number

    def connected(self, receiver: str, peer: str, agent: str) -> None:
        """Note that a TCP connection of a client is open, and will be until `disconnected`."""
        self.number(receiver, peer, agent)
        key = _key(receiver, peer, agent)
        client = self._clients[key]
        client.connections += 1
        self._away.pop(key, None)
        if client.leaving is not None:
            client.leaving.cancel()
            client.leaving = None

    def disconnected(self, receiver: str, peer: str, agent: str) -> None:
        """Note that a TCP connection of a client was closed."""
        key = _key(receiver, peer, agent)
        client = self._clients.get(key)
        if client is None:
            return
        client.connections = max(0, client.connections - 1)
        if not client.connections:
            self._is_away(key, client)

    def close(self) -> None:
        """Let all go: the collector stops."""
        for key in list(self._clients):
            self._let_go(key)

    def _is_away(self, key: ClientKey, client: _Client) -> None:
        """Note that something came of a client without a connection: it goes unless more does."""
        loop = asyncio.get_running_loop()
        client.seen_at = loop.time()
        if client.leaving is None:
            client.leaving = loop.call_later(client.patience, self._look, key, client)
            self._away[key] = None
            if len(self._away) > MOST_AWAY:
                self._let_go(next(iter(self._away)))

    def _look(self, key: ClientKey, client: _Client) -> None:
        """Let a client go, or wait on when something of it came meanwhile."""
        loop = asyncio.get_running_loop()
        gone_at = client.seen_at + client.patience
        if gone_at > loop.time():
            client.leaving = loop.call_at(gone_at, self._look, key, client)
        else:
            self._let_go(key)

    def _let_go(self, key: ClientKey) -> None:
        self._away.pop(key, None)
        client = self._clients.pop(key, None)
        if client is not None:
            if client.leaving is not None:
                client.leaving.cancel()
            self._ingest.close(client.number, None, "")


def _key(receiver: str, peer: str, agent: str) -> ClientKey:
    host = peer.rpartition(":")[0] or peer
    return receiver, host, agent[:200]

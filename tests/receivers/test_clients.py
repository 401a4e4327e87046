"""Programs that send over HTTP come and go, whatever becomes of their requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from etaoi_collector.ingest.pipeline import Ingest
from etaoi_collector.receivers import clients as module
from etaoi_collector.receivers.clients import Clients
from etaoi_collector.recording.recorder import Recorder
from tests.collector.serving import PATIENCE, serving, wait_for
from tests.receivers.test_front import post, status_of, talk

AGENT = "test-exporter/1"
PEER = "127.0.0.1:50000"


def with_clients(folder: Path, use: Callable[[Clients, Ingest], Awaitable[None]], ttl: float) -> None:
    """Run something with clients that are gone after so many seconds."""

    async def main() -> None:
        recorder = Recorder(directory=folder)
        ingest = Ingest(recorder, None, time.time)
        clients = Clients(ingest, ttl)
        try:
            await asyncio.wait_for(use(clients, ingest), PATIENCE)
        finally:
            clients.close()
            recorder.close()

    asyncio.run(main())


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds that a timer of the loop brings about."""
    while not condition():  # noqa: ASYNC110 - the timer tells nobody
        await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/traces", b"{"),
        ("/v1/logs", b"[" * 100_000),
        ("/runs/batch", b"{}{}"),
        ("/v1/traces", b"1" * 2**20),
    ],
    ids=["json", "logs", "langsmith", "large"],
)
def test_who_was_only_refused_is_gone_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, body: bytes
) -> None:
    monkeypatch.setattr(Clients.__init__, "__defaults__", (0.2,))
    with serving(tmp_path) as (collector, _):
        for _ in range(3):
            status_of(talk(collector, post(path, body)))
        wait_for(lambda: collector.stats().refused_frames == 3)
        wait_for(lambda: collector.stats().clients == 0)
        assert 1 <= collector.stats().connections <= 3


def test_a_client_stays_while_something_of_it_comes(tmp_path: Path) -> None:
    async def use(clients: Clients, ingest: Ingest) -> None:
        number = clients.number("otlp", PEER, AGENT)
        ended = asyncio.get_running_loop().time() + 0.4
        newest = 0.0
        while (now := asyncio.get_running_loop().time()) < ended:
            if newest and now - newest >= 0.2:
                return  # the machine stood still for longer than a client may
            newest = now
            assert clients.number("otlp", PEER, AGENT) == number
            await asyncio.sleep(0.01)
        await until(lambda: not ingest.stats().clients)
        assert clients.number("otlp", PEER, AGENT) != number

    with_clients(tmp_path, use, 0.2)


def test_a_client_with_an_open_connection_stays(tmp_path: Path) -> None:
    async def use(clients: Clients, ingest: Ingest) -> None:
        number = clients.number("otlp", PEER, AGENT)
        clients.connected("otlp", "127.0.0.1:50001", AGENT)
        clients.connected("otlp", "127.0.0.1:50002", AGENT)
        clients.number("otlp", PEER, "another")
        await until(lambda: ingest.stats().clients == 1)
        clients.disconnected("otlp", "127.0.0.1:50001", AGENT)
        await asyncio.sleep(0.05)
        assert clients.number("otlp", PEER, AGENT) == number
        clients.disconnected("otlp", "127.0.0.1:50002", AGENT)
        await until(lambda: not ingest.stats().clients)

    with_clients(tmp_path, use, 0.01)


def test_clients_that_only_say_another_name_each_time_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_AWAY", 50)

    async def use(clients: Clients, ingest: Ingest) -> None:
        clients.connected("otlp", PEER, AGENT)
        for number in range(1_000):
            clients.number("otlp", PEER, f"agent {number}")
        stats = ingest.stats()
        assert (stats.clients, stats.connections) == (51, 1_001)
        assert clients.number("otlp", PEER, AGENT) == 1 and clients.number("otlp", PEER, "agent 999") == 1_001

    with_clients(tmp_path, use, 60.0)

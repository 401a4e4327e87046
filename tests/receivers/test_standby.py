"""Launchers that wait at a collector for their turn to listen in its place."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from etaoi_collector import collector as collector_module
from etaoi_collector.collector import Collector
from etaoi_collector.receivers import standby
from tests.collector.serving import PATIENCE, serving


@contextmanager
def waiting(collector: Collector, status: int = 200) -> Iterator[http.client.HTTPResponse]:
    """Wait as a launcher does, until the block ends."""
    port = int(collector.endpoint.rpartition(":")[2].partition("/")[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", standby.PATH)
    answer = connection.getresponse()
    assert answer.status == status
    try:
        yield answer
    finally:
        answer.close()
        connection.close()


def test_nobody_waits_nobody_takes_over(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        assert not collector.hand_over()
    assert not collector.hand_over()


def test_they_take_over_in_the_order_they_came_and_it_is_done_when_they_hang_up(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _), ExitStack() as stays:
        launchers = []
        for _ in range(2):
            stay = stays.enter_context(ExitStack())
            launchers.append((stay, stay.enter_context(waiting(collector))))
        results: list[bool] = []
        for done, (stay, answer) in enumerate(launchers):
            handing = threading.Thread(target=lambda: results.append(collector.hand_over()))
            handing.start()
            assert answer.readline() == standby.TAKE_OVER
            assert len(results) == done
            stay.close()
            handing.join(PATIENCE)
        assert results == [True, True]


def test_a_launcher_that_does_not_take_over_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector_module, "HANDED_OVER_WITHIN", 0.3)
    with serving(tmp_path) as (collector, _), waiting(collector):
        assert not collector.hand_over()


def test_no_more_than_a_bounded_number_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standby, "MOST", 1)
    with serving(tmp_path) as (collector, _), waiting(collector), waiting(collector, 503) as refused:
        assert refused.headers["Retry-After"] == "1"

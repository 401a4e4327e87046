"""Clients that leave, come back and share a run: what is lost, and what is forgotten."""

from __future__ import annotations

import pytest

from etaoi_collector.store import Store, liveness
from etaoi_collector.store import reducer as folding
from etaoi_collector.store.model import Connection, Status
from tests.store.folds import folded, members, span_of, trace_of
from tests.store.histories import event, ident, opened


def test_two_connections_for_one_process() -> None:
    store = Store()
    opened(store, 1)
    opened(store, 2)
    store.apply([event("span_start", "a", 0)], 0, 1)
    store.apply([event("span_start", "b", 1, parent="a")], 1, 2)
    store.connection_closed(1, 100.0)
    store.tick(1_000.0)
    assert span_of(store, "a").status is Status.RUNNING
    store.connection_closed(2, 1_000.0)
    store.tick(1_010.0)
    assert span_of(store, "a").status is span_of(store, "b").status is Status.LOST


def test_lost_is_undone_by_a_later_event() -> None:
    store = folded(event("span_start", "a", 0))
    store.connection_closed(1, 100.0)
    store.tick(110.0)
    assert span_of(store, "a").status is Status.LOST
    store.drain_changes()
    opened(store, 2, 111.0)
    store.apply([event("span_delta", "a", 12)], 1, 2)
    assert span_of(store, "a").status is Status.RUNNING
    assert trace_of(store) in store.drain_changes().traces
    store.connection_closed(2, 120.0)
    store.tick(130.0)
    assert span_of(store, "a").status is Status.LOST


def test_a_session_tells_when_the_last_that_carried_it_left() -> None:
    store = folded(event("span_start", "a", 0))
    session = trace_of(store).session
    opened(store, 2)
    store.apply([event("span_start", "b", 1)], 1, 2)
    store.connection_closed(1, 100.0)
    assert session.left_at is None
    store.connection_closed(2, 200.0)
    assert session.left_at == 200.0
    store.apply([event("span_delta", "a", 2)], 2, 2)
    assert session.left_at == 200.0, "what was on its way tells of nobody new"
    opened(store, 3)
    store.apply([event("span_delta", "a", 3)], 3, 3)
    assert session.left_at is None


def test_an_event_that_was_on_its_way_when_its_connection_closed() -> None:
    store = folded(event("span_start", "a", 0))
    store.connection_closed(1, 100.0)
    store.apply([event("span_start", "b", 1, session="late")], 1, 1)
    store.tick(110.0)
    assert span_of(store, "b").status is Status.LOST


def test_reconnecting_for_ever_keeps_a_bounded_number_of_connections() -> None:
    store = Store()
    for number in range(1, liveness.CONNECTIONS_KEPT + 200):
        store.connection_opened(Connection(number, "127.0.0.1:1", float(number)))
        store.apply([event("span_delta", "a", number)], number, number)
        store.connection_closed(number, float(number))
    assert len(store.connections) == liveness.CONNECTIONS_KEPT
    assert not members(store)[0].trace.session.connections


def test_sessions_without_anything_to_show_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "SESSIONS_KEPT", 40)
    store = Store()
    opened(store)
    store.apply([event("span_start", "a", 0, session="real")], 0, 1)
    for number in range(1_000):
        store.apply([event("state_tick", f"t{number}", 1, session=number, subject="user", state="x")], 1, 1)
    assert len(store.sessions) <= 41
    assert ident("session", "real") in store.sessions
    assert len({session.number for session in store.sessions.values()}) == len(store.sessions)


def test_a_session_keeps_its_states_however_many_subjects_a_client_invents() -> None:
    store = folded(event("state_tick", "x", 0, subject="agent", state="idle"))
    for number in range(200):
        store.apply([event("state_tick", f"{number}", 1, subject=f"s{number}", state="x" * 4_000)], 1, 1)
    store.apply([event("state_tick", "y", 2, subject="agent", state="speaking")], 2, 1)
    session = next(iter(store.sessions.values()))
    assert session.states["agent"] == "speaking"
    assert len(session.states) == folding.STATES_KEPT
    assert max(len(state) for _, _, state in session.ticks) <= 256

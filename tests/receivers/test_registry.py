"""Which receivers there are, and what one does that fails."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from etaoi_collector.receivers.event_stream import EventStream
from etaoi_collector.receivers.registry import find_receivers
from tests.collector.serving import serving, wait_for
from tests.receivers.test_front import head, post, status_of, talk


def without(monkeypatch: pytest.MonkeyPatch, room: str, missing: str) -> None:
    """Let a receiver's module fail for want of another module."""
    load = importlib.import_module

    def loads(name: str) -> ModuleType:
        if name.endswith(room):
            raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)
        return load(name)

    monkeypatch.setattr(importlib, "import_module", loads)


def test_a_receiver_whose_library_is_missing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    all_receivers = {receiver.__module__ for receiver in find_receivers()}
    without(monkeypatch, ".otlp_grpc", "h2")
    available = {receiver.__module__ for receiver in find_receivers()}
    assert all_receivers - available == {"etaoi_collector.receivers.otlp_grpc"}


def test_a_module_of_ours_that_is_missing_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, ".otlp_grpc", "etaoi_collector.nowhere")
    with pytest.raises(ModuleNotFoundError):
        find_receivers()


def test_a_receiver_that_fails_asks_to_come_again_and_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a defect of ours")

    monkeypatch.setattr(EventStream, "respond", fails)
    with serving(tmp_path) as (collector, _):
        answer = talk(collector, head("GET /sse/sessions/all"))
        assert status_of(answer) == 503 and b"\r\nRetry-After: 1\r\n" in answer
        wait_for(lambda: "a defect of ours" in collector.trouble)
        assert status_of(talk(collector, head("GET /healthz"))) == 200


def test_a_translation_that_fails_costs_its_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a defect of the translation")

    monkeypatch.setattr("etaoi_collector.receivers.langsmith.translate_batch", fails)
    with serving(tmp_path) as (collector, _):
        assert status_of(talk(collector, post("/runs/batch", b"{}"))) == 202
        wait_for(lambda: "a defect of the translation" in collector.trouble)
        assert status_of(talk(collector, post("/runs/batch", b"{}"))) == 202


def test_what_langsmiths_and_logfires_clients_ask_first(tmp_path: Path) -> None:
    with serving(tmp_path) as (collector, _):
        assert b"batch_ingest_config" in talk(collector, head("GET /info"))
        assert b'"project_name"' in talk(collector, head("GET /v1/info"))

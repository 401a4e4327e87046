"""A tracer with an in-memory sink, and a wall against the environment of whoever runs the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.tracer import Tracer


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *("ETAOI_DISABLED", "AGENTVIZ_DISABLED", "ETAOI_HOST", "ETAOI_PUBLIC_KEY", "ETAOI_SECRET_KEY"),
        *("ETAOI_PROJECT_TOKEN", "ETAOI_AGENT_ID", "ETAOI_TLS_INSECURE", "ETAOI_MAX_TEXT"),
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tracer() -> Iterator[Tracer]:
    memory_tracer = open_tracer(sink="memory", session_id="test")
    yield memory_tracer
    memory_tracer.close()

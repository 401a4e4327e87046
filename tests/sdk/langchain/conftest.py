from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from etaoi_tui.sdk.attach import AttachedHandle, attach
from etaoi_tui.sdk.transport.registry import finish_all
from tests.sdk.langchain.trees import Forest


@pytest.fixture(autouse=True)
def no_switches(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "ETAOI_DISABLED",
        "AGENTVIZ_DISABLED",
        "LANGSMITH_TRACING",
        "LANGCHAIN_TRACING_V2",
        "ETAOI_AGENT_ID",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def end_like_a_process() -> Iterator[None]:
    """Close what handlers for one request share: nobody lets go of that before the process ends."""
    yield
    finish_all(10)


@pytest.fixture
def watch() -> Iterator[Callable[..., AttachedHandle]]:
    """`attach` with a memory sink; detached afterwards."""
    handles: list[AttachedHandle] = []

    def attached(agent: Any = None, **options: Any) -> AttachedHandle:
        handles.append(attach(agent, **{"sink": "memory", **options}))
        return handles[-1]

    yield attached
    for handle in handles:
        handle.detach()


@pytest.fixture
def forest() -> Callable[[AttachedHandle], Forest]:
    return lambda handle: Forest(handle.sink.events)

"""Values that a host may hand over in any place, and that must cost neither it nor the event."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from etaoi_tui.sdk.serialize import Json
from etaoi_tui.sdk.tracer import Tracer


class _Silent:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


class _Unhashable(str):
    def __hash__(self) -> int:
        raise RuntimeError("no hash")


class _Shut(dict):  # type: ignore[type-arg]
    def _refuse(self, *_: Any) -> Any:
        raise RuntimeError("no entries")

    items = keys = copy = __iter__ = _refuse


class _Guarded(type):
    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError("no attributes")


class _LikeNumpy:
    __module__ = "numpy"
    shape = (2, 2)
    dtype = "f8"

    def tolist(self) -> Any:
        raise RuntimeError("no list")


def _generator() -> Any:
    yield 1


CYCLE: list[Any] = []
CYCLE.append(CYCLE)
LOOP: dict[str, Any] = {}
LOOP["again"] = LOOP
DEEP: Any = 0
for _ in range(100_000):
    DEEP = [DEEP]

HOSTILE: dict[str, Any] = {
    "integer beyond 64 bits": 10**400,
    "lone surrogate": "a\ud800b",
    "bytes": b"\xff",
    "bytes that are no msgpack": b"\xc1 and more",
    "encoded elsewhere": msgspec.Raw(b"\xc1 and more"),
    "list in itself": CYCLE,
    "map in itself": LOOP,
    "bottomless": DEEP,
    "raises as text": _Silent(),
    "text that hashes badly": _Unhashable("a text of some length"),
    "map that refuses": _Shut(a=1),
    "class that refuses": _Guarded("Guarded", (), {}),
    "like numpy": _LikeNumpy(),
    "generator": _generator(),
    "mixed keys": {1: "a", None: 2, (1,): 3, frozenset(): 4, "\ud800": 5},
    "not a number": float("nan"),
    "cycle as json": Json(CYCLE),
    "raises when made": lambda: 1 / 0,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_every_argument_accepts_any_value(name: str, tracer: Tracer) -> None:
    value = HOSTILE[name]
    text = value if type(value) in (str, _Unhashable) else None
    for payload in (value, {"v": value}, {"inputs": Json(value)}, {"deep": [{"v": value}]}):
        span = tracer.start(
            "llm",
            "n",
            payload=payload,
            metadata={"m": value, "n": {"x": value}},
            agent_name=text,
            run_id=value,
        )
        tracer.delta(span, payload)
        tracer.end(span, payload, error=text, metadata={"e": value})
    assert tracer.flush(60)
    assert tracer.stats.failed == 0
    assert len(tracer.sink.events) == 12

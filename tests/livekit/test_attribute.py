"""Attributes that stand in for methods of objects of any make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from etaoi_tui.sdk.livekit.monkeypatch import InstancePatch


class Open:
    def ask(self) -> str:
        return "own"


@dataclass(frozen=True)
class Frozen:
    name: str = "detector"

    def ask(self) -> str:
        return "own"


class Checked:
    """Refuses what it does not know, as models of data do."""

    def __setattr__(self, name: str, value: Any) -> None:
        raise ValueError(f"no field {name}")

    def ask(self) -> str:
        return "own"


def louder(inner: Callable[[], str]) -> Callable[[], str]:
    return lambda: f"{inner()}!"


def test_patches_stack_and_are_removed_in_any_order() -> None:
    target = Open()
    first, second = InstancePatch(target, "ask", louder), InstancePatch(target, "ask", louder)
    assert target.ask() == "own!!"
    first.remove()
    assert target.ask() == "own!!", "what lies on top calls what was there"
    second.remove()
    assert target.ask() == "own" and not vars(target)


@pytest.mark.parametrize("kind", [Frozen, Checked])
def test_an_object_that_refuses_attributes_is_left_alone(kind: type[Any]) -> None:
    target = kind()
    put = InstancePatch(target, "ask", louder)
    assert target.ask() == "own"
    put.remove()
    assert target.ask() == "own"

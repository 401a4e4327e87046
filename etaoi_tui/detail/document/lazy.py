"""Blocks that are made when somebody opens their section."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from etaoi_tui.detail.document.model import Block


class LazyBlocks(Sequence[Block]):
    """Blocks that cost too much to make for sections that stay closed; there is always at least one.

    Args:
        make: Makes the blocks; called once.
    """

    def __init__(self, make: Callable[[], Sequence[Block]]) -> None:
        self._make = make
        self._built: Sequence[Block] | None = None

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self._blocks())

    @overload
    def __getitem__(self, index: int) -> Block: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Block]: ...
    def __getitem__(self, index: int | slice) -> Block | Sequence[Block]:
        return self._blocks()[index]

    def _blocks(self) -> Sequence[Block]:
        if self._built is None:
            self._built = self._make()
        return self._built

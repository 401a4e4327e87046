"""A mapping of bounded size that forgets what was used longest ago."""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Lru(Generic[_Key, _Value]):
    """Holds at most so many entries, of so much in all. Not safe for several threads.

    Args:
        size: Most entries that are kept.
        most_cost: Most that entries may cost together; the newest stays whatever it costs.
    """

    __slots__ = ("_costs", "_entries", "cost", "most_cost", "size")

    def __init__(self, size: int = sys.maxsize, *, most_cost: int = sys.maxsize) -> None:
        self.size = size
        self.most_cost = most_cost
        self.cost = 0
        """What the entries cost together."""
        self._entries: OrderedDict[_Key, _Value] = OrderedDict()
        self._costs: dict[_Key, int] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def get(self, key: _Key) -> _Value | None:
        """Return an entry, which counts as used now; None if there is none."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: _Key, value: _Value, cost: int = 0) -> None:
        """Keep an entry, and forget the oldest ones while there are too many, or they cost too much."""
        entries = self._entries
        if key in entries:
            entries.move_to_end(key)
            self._uncount(key)
        entries[key] = value
        if cost:
            self._costs[key] = cost
            self.cost += cost
        while len(entries) > self.size or (self.cost > self.most_cost and len(entries) > 1):
            self._uncount(entries.popitem(last=False)[0])

    def cost_of(self, key: _Key) -> int:
        """Return what an entry costs; 0 for one that is not there, or costs nothing."""
        return self._costs.get(key, 0)

    def grown(self, key: _Key, by: int) -> None:
        """Note that an entry costs more than it did: it counts as used now, and others may be forgotten."""
        self.put(key, self._entries[key], self.cost_of(key) + by)

    def pop(self, key: _Key) -> _Value | None:
        """Take an entry out; None if there is none."""
        self._uncount(key)
        return self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget all entries."""
        self._entries.clear()
        self._costs.clear()
        self.cost = 0

    def _uncount(self, key: _Key) -> None:
        self.cost -= self._costs.pop(key, 0)

"""The quick look at a value: whether it can be encoded in C as it is.

It can when it is made of plain maps, lists, text and numbers, fits its limits, and has nothing in it that the
masks may have to change. All else is walked (`etaoi_tui.sdk.sanitize`), at ten to thirty times the cost.
"""

from __future__ import annotations

from typing import Any

from etaoi_tui.sdk.limits import Limits
from etaoi_tui.sdk.redact import SHORTEST_SECRET, Redact
from etaoi_tui.sdk.sanitize import FIELD_OVERHEAD, INT_MAX, INT_MIN, PLAIN_KEY

_KEYS_KEPT = 4_096
_LONGEST_KEY = 256

_NO, _LEADS = 0, -1
"""What is known of a key: nothing good; plain, but it may be what makes a secret of its value. Of one that is
plain: what it weighs."""


class SizeEstimator:
    """Weighs values under one tracer's limits and rules."""

    __slots__ = ("_clean", "_depth", "_items", "_keys", "_redact", "_text", "unseen")

    def __init__(self, limits: Limits, redact: Redact) -> None:
        self._text = limits.text
        self._items = limits.items
        self._depth = limits.depth
        self._redact = redact
        self._clean = redact.clean
        self._keys: dict[str, int] = {}
        self.unseen: list[str] = []
        """Texts that nobody has looked at for secrets, since it was emptied last."""

    def weigh(self, value: Any, budget: int, depth: int = 0) -> int:
        """Return how many of ``budget`` characters remain after a value, or -1 when it has to be walked."""
        kind = type(value)
        if kind is str:
            size = len(value)
            if size >= SHORTEST_SECRET:
                if size > self._text:
                    return -1
                if hash(value) not in self._clean:
                    self.unseen.append(value)
            return budget - size - FIELD_OVERHEAD
        if kind is dict:
            return self.weigh_map(value, budget, depth)
        if kind is list or kind is tuple:
            if depth >= self._depth or len(value) > self._items:
                return -1
            weigh, weigh_map = self.weigh, self.weigh_map
            depth += 1
            for item in value:
                budget = weigh_map(item, budget, depth) if type(item) is dict else weigh(item, budget, depth)
                if budget < 0:
                    return -1
            return budget - FIELD_OVERHEAD
        if kind is bool or value is None:
            return budget - FIELD_OVERHEAD
        if kind is int:
            return budget - 8 if INT_MIN <= value <= INT_MAX else -1
        if kind is float:
            return budget - 8 if value - value == 0 else -1
        return -1

    def weigh_map(self, value: dict[Any, Any], budget: int, depth: int = 0) -> int:
        """Do the same for a map."""
        if depth >= self._depth or len(value) > self._items:
            return -1
        keys, clean, longest, unseen = self._keys, self._clean, self._text, self.unseen
        try:
            for key, item in value.items():
                if type(key) is not str:
                    return -1
                verdict = keys.get(key)
                if verdict is None or verdict <= 0:
                    verdict = self._learn(key) if verdict is None else verdict
                    if verdict == _NO:
                        return -1
                    if verdict < 0:
                        verdict = len(key) + FIELD_OVERHEAD
                        if type(item) is str:
                            unseen.append(f"{key}={item}")
                kind = type(item)
                if kind is str:
                    size = len(item)
                    if size >= SHORTEST_SECRET:
                        if size > longest:
                            return -1
                        if hash(item) not in clean:
                            unseen.append(item)
                    budget -= size + verdict
                elif kind is dict:
                    budget = self.weigh_map(item, budget - verdict, depth + 1)
                elif kind is int or kind is bool or item is None:
                    budget -= verdict + 8
                    if kind is int and not INT_MIN <= item <= INT_MAX:
                        return -1
                else:
                    budget = self.weigh(item, budget - verdict, depth + 1)
                if budget < 0:
                    return -1
        except RuntimeError:  # changed by its owner while it was read
            return -1
        return budget - FIELD_OVERHEAD

    def is_plain_key(self, key: str) -> bool:
        """Whether nothing of a value has to be changed because of its key."""
        verdict = self._keys.get(key)
        return (self._learn(key) if verdict is None else verdict) > 0

    def _learn(self, key: str) -> int:
        redact = self._redact
        weight = len(key) + FIELD_OVERHEAD
        if len(key) > _LONGEST_KEY or redact.masks_field(key):
            verdict = _NO
        elif redact.leads(key):
            verdict = _LEADS
        elif len(key) <= PLAIN_KEY and key.isascii() and key.isidentifier():
            verdict = weight
        else:
            verdict = _NO if redact.suspects(key) else weight
        if len(self._keys) > _KEYS_KEPT:
            self._keys.clear()
        if len(key) <= _LONGEST_KEY:
            self._keys[key] = verdict
        return verdict

    def is_clean(self) -> bool:
        """Look at all unseen texts; whether none of them may have to be changed. Empties the list."""
        unseen = self.unseen
        if not unseen:
            return True
        self.unseen = []
        redact = self._redact
        if redact.suspects(unseen[0] if len(unseen) == 1 else "\n".join(unseen)):
            return False
        redact.note_clean(unseen)
        return True

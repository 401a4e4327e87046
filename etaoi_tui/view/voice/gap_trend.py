"""The heard gap over a call, in as many columns as there is room for, however many turns there are.

Maxima of two, four, eight ... neighbours are kept beside the values, so a turn that changes costs a step for
each doubling, and a line of columns never looks at all turns. A column always stands for the same turns until
the call is twice as long, so the line does not flicker while turns come.
"""

from __future__ import annotations

from collections.abc import Sequence

Value = float | None


class GapTrend:
    """A list of values that knows the maxima of its stretches; what is not known is None."""

    def __init__(self) -> None:
        self._levels: list[list[Value]] = [[]]

    def __len__(self) -> int:
        return len(self._levels[0])

    def put(self, index: int, value: Value) -> None:
        """Set the value of a turn; places up to it that have none yet are not known.

        Args:
            index: The turn's place, from 0.
            value: Its value.
        """
        values = self._levels[0]
        if index < len(values) and values[index] == value:
            return
        while len(values) <= index:
            values.append(None)
            self._raise(len(values) - 1)
        values[index] = value
        self._raise(index)

    def reset(self, values: Sequence[Value]) -> None:
        """Set all values."""
        self._levels = [list(values)]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            self._levels.append(
                [
                    _larger(below[n], below[n + 1] if n + 1 < len(below) else None)
                    for n in range(0, len(below), 2)
                ]
            )

    def columns(self, width: int) -> list[Value]:
        """Return at most ``width`` columns, the largest value of each stretch standing for it."""
        if width <= 0:
            return []
        level = next((one for one in self._levels if len(one) <= width), self._levels[-1])
        return list(level)

    def _raise(self, index: int) -> None:
        """Bring the maxima above a place up to date."""
        number = 0
        while len(self._levels[number]) > 1:
            below = self._levels[number]
            if number + 1 == len(self._levels):
                # The level begins with what was there before it was needed.
                self._levels.append([_larger(below[0], below[1])])
            above = self._levels[number + 1]
            index //= 2
            left = below[2 * index]
            right = below[2 * index + 1] if 2 * index + 1 < len(below) else None
            larger = _larger(left, right)
            if index < len(above):
                above[index] = larger
            else:
                above.append(larger)
            number += 1


def _larger(first: Value, second: Value) -> Value:
    if first is None or second is None:
        return first if second is None else second
    return max(first, second)

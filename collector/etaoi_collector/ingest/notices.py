"""What a person should know of an endpoint and its clients: each thing once, with how often it happened."""

from __future__ import annotations

MOST = 50
"""Different things that are told apart; what is beyond is counted elsewhere."""


class Notices:
    """Sentences with how often each was true. Written by the collector's thread, read by any."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, int]] = {}

    def add(self, sentence: str, size: int = 0) -> None:
        """Note something.

        Args:
            sentence: What, without a full stop.
            size: Bytes that it was about; 0 if it was about none.
        """
        times, size_before = self._counts.get(sentence, (0, 0))
        if times or len(self._counts) < MOST:
            self._counts[sentence] = times + 1, size_before + size

    def sentences(self) -> list[str]:
        """Return what was noted; later calls return the same sentences first, with newer counts."""
        return [_sentence(what, *counts) for what, counts in list(self._counts.items())]


def _sentence(what: str, times: int, size: int) -> str:
    details = [f"{times:,} times"] if times > 1 else []
    if size:
        details.append(f"{size:,} bytes")
    return f"{what} ({', '.join(details)})." if details else f"{what}."

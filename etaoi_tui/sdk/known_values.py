"""What was said before in this process, so that it need not be said again.

A value is the MessagePack of a message or of another part of a payload that is likely to come again. Events
refer to it by the digest of its bytes (`etaoi_collector.wire.references`); whoever sends an event sends what
it refers to first, once for each file or connection (`SentValues`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from etaoi_collector.wire.references import digest_of, encode_values, list_of, reference_to, text_of
from etaoi_tui.sdk.limits import FRAME_BYTES, VALUE_BYTES

GROUP = 16
"""References that stand behind one of their own, so that a long list is a short one."""
_ENTRY_BYTES = 200
_MOST_GROUPS = 8_192
_MOST_SENT = 100_000
_COMMA = b"\xa1,"
_SALT = os.urandom(16)


def fingerprint(encoded: bytes) -> tuple[int, int]:
    """Return 128 bits that tell bytes apart in this process, by the keyed hash of dicts.

    It costs less than half of a digest, and does not let another thread in, as `hashlib` does from 2 KB on.
    """
    return hash(encoded), hash(_SALT + encoded)


class Recent:
    """A map that forgets what was not used for long: two halves, of which the older one goes.

    Args:
        most: Sizes of the newer half's entries together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self.buffer = bytearray()
        """For what is encoded only to be compared: memory that is asked for anew each time costs more."""
        self._new: dict[Any, tuple[Any, int]] = {}
        self._old: dict[Any, tuple[Any, int]] = {}

    def get(self, key: Any) -> Any:
        """Return an entry, which counts as used now; None if there is none."""
        entry = self._new.get(key)
        if entry is None:
            entry = self._old.get(key)
            if entry is None:
                return None
            self.put(key, *entry)
        return entry[0]

    def put(self, key: Any, value: Any, size: int) -> None:
        """Keep an entry of about so many bytes."""
        previous = self._new.get(key)
        if previous is not None:
            self._size -= previous[1] + _ENTRY_BYTES
        elif self._size > self._most:
            self._old, self._new, self._size = self._new, {}, 0
        self._new[key] = value, size
        self._size += size + _ENTRY_BYTES


class KnownValues:
    """Values by digest, the newest `VALUE_BYTES` to twice as many; the sender's thread adds, others may read.

    Args:
        most: Bytes of the newer half.
    """

    def __init__(self, most: int = VALUE_BYTES // 2) -> None:
        self.enabled = True
        """Whether who gets the events understands references, as far as that is known."""
        self.generation = 0
        """Grows when values are forgotten: what was used in this one is still there."""
        self.in_batch: dict[Any, Any] = {}
        """What was looked at for the batch of events that is being encoded, emptied behind each: all its
        events had happened before it was begun."""
        self.added = 0
        """Bytes of values that were added or came to use again, since it was set to 0."""
        self._most = most
        self._bytes = 0
        self._new: dict[bytes, tuple[bytes, tuple[bytes, ...]]] = {}
        self._old: dict[bytes, tuple[bytes, tuple[bytes, ...]]] = {}
        self._groups: dict[tuple[bool, tuple[bytes, ...]], bytes] = {}

    def put(self, content: bytes, parts: tuple[bytes, ...] = ()) -> bytes:
        """Keep a value; return its digest.

        Args:
            content: Its bytes.
            parts: Digests of the values that it refers to itself.
        """
        digest = digest_of(content)
        if not self.has(digest):
            self._keep(digest, (content, parts))
        return digest

    def has(self, digest: bytes) -> bool:
        """Whether a value is known; it counts as used now."""
        if digest in self._new:
            return True
        entry = self._old.get(digest)
        if entry is None:
            return False
        self._keep(digest, entry)
        return True

    def get(self, digest: bytes) -> tuple[bytes, tuple[bytes, ...]] | None:
        """Return a value's bytes and what it refers to; None when it was forgotten."""
        return self._new.get(digest) or self._old.get(digest)

    def content(self, digest: bytes) -> bytes | None:
        """Return a value's bytes; None when it was forgotten."""
        entry = self.get(digest)
        return None if entry is None else entry[0]

    def clear(self) -> None:
        """Forget everything."""
        self._new, self._old, self._groups, self._bytes = {}, {}, {}, 0
        self.in_batch.clear()
        self.generation += 1

    def _keep(self, digest: bytes, value: tuple[bytes, tuple[bytes, ...]]) -> None:
        if self._bytes > self._most:
            self._old, self._new, self._bytes = self._new, {}, 0
            self.generation += 1
        self._new[digest] = value
        size = len(value[0]) + _ENTRY_BYTES
        self._bytes += size
        self.added += size

    def grouped(self, digests: list[bytes], *, is_text: bool) -> list[bytes]:
        """Put values in groups, groups in groups, until few are left. Those of a list's beginning stay."""
        rest: list[bytes] = []
        while len(digests) >= 2 * GROUP:
            grouped_count = len(digests) - len(digests) % GROUP
            rest = digests[grouped_count:] + rest
            digests = [
                self.group(tuple(digests[first : first + GROUP]), is_text=is_text)
                for first in range(0, grouped_count, GROUP)
            ]
        return digests + rest

    def group(self, parts: tuple[bytes, ...], *, is_text: bool) -> bytes:
        """Return the digest of the value that some values are together: a list, or a text with commas."""
        group_digest = self._groups.get((is_text, parts))
        if group_digest is not None and self.has(group_digest):
            return group_digest
        content = text_of(_with_commas(parts)) if is_text else list_of(list(map(reference_to, parts)))
        if len(self._groups) > _MOST_GROUPS:
            self._groups.clear()
        digest = self._groups[is_text, parts] = self.put(content, parts)
        return digest


def _with_commas(digests: Iterable[bytes]) -> list[bytes]:
    parts: list[bytes] = []
    for digest in digests:
        parts += (reference_to(digest), _COMMA)
    return parts[:-1]


class SentValues:
    """Which values one receiver has.

    Args:
        values: Where they are.
    """

    def __init__(self, values: KnownValues) -> None:
        self._values = values
        self._sent: set[bytes] = set()

    def forget(self) -> None:
        """Begin with a receiver that has nothing."""
        self._sent.clear()

    def frames_for(self, digests: Iterable[bytes]) -> list[bytes]:
        """Return the frames that bring what a receiver must have for these, and count it as sent.

        What was forgotten meanwhile is not sent; the receiver says that it is not there.
        """
        if len(self._sent) > _MOST_SENT:
            self._sent.clear()
        frames: list[bytes] = []
        values: dict[bytes, bytes] = {}
        size = 0

        def add(digest: bytes) -> bool:
            nonlocal values, size
            if digest in self._sent:
                return True
            entry = self._values.get(digest)
            if entry is None:
                return False
            content, parts = entry
            is_whole = all([add(part) for part in parts])
            if size and size + len(content) > FRAME_BYTES:
                frames.append(encode_values(values))
                values, size = {}, 0
            values[digest] = content
            size += len(content)
            if is_whole:
                self._sent.add(digest)
            return is_whole

        for digest in digests:
            add(digest)
        if values:
            frames.append(encode_values(values))
        return frames

"""Messages of a state or a request that stand in many events: each is described and encoded once.

A message that nobody changed since is taken from memory. That is looked at in C: its fields are compared with
a copy of them, so that what a hook writes into a message makes another value of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etaoi_tui.sdk.known_values import KnownValues, Recent
from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot, identify
from etaoi_tui.sdk.langchain.messages import AS_IT_IS, describe_state
from etaoi_tui.sdk.serialize import SharedList

_SIZE_OF_BLOCKS = 4_096
"""What content in blocks counts for."""
_PLAIN = frozenset({str, int, float, bool, type(None)})
_DEEPEST = 8
_LEAST_MESSAGES = 8
_LEAST_TEXT = 2_048

IN_STATE, IN_REQUEST, IN_KEYED_REQUEST = range(3)
"""Where messages stand: each place describes them in its own way."""


_Known = tuple[Any, dict[str, Any], bytes]
"""A message's content as it was, its fields, and the digest of what was said of it."""


class SharedMessages(SharedList):
    """The messages of a payload, as a list that may refer to what was sent before.

    Args:
        shot: the messages as they were.
        place: what describes them: `IN_STATE`, `IN_REQUEST` or `IN_KEYED_REQUEST`.
    """

    __slots__ = ("is_json", "place", "shot")

    def __init__(self, shot: MessageSnapshot, place: int) -> None:
        self.shot = shot
        self.place = place
        self.is_json = place == IN_STATE

    @property
    def is_long(self) -> bool:
        """Whether referring to them costs less than saying them."""
        contents = self.shot.contents
        if len(contents) >= _LEAST_MESSAGES:
            return True
        return sum(len(content) for content in contents if type(content) is str) >= _LEAST_TEXT

    def described(self) -> list[Any]:
        """Return all of them as plain maps."""
        return list(map(self._describe, range(len(self.shot.messages))))

    def digests(self, memory: Recent, values: KnownValues, keep: Callable[[Any], bytes]) -> list[bytes]:
        """Return the digests of all of them; see `SharedList.digests`."""
        found: list[bytes] = []
        place, recall, knows = self.place, memory.get, values.has
        for index, (message, content) in enumerate(zip(self.shot.messages, self.shot.contents, strict=True)):
            fields = getattr(message, "__dict__", None)
            name = None
            if fields:
                name = place, fields.get("id") or (content if type(content) is str else None)
                known: _Known | None = recall(name)
                if known is not None:
                    try:
                        is_same = fields == known[1] and (
                            content is fields.get("content") or content == known[0]
                        )
                    except Exception:  # an array somewhere, whose comparison is no yes or no
                        is_same = False
                    if is_same and knows(known[2]):
                        found.append(known[2])
                        continue
            digest = keep(self._describe(index))
            if name is not None and name[1]:
                _remember(memory, name, content, fields, digest)
            found.append(digest)
        return found

    def _describe(self, index: int) -> Any:
        shot = self.shot
        if self.place == IN_STATE:
            described = describe_state(shot.messages[index])
            content = shot.contents[index]
            if content is not AS_IT_IS and isinstance(described, dict):
                return {**described, "content": describe_state(content)}
            return described
        described = shot.describe(index)
        if self.place == IN_KEYED_REQUEST:
            one = MessageSnapshot.of_one(shot.messages[index], shot.contents[index])
            described["key"] = identify(one)[0]["key"]
        return described


def _remember(memory: Recent, name: Any, content: Any, fields: Any, digest: bytes) -> None:
    """Keep what a message looks like; one that holds more than plain values may change unseen."""
    copied = _plain_copy(fields) if isinstance(fields, dict) else None
    kept = _plain_copy(content)
    if copied is None or kept is None:
        memory.forget(name)
    else:
        size = len(content) if type(content) is str else _SIZE_OF_BLOCKS
        memory.put(name, (kept, copied, digest), size)


def _plain_copy(value: Any, depth: int = 0) -> Any:
    """Copy maps and lists of plain values; None for anything else, and for None itself."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if depth > _DEEPEST:
        return None
    copied: Any
    if kind is dict:
        copied = {key: _plain_copy(item, depth + 1) for key, item in value.items()}
        is_plain = all(type(key) is str for key in value)
    elif kind is list:
        copied = [_plain_copy(item, depth + 1) for item in value]
        is_plain = True
    else:
        return None
    return copied if is_plain and copied == value else None

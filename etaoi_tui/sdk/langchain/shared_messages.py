"""Messages of a state or a request that stand in many events: each is described and encoded once.

A message that nobody changed since is taken from memory. That is looked at in C: its fields are compared with
a copy of them, so that what a hook writes into a message makes another value of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

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

_NO_FIELDS: dict[str, Any] = {}
_SIZE_IN_LIST = 64


class _Beginning(msgspec.Struct, eq=False):
    """Messages that stood in a row."""

    fields: list[dict[str, Any]] = []
    contents: list[Any] = []
    digests: list[bytes] = []
    generation: int = 0
    """Of the values when this was made: none of them was forgotten since."""
    ids: list[int] = []
    batch: int = -1
    """The messages with these ids were compared while this batch of events was encoded. All its events had
    happened before that, so their messages are not compared again; nor is one of them gone before the end."""


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
        messages, contents = self.shot.messages, self.shot.contents
        fields = [getattr(message, "__dict__", None) or _NO_FIELDS for message in messages]
        ids = list(map(id, messages))
        seen = self._known_beginning(memory, values, fields, ids)
        found = seen.digests.copy()
        new: list[_Known] | None = []
        for index in range(len(found), len(messages)):
            content = contents[index]
            name = self.place, fields[index].get("id") or (content if type(content) is str else None)
            known: _Known | None = memory.get(name)
            if known is None or not _is_same(fields[index], content, known) or not values.has(known[2]):
                digest = keep(self._describe(index))
                known = _remember(memory, name, content, fields[index], digest)
                found.append(digest)
            else:
                found.append(known[2])
            if known is None:
                new = None
            elif new is not None:
                new.append(known)
        if new and messages:
            beginning = _Beginning(
                [*seen.fields, *(known[1] for known in new)],
                [*seen.contents, *(known[0] for known in new)],
                found.copy(),
                values.generation,
                ids,
                values.batch,
            )
            memory.put(self._name_of_list(fields), beginning, len(found) * _SIZE_IN_LIST)
        return found

    def _known_beginning(
        self, memory: Recent, values: KnownValues, fields: list[dict[str, Any]], ids: list[int]
    ) -> _Beginning:
        """Return what is known of the messages at the beginning, those that stood there before."""
        known: _Beginning | None = memory.get(self._name_of_list(fields)) if fields else None
        if known is None or known.generation != values.generation:
            return _Beginning()
        size = min(len(known.digests), len(fields))
        try:
            is_same = self.shot.contents[:size] == known.contents[:size] and (
                (known.batch == values.batch and known.ids[:size] == ids[:size])
                or fields[:size] == known.fields[:size]
            )
        except Exception:  # an array somewhere, whose comparison is no yes or no
            is_same = False
        if not is_same:
            return _Beginning()
        if size < len(known.digests):
            return _Beginning(known.fields[:size], known.contents[:size], known.digests[:size])
        known.ids, known.batch = ids, values.batch
        return known

    def _name_of_list(self, fields: list[dict[str, Any]]) -> Any:
        content = self.shot.contents[0]
        return "list", self.place, fields[0].get("id") or (content if type(content) is str else None)

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


def _is_same(fields: dict[str, Any], content: Any, known: _Known) -> bool:
    try:
        return bool(fields == known[1] and (content is fields.get("content") or content == known[0]))
    except Exception:  # an array somewhere, whose comparison is no yes or no
        return False


def _remember(memory: Recent, name: Any, content: Any, fields: Any, digest: bytes) -> _Known | None:
    """Keep what a message looks like; one that holds more than plain values may change unseen."""
    copied, kept = _plain_copy(fields), _plain_copy(content)
    if not copied or kept is None or not name[1]:
        memory.forget(name)
        return None
    known: _Known = kept, copied, digest
    memory.put(name, known, len(content) if type(content) is str else _SIZE_OF_BLOCKS)
    return known


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

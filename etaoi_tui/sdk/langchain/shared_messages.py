"""Messages of a state or a request that stand in many events: each is described and encoded once.

A thread's messages come again and again, mostly as other objects (a checkpointer makes them anew for each
turn) that say the same. Whether they do is looked at in C: sixteen messages at a time are encoded as they are
and compared with what the same sixteen were before. What a hook writes into a message changes what it is
encoded as, and so makes another value of it.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import is_, itemgetter
from typing import Any, cast

import msgspec

from etaoi_tui.sdk.known_values import GROUP, KnownValues, Recent, fingerprint
from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot, identify
from etaoi_tui.sdk.langchain.messages import AS_IT_IS, describe_state
from etaoi_tui.sdk.shared_json import SharedList

_PLAIN = frozenset({str, int, float, bool, type(None)})
_ONLY_TEXT = frozenset({str})
_DEEPEST = 8
_LEAST_MESSAGES = 8
_LEAST_TEXT = 2_048
_MOST_FORMS = 3
"""How many forms of the same sixteen messages are known: a state's, and those that hooks make of it."""

IN_STATE, IN_REQUEST, IN_KEYED_REQUEST = range(3)
"""Where messages stand: each place describes them in its own way."""

_encode = msgspec.msgpack.Encoder().encode
_encode_into = msgspec.msgpack.Encoder().encode_into
_content_of = itemgetter("content")


class _BlockDigests(msgspec.Struct, eq=False):
    """What some messages in a row are called at one place."""

    generation: int
    """Of the values: none of them was forgotten since."""
    digests: list[bytes]
    group: bytes | None = None
    """All of them together, once there are `GROUP`."""


class _Block(msgspec.Struct, eq=False):
    """At most `GROUP` messages in a row, in one of the forms that they have had."""

    body: bytes
    """Their fields, encoded one behind the other; empty when they hold what cannot be compared."""
    size: int
    digests_by_location: dict[int, _BlockDigests] = {}
    """By place."""


class _Row(msgspec.Struct, eq=False):
    """One thread's messages."""

    forms: list[list[_Block]] = []
    """Block by block, each in the forms that are known, the newest first."""
    newest: list[_Block] = []
    """The whole blocks that were seen last."""
    body: bytes = b""
    """Those, encoded one behind the other: mostly they are there again, and are compared at once."""
    digests_by_location: dict[int, tuple[list[_Block], int, list[bytes]]] = {}
    """What they are called, by place; with the newest blocks of then, and the values' generation."""

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        blocks = sum(len(block.body) + 64 * block.size for forms in self.forms for block in forms)
        return blocks + len(self.body)

    def look_at(
        self, fields: list[dict[str, Any]], start: int, blocks: list[_Block], buffer: bytearray
    ) -> bool:
        """Add the blocks of a thread's messages from one on; return whether something is new.

        Args:
            fields: what the messages say.
            start: number of the first of them, where a block begins.
            blocks: those of the messages before.
            buffer: memory to encode in.
        """
        first = 0
        block_count = len(self.newest)
        if not start and block_count and len(fields) >= block_count * GROUP:
            first = block_count * GROUP
            if _is_body(fields if len(fields) == first else fields[:first], self.body, buffer):
                blocks += self.newest
            else:
                first = 0
        learnt = False
        for offset in range(first, len(fields), GROUP):
            part = fields[offset : offset + GROUP]
            body = _body_of(part)
            number = (start + offset) // GROUP
            forms = self.forms[number] if number < len(self.forms) else []
            block = _find(forms, body, part) if body else None
            if block is None:
                block = _Block(b"", len(part))
                if body and all(map(_is_plain, part)):
                    block.body, learnt = body, True
                    self.forms += [[] for _ in range(number - len(self.forms))]
                    self.forms[number : number + 1] = [[block, *forms[: _MOST_FORMS - 1]]]
            elif block.size < len(part):
                block.body, block.size, learnt = body, len(part), True
            blocks.append(block)
        block_count = len(fields) // GROUP
        if not start and first < block_count * GROUP and all(block.body for block in blocks):
            self.newest = blocks[:block_count]
            self.body = b"".join(block.body for block in self.newest)
            learnt = True
        return learnt


class SharedMessages(SharedList):
    """The messages of a payload, as a list that may refer to what was sent before.

    Args:
        snapshot: the messages as they were.
        location: what describes them: `IN_STATE`, `IN_REQUEST` or `IN_KEYED_REQUEST`.
    """

    __slots__ = ("is_json", "location", "snapshot")

    def __init__(self, snapshot: MessageSnapshot, location: int) -> None:
        self.snapshot = snapshot
        self.location = location
        self.is_json = location == IN_STATE

    @property
    def is_long(self) -> bool:
        """Whether referring to them costs less than saying them."""
        contents = self.snapshot.contents
        if len(contents) >= _LEAST_MESSAGES:
            return True
        return sum(len(content) for content in contents if type(content) is str) >= _LEAST_TEXT

    def described(self) -> list[Any]:
        """Return all of them as plain maps."""
        return list(map(self._describe, range(len(self.snapshot.messages))))

    def each(self, memory: Recent, values: KnownValues, keep: Callable[[Any], bytes]) -> list[bytes]:
        """Return the digest of each; see `SharedList.each`."""
        return [self._digest(n, memory, values, keep) for n in range(len(self.snapshot.messages))]

    def digests(self, memory: Recent, values: KnownValues, keep: Callable[[Any], bytes]) -> list[bytes]:
        """Return the digests that stand for all of them; see `SharedList.digests`."""
        messages, contents = self.snapshot.messages, self.snapshot.contents
        first = self._first_of_thread()
        digests = [self._digest(n, memory, values, keep) for n in range(first)]
        if first:
            messages, contents = messages[first:], contents[first:]
        row, blocks = self._blocks(messages, contents, first, memory, values)
        entry = row.digests_by_location.get(self.location)
        start = 0
        groups: list[bytes] = []
        if (
            entry is not None
            and entry[0] is row.newest
            and entry[1] == values.generation
            and len(row.newest) <= len(blocks)
            and all(map(is_, row.newest, blocks))
        ):
            groups, start = entry[2].copy(), len(row.newest)
        last: list[bytes] = []
        for number in range(start, len(blocks)):
            size = len(messages) - number * GROUP
            message_index = first + number * GROUP
            block_digests = self._digests_of(
                blocks[number], message_index, min(size, GROUP), memory, values, keep
            )
            if size < GROUP:
                last = block_digests.digests[:size]
                continue
            if block_digests.group is None:
                block_digests.group = values.group(tuple(block_digests.digests), is_text=self.is_json)
            groups.append(block_digests.group)
        generation = values.generation
        groups = values.grouped(groups, is_text=self.is_json)
        if not start and len(blocks) - bool(last) == len(row.newest) > 0:
            row.digests_by_location[self.location] = row.newest, generation, groups.copy()
        return [*digests, *groups, *last]

    def _first_of_thread(self) -> int:
        """Return where the thread begins: behind a system prompt, which requests have and states have not."""
        messages = self.snapshot.messages
        if len(messages) > 1 and getattr(messages[0], "__dict__", {}).get("type") == "system":
            return 1
        return 0

    def _blocks(
        self, messages: list[Any], contents: list[Any], first: int, memory: Recent, values: KnownValues
    ) -> tuple[_Row, list[_Block]]:
        """Return a thread's row, and the blocks that its messages are, each in the form that they have."""
        if not messages:
            return _Row(), []
        name = "row", self._fields(first).get("id") or _text_or_none(contents[0])
        earlier = values.in_batch.get((id(memory), name))
        size = 0
        blocks: list[_Block] = []
        if earlier is not None and _is_beginning(earlier[0], earlier[1], messages, contents):
            # All events of a batch had happened before it was begun: nothing is looked at twice for it.
            block_count = min(len(earlier[0]), len(messages)) // GROUP
            blocks = earlier[2][:block_count]
            size = block_count * GROUP
        row: _Row = memory.get(name) or _Row()
        if size < len(messages):
            if row.look_at(self._fields_from(first + size), size, blocks, memory.buffer):
                memory.put(name, row, row.size)
        if earlier is None or len(messages) >= len(earlier[0]):
            values.in_batch[id(memory), name] = messages, contents, blocks
        return row, blocks

    def _fields_from(self, start: int) -> list[dict[str, Any]]:
        """Return what messages said from one on; nothing of any when some of them are no messages."""
        fields, contents = self.snapshot.fields, self.snapshot.contents
        if fields is None:
            return [{} for _ in contents[start:]]
        if start:
            fields, contents = fields[start:], contents[start:]
        if all(map(is_, map(_content_of, fields), contents)):
            return fields
        return [
            one if content is one["content"] else {**one, "content": content}
            for one, content in zip(fields, contents, strict=True)
        ]

    def _digests_of(
        self,
        block: _Block,
        start: int,
        size: int,
        memory: Recent,
        values: KnownValues,
        keep: Callable[[Any], bytes],
    ) -> _BlockDigests:
        """Return what the messages of a block are called, at least the first of them."""
        block_digests = block.digests_by_location.get(self.location)
        if block_digests is None or (
            block_digests.generation != values.generation
            and (
                not all(map(values.has, block_digests.digests))
                or (block_digests.group and not values.has(block_digests.group))
            )
        ):
            block_digests = block.digests_by_location[self.location] = _BlockDigests(values.generation, [])
        block_digests.generation = values.generation
        while len(block_digests.digests) < size:
            index = start + len(block_digests.digests)
            block_digests.digests.append(self._digest(index, memory, values, keep))
        return block_digests

    def _fields(self, index: int) -> dict[str, Any]:
        """Return a message's fields, with the content that it had."""
        message = self.snapshot.messages[index]
        fields = message if type(message) is dict else getattr(message, "__dict__", None)
        if type(fields) is not dict:
            return {}
        content = self.snapshot.contents[index]
        if content is AS_IT_IS or content is fields.get("content"):
            return fields
        return {**fields, "content": content}

    def _digest(self, index: int, memory: Recent, values: KnownValues, keep: Callable[[Any], bytes]) -> bytes:
        """Return what one message is called; it is described unless one with the same fields was before."""
        message, content = self.snapshot.messages[index], self.snapshot.contents[index]
        identity = id(memory), self.location, id(message), id(content)
        earlier = values.in_batch.get(identity)
        if earlier is not None and values.has(earlier[2]):
            return cast("bytes", earlier[2])
        digest = self._find_digest(index, memory, values, keep)
        values.in_batch[identity] = message, content, digest
        return digest

    def _find_digest(
        self, index: int, memory: Recent, values: KnownValues, keep: Callable[[Any], bytes]
    ) -> bytes:
        fields = self._fields(index)
        encoded = _body_of([fields])
        name = self.location, fingerprint(encoded)
        known_digest: bytes | None = memory.get(name) if encoded else None
        if known_digest is not None and values.has(known_digest):
            return known_digest
        digest = keep(self._describe(index))
        # Of one that was written into meanwhile nobody knows what was described; what is not plain may be
        # encoded as something else is.
        if encoded and _body_of([self._fields(index)]) == encoded and _is_plain(fields):
            memory.put(name, digest, 0)
        return digest

    def _describe(self, index: int) -> Any:
        snapshot = self.snapshot
        if self.location == IN_STATE:
            described = describe_state(snapshot.messages[index])
            content = snapshot.contents[index]
            if content is not AS_IT_IS and isinstance(described, dict):
                return {**described, "content": describe_state(content)}
            return described
        described = snapshot.describe(index)
        if self.location == IN_KEYED_REQUEST:
            one = MessageSnapshot.of_one(snapshot.messages[index], snapshot.contents[index])
            described["key"] = identify(one)[0]["key"]
        return described


def _is_beginning(
    messages: list[Any], contents: list[Any], others: list[Any], their_contents: list[Any]
) -> bool:
    """Whether the shorter of two lists of messages is how the other begins, the very same objects."""
    size = min(len(messages), len(others))
    try:
        return all(map(is_, messages, others)) and (
            (contents if size == len(contents) else contents[:size])
            == (their_contents if size == len(their_contents) else their_contents[:size])
        )
    except Exception:  # an array somewhere, whose comparison is no yes or no
        return False


def _body_of(fields: list[dict[str, Any]]) -> bytes:
    """Return fields encoded one behind the other; empty when that cannot be."""
    if {} in fields:
        return b""
    try:
        return _encode(fields)[1 if len(fields) < 16 else 3 :]
    except Exception:  # nothing that can be encoded as it is, or changed by its owner while it was read
        return b""


def _is_body(fields: list[dict[str, Any]], body: bytes, buffer: bytearray) -> bool:
    """Whether fields of at least 16 messages are encoded so."""
    try:
        _encode_into(fields, buffer)
    except Exception:  # see `_body_of`
        return False
    return len(buffer) == len(body) + 3 and buffer.endswith(body)


def _find(forms: list[_Block], body: bytes, part: list[dict[str, Any]]) -> _Block | None:
    """Return the block that some messages are: the first of it, or what it had so far and more."""
    for block in forms:
        if block.body.startswith(body) if len(part) <= block.size else body.startswith(block.body):
            return block if all(map(_is_plain, part[block.size :])) else None
    return None


def _text_or_none(content: Any) -> str | None:
    return content if type(content) is str else None


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether a map or a list is made of maps, lists, text and numbers only."""
    if depth > _DEEPEST:
        return False
    kind = type(value)
    if kind is dict:
        if not _ONLY_TEXT.issuperset(map(type, value)):
            return False
        items = value.values()
    elif kind is list:
        items = value
    else:
        return False
    return all(_is_plain(item, depth + 1) for item in tuple(items) if type(item) not in _PLAIN)

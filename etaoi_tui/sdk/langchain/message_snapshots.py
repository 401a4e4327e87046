"""Messages as they are at one moment: taken in the agent's thread, described on the sender's.

A snapshot holds references: the messages in order, and each one's content at that moment. Content in blocks
is copied one level deep, because hooks write markers into the blocks where they lie. A snapshot of 200
messages costs a few microseconds.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable
from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from etaoi_tui.sdk.langchain.messages import AS_IT_IS, describe_message

_fields_of = attrgetter("__dict__")
_content_of = itemgetter("content")

PREVIEW = 120
"""Characters of a message that its identification shows."""


def copy_content(content: Any) -> Any:
    """Return a content as it will still be when its owner has written into its blocks."""
    if type(content) is not list:
        return content
    return [block.copy() if type(block) is dict else block for block in content]


def same_content(one: Any, other: Any) -> bool:
    """Whether two kept contents say the same; a long text that was made anew counts as another one."""
    return one is other or (type(one) is list and type(other) is list and _equal(one, other))


class MessageSnapshot:
    """Messages in order, each with the content it had.

    Args:
        messages: a list of them; anything else counts as none.
        calls: also keep the tool calls that each had: hooks behind a model write into those.
    """

    __slots__ = ("calls", "contents", "fields", "messages")

    def __init__(self, messages: Any, calls: bool = False) -> None:
        message_list: list[Any] = list(messages) if isinstance(messages, (list, tuple)) else []
        self.messages = message_list
        self.fields: list[dict[str, Any]] | None = None
        """Where each message keeps what it says; None when some of them are no messages."""
        self.contents: list[Any]
        try:
            # In C, and each message is touched once: of a long thread few are in the processor's caches.
            fields: list[dict[str, Any]] = list(map(_fields_of, message_list))
            self.contents = list(map(_content_of, fields))
            if list in map(type, self.contents):
                self.contents = list(map(copy_content, self.contents))
            self.fields = fields
        except (AttributeError, KeyError, TypeError):  # a map among them, or something that is no message
            self.contents = [
                copy_content(getattr(message, "__dict__", {}).get("content", AS_IT_IS))
                for message in message_list
            ]
        self.calls: list[Any] | None = list(map(_calls_of, message_list)) if calls else None

    @classmethod
    def of_one(cls, message: Any, content: Any) -> MessageSnapshot:
        """Return the snapshot of one message with the content that it had."""
        snapshot = cls(None)
        snapshot.messages, snapshot.contents, snapshot.fields = [message], [content], None
        return snapshot

    def same(self, other: MessageSnapshot) -> bool:
        """Whether both hold the very same messages with the very same content."""
        return (
            len(self.messages) == len(other.messages)
            and all(map(_is_same_object, self.messages, other.messages))
            and all(map(same_content, self.contents, other.contents))
            and (self.calls is None or other.calls is None or _equal(self.calls, other.calls))
        )

    def calls_at(self, index: int) -> Any:
        """Return a message's tool calls as they were; `AS_IT_IS` if they were not kept."""
        return AS_IT_IS if self.calls is None else self.calls[index]

    def describe(self, index: int) -> dict[str, Any]:
        """Return a message as it was, see `describe_message`."""
        return describe_message(self.messages[index], self.contents[index], self.calls_at(index))

    def describe_all(self) -> list[dict[str, Any]]:
        """Return all messages as they were."""
        return list(map(self.describe, range(len(self.messages))))


def diff_messages(before: MessageSnapshot, after: MessageSnapshot) -> dict[str, Any]:
    """Say which messages came, went, or were replaced under their id; each with its body."""
    if before.same(after):
        return {}
    old, new = identify(before), identify(after)
    old_keys, new_keys = {entry["key"] for entry in old}, {entry["key"] for entry in new}
    removed = {index: entry for index, entry in enumerate(old) if entry["key"] not in new_keys}
    added = {index: entry for index, entry in enumerate(new) if entry["key"] not in old_keys}
    diff: dict[str, Any] = {}
    if len(old) != len(new):
        diff["messages_count_delta"] = len(new) - len(old)
    removed_by_id = {entry["id"]: index for index, entry in removed.items() if entry.get("id")}
    changed = []
    for index in list(added):
        was = removed_by_id.get(added[index].get("id"))
        if was is None:
            continue
        changed.append(
            {
                "index": index,
                "id": added[index]["id"],
                "before": {**removed.pop(was), "message": before.describe(was)},
                "after": {**added.pop(index), "message": after.describe(index)},
            }
        )
    if changed:
        diff["messages_changed"] = changed
    if added:
        diff["messages_added"] = [
            {**entry, "index": index, "message": after.describe(index)} for index, entry in added.items()
        ]
    if removed:
        diff["messages_removed"] = [
            {**entry, "index": index, "message": before.describe(index)} for index, entry in removed.items()
        ]
    if not (changed or added or removed) and [e["key"] for e in old] != [e["key"] for e in new]:
        diff["messages_reordered"] = True
    return diff


keys_wanted = False
"""Whether model calls name their messages by key: once a hook is instrumented its snapshots refer to them."""

_identified: dict[int, tuple[weakref.ref[Any], Any, Any, dict[str, Any]]] = {}
_MOST_KNOWN = 8192


def identify(snapshot: MessageSnapshot) -> list[dict[str, Any]]:
    """Return messages as ``{role, preview, len, key, id?, tool_calls?}``; a message is looked at once."""
    entries = []
    for index, (message, content) in enumerate(zip(snapshot.messages, snapshot.contents, strict=True)):
        cached = _identified.get(id(message))
        if (
            cached is not None
            and cached[0]() is message
            and (cached[1] is content or same_content(cached[1], content))
            and _has_calls(message, snapshot.calls_at(index), cached[2])
        ):
            entries.append(cached[3])
            continue
        calls = _calls_of(message) if snapshot.calls is None else snapshot.calls[index]
        entry = _identify(snapshot.describe(index))
        if len(_identified) > _MOST_KNOWN:
            _identified.clear()
        try:
            _identified[id(message)] = (weakref.ref(message, _forgetting(id(message))), content, calls, entry)
        except TypeError:  # a map, which has no weak references
            pass
        entries.append(entry)
    return entries


def _forgetting(number: int) -> Callable[[object], object]:
    """Return what forgets a message that is gone, and with it the content that it had."""
    return lambda _: _identified.pop(number, None)


def message_key(described: dict[str, Any]) -> str:
    """Return the digest of all that a described message says, its id left out: 16 hex characters."""
    body = {name: value for name, value in described.items() if name != "id"}
    try:
        encoded = msgspec.json.encode(body, enc_hook=_stand_in, order="sorted")
    except (TypeError, ValueError, OverflowError, RecursionError):
        encoded = repr(sorted(body)).encode() + str(body.get("text")).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()


def _has_calls(message: Any, calls_copy: Any, cached_calls: Any) -> bool:
    calls = message.__dict__.get("tool_calls") if calls_copy is AS_IT_IS else calls_copy
    return (not calls and cached_calls is None) or _equal(calls, cached_calls)


def _calls_of(message: Any) -> Any:
    fields = message if isinstance(message, dict) else getattr(message, "__dict__", {})
    calls = fields.get("tool_calls")
    return list(calls) if isinstance(calls, list) and calls else None


def _identify(described: dict[str, Any]) -> dict[str, Any]:
    text = described["text"]
    entry: dict[str, Any] = {"role": described["role"], "preview": text[:PREVIEW], "len": len(text)}
    if calls := described.get("tool_calls"):
        entry["tool_calls"] = [{"name": call["name"]} for call in calls]
    if (message_id := described.get("id")) is not None:
        entry["id"] = str(message_id)
    entry["key"] = message_key(described)
    return entry


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # arrays and the like, whose comparison is no yes or no
        return False


def _is_same_object(one: Any, other: Any) -> bool:
    return one is other


def _stand_in(value: Any) -> str:
    return f"<{type(value).__name__}>"

"""What a hook before or after the agent or the model was given, and what its update makes of the state."""

from __future__ import annotations

from typing import Any

from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot, identify

_ALL = "__remove_all__"
"""The id of LangGraph's message that removes all that come before it."""
_ROLES = {"user": "human", "assistant": "ai"}
"""What LangChain makes of the roles of other libraries."""


class StateSnapshot:
    """An agent's state at one moment."""

    __slots__ = ("keys", "messages")

    def __init__(self, state: Any) -> None:
        is_map = isinstance(state, dict)
        self.keys = list(state) if is_map else sorted(getattr(state, "__dict__", ()))
        messages = state.get("messages") if is_map else getattr(state, "messages", None)
        self.messages = MessageSnapshot(messages, calls=True)

    def with_update(self, update: Any) -> StateSnapshot:
        """Return the state as LangGraph makes it from a hook's update."""
        after = StateSnapshot({})
        after.keys = list(self.keys)
        after.messages = self.messages
        changes = update_in(update)
        after.keys.extend(key for key in changes if key not in self.keys)
        if changes.get("messages") is not None:
            merged = reduce_messages(self.messages.messages, changes["messages"])
            after.messages = MessageSnapshot(merged, calls=True)
        return after


def update_in(returned: Any) -> dict[str, Any]:
    """Return the update in what a hook gave back: a map, or a ``Command`` with one."""
    if isinstance(returned, dict):
        return returned
    update = getattr(returned, "update", None)
    return update if isinstance(update, dict) else {}


def reduce_messages(present: list[Any], update: Any) -> list[Any]:
    """Return messages after an update, as LangGraph's ``add_messages`` makes them.

    A message under a known id takes that one's place, also when the update removed it before. What follows a
    "remove all" replaces everything. ``Overwrite`` goes around the reducer.
    """
    if type(update).__name__ == "Overwrite" and hasattr(update, "value"):
        return list(map(_as_message, _in_list(update.value)))
    new = list(map(_as_message, _in_list(update)))
    for at in range(len(new) - 1, -1, -1):
        if _is_removal(new[at]) and _id_of(new[at]) == _ALL:
            return new[at + 1 :]
    merged = list(present)
    positions = {_id_of(message): n for n, message in enumerate(merged) if _id_of(message) is not None}
    removed: set[Any] = set()
    for message in new:
        message_id = _id_of(message)
        index = positions.get(message_id) if message_id is not None else None
        if _is_removal(message):
            removed.add(message_id)
        elif index is not None:
            removed.discard(message_id)
            merged[index] = message
        else:
            if message_id is not None:
                positions[message_id] = len(merged)
            merged.append(message)
    return [m for m in merged if _id_of(m) not in removed] if removed else merged


def describe_state_snapshot(snapshot: StateSnapshot) -> dict[str, Any]:
    """Return a state's snapshot: its keys, and its messages identified."""
    return {"keys": sorted(map(str, snapshot.keys)), "messages": identify(snapshot.messages)}


def describe_answer(snapshot: StateSnapshot) -> dict[str, Any]:
    """Return ``bodies``: the answer that a hook behind the model was given, and what follows it, whole.

    No later model call may carry it, and the call that wrote it ended before the agent put its name on it.
    """
    messages = snapshot.messages.messages
    last = next(
        (n for n in range(len(messages) - 1, -1, -1) if _fields(messages[n]).get("type") == "ai"), None
    )
    if last is None:
        return {}
    entries = identify(snapshot.messages)[last:]
    return {
        "bodies": [
            {"key": entry["key"], "message": snapshot.messages.describe(n)}
            for n, entry in enumerate(entries, last)
        ]
    }


def describe_update(update: Any) -> dict[str, Any]:
    """Return what a state hook gave back."""
    if update is None:
        return {"none": True}
    description: dict[str, Any] = {}
    if not isinstance(update, dict):
        description["type"] = type(update).__name__
        if goto := getattr(update, "goto", None):
            description["command_goto"] = str(goto)
        if not isinstance(getattr(update, "update", None), dict):
            return description
    changes = update_in(update)
    description["keys"] = sorted(map(str, changes))
    messages = changes.get("messages")
    if messages is not None:
        new_messages = (
            getattr(messages, "value", messages) if type(messages).__name__ == "Overwrite" else messages
        )
        description["messages"] = identify(
            MessageSnapshot(list(map(_as_message, _in_list(new_messages))), calls=True)
        )
    if (jump := changes.get("jump_to")) is not None:
        description["jump_to"] = str(jump)
    return description


def _in_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _as_message(item: Any) -> Any:
    """Return a message in a shape that can be described: LangGraph also takes texts and pairs."""
    if isinstance(item, str):
        return {"role": "human", "content": item}
    if isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[0], str):
        item = {"role": item[0], "content": item[1]}
    if isinstance(item, dict) and item.get("role") in _ROLES:
        return {**item, "role": _ROLES[item["role"]]}
    return item


def _fields(message: Any) -> dict[str, Any]:
    return message if isinstance(message, dict) else getattr(message, "__dict__", {})


def _id_of(message: Any) -> Any:
    return _fields(message).get("id")


def _is_removal(message: Any) -> bool:
    fields = _fields(message)
    return (fields.get("type") or fields.get("role")) == "remove"

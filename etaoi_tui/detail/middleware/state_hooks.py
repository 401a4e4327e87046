"""Steps of hooks that see and change an agent's state, before and after the model or the whole agent."""

from __future__ import annotations

from typing import Any

from etaoi_collector.conventions import keys as payload_keys
from etaoi_collector.projections.payload_reader import Missing
from etaoi_collector.store.model import Span, SpanFlag
from etaoi_tui.detail.compare.request_diff import compare
from etaoi_tui.detail.document.json_printer import parse_json
from etaoi_tui.detail.messages.chat import Message, read_message
from etaoi_tui.detail.messages.request import Request, bodies_in, read_snapshot, read_state
from etaoi_tui.detail.middleware.request_step import Step
from etaoi_tui.detail.span_data import Map, SpanData, as_list, as_map, as_text
from etaoi_tui.view import format as fmt
from etaoi_tui.view.middleware.hooks import own_seconds

_PROBE = int(SpanFlag.PROBE)
_ALL = "__remove_all__"
"""The id of LangGraph's message that removes all that come before it."""
_SHAPELESS = ("tuple", "list", "str", "dict")
"""What the etaoi SDK's digests give as the role of something that LangGraph takes for a message."""


def state_step(data: SpanData, node: Span, bodies: dict[str, Message], *, up: bool = False) -> Step:
    """Return what a state hook did, from its probe or from its graph node."""
    probe = next((child for child in node.children or () if child.flags & _PROBE), None)
    step = Step(node.name, probe or node, "up" if up else "down", recorded=probe is not None)
    if probe is not None:
        read_probe(step, data.of(probe), bodies)
        step.own_seconds = own_seconds(probe, data.now)
        if probe.started_at == probe.ended_at:
            # The etaoi SDK stamps a probe once; its graph node was measured.
            step.own_seconds, step.own_is_rough = node.duration(data.now), True
    else:
        _read_node(step, data.of(node))
        step.own_seconds, step.own_is_rough = own_seconds(node, data.now), True
    if node.error is not None:
        step.notes.append(f"It failed: {node.error}")
    if step.diff is not None:
        # A state hook sees the messages only.
        step.diff.not_compared = []
    return step


def read_probe(step: Step, probe: SpanData, bodies: dict[str, Message]) -> None:
    """Read what a state hook changed from its probe into a step.

    Args:
        step: Takes it.
        probe: The hook's span.
        bodies: Whole messages by their key; those that the probe carries are added.
    """
    for payload in (probe.start_payload, probe.end_payload):
        bodies_in(as_map(payload.get(payload_keys.DIFF)), bodies)
    bodies_in({"messages_added": probe.start_payload.get("bodies")}, bodies)
    before_fields = as_map(probe.start_payload.get(payload_keys.BEFORE))
    old = read_snapshot(before_fields, bodies)
    response = as_map(
        probe.end_payload.get(payload_keys.RESPONSE) or probe.start_payload.get(payload_keys.RESPONSE)
    )
    after = as_map(probe.end_payload.get(payload_keys.AFTER))
    if after:
        new = read_snapshot(after, bodies)
    elif probe.end is None and not response:
        step.notes.append("It has not returned yet.")
        return
    elif "messages" in as_list(response.get("keys")) and "messages" not in response:
        step.notes.append("It wrote messages to the state, in a shape that this SDK does not record.")
        return
    elif "repr" in response:
        step.notes.append(f"What it returned was recorded as text only: {as_text(response['repr'])}")
        return
    else:
        update = as_list(response.get("messages"))
        shapeless = sum(as_text(as_map(m).get("role")) in _SHAPELESS for m in update)
        if shapeless:
            step.notes.append(
                f"{fmt.count(shapeless, 'message')} of its update came in a shape that this SDK does not "
                "record: what they say, and whether they replace others, is not known."
            )
        new = with_update(old, update)
    step.diff = compare(old, new)
    _tell_update(step, response, as_map(probe.end_payload.get(payload_keys.DIFF)))


def _tell_update(step: Step, response: Map, diff: Map) -> None:
    keys = [as_text(k) for k in as_list(diff.get("keys_set"))] or [
        as_text(k) for k in as_list(response.get("keys")) if k != "messages"
    ]
    if keys:
        step.notes.append(f"It wrote to the state: {', '.join(keys)}")
        step.response_changed = True
    if response.get("jump_to"):
        step.notes.append(f"It jumped to {as_text(response['jump_to'])}.")
        step.response_changed = True


def _read_node(step: Step, node: SpanData) -> None:
    old, why = read_state(node.start_payload.get(payload_keys.INPUTS))
    step.notes.append("Not instrumented: read from what its graph node was given and returned.")
    if old is None:
        step.notes.append(f"What it was given cannot be compared{': ' + why if why else ''}.")
        return
    if node.end is None or isinstance(node.end, Missing):
        step.notes.append("It has not returned yet." if node.end is None else node.end.reason)
        return
    outputs = node.end_payload.get(payload_keys.OUTPUTS)
    parsed = parse_json(outputs) if isinstance(outputs, str) and outputs else None
    if parsed is not None and (parsed.cut or not parsed.ok):
        step.notes.append("What it returned was cut by its sender.")
        return
    value = parsed.value if parsed is not None else outputs
    value = as_map(value).get("update", value) if as_map(value).get("__type__") == "Command" else value
    update = as_map(value)
    step.diff = compare(old, with_update(old, update.get("messages")))
    keys = sorted(as_text(key) for key in update if key != "messages")
    if keys:
        step.notes.append(f"It wrote to the state: {', '.join(keys)}")


def with_update(old: Request, update: Any) -> Request:
    """Return a state's messages after an update, as LangGraph's ``add_messages`` makes them.

    A message under a known id takes that one's place, also when the update removed it before. What follows a
    "remove all" replaces everything. ``Overwrite`` goes around the reducer.
    """
    overwrites = as_map(update).get("__type__") == "Overwrite"
    value = as_map(update).get("value") if overwrites else update
    items = [] if value is None else value if isinstance(value, list) else [value]
    new = [m for m in (read_message(_as_message(item)) for item in items) if m is not None]
    for at in range(len(new) - 1, -1, -1):
        if new[at].role == "remove" and new[at].message_id == _ALL:
            new, overwrites = new[at + 1 :], True
            break
    if overwrites:
        return Request(new, source=old.source)
    merged = list(old.messages or ())
    index_of = {message.message_id: n for n, message in enumerate(merged) if message.message_id}
    removed: set[str] = set()
    for message in new:
        index = index_of.get(message.message_id) if message.message_id else None
        if message.role == "remove":
            removed.add(message.message_id)
        elif index is not None:
            removed.discard(message.message_id)
            merged[index] = message
        else:
            if message.message_id:
                index_of[message.message_id] = len(merged)
            merged.append(message)
    return Request([m for m in merged if not (m.message_id and m.message_id in removed)], source=old.source)


def _as_message(item: Any) -> Any:
    """Return a message in a shape that can be read: LangGraph also takes a text alone."""
    return {"role": "user", "content": item} if isinstance(item, str) else item

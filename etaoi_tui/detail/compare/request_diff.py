"""What differs between two requests: messages, tools, model, parameters, system prompt, the cached prefix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from etaoi_tui.detail.compare.alignment import align
from etaoi_tui.detail.messages.cache_breakpoints import Breakpoint, follow_messages
from etaoi_tui.detail.messages.chat import Message
from etaoi_tui.detail.messages.request import PREVIEW, Request, ToolSpec, length
from etaoi_tui.detail.span_data import as_text

What = Literal["same", "edited", "added", "removed", "moved"]


@dataclass(slots=True)
class MessageChange:
    """What became of one message."""

    what: What
    old: Message | None = None
    new: Message | None = None
    old_index: int = -1
    new_index: int = -1


@dataclass(slots=True)
class Compaction:
    """Several messages whose place fewer and shorter ones took."""

    removed: list[MessageChange]
    added: list[MessageChange]

    @property
    def before(self) -> int:
        """Characters that went."""
        return sum(length(change.old) for change in self.removed if change.old is not None)

    @property
    def after(self) -> int:
        """Characters that came instead."""
        return sum(length(change.new) for change in self.added if change.new is not None)


@dataclass(slots=True)
class ToolChange:
    """What became of one tool."""

    what: Literal["added", "removed", "changed"]
    name: str
    old: ToolSpec | None = None
    new: ToolSpec | None = None


@dataclass(slots=True)
class RequestDiff:
    """How one request differs from another; parts that either side does not tell are not compared."""

    old: Request
    new: Request
    messages: list[MessageChange] = field(default_factory=list)
    compactions: list[Compaction] = field(default_factory=list)
    other_run: bool = False
    """They are requests of two runs: ids of messages and of tool calls are others each time."""
    system_changed: bool = False
    breakpoints: tuple[list[Breakpoint], list[Breakpoint]] | None = None
    """The old ones, where they would lie had they gone with their messages, and the new ones."""
    tools: list[ToolChange] = field(default_factory=list)
    tools_reordered: bool = False
    model: tuple[str, str] | None = None
    parameters: list[tuple[str, Any, Any]] = field(default_factory=list)
    """Name, old and new value; `ABSENT` where one side has none."""
    not_compared: list[str] = field(default_factory=list)

    def count(self, what: What) -> int:
        """How many messages this happened to."""
        return sum(change.what == what for change in self.messages)

    @property
    def new_conversation(self) -> bool:
        """Whether another run begins anew: of what was said before, nothing is said again."""
        conversation = [change for change in self.messages if _role(change) != "system"]
        whats = {change.what for change in conversation}
        return self.other_run and whats == {"added", "removed"}

    @property
    def messages_changed(self) -> bool:
        """Whether anything happened to the messages."""
        return any(change.what != "same" for change in self.messages)

    @property
    def nothing(self) -> bool:
        """Whether the two are the same as far as both are known."""
        return not (
            self.messages_changed
            or self.system_changed
            or self.breakpoints
            or self.tools
            or self.tools_reordered
            or self.model
            or self.parameters
        )

    @property
    def characters(self) -> int:
        """How many characters longer the new request is."""
        both = self.old.messages is not None and self.new.messages is not None
        grown = (
            sum(map(length, self.new.messages or ())) - sum(map(length, self.old.messages or ()))
            if both
            else 0
        )
        if self.old.system is not None and self.new.system is not None:
            grown += self.new.system_length - self.old.system_length
        return grown


def _role(change: MessageChange) -> str:
    message = change.new if change.new is not None else change.old
    return message.role if message is not None else ""


class _Absent:
    def __repr__(self) -> str:
        return "(not set)"


ABSENT = _Absent()


def compare(old: Request, new: Request, *, other_run: bool = False) -> RequestDiff:
    """Return how ``new`` differs from ``old``.

    Args:
        old: A request.
        new: Another one.
        other_run: They are of two runs, in which a message and a tool call have another id each time: ids
            that only one of them has are no difference.
    """
    diff = RequestDiff(old, new, other_run=other_run)
    if old.messages is None or new.messages is None:
        diff.not_compared.append("messages")
    else:
        diff.messages, diff.compactions = _compare_messages(old.messages, new.messages, other_run)
        if diff.new_conversation:
            diff.compactions.clear()
    if old.system is None or new.system is None:
        diff.not_compared.append("system prompt")
    else:
        diff.system_changed = old.system_length != new.system_length or not _begin_alike(old, new)
    if old.breakpoints is not None and new.breakpoints is not None:
        new_index = {c.old_index: c.new_index for c in diff.messages if c.old_index >= 0 and c.new_index >= 0}
        compared = "messages" not in diff.not_compared
        moved_breakpoints = follow_messages(old.breakpoints, new_index) if compared else old.breakpoints
        if moved_breakpoints != new.breakpoints:
            diff.breakpoints = moved_breakpoints, new.breakpoints
    if old.tools is None or new.tools is None:
        diff.not_compared.append("tools")
    else:
        diff.tools, diff.tools_reordered = _compare_tools(old.tools, new.tools, old.source == new.source)
    if old.model is None or new.model is None:
        diff.not_compared.append("model")
    elif old.model != new.model:
        diff.model = old.model, new.model
    if old.parameters is None or new.parameters is None or old.source != new.source:
        diff.not_compared.append("parameters")
    else:
        names = dict.fromkeys([*old.parameters, *new.parameters])
        diff.parameters = [
            (name, old.parameters.get(name, ABSENT), new.parameters.get(name, ABSENT))
            for name in names
            if old.parameters.get(name, ABSENT) != new.parameters.get(name, ABSENT)
        ]
    return diff


def known_of_both(old: Request, new: Request) -> tuple[str, str]:
    """Return two system prompts as far as both are known."""
    texts = old.system or "", new.system or ""
    known_length = min((len(r.system or "") for r in (old, new) if r.system_cut), default=None)
    return texts if known_length is None else (texts[0][:known_length], texts[1][:known_length])


def _begin_alike(old: Request, new: Request) -> bool:
    one, other = known_of_both(old, new)
    return one == other


def says_the_same(one: Message, other: Message) -> bool:
    """Whether two messages say the same, as far as both are known."""
    if one.key and other.key:
        return one.key == other.key
    digest = _is_digest(one) or _is_digest(other)
    named = bool(one.call_id and other.call_id)
    return _content(one, digest, named, None) == _content(other, digest, named, None)


def _is_digest(message: Message) -> bool:
    return message.cut or message.digest


def _content(message: Message, digest: bool, named: bool, call_ids: set[str] | None) -> tuple[Any, ...]:
    """Return what tells a message from others.

    Args:
        message: The message.
        digest: Compare what a digest has.
        named: Both sides tell which calls their tools' answers belong to.
        call_ids: The ids of calls that count; None for all.
    """
    if digest:
        text = message.text if message.unbroken is None else message.unbroken
        size = length(message) if message.unbroken is None else len(text)
        return message.role, text[:PREVIEW], size, *(call.name for call in message.calls)
    # Parts of a message are joined with line feeds by one producer and with nothing by another.
    text = message.text.replace("\n", "")
    calls = tuple(
        (
            call.name,
            call.call_id if call_ids is None or call.call_id in call_ids else "",
            as_text(call.arguments),
        )
        for call in message.calls
    )
    counts = named and (call_ids is None or message.call_id in call_ids)
    return message.role, text, message.call_id if counts else "", calls


def _ids_of_calls(messages: Sequence[Message]) -> set[str]:
    ids = {call.call_id for message in messages for call in message.calls}
    return ids | {message.call_id for message in messages}


def _tokens(
    old: Sequence[Message], new: Sequence[Message], call_ids: set[str] | None
) -> tuple[list[Any], list[Any]]:
    """Give equal tokens to messages that are the same one: by id where both have it, else by content."""
    both = [*old, *new]
    shared = {m.message_id for m in old if m.message_id} & {m.message_id for m in new if m.message_id}
    keyed = all(m.key for m in both)
    digest = any(_is_digest(m) for m in both)
    # Not every producer tells which call a tool's answer belongs to.
    named = all(m.call_id for m in both if m.role == "tool")

    def token(message: Message) -> Any:
        if message.message_id in shared:
            return message.message_id
        # The key of a message is made from the ids of its calls, too.
        if keyed and (call_ids is None or _ids_of_calls([message]) <= call_ids | {""}):
            return message.key
        return _content(message, digest, named, call_ids)

    return [token(m) for m in old], [token(m) for m in new]


def _compare_messages(
    old: Sequence[Message], new: Sequence[Message], other_run: bool
) -> tuple[list[MessageChange], list[Compaction]]:
    if old is new:
        return [MessageChange("same", message, message, n, n) for n, message in enumerate(old)], []
    call_ids = _ids_of_calls(old) & _ids_of_calls(new) if other_run else None
    old_tokens, new_tokens = _tokens(old, new, call_ids)
    by_id = {m.message_id for m in old if m.message_id} & {m.message_id for m in new if m.message_id}
    changes: list[MessageChange] = []
    groups: list[tuple[list[MessageChange], list[MessageChange]]] = []
    for equal, i1, i2, j1, j2 in align(old_tokens, new_tokens):
        if equal:
            for i, j in zip(range(i1, i2), range(j1, j2), strict=True):
                alike = (other_run and new[j].message_id not in by_id) or says_the_same(old[i], new[j])
                changes.append(MessageChange("same" if alike else "edited", old[i], new[j], i, j))
            continue
        removed = [MessageChange("removed", old[i], None, i) for i in range(i1, i2)]
        added = [MessageChange("added", None, new[j], -1, j) for j in range(j1, j2)]
        groups.append((removed, added))
        changes += removed + added
    changes = _find_moved(changes, old_tokens, new_tokens)
    return _find_edited(changes, groups, other_run)


def _find_moved(
    changes: list[MessageChange], old_tokens: list[Any], new_tokens: list[Any]
) -> list[MessageChange]:
    removed: dict[Any, list[MessageChange]] = {}
    for change in changes:
        if change.what == "removed":
            removed.setdefault(old_tokens[change.old_index], []).append(change)
    if not removed:
        return changes
    dropped: set[int] = set()
    for change in changes:
        if change.what == "added":
            match = removed.get(new_tokens[change.new_index])
            if match:
                was = match.pop(0)
                change.what, change.old, change.old_index = "moved", was.old, was.old_index
                dropped.add(id(was))
    return [change for change in changes if id(change) not in dropped]


_LEAST_COMPACTED = 2
_PAIRED_WITHIN = 8
"""So many messages that came are looked at to find the one that a message of another run became."""
_HEAD = 1_000
"""Characters by which two messages without an id are judged to be one that was edited."""


def _find_edited(
    changes: list[MessageChange],
    groups: list[tuple[list[MessageChange], list[MessageChange]]],
    other_run: bool,
) -> tuple[list[MessageChange], list[Compaction]]:
    """Tell messages without an id that were edited, and groups whose place shorter ones took."""
    present = {id(change) for change in changes}
    compactions: list[Compaction] = []
    dropped: set[int] = set()
    for removed, added in groups:
        removed = [c for c in removed if id(c) in present and c.what == "removed"]
        added = [c for c in added if c.what == "added"]
        if not removed or not added:
            continue
        if other_run:
            pairs = _pairs_in_order(removed, added)
        else:
            pairs = list(zip(removed, added, strict=False)) if len(removed) == len(added) else []
            pairs = pairs if all(_is_edit(was, now, other_run) for was, now in pairs) else []
        for was, now in pairs:
            now.what, now.old, now.old_index = "edited", was.old, was.old_index
            dropped.add(id(was))
        removed = [c for c in removed if id(c) not in dropped]
        added = [c for c in added if c.what == "added"]
        if not removed or not added:
            continue
        shorter = sum(length(c.new) for c in added if c.new) < sum(length(c.old) for c in removed if c.old)
        if len(removed) >= _LEAST_COMPACTED and len(added) < len(removed) and shorter:
            compactions.append(Compaction(removed, added))
    return [change for change in changes if id(change) not in dropped], compactions


def _pairs_in_order(
    removed: list[MessageChange], added: list[MessageChange]
) -> list[tuple[MessageChange, MessageChange]]:
    """Pair what went with the next thing like it that came, none across another pair."""
    pairs = []
    at = 0
    for was in removed:
        for n in range(at, min(at + _PAIRED_WITHIN, len(added))):
            if _is_edit(was, added[n], True):
                pairs.append((was, added[n]))
                at = n + 1
                break
    return pairs


def _is_edit(was: MessageChange, now: MessageChange, other_run: bool) -> bool:
    """Whether a message without an id, or of another run, took the place of one like it."""
    old, new = was.old, now.new
    if old is None or new is None or old.role != new.role:
        return False
    if old.message_id and new.message_id and not other_run:
        return False
    if old.call_id or new.call_id:
        return old.name == new.name if other_run else old.call_id == new.call_id
    if other_run and old.calls and new.calls and not old.text and not new.text:
        return [call.name for call in old.calls] == [call.name for call in new.calls]
    # A share of common words: exact ratios of hundreds of pairs would be felt.
    words, others = Counter(old.text[:_HEAD].split()), Counter(new.text[:_HEAD].split())
    most = max(words.total(), others.total())
    return most > 0 and (words & others).total() > most / 2


def _compare_tools(old: list[ToolSpec], new: list[ToolSpec], deep: bool) -> tuple[list[ToolChange], bool]:
    """Compare tools by name; also what they say of themselves where both sides come from the same source."""
    old_by_name = {tool.name: tool for tool in old}
    new_by_name = {tool.name: tool for tool in new}
    changes = [
        ToolChange("removed", name, tool) for name, tool in old_by_name.items() if name not in new_by_name
    ]
    changes += [
        ToolChange("added", name, None, tool) for name, tool in new_by_name.items() if name not in old_by_name
    ]
    for name, was in old_by_name.items():
        now = new_by_name.get(name)
        if now is None or not deep:
            continue
        described = was.description is not None and now.description is not None
        if (described and was.description != now.description) or (
            was.schema is not None and now.schema is not None and was.schema != now.schema
        ):
            changes.append(ToolChange("changed", name, was, now))
    common_names = (
        [tool.name for tool in old if tool.name in new_by_name],
        [t.name for t in new if t.name in old_by_name],
    )
    return changes, Counter(common_names[0]) == Counter(common_names[1]) and common_names[0] != common_names[
        1
    ]


def _article(word: str) -> str:
    return "an" if word[:1] in "aeio" else "a"  # "user" is the role with a u


@dataclass(slots=True)
class PrefixBreak:
    """Where the new request stops to begin as the old one did."""

    where: str
    why: str
    prefix_length: int
    """Characters of the new request's prompt that a provider can take from its cache."""
    total: int


def find_prefix_break(diff: RequestDiff) -> PrefixBreak | None:
    """Find where a cached prefix ends: providers order tools, then the system prompt, then the messages.

    Returns:
        None when the whole old request is a prefix of the new one, or when too little is known to tell.
    """
    old, new = diff.old, diff.new
    total = new.characters
    if diff.model is not None:
        return PrefixBreak("at the start", f"another model: {diff.model[0]} → {diff.model[1]}", 0, total)
    if diff.tools or diff.tools_reordered:
        names = ", ".join(f"{change.name} {change.what}" for change in diff.tools) or "their order changed"
        return PrefixBreak("at the tools", names, 0, total)
    if old.system is None or new.system is None or old.messages is None or new.messages is None:
        return None
    prefix_length = 0
    if diff.system_changed:
        same = next(
            (n for n, (a, b) in enumerate(zip(old.system, new.system, strict=False)) if a != b),
            min(len(old.system), len(new.system)),
        )
        return PrefixBreak(
            f"at character {same:,} of the system prompt", "the system prompt changed", same, total
        )
    prefix_length += len(new.system)
    for n, was in enumerate(old.messages):
        if n >= len(new.messages):
            return PrefixBreak(
                f"behind message {n}", "older messages were cut off the end", prefix_length, total
            )
        now = new.messages[n]
        if not says_the_same(was, now):
            what = next((c.what for c in diff.messages if c.new is now), "another")
            same = next(
                (k for k, (a, b) in enumerate(zip(was.text, now.text, strict=False)) if a != b),
                min(len(was.text), len(now.text)),
            )
            why = {
                "edited": f"{was.role} message {n + 1} was edited",
                "added": f"{_article(now.role)} {now.role} message came before message {n + 1} ({was.role})",
                "moved": f"message {n + 1} ({now.role}) was moved",
                "same": f"message {n + 1} ({now.role}) has another id of a tool call",
            }.get(what, f"message {n + 1} ({was.role}) is gone")
            at = same if what == "edited" else 0
            return PrefixBreak(f"at message {n + 1}", why, prefix_length + at, total)
        prefix_length += length(now)
    return None

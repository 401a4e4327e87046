"""Where a request asks its provider to keep a prefix for the next call, read from every shape it comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from etaoi_tui.detail.span_data import as_count, as_list, as_map, as_text

Part = Literal["tools", "system", "messages", "request"]
_PARTS: dict[str, Part] = {
    "tools": "tools",
    "system": "system",
    "messages": "messages",
    "request": "request",
}


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """One marker.

    Attributes:
        part: What it lies in; ``request`` marks the call as a whole.
        index: Of the message or the tool in its list; below 0 for that of a message that is gone.
        block: Of the content block in a message or a system prompt, from 0.
        blocks: How many blocks there are.
        name: Of the tool.
        control: What the marker says.
    """

    part: Part
    index: int = 0
    block: int = 0
    blocks: int = 1
    name: str = ""
    control: str = ""

    @property
    def position(self) -> str:
        """Where it is, in words."""
        inside = f", block {self.block + 1} of {self.blocks}" if self.blocks > 1 else ""
        if self.part == "messages" and self.index < 0:
            return f"at message {-self.index}, which is gone"
        if self.part == "messages":
            return f"at message {self.index + 1}{inside}"
        if self.part == "tools":
            return f"at tool {self.name or self.index + 1}"
        if self.part == "system":
            return f"in the system prompt{inside}"
        return "for the whole request"

    def __str__(self) -> str:
        return f"{self.position}: {self.control}"


def read_breakpoints(recorded: Any, lead: int = 0) -> list[Breakpoint]:
    """Read the markers that our SDK lists; what is none of them is left out.

    Args:
        recorded: ``[{in, control, index?, block?, blocks?, name?}]``.
        lead: Messages at the front of the list that are the system prompt.
    """
    breakpoints = []
    for entry in map(as_map, as_list(recorded)):
        part = _PARTS.get(as_text(entry.get("in")))
        if part is None:
            continue
        index = as_count(entry.get("index")) or 0
        if part == "messages":
            part, index = ("system", 0) if index < lead else ("messages", index - lead)
        breakpoints.append(
            Breakpoint(
                part,
                index,
                as_count(entry.get("block")) or 0,
                as_count(entry.get("blocks")) or 1,
                as_text(entry.get("name")),
                control_words(entry.get("control")),
            )
        )
    return breakpoints


def read_system_blocks(blocks: Sequence[Any]) -> list[Breakpoint]:
    """Read the markers in the blocks of a system prompt, as the etaoi SDK's probes carry them."""
    return [
        Breakpoint("system", 0, n, len(blocks), control=control_words(as_map(block)["cache_control"]))
        for n, block in enumerate(blocks)
        if as_map(block).get("cache_control")
    ]


def control_words(control: Any) -> str:
    """Return what a marker says: ``ephemeral, 1h``."""
    values = as_map(control)
    return ", ".join(as_text(value) for value in values.values()) if values else as_text(control)


def follow_messages(points: Sequence[Breakpoint], new_index: Mapping[int, int]) -> list[Breakpoint]:
    """Return markers as they would lie had they gone with their messages.

    Args:
        points: The markers.
        new_index: Where the message of each old index went; one that is not in it is gone.
    """
    return [
        replace(point, index=new_index.get(point.index, -point.index - 1))
        if point.part == "messages"
        else point
        for point in points
    ]


def breakpoint_words(removed: Sequence[Breakpoint], added: Sequence[Breakpoint]) -> str:
    """Return in a few words which markers went and which came."""
    new = [point for point in added if point not in removed]
    old = [point for point in removed if point not in added]
    in_both = {point.position for point in new} & {point.position for point in old}
    changed = [point for point in new if point.position in in_both]
    parts = [f"cache breakpoint {point.position} changed" for point in changed]
    for sign, points in (("", new), ("−", old)):
        rest = [point for point in points if point.position not in in_both]
        if len(rest) > 1:
            parts.append(f"{sign or '+'}{len(rest)} cache breakpoints")
        elif rest:
            parts.append(f"{sign}cache breakpoint {rest[0].position}")
    return ", ".join(parts) or "cache breakpoints"

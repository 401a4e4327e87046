"""What every sign on the screen means, in groups: the signs of rows and bars first, then those of pages.

Tables that other modules draw from are read here, so that what they draw and what help says are one.
"""

from __future__ import annotations

from collections.abc import Iterable

from etaoi_collector.store.model import Status
from etaoi_tui.kinds.registry import KINDS
from etaoi_tui.view import bars
from etaoi_tui.view.glyphs import STATUS_GLYPHS
from etaoi_tui.view.voice.labels import MARKS
from etaoi_tui.view.voice.lane import GLYPHS as STAGES
from etaoi_tui.view.voice.model import WORDS

Rows = list[tuple[str, str]]

_STATUS_WORDS = {
    Status.RUNNING: "running",
    Status.OK: "ended well",
    Status.ERROR: "ended with an error",
    Status.CANCELLED: "cancelled, abandoned or refused",
    Status.PAUSED: "paused: waits for a person",
    Status.LOST: "lost: its end never came",
    Status.INCOMPLETE: "incomplete: its start never came",
}

_NUMBERS: Rows = [
    ("$?", "no price is known"),
    ("≥", "at least: not all of it is known"),
    ("≈", "estimated"),
    ("~", "derived, not measured; edited"),
    ("→", "tokens in and out; before and after; calls a tool"),
    ("×3", "three times"),
    ("+ −", "more and less; added and removed"),
    ("∑", "all together"),
    ("·", "no value"),
]
_ROWS: Rows = [
    ("▾ ▸", "open, folded; +3: rows in it"),
    ("⋯", "left out here, or deeper than the room"),
    ("‹ ›", "goes on beyond the edge; ‹ also: inside of"),
    ("‹…›", "a remark of etaoi-tui, not of the agent"),
    ("▌", "text that streams"),
    ("◈", "marked with m"),
    ("↪", "went on with a person's answer"),
    ("↓ ↑", "on the way to the model, and back"),
    ("⚠", "lost, dropped or refused events"),
    ("▼", "more came below"),
    ("● ▶", "live, replay"),
    ("█ ░", "done, to be done"),
]
_BARS: Rows = [
    (bars.BODY, "works"),
    (bars.FOOT, "a model until its first token"),
    (bars.HATCH, "waits"),
    (bars.LIVE_END, "still running"),
    (bars.LOST_END, "lost: nothing is known from here on"),
    (bars.RIGHT_HALF + bars.LEFT_HALF, "half a cell"),
    ("▁▃▅█", "course of a number, oldest first"),
]
_LANES: Rows = [
    ("△ ▲", "slow, too slow"),
    ("✎", "typed, not spoken"),
    ("● ○", "speaks, listens"),
    ("◔ ◌", "begins, is away or idle"),
]
_CHAT: Rows = [
    ("◉", "user"),
    ("✦", "model, or the agent's words"),
    ("▪", "system prompt, instructions"),
    ("⚒", "tool, its result"),
    ("◇", "agent below; a graph"),
    ("∴", "reasoning"),
    ("↳", "part of a call that the provider ran"),
    ("✂", "cut at the limit of tokens"),
    ("⊞", "schema of the answer"),
    ("→ ←", "what went in, what came out"),
    ("↵", "line feed in a value"),
    ("☐ ☑", "to do, done"),
]
_REQUEST: Rows = [
    ("○ ●", "as asked, as sent; a choice and another"),
    ("▤ ▒", "middleware, recorded or not"),
    ("±", "compared, changed"),
    ("↕", "moved"),
    ("⇊", "compacted"),
    ("▭", "context window, cacheable prefix"),
    ("█▓▒░", "messages, tools, tool results, free"),
    ("†", "footnote"),
]
_PAGES: Rows = [
    ("▼ ◀ →", "an edge that is always taken"),
    ("⇣ ⇠ ⇢", "an edge on a condition"),
    ("↑ ⇡ ↺", "back to an earlier step, itself again"),
    ("╔═╗", "runs now"),
    ("≡ ◎", "state, goal"),
    ("⇄", "hand-off; MCP server"),
    ("⚡", "speech over the agent's"),
]


def legend() -> list[tuple[str, Rows]]:
    """Return titled groups of signs, each sign with what it means."""
    states = [(STATUS_GLYPHS[status], words) for status, words in _STATUS_WORDS.items()]
    marks = [(sign, kind.value) for kind, sign in MARKS.items()]
    stages = [(STAGES[kind], words) for kind, words in WORDS.items() if words]
    return [
        ("States", states),
        ("Numbers", _NUMBERS),
        ("Rows and titles", _ROWS),
        ("Bars", _BARS),
        ("Kinds", _joined(KINDS.legend())),
        ("Voice calls", [*stages, *marks, *_LANES]),
        ("Messages", _CHAT),
        ("Requests and differences", _REQUEST),
        ("Graphs and other pages", _PAGES),
    ]


def _joined(pairs: Iterable[tuple[str, str]]) -> Rows:
    """Name a sign once that several kinds share."""
    words: dict[str, list[str]] = {}
    for sign, word in pairs:
        words.setdefault(sign, []).append(word)
    return [(sign, ", ".join(of_it)) for sign, of_it in words.items()]

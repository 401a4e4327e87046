"""One glyph and one word for every kind and every status, the same on all surfaces.

All are one cell wide in every terminal we know: no emoji presentation, no ambiguous width.
"""

from __future__ import annotations

from etaoi_collector.store.model import Status

SPINNER = "◐◓◑◒"
"""Frames of a running thing; the first also stands still where nothing may move."""

STATUS_GLYPHS = {
    Status.RUNNING: "◐",
    Status.OK: "✓",
    Status.ERROR: "✗",
    Status.CANCELLED: "⊘",
    Status.PAUSED: "‖",
    Status.LOST: "◌",
    Status.INCOMPLETE: "…",
}

KIND_GLYPHS = {
    "llm": "✦",
    "tool": "⚒",
    "sub_agent": "◆",
    "middleware": "▤",
    "voice_session": "♪",
    "voice_turn": "⇄",
    "voice_agent": "◆",
    "voice_input": "◂",
    "voice_output": "▸",
    "turn": "⇄",
    "task": "◈",
    "eou": "⊣",
    "vad": "∿",
    "agent_context": "▣",
}

KIND_WORDS = {
    "llm": "model call",
    "tool": "tool call",
    "sub_agent": "agent",
    "middleware": "step",
    "voice_session": "voice session",
    "voice_turn": "voice turn",
    "voice_agent": "voice agent",
    "voice_input": "user speech",
    "voice_output": "agent speech",
    "turn": "turn",
    "task": "task",
    "eou": "end of utterance",
    "vad": "voice activity",
    "agent_context": "agent snapshot",
}

OTHER_KIND = "○"


def kind_glyph(kind: str) -> str:
    """Return a kind's glyph; unknown kinds share one."""
    return KIND_GLYPHS.get(kind, OTHER_KIND)


def kind_word(kind: str) -> str:
    """Return a kind in words; an unknown kind speaks for itself."""
    return KIND_WORDS.get(kind, kind or "span")

"""What the span tree looks like: a colour for every state and kind; bars in the colour of their kind."""

from __future__ import annotations

from etaoi_collector.model import Status

CSS = """
SpanTree > .span-tree--header { color: $text-muted; background: $surface; }
SpanTree > .span-tree--title { color: $foreground; background: $surface; text-style: bold; }
SpanTree > .span-tree--guide { color: $foreground 18%; }
SpanTree > .span-tree--fold { color: $text-muted; }
SpanTree > .span-tree--muted { color: $text-muted; }
SpanTree > .span-tree--number { color: $text-muted; }
SpanTree > .span-tree--slow { color: $text-warning; }
SpanTree > .span-tree--name { color: $foreground; }
SpanTree > .span-tree--dim { color: $foreground 45%; }
SpanTree > .span-tree--running { color: $text-accent; text-style: bold; }
SpanTree > .span-tree--ok { color: $text-success; }
SpanTree > .span-tree--error { color: $text-error; text-style: bold; }
SpanTree > .span-tree--warning { color: $text-warning; }
SpanTree > .span-tree--streamed { color: $text-accent; text-style: italic; }
SpanTree > .span-tree--llm { color: $text-primary; }
SpanTree > .span-tree--tool { color: $text-secondary; }
SpanTree > .span-tree--agent { color: $text-success; text-style: bold; }
SpanTree > .span-tree--middleware { color: $foreground 60%; }
SpanTree > .span-tree--voice { color: $text-accent; }
SpanTree > .span-tree--bar-llm { color: $primary; }
SpanTree > .span-tree--bar-tool { color: $secondary; }
SpanTree > .span-tree--bar-agent { color: $success; }
SpanTree > .span-tree--bar-middleware { color: $foreground 40%; }
SpanTree > .span-tree--bar-voice { color: $accent; }
SpanTree > .span-tree--bar-error { color: $error; }
SpanTree > .span-tree--hit { background: $warning 35%; text-style: bold; }
"""

COMPONENT_CLASSES = {
    f"span-tree--{name}"
    for name in (
        "header title guide fold muted number slow name dim running ok error warning streamed llm tool "
        "agent middleware voice bar-llm bar-tool bar-agent bar-middleware bar-voice bar-error hit"
    ).split()
}

KIND_LOOKS = {
    "llm": "llm",
    "tool": "tool",
    "sub_agent": "agent",
    "voice_agent": "agent",
    "task": "agent",
    "agent_context": "agent",
    "middleware": "middleware",
}
STATUS_LOOKS = {
    Status.RUNNING: "running",
    Status.OK: "ok",
    Status.ERROR: "error",
    Status.CANCELLED: "muted",
    Status.PAUSED: "warning",
    Status.LOST: "warning",
    Status.INCOMPLETE: "warning",
}


def kind_look(kind: str) -> str:
    """Return the last part of a kind's component classes."""
    return KIND_LOOKS.get(kind, "voice")

"""The colours of a voice turn's stages: the same in lanes and in details, each with a shape of its own.

What the user does is of the family of voice's violet, what the agent does of its green; a model and a tool
have the colours that they have everywhere.
"""

from __future__ import annotations

STAGE_COLOURS = {
    "user": "kind-voice",
    "stt": "stage-stt",
    "eou": "stage-eou",
    "callback": "kind-middleware",
    "ttft": "stage-ttft",
    "llm": "kind-llm",
    "tool": "kind-tool",
    "tts": "stage-tts",
    "playout": "stage-playout",
    "speech": "kind-agent",
    "unexplained": "attention",
}
"""The name of a stage's colour, in the order of a turn."""

STAGE_LOOKS = {
    stage: f"color: ${colour}" + ("; text-style: bold" if stage == "unexplained" else "")
    for stage, colour in STAGE_COLOURS.items()
}
"""What a stage looks like, as declarations for a table of styles."""

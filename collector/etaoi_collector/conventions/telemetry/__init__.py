"""What other tracers call things: one table for each convention, and nothing that reads them.

A producer that follows no table here still shows: its spans keep their attributes. A new convention, or a
renamed attribute, is a line in a table. The tables stand in the order in which their words count.
"""

from __future__ import annotations

from etaoi_collector.conventions.telemetry import (
    codex,
    genai,
    google_adk,
    langfuse,
    langsmith,
    livekit,
    openinference,
    openllmetry,
    pydantic_ai,
    vercel,
)
from etaoi_collector.conventions.telemetry.table import Convention

CONVENTIONS: tuple[Convention, ...] = (
    livekit.TABLE,
    openinference.TABLE,
    langfuse.TABLE,
    vercel.TABLE,
    langsmith.TABLE,
    genai.TABLE,
    openllmetry.TABLE,
    pydantic_ai.TABLE,
    codex.TABLE,
    google_adk.TABLE,
)

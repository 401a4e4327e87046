"""Plays the demo's two acts into a tracer."""

from __future__ import annotations

import random

from etaoi_tui.demo.clock import Clock, Story
from etaoi_tui.demo.research import research
from etaoi_tui.demo.scenarios import SCENARIOS
from etaoi_tui.demo.span_writer import SpanWriter
from etaoi_tui.demo.voice import phone_call
from etaoi_tui.sdk.tracer import Tracer

LENGTH = 34.0
"""About how many seconds a performance takes at speed 1."""

USER = "demo"


def play_demo(tracer: Tracer, *, seed: int, speed: float = 1.0) -> None:
    """Play the whole demo once; the same seed gives the same tree.

    Args:
        tracer: Where its spans go.
        seed: Decides the subject and everything that varies.
        speed: How many seconds of the story pass in a real one.
    """
    stage = SpanWriter(tracer, Clock(speed=speed, length=LENGTH), random.Random(seed))
    stage.clock.play(_both_acts(stage, seed))


def _both_acts(stage: SpanWriter, seed: int) -> Story:
    yield from research(stage.in_new_session(USER), SCENARIOS[seed % len(SCENARIOS)])
    yield stage.about(0.6)
    yield from phone_call(stage.in_new_session(USER))

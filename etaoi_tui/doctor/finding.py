"""What a look at one thing has found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """How it is."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing is wrong."""
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: State
    detail: str
    fix: str = ""
    """What to do about it, a line to type where there is one."""

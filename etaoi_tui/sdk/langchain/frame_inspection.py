"""Which graph is being run, and what its owner calls it: LangChain's callbacks tell a run's name only.

Looks at the local variables of callers, the nearest first, within bounds.
"""

from __future__ import annotations

import re
import sys
from pathlib import PurePath
from types import FrameType
from typing import Any

from langchain_core.callbacks import manager

_MOST_FRAMES = 24
_MANAGER_FRAMES = 4
"""How far up a callback's caller is at least: the callback, and two frames of LangChain's manager."""
_MOST_MANAGER_FRAMES = 6
_MANAGER_GLOBALS = vars(manager)
_STREAMS = ("stream", "astream")
_FRAMEWORK = re.compile(
    r"^(langchain\w*|langgraph\w*|deepagents|asyncio|concurrent|contextlib|threading|etaoi_tui\.sdk)(\.|$)"
)
_MOST_NAMES = 2_000
_SAYS_NOTHING = frozenset(
    {
        "agent", "graph", "app", "self", "runnable", "chain", "workflow", "compiled", "compiled_graph",
        "main", "run", "server", "program", "thing", "obj", "value", "result", "other", "test", "demo",
        "builder",
    }
)  # fmt: skip


def calling_graph() -> Any:
    """Return the graph in whose ``stream`` or ``astream`` the calling callback was set off; None without."""
    frame: FrameType | None = sys._getframe(2)
    for _ in range(_MOST_FRAMES):
        if frame is None:
            return None
        if (graph := _graph_of(frame)) is not None:
            return graph
        frame = frame.f_back
    return None


def entered_graph() -> Any:
    """Return the graph whose own run is just being reported to the calling callback; None for other runs."""
    try:
        frame: FrameType | None = sys._getframe(_MANAGER_FRAMES)
    except ValueError:  # somebody calls the handler by hand
        return None
    for _ in range(_MOST_MANAGER_FRAMES):
        if frame is None:
            return None
        if frame.f_globals is not _MANAGER_GLOBALS:
            return _graph_of(frame) if frame.f_code.co_name in _STREAMS else None
        frame = frame.f_back
    return None


def _graph_of(frame: FrameType) -> Any:
    code = frame.f_code
    if code.co_name in _STREAMS and code.co_varnames[:1] == ("self",):
        candidate = frame.f_locals.get("self")
        if hasattr(candidate, "get_graph") and hasattr(candidate, "nodes"):
            return candidate
    return None


def owners_name(thing: Any) -> str | None:
    """Return what the program that calls us calls an object: its variable, or the file it is in.

    Names that say nothing (``agent``, ``app``, one letter) give way to the file's.
    """
    frame: FrameType | None = sys._getframe(1)
    spare: str | None = None
    file: str | None = None
    for _ in range(_MOST_FRAMES * 4):
        if frame is None:
            break
        if not _FRAMEWORK.match(str(frame.f_globals.get("__name__", ""))):
            for names in (frame.f_locals, frame.f_globals):
                for variable in _variables(names, thing):
                    if _is_telling_name(variable):
                        return variable
                    spare = spare or variable
                    if file is None:
                        stem = PurePath(frame.f_code.co_filename).stem
                        file = stem if _is_telling_name(stem) and stem.isidentifier() else None
        frame = frame.f_back
    return file or spare


def _variables(names: Any, thing: Any) -> list[str]:
    return [
        name
        for name, value in list(names.items())[:_MOST_NAMES]
        if value is thing and type(name) is str and not name.startswith("__")
    ]


def _is_telling_name(name: str) -> bool:
    plain = name.strip("_").lower()
    return len(plain) > 2 and plain not in _SAYS_NOTHING

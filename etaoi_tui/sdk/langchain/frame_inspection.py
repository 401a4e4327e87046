"""Which graph is being run: LangChain's callbacks tell a run's name, but not the object that runs."""

from __future__ import annotations

import sys
from typing import Any

_MOST_FRAMES = 24


def calling_graph() -> Any:
    """Return the graph in whose ``stream`` or ``astream`` the calling callback was set off; None if there
    is none.

    Looks at the callers' local variables, the nearest first. Called once for each run of an agent, not for
    each callback.
    """
    frame = sys._getframe(2)
    for _ in range(_MOST_FRAMES):
        if frame is None:
            return None
        code = frame.f_code
        if code.co_name in ("stream", "astream") and code.co_varnames[:1] == ("self",):
            candidate = frame.f_locals.get("self")
            if hasattr(candidate, "get_graph") and hasattr(candidate, "nodes"):
                return candidate
        parent = frame.f_back
        if parent is None:
            return None
        frame = parent
    return None

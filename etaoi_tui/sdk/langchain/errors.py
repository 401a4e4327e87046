"""What a failure leaves in its span besides ``repr``: type, message and a trimmed traceback.

Runs on the sender's thread; the source lines come from Python's own line cache.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from etaoi_tui.sdk.safe_repr import error_message
from etaoi_tui.sdk.sanitize import Json

_FRAMEWORK = re.compile(
    r"[/\\](?:(?:site|dist)-packages[/\\](?:langchain\w*|langgraph|deepagents|langsmith|tenacity)"
    r"|python3[.\d]*[/\\](?:concurrent|asyncio)|etaoi_tui[/\\]sdk)[/\\]"
)
_MOST_FRAMES = 12
_MOST_CAUSES = 4
_MESSAGE = 4_000


class Failure:
    """``error_type``, ``error_message``, ``traceback`` (the host's own frames, outermost first), and more."""

    __slots__ = ("error", "more")

    def __init__(self, error: BaseException, more: Any = None) -> None:
        self.error = error
        self.more = more
        """A payload to go with it: a map, or what makes one."""

    def __call__(self) -> dict[str, Any]:
        more = self.more() if callable(self.more) else self.more
        kind = type(self.error)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        payload: dict[str, Any] = dict(more or {})
        payload["error_type"] = f"{module}{kind.__qualname__}"
        payload["error_message"] = _message(self.error)
        payload["traceback"] = "\n".join(_lines(self.error))
        return payload


def _message(error: BaseException) -> str:
    return error_message(error)[:_MESSAGE]


def _lines(error: BaseException) -> Iterator[str]:
    visited: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in visited and len(visited) < _MOST_CAUSES:
        if visited:
            yield "which came of:"
        visited.add(id(current))
        yield from _frames(current.__traceback__)
        yield f"{type(current).__name__}: {_message(current)}"
        if isinstance(current, BaseExceptionGroup):
            for inner in current.exceptions[:_MOST_CAUSES]:
                yield f"in it, {type(inner).__name__}:"
                yield from _frames(inner.__traceback__)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _frames(traceback: TracebackType | None) -> Iterator[str]:
    frames: list[tuple[str, int, str]] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append((code.co_filename, traceback.tb_lineno, code.co_name))
        traceback = traceback.tb_next
    own = [frame for frame in frames if not _FRAMEWORK.search(frame[0])] or frames[-2:]
    if len(own) > _MOST_FRAMES:
        half = _MOST_FRAMES // 2
        own = [*own[:half], ("", len(own) - _MOST_FRAMES, ""), *own[-half:]]
    left_out = len(frames) - len(own)
    for filename, line, function in own:
        if not filename:
            yield f"  … {line} more frames"
            continue
        yield f'  File "{filename}", line {line}, in {function}'
        if source := linecache.getline(filename, line).strip():
            yield f"    {source[:200]}"
    if left_out > 0:
        yield f"  ({left_out} frames of frameworks left out)"


def describe_interrupts(error: BaseException) -> dict[str, Any]:
    """Return what LangGraph's interrupts ask of the user: ``interrupts`` [{value, id}]."""
    interrupts = error.args[0] if error.args and isinstance(error.args[0], (list, tuple)) else error.args
    return {
        "interrupts": [
            {"value": Json(getattr(one, "value", one)), "id": getattr(one, "id", None)} for one in interrupts
        ]
    }

"""Graphs that wait for a person: what for, where that is kept, and which run goes on with it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from etaoi_collector.conventions.waits import WAITS_FOR, questions_in_words
from etaoi_tui.sdk.ids import id_text

if TYPE_CHECKING:
    from etaoi_tui.sdk.langchain.runs import Run, Runs
    from etaoi_tui.sdk.tracer import SessionInfo

_THREADS_KEPT = 10_000
_MOST_FRAMES = 8
_MOST_QUESTIONS = 16


def questions_of(error: BaseException) -> list[Any]:
    """Return the values that an interrupt carries, one for each question."""
    asked = error.args[0] if error.args and isinstance(error.args[0], (list, tuple)) else error.args
    return [getattr(one, "value", one) for one in asked[:_MOST_QUESTIONS]]


def note_pause(run: Run, error: BaseException) -> dict[str, str]:
    """Remember above a run that it paused; return what its end says of that."""
    questions = questions_of(error)
    above = run.parent
    if above is not None:
        above.questions = [*(above.questions or ()), *questions]
    return {WAITS_FOR: questions_in_words(questions)}


def wait_of_graph(run: Run) -> dict[str, str] | None:
    """Return what the end of a graph's run says when the graph waits, though nothing failed; else None."""
    if run.questions is not None:
        return {WAITS_FOR: questions_in_words(run.questions)}
    place = _breakpoint()
    return {WAITS_FOR: f"a go-ahead {place}"} if place else None


def _breakpoint() -> str:
    """Return where the graph that is ending stopped by ``interrupt_before`` or ``interrupt_after``."""
    frame = sys._getframe(3)
    for _ in range(_MOST_FRAMES):
        if frame is None:
            return ""
        if frame.f_code.co_name in ("stream", "astream"):
            loop = frame.f_locals.get("loop")
            status = getattr(loop, "status", None)
            if status not in ("interrupt_before", "interrupt_after"):
                return ""
            tasks = getattr(loop, "tasks", None)
            names = (
                [str(getattr(task, "name", "")) for task in tasks.values()] if isinstance(tasks, dict) else []
            )
            return (
                f"{status.removeprefix('interrupt_')} {', '.join(sorted(set(names))[:8]) or 'the next step'}"
            )
        above = frame.f_back
        if above is None:
            return ""
        frame = above
    return ""


def remember_wait(runs: Runs, run: Run) -> None:
    """Keep which run a thread waits in, so that the run that goes on can name it."""
    thread = (run.span.metadata or {}).get("thread_id")
    if len(runs.waiting) >= _THREADS_KEPT:
        del runs.waiting[next(iter(runs.waiting))]
    runs.waiting[run.span.session, str(thread)] = run.span.span_id


def resumed_run(runs: Runs, session: SessionInfo, metadata: Mapping[str, Any], inputs: Any) -> str | None:
    """Return the id of the run that a graph's new run goes on with; a run with new input begins anew."""
    if not runs.waiting:
        return None
    waiting = runs.waiting.pop((session, str(metadata.get("thread_id"))), None)
    return id_text(waiting) if waiting is not None and is_resume(inputs) else None


def is_resume(inputs: Any) -> bool:
    """Whether a graph's input says: go on where you stopped."""
    return inputs is None or (
        type(inputs).__name__ == "Command" and getattr(inputs, "resume", None) is not None
    )

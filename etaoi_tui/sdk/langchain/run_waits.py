"""Graphs that wait for a person: what for, where that is kept, and which run goes on with it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

from etaoi_collector.conventions.waits import WAITS_FOR, questions_in_words
from etaoi_tui.sdk.ids import id_text

if TYPE_CHECKING:
    from etaoi_tui.sdk.langchain.runs import Run, Runs
    from etaoi_tui.sdk.tracer import SessionInfo

_THREADS_KEPT = 10_000
_MOST_FRAMES = 8
_STREAMS = ("stream", "astream")
_MOST_QUESTIONS = 16


def questions_of(error: BaseException) -> list[Any]:
    """Return the values that an interrupt carries, one for each question."""
    interrupts = error.args[0] if error.args and isinstance(error.args[0], (list, tuple)) else error.args
    return [getattr(one, "value", one) for one in interrupts[:_MOST_QUESTIONS]]


def note_pause(run: Run, error: BaseException) -> dict[str, str]:
    """Remember above a run that it paused; return what its end says of that."""
    questions = questions_of(error)
    above = run.parent
    if above is not None:
        above.questions = [*(above.questions or ()), *questions]
    return {WAITS_FOR: questions_in_words(questions)}


def wait_of_graph(run: Run, error: BaseException | None = None) -> dict[str, str] | None:
    """Return what the end of a graph's run says when the graph waits, though nothing failed; else None.

    ``error`` is what left its stream, if something did.
    """
    if run.questions is not None:
        return {WAITS_FOR: questions_in_words(run.questions)}
    pause_point = _breakpoint(error)
    return {WAITS_FOR: f"a go-ahead {pause_point}"} if pause_point else None


def _breakpoint(error: BaseException | None) -> str:
    """Return where the graph that is ending stopped by ``interrupt_before`` or ``interrupt_after``."""
    loop = _loop_of_graph(error)
    status = getattr(loop, "status", None)
    if status not in ("interrupt_before", "interrupt_after"):
        return ""
    tasks = getattr(loop, "tasks", None)
    steps = {str(getattr(task, "name", "")) for task in tasks.values()} if isinstance(tasks, dict) else ()
    side = "before" if status == "interrupt_before" else "after"
    return f"{side} {', '.join(sorted(steps)[:8]) or 'the next step'}"


def _loop_of_graph(error: BaseException | None) -> Any:
    """Return LangGraph's own record of the run that is ending: a local variable of its ``stream``."""
    if error is not None:
        step = error.__traceback__
        while step is not None:
            if step.tb_frame.f_code.co_name in _STREAMS and "loop" in step.tb_frame.f_locals:
                return step.tb_frame.f_locals["loop"]
            step = step.tb_next
        return None
    frame: FrameType | None = sys._getframe(4)
    for _ in range(_MOST_FRAMES):
        if frame is None:
            return None
        if frame.f_code.co_name in _STREAMS:
            return frame.f_locals.get("loop")
        frame = frame.f_back
    return None


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

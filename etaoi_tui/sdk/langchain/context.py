"""Where LangChain says that the calling task or thread is: the run named by its own context variable."""

from __future__ import annotations

from langchain_core.runnables.config import var_child_runnable_config

from etaoi_tui.sdk.langchain.runs import Run, find_run
from etaoi_tui.sdk.tracer import Span


def ambient_run_key() -> int | None:
    """Return the id (as an int) of the run that calls us, when LangChain's context tells one."""
    config = var_child_runnable_config.get()
    if not config:
        return None
    run_id = getattr(config.get("callbacks"), "parent_run_id", None)
    return getattr(run_id, "int", None)


def ambient_run() -> Run | None:
    """Return the open run that calls us."""
    key = ambient_run_key()
    return find_run(key) if key is not None else None


def ambient_span() -> Span | None:
    """Return the span of the run that calls us: where a span made by hand belongs."""
    run = ambient_run()
    return run.span if run is not None else None

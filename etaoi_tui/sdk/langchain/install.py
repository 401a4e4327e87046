"""Puts a handler where an object's runs, or all runs, report to it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from etaoi_tui.sdk.langchain.agents import PreparedSnapshot
from etaoi_tui.sdk.langchain.global_hook import attach_globally, follow_inside, forget
from etaoi_tui.sdk.langchain.handler import TracerHandler
from etaoi_tui.sdk.langchain.instrumentation import instrument_object
from etaoi_tui.sdk.langchain.runs import runs_of
from etaoi_tui.sdk.tracer import Tracer

logger = logging.getLogger("etaoi_tui")


def install_handler(
    tracer: Tracer, agent: Any, agent_id: str | None, own_session: bool = False
) -> tuple[TracerHandler, Callable[[], None]]:
    """Make a handler and connect it; return it with what disconnects it.

    Args:
        tracer: where spans go.
        agent: what to watch; None for everything.
        agent_id: the agent's stable identity.
        own_session: the tracer's session was chosen for this agent. Its snapshot is sent at once then, and
            with its first run otherwise: that run tells the session.

    Raises:
        TypeError: the object cannot be made to report.
    """
    handler = TracerHandler(tracer)
    if not tracer.enabled:
        handler.stop()
        return handler, _nothing
    if agent is None:
        handler.agent_id = agent_id
        attach_globally(handler)
        return handler, lambda: forget(handler)
    release_object = instrument_object(agent, handler)
    follow_inside(handler)
    try:
        snapshot = PreparedSnapshot(runs_of(tracer), agent, agent_id)
        if own_session:
            handler.context = snapshot.send(tracer, runs_of(tracer), tracer.session)
        else:
            handler.snapshot = snapshot
    except Exception as error:
        logger.warning("etaoi-tui could not describe the agent: %s: %s", type(error).__name__, error)

    def release() -> None:
        release_object()
        forget(handler)

    return handler, release


def _nothing() -> None:
    """Nothing was connected."""

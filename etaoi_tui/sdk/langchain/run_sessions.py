"""Which session a run belongs to, by what its caller said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from etaoi_tui.sdk.langchain.runs import Runs
from etaoi_tui.sdk.tracer import SessionInfo, Tracer

SESSION_KEYS = ("session_id", "thread_id", "conversation_id")
"""Metadata of a root that names its conversation, the first that is there. LangGraph writes ``thread_id``."""

_MOST_SESSIONS = 10_000


def session_of_run(tracer: Tracer, runs: Runs, metadata: Mapping[str, Any]) -> SessionInfo:
    """Return the session of a run that lies in no other: the one its metadata names, else the tracer's."""
    for key in SESSION_KEYS:
        name = metadata.get(key)
        if name and isinstance(name, str | int | UUID):
            break
    else:
        return tracer.session
    user = tracer.session.user_id
    named = (user, str(name))
    session = runs.sessions.get(named)
    if session is None:
        if len(runs.sessions) >= _MOST_SESSIONS:
            runs.sessions.clear()
        session = runs.sessions[named] = SessionInfo.of(named[1], user)
    return session

"""The few things that livekit-agents keeps to itself, each with a way to do without.

All of them exist from 1.2.0 to 1.8.9. Where one is missing, spans lose precision, never the call.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any


@functools.cache
def _speech_variable() -> Any:
    try:
        activity = importlib.import_module("livekit.agents.voice.agent_activity")
    except ImportError:
        return None
    return getattr(activity, "_SpeechHandleContextVar", None)


def speech_of_task() -> Any | None:
    """Return the speech handle that the calling task works for, None outside a speech or after its end.

    livekit-agents sets it for each reply task, so model calls, tools and speech output inherit it. Tasks that
    outlive the speech (a new agent's activity) inherit it too, hence the look at ``done``.
    """
    variable = _speech_variable()
    if variable is None:
        return None
    handle = variable.get(None)
    return None if handle is None or handle.done() else handle


def watch_items(handle: Any, callback: Callable[[Any], None]) -> bool:
    """Call back with each chat item that a speech produces, in the task that produces it.

    A tool's call is told right before its task is made, so the task inherits what the callback enters.

    Returns:
        Whether livekit-agents lets us.
    """
    add = getattr(handle, "_add_item_added_callback", None)
    if add is None:
        return False
    add(callback)
    return True


def unwatch_items(handle: Any, callback: Callable[[Any], None]) -> None:
    """Undo `watch_items`."""
    remove = getattr(handle, "_remove_item_added_callback", None)
    if remove is not None:
        remove(callback)


def was_scheduled(handle: Any) -> bool:
    """Whether a speech was accepted for playing; a preemptive generation that is thrown away never is."""
    scheduled = getattr(handle, "scheduled", None)
    if scheduled is not None:
        return bool(scheduled)
    future = getattr(handle, "_scheduled_fut", None)
    return future.done() if future is not None else True


def failure_of(handle: Any) -> BaseException | None:
    """Return the exception that a finished speech failed with."""
    ask = getattr(handle, "exception", None)
    return ask() if ask is not None and handle.done() else None


def interrupted_by(handle: Any) -> str | None:
    """Return what interrupted a speech: ``audio_activity``, ``user_turn`` or ``programmatic``."""
    source = getattr(handle, "_interrupt_source", None)
    return source if isinstance(source, str) else None


def detector_stream(session: Any) -> Any | None:
    """Return the stream that a streaming turn detector made for a session, None where it has none."""
    recognition = getattr(getattr(session, "_activity", None), "_audio_recognition", None)
    return getattr(recognition, "_turn_detector_stream", None)


def job_context() -> Any | None:
    """Return the running LiveKit job, None outside one."""
    try:
        agents = importlib.import_module("livekit.agents")
    except ImportError:
        return None
    get = getattr(agents, "get_job_context", None)
    if get is None:
        return None
    try:
        return get(required=False)
    except TypeError:  # 1.2: no such parameter
        try:
            return get()
        except RuntimeError:
            return None


def recorder_of(session: Any) -> Any | None:
    """Return what records a session's audio on this machine, None when nothing does."""
    return getattr(session, "_recorder_io", None)


def recording_path(recorder: Any) -> str | None:
    """Return the file that a recorder writes."""
    path = getattr(recorder, "output_path", None) or getattr(recorder, "_output_path", None)
    return str(path) if path is not None else None


def recording_started_at(recorder: Any) -> float | None:
    """Return when a recorder's audio begins, in seconds since the epoch."""
    at = getattr(recorder, "recording_started_at", None) or getattr(recorder, "_t0", None)
    return at if isinstance(at, float) else None

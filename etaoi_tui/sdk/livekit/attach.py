"""`attach_session`: what a user calls."""

from __future__ import annotations

import os
import time
import weakref
from typing import Any, Unpack
from uuid import UUID

from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.livekit.call import Call, Options
from etaoi_tui.sdk.livekit.listener import Listener
from etaoi_tui.sdk.livekit.snapshots import PROMPT_MODES
from etaoi_tui.sdk.options import TracerOptions
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.tracer import Tracer

_FALSE = frozenset({"0", "false", "off", "no"})

_handles: weakref.WeakKeyDictionary[Any, weakref.WeakSet[SessionHandle]] = weakref.WeakKeyDictionary()
"""Both weak: a handle holds its session, which holds the handle through its subscriptions."""


class SessionHandle:
    """What `attach_session` returns; also a context manager that detaches."""

    def __init__(self, session: Any, tracer: Tracer, options: Options) -> None:
        self.tracer = tracer
        self._call = Call(session, tracer, options)
        self._listener = Listener(self._call)
        self._attached = tracer.enabled
        if self._attached:
            self._listener.owner = self
            self._listener.subscribe()

    @property
    def session_id(self) -> UUID:
        """The session's id in the viewer: the same for the same ``session_id`` text, also with `attach`."""
        return self.tracer.session.session_id

    @property
    def attached(self) -> bool:
        """Whether it still follows the session."""
        return self._attached

    @property
    def stats(self) -> Stats:
        """Counts of what was sent, cut and dropped; a snapshot."""
        return self.tracer.stats

    def score(
        self,
        name: str,
        value: float | int | bool | str,
        *,
        source: str = "sdk",
        comment: str | None = None,
        span_id: str | UUID | None = None,
    ) -> None:
        """Say how well the call, or one span of it, went.

        Args:
            name: what is rated, such as ``csat``.
            value: a bool, a number, or a word.
            source: who says so: ``sdk``, ``judge``, ``user`` ...
            comment: why.
            span_id: the span that is rated instead of the whole call.
        """
        if not self._attached:
            return
        score: dict[str, Any] = {"name": str(name), "source": str(source)}
        if isinstance(value, bool):
            score.update(data_type="boolean", value=float(value), string_value=str(value).lower())
        elif isinstance(value, int | float):
            score.update(data_type="numeric", value=float(value))
        else:
            score.update(data_type="categorical", string_value=str(value))
        if comment is not None:
            score["comment"] = str(comment)
        if span_id is not None:
            score["span_id"] = str(span_id)
        self.tracer.delta(self._call.root(), {"score": score})

    def flush(self, timeout: float = 0.5) -> bool:
        """Wait until all that was recorded so far has left, at most ``timeout`` seconds.

        It blocks: not for the event loop of a call.
        """
        return self.tracer.flush(timeout)

    def detach(self) -> None:
        """Stop following the session, unsubscribe from all its events, and end what is open.

        The call goes on undisturbed. A second time does nothing.
        """
        if not self._attached:
            return
        self._attached = False
        _handles.get(self._call.session, weakref.WeakSet()).discard(self)
        self._listener.unsubscribe()
        self._listener.end(
            {"close_reason": "detached"}, unfinished="span_end_synthesized_on_detach", at=time.time()
        )
        self.tracer.close()

    def __enter__(self) -> SessionHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()


def attach_session(
    session: Any,
    *,
    include_vad: bool = True,
    capture_prompts: str | None = None,
    release: str | None = None,
    environment: str | None = None,
    **options: Unpack[TracerOptions],
) -> SessionHandle:
    """Show a LiveKit voice call while it happens. Before or after ``session.start()``.

    Works with livekit-agents from 1.2 on. Nothing here raises into, blocks or delays the call. Attaching
    again with the same destination returns the handle that is there.

    Args:
        session: the ``AgentSession``.
        include_vad: tell the stretches of the user's speech as spans of their own.
        capture_prompts: what is told of the agents' instructions: ``full``, ``digest`` (the first 1,024
            characters, length and hash) or ``off``; by default ``ETAOI_CAPTURE_PROMPTS``, else ``full``.
        release: your version, for comparing calls; by default ``ETAOI_RELEASE``.
        environment: such as ``staging``; by default ``ETAOI_ENVIRONMENT``.
        options: where to and whose call it is; see `etaoi_tui.open_tracer`.

    Raises:
        TypeError: ``session`` is no AgentSession.
        ValueError: ``capture_prompts`` or ``sink`` is none of the known words.
    """
    if not callable(getattr(session, "on", None)) or not hasattr(session, "agent_state"):
        raise TypeError(
            f"attach_session() takes a livekit.agents.AgentSession, not {type(session).__name__}; "
            "for LangChain and LangGraph use etaoi_tui.attach()."
        )
    prompts = capture_prompts or os.environ.get("ETAOI_CAPTURE_PROMPTS") or "full"
    if prompts not in PROMPT_MODES:
        raise ValueError(f"capture_prompts is one of {', '.join(PROMPT_MODES)}, not {prompts!r:.40}")
    tracer = open_tracer(**options)
    handles = _handles.setdefault(session, weakref.WeakSet())
    for handle in list(handles):
        if tracer.enabled and handle.tracer.pipeline is tracer.pipeline:
            tracer.close(0)
            return handle
    call_options = Options(
        prompts=prompts,
        userdata=os.environ.get("ETAOI_CAPTURE_USERDATA", "1").strip().lower() not in _FALSE,
        include_vad=include_vad,
        release=release or os.environ.get("ETAOI_RELEASE"),
        environment=environment or os.environ.get("ETAOI_ENVIRONMENT"),
    )
    handle = SessionHandle(session, tracer, call_options)
    if tracer.enabled:
        handles.add(handle)
    return handle

"""`attach`: one line in the agent's program.

Importing this module imports no LangChain; the call does, and only when something is to be recorded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Unpack
from uuid import UUID

from etaoi_collector.wire.errors import EtaoiError
from etaoi_tui.sdk.config import is_disabled, open_tracer, resolve_agent_id
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.tracer import Tracer, process_session, push_default, remove_default

if TYPE_CHECKING:
    from langchain_core.callbacks import BaseCallbackHandler

    from etaoi_tui.sdk.langchain.handler import TracerHandler
    from etaoi_tui.sdk.options import TracerOptions

_CLOSE_SECONDS = 0.5


class MissingLangChainError(EtaoiError, ImportError):
    """langchain-core is not installed where `attach` was called."""


def attach(
    agent: Any = None, *, agent_id: str | None = None, **options: Unpack[TracerOptions]
) -> AttachedHandle:
    """Show an agent's runs in the viewer, from now on and until `AttachedHandle.detach`.

    What can be attached, and how it is made to report (always in place, so go on using the object you
    have):

    - graphs: ``create_agent``, deepagents, ``StateGraph.compile()``: the handler goes into the graph's
      config;
    - chat models, completion models and tools: into their ``callbacks`` field;
    - every other Runnable (sequences, lambdas, parallels, bindings from ``with_config`` or ``bind``,
      retrievers, prompts, parsers): LangChain gives these no place for a callback, so the object gets a
      subclass of its own class that adds the handler to each call;
    - nothing: every LangChain run in this process, in whatever thread, task or context.

    Attached twice, or by itself and with everything, an agent still sends each event once per destination.

    Args:
        agent: what to watch; None for all.
        agent_id: the agent's stable identity, shown with its snapshot.
        options: where to and whose run it is: ``server_url``, ``host``, ``public_key``, ``secret_key``,
            ``project_token``, ``sink``, ``user_id``, ``session_id``, ``insecure_tls``, ``redact``,
            ``limits``, ``flush_on_sigterm``; see `etaoi_tui.open_tracer`. Runs whose metadata names
            a ``session_id``, ``thread_id`` or ``conversation_id`` are of that session instead of the given
            one; without any, all runs of this process are one session.

    Returns:
        A handle; also a context manager that detaches.

    Raises:
        TypeError: ``agent`` is nothing that LangChain runs, or cannot be made to report.
        ValueError: ``sink`` is text that names none.
        MissingLangChainError: langchain-core is not installed.
    """
    if is_disabled():
        return AttachedHandle(None, None)
    make_handler = _load()
    named = options.get("session_id") is not None
    if not named:
        options["session_id"] = process_session(options.get("user_id")).session_id
    tracer = open_tracer(**options)
    try:
        handler, release = make_handler(tracer, agent, resolve_agent_id(agent_id), named)
    except BaseException:
        tracer.close(0)
        raise
    push_default(tracer)
    return AttachedHandle(tracer, handler, release)


def _load() -> Callable[[Tracer, Any, str | None, bool], tuple[TracerHandler, Callable[[], None]]]:
    try:
        import langchain_core  # noqa: F401
    except ImportError:
        raise MissingLangChainError(
            "etaoi_tui.attach() needs langchain-core; install it with: pip install 'etaoi-tui-sdk[langchain]'"
        ) from None
    from etaoi_tui.sdk.langchain.install import install_handler

    return install_handler


class AttachedHandle:
    """What `attach` returns: the handler, the session, and the way back."""

    def __init__(
        self,
        tracer: Tracer | None,
        handler: TracerHandler | None,
        release: Callable[[], None] | None = None,
    ) -> None:
        self._tracer = tracer
        self._handler = handler
        self._release = release
        self._lock = threading.Lock()
        self._detached = False

    @property
    def handler(self) -> BaseCallbackHandler:
        """The callback handler, for ``config={"callbacks": [handle.handler]}``.

        Raises:
            MissingLangChainError: everything is disabled and langchain-core is not installed either.
        """
        if self._handler is not None:
            return self._handler
        try:
            from etaoi_tui.sdk.langchain.callback_handler import SilentHandler
        except ImportError:
            raise MissingLangChainError(
                "a callback handler needs langchain-core, which is not installed"
            ) from None
        return SilentHandler()

    @property
    def tracer(self) -> Tracer | None:
        """The tracer behind it; None when everything is disabled."""
        return self._tracer

    @property
    def session_id(self) -> UUID | None:
        """The session that its spans belong to; None when everything is disabled."""
        return self._tracer.session.session_id if self._tracer is not None else None

    @property
    def user_id(self) -> str | None:
        """The user that was named."""
        return self._tracer.session.user_id if self._tracer is not None else None

    @property
    def stats(self) -> Stats:
        """What was sent, cut and dropped so far."""
        return self._tracer.stats if self._tracer is not None else Stats()

    @property
    def sink(self) -> Any:
        """The sink object, such as the `InMemorySink` of ``sink="memory"``."""
        return self._tracer.sink if self._tracer is not None else None

    def flush(self, timeout: float = _CLOSE_SECONDS) -> bool:
        """Wait until all that was recorded so far has left; whether it has."""
        return self._tracer.flush(timeout) if self._tracer is not None else True

    def detach(self) -> None:
        """Stop recording. Runs under way are followed to their end, new ones are not begun.

        Waits at most half a second for what still has to leave; without a viewer, not at all.
        """
        with self._lock:
            if self._detached:
                return
            self._detached = True
        tracer, handler = self._tracer, self._handler
        if tracer is None or handler is None:
            return
        if self._release is not None:
            self._release()
        remove_default(tracer)
        if handler.stop(lambda: _close_elsewhere(tracer)):
            tracer.close(_CLOSE_SECONDS)
        else:
            tracer.flush(_CLOSE_SECONDS)

    def __enter__(self) -> AttachedHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()


def _close_elsewhere(tracer: Tracer) -> None:
    """Close from a thread of its own: this is called where the agent's last run ends."""
    threading.Thread(target=tracer.close, args=(_CLOSE_SECONDS,), name="etaoi-tui-close", daemon=True).start()

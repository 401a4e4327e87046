"""Watch LLM agents think, live, in a second terminal.

In an agent::

    import etaoi_tui

    handle = etaoi_tui.attach(agent)

In another terminal: ``etaoi-tui``. Everything below is loaded when it is first used; importing this package
costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing would be most of what importing this package costs
if TYPE_CHECKING:
    from typing import Any

    from etaoi_tui.sdk.attach import AttachedHandle, attach
    from etaoi_tui.sdk.config import open_tracer
    from etaoi_tui.sdk.langchain.callback_handler import AgentVizHandler, EtaoiHandler
    from etaoi_tui.sdk.langchain.middleware import instrument
    from etaoi_tui.sdk.limits import Limits
    from etaoi_tui.sdk.loomcycle.history import import_transcript, watch_user
    from etaoi_tui.sdk.manual_spans import event, span
    from etaoi_tui.sdk.process_end import install_sigterm_flush
    from etaoi_tui.sdk.redact import Redact
    from etaoi_tui.sdk.tracer import Tracer, current_span, use_span
    from etaoi_tui.sdk.transport.local import InMemorySink

_HOMES = {
    "__version__": "etaoi_collector",
    "AgentVizHandler": "etaoi_tui.sdk.langchain.callback_handler",
    "AttachedHandle": "etaoi_tui.sdk.attach",
    "EtaoiHandler": "etaoi_tui.sdk.langchain.callback_handler",
    "InMemorySink": "etaoi_tui.sdk.transport.local",
    "Limits": "etaoi_tui.sdk.limits",
    "Redact": "etaoi_tui.sdk.redact",
    "Tracer": "etaoi_tui.sdk.tracer",
    "attach": "etaoi_tui.sdk.attach",
    "attach_session": "etaoi_tui.sdk.livekit.attach",
    "current_span": "etaoi_tui.sdk.tracer",
    "event": "etaoi_tui.sdk.manual_spans",
    "import_transcript": "etaoi_tui.sdk.loomcycle.history",
    "install_sigterm_flush": "etaoi_tui.sdk.process_end",
    "instrument": "etaoi_tui.sdk.langchain.middleware",
    "open_tracer": "etaoi_tui.sdk.config",
    "span": "etaoi_tui.sdk.manual_spans",
    "use_span": "etaoi_tui.sdk.tracer",
    "watch": "etaoi_tui.sdk.watch",
    "watch_user": "etaoi_tui.sdk.loomcycle.history",
}
"""Public names and the modules that they are loaded from."""

__all__ = [
    "AgentVizHandler",
    "AttachedHandle",
    "EtaoiHandler",
    "InMemorySink",
    "Limits",
    "Redact",
    "Tracer",
    "__version__",
    "attach",
    "attach_session",
    "current_span",
    "event",
    "import_transcript",
    "install_sigterm_flush",
    "instrument",
    "open_tracer",
    "span",
    "use_span",
    "watch",
    "watch_user",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""The handler that people construct themselves, for ``config={"callbacks": [EtaoiHandler()]}``."""

from __future__ import annotations

import weakref
from typing import Any, Unpack

from langchain_core.callbacks import BaseCallbackHandler

from etaoi_tui.sdk.config import is_disabled, open_tracer
from etaoi_tui.sdk.langchain.global_hook import follow_inside, forget
from etaoi_tui.sdk.langchain.handler import TracerHandler
from etaoi_tui.sdk.options import TracerOptions
from etaoi_tui.sdk.tracer import process_session, push_default, remove_default


class SilentHandler(BaseCallbackHandler):
    """Records nothing: what there is instead of a handler when everything is disabled."""

    run_inline = True
    ignore_llm = True
    ignore_retry = True
    ignore_chain = True
    ignore_agent = True
    ignore_retriever = True
    ignore_chat_model = True
    ignore_custom_event = True


class EtaoiHandler(TracerHandler):
    """A callback handler with a destination of its own; options as for `etaoi_tui.open_tracer`.

    With ``ETAOI_DISABLED`` set, constructing one gives a `SilentHandler`.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Return a `SilentHandler` instead when everything is disabled."""
        return SilentHandler() if is_disabled() else super().__new__(cls)

    def __init__(self, **options: Unpack[TracerOptions]) -> None:
        if options.get("session_id") is None:
            options["session_id"] = process_session(options.get("user_id")).session_id
        tracer = open_tracer(**options)
        super().__init__(tracer)
        if not tracer.enabled:
            self.stop()
            return
        push_default(tracer)
        follow_inside(self)
        # Programs make one for each request and never close it: the connection stays for the next one.
        weakref.finalize(self, remove_default, tracer).atexit = False

    def close(self) -> None:
        """Record no further runs and let the connection go, waiting at most half a second."""
        forget(self)
        remove_default(self.tracer)
        self.stop()
        self.tracer.close()


AgentVizHandler = EtaoiHandler
"""The name it had in older versions of the `etaoi` SDK."""

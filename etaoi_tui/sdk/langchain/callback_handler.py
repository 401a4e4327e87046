"""The handler that people construct themselves, for ``config={"callbacks": [EtaoiHandler()]}``."""

from __future__ import annotations

import weakref
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from etaoi_tui.sdk.config import is_disabled, open_tracer
from etaoi_tui.sdk.langchain.global_hook import follow_inside, forget
from etaoi_tui.sdk.langchain.handler import TracerHandler
from etaoi_tui.sdk.redact import RedactOption
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
    """A callback handler with a destination of its own; parameters as for `etaoi_tui.attach`.

    With ``ETAOI_DISABLED`` set, constructing one gives a `SilentHandler`.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Return a `SilentHandler` instead when everything is disabled."""
        return SilentHandler() if is_disabled() else super().__new__(cls)

    def __init__(
        self,
        *,
        sink: Any = None,
        session_id: str | UUID | None = None,
        user_id: str | None = None,
        server_url: str | None = None,
        host: str | None = None,
        public_key: str | None = None,
        secret_key: str | None = None,
        project_token: str | None = None,
        insecure_tls: bool | None = None,
        redact: RedactOption = None,
    ) -> None:
        tracer = open_tracer(
            server_url=server_url,
            host=host,
            public_key=public_key,
            secret_key=secret_key,
            project_token=project_token,
            sink=sink,
            user_id=user_id,
            session_id=session_id if session_id is not None else process_session(user_id).session_id,
            insecure_tls=insecure_tls,
            redact=redact,
        )
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

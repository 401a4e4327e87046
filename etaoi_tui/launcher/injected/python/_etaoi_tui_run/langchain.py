"""Watches every LangChain run of the process: with our SDK where it is installed, else with an own handler.

LangChain asks registered hooks for a handler whenever it sets up a run, and uses no more of what it takes for
a context variable than its ``get``. One object thus answers in all threads and contexts alike, and nothing is
made or imported before the first run. No other package is put on the program's path for this: a program
that looks whether `websockets` or `msgspec` is there must not find ours.
"""

from __future__ import annotations

import os
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


LONGEST_WAIT = 2.0
"""Seconds that a thread's first run waits while another thread's is made ready."""


class Hook:
    """Answers ``get`` like a context variable."""

    name = "etaoi_tui_run"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._maker = 0
        self._is_created = False
        self._handler: Any = None
        self._sender: Any = None

    def get(self) -> Any:
        """Return the handler for a run that is being set up, or None."""
        if not self._is_created:
            self._make()
        handler = self._handler
        return None if handler is None or self._sender.is_absent() else handler

    def _make(self) -> None:
        this = threading.get_ident()
        if self._maker == this or not self._lock.acquire(timeout=LONGEST_WAIT):
            return  # what is run to make it is not shown
        self._maker = this
        try:
            if self._is_created or _is_disabled():
                return
            if not _attach_sdk():
                from . import langchain_handler, sender

                self._sender = sender.sender()
                self._handler = langchain_handler.make(self._sender)
        except Exception:  # then nothing is shown of this process's runs
            self._handler = None
        finally:
            self._is_created = True
            self._maker = 0
            self._lock.release()


def register(module: Any) -> None:
    """Watch all runs from now on.

    Args:
        module: ``langchain_core.tracers.context``.
    """
    module.register_configure_hook(Hook(), True)


def is_watched() -> bool:
    """Whether LangChain's runs are shown by us, so that other tracers' copies of them are not needed."""
    return "langchain_core.tracers.context" in sys.modules and not _is_disabled()


def _is_disabled() -> bool:
    return any(
        os.environ.get(name, "").strip().lower() in ("1", "true", "yes")
        for name in ("ETAOI_DISABLED", "AGENTVIZ_DISABLED")
    )


def _attach_sdk() -> bool:
    """Attach our SDK, if it is installed here: it shows more, such as what each middleware changed."""
    try:
        import etaoi_tui

        attach = etaoi_tui.attach
    except Exception:  # not installed, or not for this Python
        return False
    url = os.environ["ETAOI_TUI_RUN"].replace("http", "ws", 1).rstrip("/") + "/ingest"
    attach(server_url=url, project_token=os.environ.get("ETAOI_TUI_RUN_TOKEN") or None)
    return True

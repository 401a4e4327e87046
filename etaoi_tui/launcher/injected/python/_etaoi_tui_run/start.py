"""Runs at the start of every Python program below ``etaoi-tui run``, so it loads next to nothing."""

from __future__ import annotations

import os
import sys

ENDPOINT = "ETAOI_TUI_RUN"
"""Environment variable: URL of the viewer, ``http://127.0.0.1:8787``; without it nothing is done."""
TOKEN = "ETAOI_TUI_RUN_TOKEN"
VARIABLES = "ETAOI_TUI_RUN_VARIABLES"
"""Environment variable: names of those that were set for programs that cannot be reached like this."""


def begin(folder: str) -> None:
    """Wait for LangChain and OpenTelemetry to be imported.

    Args:
        folder: Where this package was found; it is taken off the path.
    """
    if not os.environ.get(ENDPOINT) or sys.version_info < (3, 8):
        return
    while folder in sys.path:
        sys.path.remove(folder)
    # The variables would make clients here send everything twice, past a user's own account.
    for name in os.environ.get(VARIABLES, "").split():
        os.environ.pop(name, None)
    from . import import_hooks

    import_hooks.install(
        {
            "langchain_core.tracers.context": _langchain,
            "opentelemetry.sdk.trace": _opentelemetry,
            "opentelemetry.instrumentation.auto_instrumentation": lambda module: _auto(module, folder),
            "multiprocessing.util": _multiprocessing,
        }
    )


def _langchain(module: object) -> None:
    from . import langchain

    langchain.register(module)


def _opentelemetry(module: object) -> None:
    from . import otel

    otel.watch_providers(module)


def _auto(module: object, folder: str) -> None:
    from . import import_hooks

    import_hooks.stay_first(module, folder)


def _multiprocessing(module: object) -> None:
    sender = sys.modules.get("_etaoi_tui_run.sender")
    if sender is not None:
        sender.follow_children(module)

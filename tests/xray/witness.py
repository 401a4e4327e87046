"""What really happened at each hook, written down by the test, under any SDK or none. LangChain only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.xray.models import PASSED, Plain, plain_message, plain_tools

_WRAPS = ("wrap_model_call", "awrap_model_call")


def plain_request(request: Any) -> Plain:
    """Return a ``ModelRequest`` as it is now."""
    system = request.system_message
    return {
        "model": getattr(request.model, "model_name", None) or getattr(request.model, "model", None),
        "messages": [plain_message(m) for m in request.messages],
        "system": plain_message(system) if system is not None else None,
        "tools": plain_tools(request.tools),
        "settings": dict(request.model_settings),
        "choice": request.tool_choice,
        "temperature": getattr(request.model, "temperature", None),
    }


def witnessed(middleware: list[Any]) -> list[Any]:
    """Make each wrap hook tell what it was given and what it passed on, before an SDK wraps it again.

    Inside its handler `tests.xray.models.PASSED` has an entry for each hook:
    ``{hook, attempt, given, passed}``.
    """
    for item in middleware:
        for hook in _WRAPS:
            owner = next((base for base in type(item).__mro__ if hook in vars(base)), None)
            if owner is not None and owner.__name__ != "AgentMiddleware":
                setattr(item, hook, _watch(getattr(item, hook), f"{type(item).__name__}.{hook}", hook))
    return middleware


def _watch(original: Any, label: str, hook: str) -> Any:
    def begin(request: Any) -> Any:
        received, attempt = plain_request(request), [0]

        @contextmanager
        def passing(sent: Any) -> Iterator[None]:
            attempt[0] += 1
            entry = {"hook": label, "attempt": attempt[0], "given": received, "passed": plain_request(sent)}
            token = PASSED.set((*PASSED.get(), entry))
            try:
                yield
            finally:
                PASSED.reset(token)

        return passing

    if hook == "wrap_model_call":

        def wrapped(request: Any, handler: Any) -> Any:
            passing = begin(request)

            def inner(sent: Any) -> Any:
                with passing(sent):
                    return handler(sent)

            return original(request, inner)

        return wrapped

    async def awrapped(request: Any, handler: Any) -> Any:
        passing = begin(request)

        async def inner(sent: Any) -> Any:
            with passing(sent):
                return await handler(sent)

        return await original(request, inner)

    return awrapped

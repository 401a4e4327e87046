"""`watch`: one line for whatever system an agent is built on."""

from __future__ import annotations

import re
import sys
from typing import Any

from etaoi_tui.sdk.bridges.handle import BridgeHandle
from etaoi_tui.sdk.config import is_disabled, open_tracer, resolve_agent_id
from etaoi_tui.sdk.redact import REDACTED

SUPPORTED = (
    "a voxagent Agent, a loomcycle LoomcycleClient, a Hive EventBus, a LiveKit AgentSession, "
    "or anything that LangChain runs (a graph, a deep agent, a Runnable, a chat model, a tool)"
)


def watch(target: Any, **options: Any) -> Any:
    """Show what an object does in the viewer, from now on and until ``detach`` of the handle.

    Args:
        target: a ``voxagent.Agent``, a ``loomcycle.LoomcycleClient``, an EventBus of Hive, a LiveKit
            ``AgentSession``, or anything that `attach` takes.
        options: those of `attach` (``server_url``, ``sink``, ``session_id``, ``user_id``, ``redact`` ...). An
            EventBus takes ``history=False`` as well, to leave out what happened before.

    Returns:
        A handle with ``detach()``, ``flush()``, ``stats`` and ``sink``; also a context manager that detaches.

    Raises:
        TypeError: nothing here knows such an object; the message names what is supported.
        RuntimeError: it is watched already, with another destination.
        ValueError: ``sink`` is text that names none.
    """
    if _is_voxagent(target):
        from etaoi_tui.sdk.bridges.voxagent import secret_rules, watch_agent

        options["redact"] = _with_rules(options.get("redact"), secret_rules(target))
        agent_id = resolve_agent_id(options.pop("agent_id", None))
        return _bridge(target, options, lambda tracer: watch_agent(target, tracer, agent_id))
    if _is_loomcycle(target):
        from etaoi_tui.sdk.bridges.loomcycle import watch_client

        return _bridge(target, options, lambda tracer: watch_client(target, tracer))
    if _is_livekit(target):
        from etaoi_tui.sdk.livekit.attach import attach_session

        return attach_session(target, **options)
    if is_event_bus(target):
        from etaoi_tui.sdk.bridges.eventbus import watch_bus

        history, one_session = options.pop("history", True), options.get("session_id") is not None
        return _bridge(
            target,
            options,
            lambda tracer: watch_bus(target, tracer, history=history, one_session=one_session),
        )
    if target is not None and "langchain_core" in sys.modules:
        from etaoi_tui.sdk.attach import attach

        try:
            return attach(target, **options)
        except TypeError as error:
            if _is_runnable(target):
                raise
            raise _unknown(target) from error
    raise _unknown(target)


def _bridge(target: Any, options: dict[str, Any], start: Any) -> BridgeHandle:
    options.pop("agent_id", None)
    if is_disabled():
        return BridgeHandle(target, None)
    tracer = open_tracer(**options)
    try:
        handle: BridgeHandle = start(tracer)
    except BaseException:
        tracer.close(0)
        raise
    return handle


def _with_rules(redact: Any, rules: list[Any]) -> Any:
    """Add rules of the watched system to what a user gave as ``redact``."""
    if not rules or redact is False:
        return redact
    if redact is None or redact is True:
        return rules
    if callable(redact):
        return lambda text: redact(_masked(text, rules))
    given = [redact] if isinstance(redact, (str, re.Pattern)) else list(redact)
    return [*given, *rules]


def _masked(text: str, rules: list[Any]) -> str:
    for rule in rules:
        text = rule.sub(REDACTED, text)
    return text


def _unknown(target: Any) -> TypeError:
    kind = type(target)
    return TypeError(
        f"watch() cannot watch {'None' if target is None else f'a {kind.__module__}.{kind.__qualname__}'}. "
        f"It takes {SUPPORTED}."
    )


def _is_voxagent(target: Any) -> bool:
    return _is_a(target, "voxagent.agent.core", "Agent")


def _is_loomcycle(target: Any) -> bool:
    return _is_a(target, "loomcycle.client", "LoomcycleClient")


def _is_livekit(target: Any) -> bool:
    return _is_a(target, "livekit.agents", "AgentSession")


def _is_runnable(target: Any) -> bool:
    return _is_a(target, "langchain_core.runnables", "Runnable")


def _is_a(target: Any, module: str, name: str) -> bool:
    """Whether a target is of a class, or has its methods: nothing is imported for the question."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(target, kind)


def is_event_bus(target: Any) -> bool:
    """Whether a target quacks like Hive's EventBus."""
    return not isinstance(target, type) and all(
        callable(getattr(target, name, None)) for name in ("publish", "subscribe", "get_history")
    )

"""Watching voxagent agents (0.1.0 to 0.2.x): runs, model calls, tools, MCP tools and nested sub-agents.

An agent's ``run`` and ``run_stream``, its tools' ``run``, its toolsets' ``direct_call_tool`` and the same of
every agent among its tools are wrapped on the objects themselves. They are looked through again when a run
starts, since tools may be added at any time. Nesting is known by context variables: voxagent carries none.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import weakref
from collections.abc import Callable, Coroutine
from time import time_ns
from typing import Any, NamedTuple

from etaoi_tui.sdk.bridge_support.async_stream import relay
from etaoi_tui.sdk.bridge_support.handle import BridgeHandle, Watch
from etaoi_tui.sdk.bridge_support.method_hooks import Hook, find_hook, guarded, install_hook
from etaoi_tui.sdk.bridge_support.shared import enclosing_span
from etaoi_tui.sdk.tracer import Span, Tracer, current_span, enter_span, leave_span
from etaoi_tui.sdk.voxagent.code import CODE_TOOL, CodeTools
from etaoi_tui.sdk.voxagent.models import WatchedProviders
from etaoi_tui.sdk.voxagent.run import AgentRun, current_run
from etaoi_tui.sdk.voxagent.snapshot import AgentCard, server_name


def is_agent(target: Any) -> bool:
    """Whether a target is a ``voxagent.Agent``; voxagent is not imported for the question."""
    core = sys.modules.get("voxagent.agent.core")
    return core is not None and isinstance(target, core.Agent)


def secret_rules(agent: Any) -> list[re.Pattern[str]]:
    """Return rules for what an agent, or one below it, was told to keep secret: by value, or by pattern."""
    rules: list[re.Pattern[str]] = []
    pending, met = [agent], {id(agent)}
    while pending:
        agent = pending.pop()
        for value in (agent.secrets_to_redact or {}).values():
            if value:
                rules.append(re.compile(re.escape(str(value))))
        for pattern in agent.secret_patterns or ():
            with contextlib.suppress(re.error):
                rules.append(re.compile(pattern))
        for tool in agent.tools:
            sub = getattr(tool, "agent", None)
            if is_agent(sub) and id(sub) not in met:
                met.add(id(sub))
                pending.append(sub)
    return rules


def watch_agent(agent: Any, tracer: Tracer, agent_id: str | None = None) -> BridgeHandle:
    """Watch an agent and every agent below it.

    Args:
        agent: a ``voxagent.Agent``.
        tracer: where to record; the handle closes it.
        agent_id: the agent's stable identity, shown with its snapshot.

    Raises:
        RuntimeError: the agent is watched already, with another destination.
    """
    hook = find_hook(agent, "run")
    if hook is not None and any(owner.tracer.pipeline is not tracer.pipeline for owner in hook.owners):
        raise RuntimeError(
            "This voxagent Agent is already watched with another destination. Detach that handle first."
        )
    watch = AgentWatch(tracer, agent_id)
    watch.start(agent)
    return BridgeHandle(agent, watch)


class AgentWatch(Watch):
    """All hooks that one `watch_agent` has put."""

    def __init__(self, tracer: Tracer, agent_id: str | None = None) -> None:
        super().__init__(tracer)
        self._agent_id = agent_id
        self._hooks: dict[int, Hook] = {}
        self._root: Any = None
        self._is_stopped = False
        self._code = CodeTools()
        self._cards: weakref.WeakKeyDictionary[Any, AgentCard] = weakref.WeakKeyDictionary()

    def start(self, agent: Any) -> None:
        """Put the hooks, and tell what the agent is."""
        _providers.add_owner(self)
        self.look_through(agent)
        self._root = agent
        self.card(agent)

    @guarded
    def stop(self) -> None:
        """Take every hook off."""
        self._is_stopped = True
        hooks, self._hooks = self._hooks, {}
        for hook in hooks.values():
            hook.let_go(self)
        self._code.release()
        _providers.remove_owner(self)

    @guarded
    def look_through(self, agent: Any) -> None:
        """Put hooks on an agent and on what is reachable from it now; what has hooks already keeps them."""
        pending, met = [agent], {id(agent)}
        while pending:
            agent = pending.pop()
            self._hook(agent, "run", _watched_run)
            self._hook(agent, "run_stream", _watched_stream)
            _providers.watch(str(agent.model_string))
            for server in agent.toolsets:
                self._hook(server, "direct_call_tool", _watched_mcp_tool)
            for tool in agent.tools:
                self._hook(tool, "run", _watched_tool)
                if getattr(tool, "name", "") == CODE_TOOL:
                    self._code.wrap(tool)
                sub = getattr(tool, "agent", None)
                if is_agent(sub) and id(sub) not in met:  # agents may be shared, or know each other in a ring
                    met.add(id(sub))
                    pending.append(sub)

    def _hook(self, target: Any, name: str, watched: Callable[[Any], Callable[[Hook], Any]]) -> None:
        hook = find_hook(target, name)
        if hook is not None and self in hook.owners:
            return
        hook = install_hook(target, name, self, watched(target))
        if hook is not None:
            self._hooks[id(hook)] = hook

    @guarded
    def card(self, agent: Any) -> dict[str, str]:
        """Tell the agent's snapshot if it changed; returns metadata that links to it."""
        agent_id = self._agent_id if agent is self._root else None
        return self._cards.setdefault(agent, AgentCard()).tell(self.tracer, agent, agent_id)

    @guarded
    def open_run(
        self, agent: Any, parent: Span | None, called_ns: int, request: dict[str, Any]
    ) -> AgentRun | None:
        """Start the span of a run; None for one that was called before a detach and is awaited after it."""
        if self._is_stopped:
            return None
        self.look_through(agent)
        run = AgentRun(self.tracer, agent, parent, called_ns, request, self.card(agent) or {}, self.ended)
        self.began()
        return run


_providers = WatchedProviders(current_run)


def _owner(hook: Hook) -> AgentWatch | None:
    """Return who records a call: the watch that records the run round it, else the first one."""
    run = current_run()
    if run is not None:
        for owner in hook.owners:
            if owner.tracer is run.tracer:
                return owner  # type: ignore[no-any-return]
    return hook.owners[0] if hook.owners else None


class _CallSite(NamedTuple):
    """Where and when a run was called."""

    watch: AgentWatch
    parent: Span | None
    called_ns: int

    def open_run(self, agent: Any, request: dict[str, Any]) -> AgentRun | None:
        """Start the run's span now, as of the call."""
        return self.watch.open_run(agent, self.parent, self.called_ns, request)


@guarded
def _call_site(hook: Hook) -> _CallSite | None:
    watch = _owner(hook)
    return None if watch is None else _CallSite(watch, enclosing_span(watch.tracer), time_ns())


def _request(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    return {"prompt": args[0], **kwargs} if args else kwargs


def _watched_run(agent: Any) -> Callable[[Hook], Callable[..., Any]]:
    def make(hook: Hook) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
            # Not async: run_sync makes the coroutine in one thread and awaits it in another.
            call_site = _call_site(hook)
            inner = hook.inner(*args, **kwargs)
            if call_site is None:
                return inner  # type: ignore[no-any-return]
            return observe(inner, call_site, _request(args, kwargs))

        async def observe(inner: Any, call_site: _CallSite, request: dict[str, Any]) -> Any:
            run = call_site.open_run(agent, request)
            if run is None:
                return await inner
            token = run.enter()
            try:
                result = await inner
            except BaseException as error:
                run.failed(error)
                raise
            finally:
                run.leave(token)
            run.returned(result)
            return result

        return run

    return make


def _watched_stream(agent: Any) -> Callable[[Hook], Callable[..., Any]]:
    def make(hook: Hook) -> Callable[..., Any]:
        def run_stream(*args: Any, **kwargs: Any) -> Any:
            call_site = _call_site(hook)
            inner = hook.inner(*args, **kwargs)
            if call_site is None:
                return inner
            request = _request(args, kwargs)
            return relay(inner, lambda: call_site.open_run(agent, request))

        return run_stream

    return make


def _watched_tool(tool: Any) -> Callable[[Hook], Callable[..., Any]]:
    def make(hook: Hook) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            inner = hook.inner(*args, **kwargs)
            agent_run = current_run() if hook.owners else None
            if agent_run is None:
                return inner
            context = kwargs.get("context", args[1] if len(args) > 1 else None)
            params = kwargs.get("params", args[0] if args else None)
            if current_span() is agent_run.root:
                agent_run.heard_run_id(getattr(context, "run_id", None))
            return _observe_tool(agent_run, inner, str(getattr(tool, "name", "tool")), params)

        return run

    return make


def _watched_mcp_tool(server: Any) -> Callable[[Hook], Callable[..., Any]]:
    def make(hook: Hook) -> Callable[..., Any]:
        def direct_call_tool(*args: Any, **kwargs: Any) -> Any:
            inner = hook.inner(*args, **kwargs)
            agent_run = current_run() if hook.owners else None
            if agent_run is None:
                return inner
            name = kwargs.get("name", args[0] if args else "")
            params = kwargs.get("args", args[1] if len(args) > 1 else None)
            return _observe_tool(
                agent_run, inner, model_tool_name(server, str(name)), params, render=mcp_text
            )

        return direct_call_tool

    return make


def model_tool_name(server: Any, name: str) -> str:
    """Return the name under which the model knows a tool of an MCP server."""
    prefix = server_name(server)
    clean = str(importlib.import_module("voxagent.mcp.tool").sanitize_tool_name(name))
    return f"{prefix}_{clean}" if prefix else clean


def mcp_text(result: Any) -> Any:
    """Return the text that voxagent makes of an MCP server's result for the model."""
    content = getattr(result, "content", None)
    if not content:
        return str(result)
    texts = []
    for item in content:
        if hasattr(item, "text"):
            texts.append(item.text)
        elif isinstance(item, dict) and "text" in item:
            texts.append(item["text"])
        else:
            texts.append(str(item))
    return "\n".join(texts)


async def _observe_tool(
    run: AgentRun, inner: Any, name: str, params: Any, *, render: Callable[[Any], Any] | None = None
) -> Any:
    span = run.tool_started(name, params)
    if span is None:
        return await inner
    here = enter_span(span)
    try:
        output = await inner
    except BaseException as error:
        run.tool_failed(span, error)
        raise
    finally:
        leave_span(here)
    run.tool_ended(span, output, render)
    return output

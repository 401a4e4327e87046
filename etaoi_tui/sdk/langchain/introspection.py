"""What an agent consists of: its model, prompt, tools and middleware, found in the object that LangChain
built.

``create_agent`` and deepagents compile to a graph and keep nothing of what they were given but closures of
its nodes. So this looks into functions, with bounds, for the objects themselves; their names in LangChain's
code do not matter, except that the prompt is found as the only system message there is.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

from langchain_core.language_models import BaseLanguageModel
from langchain_core.messages import SystemMessage
from langchain_core.runnables import RunnableBinding
from langchain_core.tools import BaseTool

_MOST_OBJECTS = 3000
_MOST_DEPTH = 12
_HOOKS = (
    "before_agent", "before_model", "wrap_model_call", "after_model", "after_agent", "wrap_tool_call",
)  # fmt: skip


class AgentParts:
    """The parts that were found; empty where nothing was."""

    __slots__ = ("middleware", "model", "prompt", "tools")

    def __init__(self) -> None:
        self.model: Any = None
        self.prompt: Any = None
        self.tools: list[Any] = []
        self.middleware: list[Any] = []


def inspect_agent(agent: Any) -> AgentParts:
    """Find the parts of an agent, a graph, a chain, a model or a tool. Runs none of the agent's code."""
    parts = AgentParts()
    while isinstance(agent, RunnableBinding):
        agent = agent.bound
    nodes = getattr(agent, "nodes", None)
    builder_nodes = getattr(getattr(agent, "builder", None), "nodes", None)
    if isinstance(nodes, dict):
        order = list(builder_nodes) if isinstance(builder_nodes, dict) else []
        names = [*order, *(name for name in nodes if name not in order)]
        roots = [getattr(nodes[name], "bound", nodes[name]) for name in names if name in nodes]
    else:
        roots = [agent]
    middleware: list[list[Any]] = []
    for root in roots:
        _look_at_node(root, parts, middleware)
    for sequence in sorted(middleware, key=len, reverse=True):
        _merge_order(parts.middleware, sequence)
    return parts


def hooks_of(middleware: Any) -> list[str]:
    """Return the hooks that a middleware implements; sync and async count as one."""
    return [hook for hook in _HOOKS if _implements(middleware, hook) or _implements(middleware, f"a{hook}")]


def is_middleware(thing: Any) -> bool:
    """Whether an object is a LangChain agent middleware; told by its class, without importing langchain."""
    return any(base.__name__ == "AgentMiddleware" for base in type(thing).__mro__)


def model_beneath(model: Any) -> tuple[Any, dict[str, Any]]:
    """Return a model without its bindings, and what was bound."""
    bound: dict[str, Any] = {}
    while isinstance(model, RunnableBinding):
        bound = {**model.kwargs, **bound}
        model = model.bound
    return model, bound


def _implements(middleware: Any, hook: str) -> bool:
    for base in type(middleware).__mro__:
        if hook in vars(base):
            return base.__name__ not in ("AgentMiddleware", "object")
    return False


def _look_at_node(root: Any, parts: AgentParts, middleware: list[list[Any]]) -> None:
    visited: set[int] = set()
    own: list[Any] = []
    for thing in _reachable(root, visited):
        if isinstance(thing, BaseLanguageModel) or (
            isinstance(thing, RunnableBinding) and isinstance(model_beneath(thing)[0], BaseLanguageModel)
        ):
            if parts.model is None:
                parts.model = thing
        elif isinstance(thing, SystemMessage):
            if parts.prompt is None:
                parts.prompt = thing
        elif isinstance(thing, BaseTool) or _is_provider_tool(thing):
            if not any(thing is other for other in parts.tools):
                parts.tools.append(thing)
        elif is_middleware(thing) and not any(thing is other for other in own):
            own.append(thing)
    if own:
        middleware.append(own)


def _is_provider_tool(thing: Any) -> bool:
    return (
        isinstance(thing, dict)
        and isinstance(thing.get("type"), str)
        and ("name" in thing or "server_label" in thing)
    )


def _reachable(root: Any, visited: set[int]) -> Iterator[Any]:
    """Yield the objects that a node holds, nearest first and in the order they are called."""
    queue: list[tuple[Any, int]] = [(root, 0)]
    position = 0
    while position < len(queue) and position < _MOST_OBJECTS:
        thing, depth = queue[position]
        position += 1
        if id(thing) in visited:
            continue
        visited.add(id(thing))
        yield thing
        if depth < _MOST_DEPTH:
            queue[position:position] = [(part, depth + 1) for part in _parts(thing)]


def _parts(thing: Any) -> Iterable[Any]:
    """Return what an object leads to: a wrapper's function, a function's closure, a graph node's steps."""
    if isinstance(thing, (BaseLanguageModel, BaseTool, SystemMessage, str, bytes, type)):
        return
    if isinstance(thing, (list, tuple)):
        yield from thing[:200]
        return
    if is_middleware(thing):
        return
    if isinstance(thing, functools.partial):
        yield thing.func
        yield from thing.args
        return
    wrapped = getattr(thing, "__wrapped__", None)
    if wrapped is not None and callable(wrapped):
        yield wrapped
        return
    owner = getattr(thing, "__self__", None)
    if owner is not None and hasattr(thing, "__func__"):
        yield owner
        yield thing.__func__
        return
    code = getattr(thing, "__code__", None)
    if code is not None:
        yield from _of_function(thing, code)
        return
    tools = getattr(thing, "tools_by_name", None)
    if isinstance(tools, dict):
        yield from tools.values()
    fields = getattr(thing, "__dict__", None)
    if not isinstance(fields, dict):
        return
    for name in ("steps", "first", "middle", "last", "bound", "func", "afunc"):
        if (part := fields.get(name)) is not None:
            yield part


def _of_function(function: Any, code: Any) -> Iterator[Any]:
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=False))
    # Hook chains are closures over ``outer`` and ``inner``: the outer one runs first.
    for name in sorted(cells, key=lambda name: (name != "outer", name == "inner")):
        try:
            yield cells[name].cell_contents
        except ValueError:  # a name that is not bound yet
            continue
    for name in code.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, (BaseLanguageModel, RunnableBinding)):
            yield value


def _merge_order(order: list[Any], sequence: list[Any]) -> None:
    """Insert items into a list so that both orders hold where they agree."""
    position = 0
    for item in sequence:
        existing_index = next((index for index, other in enumerate(order) if other is item), None)
        if existing_index is None:
            order.insert(position, item)
            position += 1
        else:
            position = existing_index + 1

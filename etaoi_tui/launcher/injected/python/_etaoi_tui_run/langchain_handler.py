"""A callback handler without any dependency, which tells of runs in the words of LangSmith's clients.

The viewer reads those already. In the agent's thread a callback takes references and the time; what the
agent may change afterwards is copied shallowly. Ids are LangChain's own, so that a run which LangSmith's
client sends as well is one row.
"""

from __future__ import annotations

import json
import os
import traceback
from collections import OrderedDict
from datetime import datetime, timezone
from time import time

from . import masks, plain
from .sender import Channel, Sender, program_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REMEMBERED = 20_000
"""Runs whose trace is remembered for those below them."""

_CONTROL_FLOW = ("ParentCommand",)
"""Exceptions by which LangGraph goes elsewhere: the end of a step, and no failure."""


class RunEncoder:
    """Makes the bodies of requests, on the sender's thread.

    Args:
        sender: Counts what could not be sent.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._reported_drops = 0
        self._traces: OrderedDict[str, str] = OrderedDict()
        self._project = f"{program_name()} (pid {os.getpid()})"

    def encode(self, events: list[Any]) -> bytes | None:
        """Encode callbacks in their order."""
        post: list[dict[str, Any]] = []
        patch: list[dict[str, Any]] = []
        requests: dict[str, dict[str, Any]] = {}
        for event in events:
            kind, run_id, at = str(event[0]), str(event[1]), event[2]
            request = requests.get(run_id)
            if kind == "start":
                started = self._start(run_id, at, *event[3:])
                post.append(started)
                requests[run_id] = started
            elif kind == "token":
                if request is None:
                    request = requests[run_id] = {"id": run_id, "trace_id": self._traces.get(run_id, run_id)}
                    patch.append(request)
                _add_token(request, at, event[3])
            else:
                if request is None:
                    request = requests[run_id] = {"id": run_id, "trace_id": self._traces.get(run_id, run_id)}
                    patch.append(request)
                request["end_time"] = _iso(at)
                _add_end(request, kind, event[3])
        return json.dumps({"post": post, "patch": patch}, default=repr).encode("utf-8", "replace")

    def _start(
        self,
        run_id: str,
        at: float,
        parent: Any,
        run_type: str,
        name: str,
        inputs: Any,
        tags: Any,
        metadata: Any,
        parameters: Any,
    ) -> dict[str, Any]:
        parent_id = None if parent is None else str(parent)
        trace = self._traces.get(parent_id, parent_id) if parent_id else run_id
        self._traces[run_id] = trace
        if len(self._traces) > REMEMBERED:
            self._traces.popitem(last=False)
        noted = {str(key): plain.value(item) for key, item in (metadata or {}).items()}
        if self._sender.dropped > self._reported_drops:
            noted["etaoi_tui.dropped"] = self._sender.dropped - self._reported_drops
            self._reported_drops = self._sender.dropped
        extra: dict[str, Any] = {"metadata": noted}
        if parameters:
            extra["invocation_params"] = plain.value(parameters)
        return {
            "id": run_id,
            "trace_id": trace,
            "parent_run_id": parent_id,
            "run_type": run_type,
            "name": name,
            "start_time": _iso(at),
            "inputs": _map(inputs, "input"),
            "tags": list(tags or ()),
            "session_name": self._project,
            "extra": extra,
        }


def _add_token(run: dict[str, Any], at: float, token: Any) -> None:
    """Add a piece of the answer; pieces that come together are one."""
    events = run.setdefault("events", [])
    if events:
        events[-1]["kwargs"]["token"] += token
    else:
        events.append({"name": "new_token", "time": _iso(at), "kwargs": {"token": token}})


def _add_end(run: dict[str, Any], kind: str, result: Any) -> None:
    if kind == "error":
        if type(result).__name__ in _CONTROL_FLOW:
            return
        lines = traceback.format_exception(type(result), result, result.__traceback__)
        run["error"] = masks.text("{!r}\n\n{}".format(result, "".join(lines)[-20_000:]))
    else:
        run["outputs"] = _map(result, "output")


def _map(value: Any, key: str) -> Any:
    converted = plain.value(value)
    return converted if isinstance(converted, dict) and not plain.is_message(converted) else {key: converted}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat()


def _name(serialized: Any, kwargs: dict[str, Any], default: str) -> str:
    name = kwargs.get("name")
    if not name and serialized:
        path = serialized.get("id") or [default]
        name = serialized.get("name") or path[-1]
    return str(name or default)


def _shallow(value: Any) -> Any:
    """Copy what a program changes in place."""
    if type(value) is dict:
        return {key: list(item) if type(item) is list else item for key, item in value.items()}
    return list(value) if type(value) is list else value


def make(sender: Sender) -> Any:
    """Return a handler; LangChain is loaded when this is called."""
    from langchain_core.callbacks import BaseCallbackHandler

    channel = Channel("/runs/batch", RunEncoder(sender).encode)

    class RunHandler(BaseCallbackHandler):
        """Tells the sender; parameter names are LangChain's, which passes some by keyword."""

        run_inline = True
        raise_error = False

        def _start(
            self,
            run_id: Any,
            parent: Any,
            run_type: str,
            name: str,
            inputs: Any,
            tags: Any,
            metadata: Any,
            parameters: Any = None,
        ) -> None:
            if not sender.is_absent():
                event = ("start", run_id, time(), parent, run_type, name, inputs, tags, metadata, parameters)
                sender.put(channel, event)

        def _end(self, kind: str, run_id: Any, result: Any) -> None:
            if not sender.is_absent():
                sender.put(channel, (kind, run_id, time(), result))

        def on_chain_start(
            self, serialized: Any, inputs: Any, *, run_id: Any, parent_run_id: Any = None, tags: Any = None,
            metadata: Any = None, **kwargs: Any,
        ) -> None:  # fmt: skip
            name = _name(serialized, kwargs, "chain")
            run_type = kwargs.get("run_type") or "chain"
            self._start(run_id, parent_run_id, run_type, name, _shallow(inputs), tags, metadata)

        def on_chain_end(self, outputs: Any, *, run_id: Any, **kwargs: Any) -> None:
            self._end("end", run_id, _shallow(outputs))

        def on_chain_error(self, error: BaseException, *, run_id: Any, **kwargs: Any) -> None:
            self._end("error", run_id, error)

        def on_chat_model_start(
            self, serialized: Any, messages: Any, *, run_id: Any, parent_run_id: Any = None, tags: Any = None,
            metadata: Any = None, **kwargs: Any,
        ) -> None:  # fmt: skip
            self._start(
                run_id, parent_run_id, "llm", _name(serialized, kwargs, "model"),
                {"messages": [list(batch) for batch in messages]},
                tags, metadata, kwargs.get("invocation_params"),
            )  # fmt: skip

        def on_llm_start(
            self, serialized: Any, prompts: Any, *, run_id: Any, parent_run_id: Any = None, tags: Any = None,
            metadata: Any = None, **kwargs: Any,
        ) -> None:  # fmt: skip
            self._start(
                run_id, parent_run_id, "llm", _name(serialized, kwargs, "model"),
                {"prompts": list(prompts)}, tags, metadata, kwargs.get("invocation_params"),
            )  # fmt: skip

        def on_llm_new_token(self, token: Any, *, run_id: Any, **kwargs: Any) -> None:
            if type(token) is str and token:
                self._end("token", run_id, token)

        def on_stream_event(self, event: Any, *, run_id: Any, **kwargs: Any) -> None:
            delta = event.get("delta") or {} if event.get("event") == "content-block-delta" else {}
            if delta.get("type") == "text-delta" and delta.get("text"):
                self._end("token", run_id, delta["text"])

        def on_llm_end(self, response: Any, *, run_id: Any, **kwargs: Any) -> None:
            self._end("end", run_id, response)

        def on_llm_error(self, error: BaseException, *, run_id: Any, **kwargs: Any) -> None:
            self._end("error", run_id, error)

        def on_tool_start(
            self, serialized: Any, input_str: Any, *, run_id: Any, parent_run_id: Any = None,
            tags: Any = None, metadata: Any = None, inputs: Any = None, **kwargs: Any,
        ) -> None:  # fmt: skip
            tool_inputs = {"input": input_str if inputs is None else _shallow(inputs)}
            self._start(
                run_id, parent_run_id, "tool", _name(serialized, kwargs, "tool"), tool_inputs, tags, metadata
            )

        def on_tool_end(self, output: Any, *, run_id: Any, **kwargs: Any) -> None:
            self._end("end", run_id, {"output": output})

        def on_tool_error(self, error: BaseException, *, run_id: Any, **kwargs: Any) -> None:
            self._end("error", run_id, error)

        def on_retriever_start(
            self, serialized: Any, query: Any, *, run_id: Any, parent_run_id: Any = None, tags: Any = None,
            metadata: Any = None, **kwargs: Any,
        ) -> None:  # fmt: skip
            name = _name(serialized, kwargs, "retriever")
            self._start(run_id, parent_run_id, "retriever", name, {"query": query}, tags, metadata)

        def on_retriever_end(self, documents: Any, *, run_id: Any, **kwargs: Any) -> None:
            self._end("end", run_id, {"documents": list(documents or ())})

        def on_retriever_error(self, error: BaseException, *, run_id: Any, **kwargs: Any) -> None:
            self._end("error", run_id, error)

    return RunHandler()

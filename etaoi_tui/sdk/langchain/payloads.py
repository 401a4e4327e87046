"""Payloads in the making: each holds references only, and is called on the sender's thread.

Classes instead of closures: making one costs a third of a microsecond in the agent's thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from etaoi_collector.conventions import keys
from etaoi_tui.sdk.langchain.cache_breakpoints import cache_breakpoints
from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot, identify
from etaoi_tui.sdk.langchain.messages import (
    AS_IT_IS,
    describe_document,
    describe_result,
    describe_state,
)
from etaoi_tui.sdk.langchain.output_schemas import output_schema_of
from etaoi_tui.sdk.langchain.tools import describe_tool, tool_name
from etaoi_tui.sdk.serialize import Json

_PARAMS_SAID_ELSEWHERE = frozenset({"tools", "functions", "model", "model_name", "_type"})


def _text_or_json(value: Any) -> Any:
    if value is None:
        return ""
    if type(value) is dict and type(shot := value.get("messages")) is MessageSnapshot:
        messages = [
            {**described, "content": describe_state(content)}
            if content is not AS_IT_IS and isinstance(described := describe_state(message), dict)
            else describe_state(message)
            for message, content in zip(shot.messages, shot.contents, strict=True)
        ]
        return Json({**describe_state({**value, "messages": None}), "messages": messages})
    return value if isinstance(value, str) else Json(describe_state(value))


class ChainInput:
    """``inputs`` as JSON text, ``input_keys`` when it is a map."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        if type(value) is dict and type(messages := value.get("messages")) is list:
            # A hook may write into the messages before the sender comes to describe them.
            value = {**value, "messages": MessageSnapshot(messages)}
        self.value = value

    def __call__(self) -> dict[str, Any]:
        payload: dict[str, Any] = {"inputs": _text_or_json(self.value)}
        if isinstance(self.value, dict):
            payload["input_keys"] = sorted(map(str, self.value))
        return payload


class ChainOutput:
    """``outputs`` as JSON text, ``output_keys`` when it is a map."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self) -> dict[str, Any]:
        payload: dict[str, Any] = {"outputs": _text_or_json(self.value)}
        if isinstance(self.value, dict):
            payload["output_keys"] = sorted(map(str, self.value))
        return payload


class ToolInput:
    """``input``: the arguments as JSON text, or the text the tool was given."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self) -> dict[str, Any]:
        return {"input": _text_or_json(self.value)}


class ToolOutput:
    """``output``: what the tool returned; a whole ToolMessage inside agents."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self) -> dict[str, Any]:
        return {"output": _text_or_json(self.value)}


class Documents:
    """What a retriever found, in order: ``outputs`` as JSON text, ``documents`` how many."""

    __slots__ = ("found",)

    def __init__(self, found: Sequence[Any]) -> None:
        self.found = found

    def __call__(self) -> dict[str, Any]:
        documents = [describe_document(document) for document in self.found]
        return {"outputs": Json(documents), "documents": len(documents)}


class ModelInput:
    """What a chat model or a completion model was given.

    ``input_messages`` (or ``prompts`` and ``n_prompts``), ``tools`` (names), ``tools_hash``,
    ``tool_schemas`` (only the first time that this set of schemas is bound), ``invocation_params``,
    ``cache_breakpoints`` (see `etaoi_tui.sdk.langchain.cache_breakpoints`), ``output_schema`` and
    ``output_method`` (the JSON schema that the answer has to follow). Where hooks are instrumented each
    message also has its ``key``, see `etaoi_tui.sdk.langchain.model_hooks`.
    """

    __slots__ = ("keyed", "messages", "options", "params", "prompts", "tool_sets")

    def __init__(
        self,
        messages: Sequence[Sequence[Any]] | None,
        prompts: Sequence[str] | None,
        params: Mapping[str, Any] | None,
        tool_sets: set[str],
        options: Any = None,
    ) -> None:
        self.options = options
        self.messages = None if messages is None else [MessageSnapshot(batch) for batch in messages]
        self.prompts = prompts
        self.params = params
        self.tool_sets = tool_sets
        self.keyed = False

    def __call__(self) -> dict[str, Any]:
        payload: dict[str, Any] = {}
        if self.prompts is not None:
            payload[keys.PROMPTS] = list(self.prompts)
            payload[keys.PROMPT_COUNT] = len(self.prompts)
        elif self.messages:
            batches = [shot.describe_all() for shot in self.messages]
            if self.keyed:
                for described, entry in zip(batches[0], identify(self.messages[0]), strict=True):
                    described["key"] = entry["key"]
            payload["input_messages"] = batches[0]
            if len(batches) > 1:
                payload["input_batches"] = batches
        else:
            payload["input_messages"] = []
        params = self.params or {}
        if self.messages:
            tools = params.get("tools")
            payload["cache_breakpoints"] = cache_breakpoints(
                None, self.messages[0].contents, tools if isinstance(tools, (list, tuple)) else (), params
            )
        if params:
            if tools := params.get("tools") or params.get("functions"):
                self._add_tools(payload, tools)
        schema = output_schema_of(params, self.options) if params or self.options else None
        if schema is not None:
            payload[keys.OUTPUT_SCHEMA] = schema[0]
            if schema[1]:
                payload[keys.OUTPUT_METHOD] = schema[1]
        if params:
            kept = {
                key: value
                for key, value in params.items()
                if key not in _PARAMS_SAID_ELSEWHERE
                and value is not None
                and (schema is None or key != schema[2])
            }
            if kept:
                payload["invocation_params"] = kept
        return payload

    def _add_tools(self, payload: dict[str, Any], tools: Any) -> None:
        if not isinstance(tools, (list, tuple)):
            return
        payload["tools"] = [tool_name(tool) for tool in tools]
        schemas = [describe_tool(tool) for tool in tools]
        encoded = msgspec.json.encode(schemas, enc_hook=str, order="sorted")
        digest = hashlib.sha256(encoded).hexdigest()[:16]
        payload["tools_hash"] = digest
        if digest not in self.tool_sets:
            self.tool_sets.add(digest)
            payload["tool_schemas"] = schemas


class ModelOutput:
    """The end of a model call: see `describe_result`, plus ``ttft_ms`` (int) when it streamed.

    Args:
        result: An ``LLMResult``.
        model: The model that was asked for.
        name: What the call is called, for want of a model's name.
        provider: The model's provider.
        ttft_ms: Milliseconds to the first text, reasoning or tool call.
        running_total: See `describe_result`.
        failed: Whether the call failed.
    """

    __slots__ = ("failed", "model", "name", "provider", "result", "running_total", "ttft_ms")

    def __init__(
        self,
        result: Any,
        model: str | None,
        name: str,
        provider: str | None,
        ttft_ms: int | None,
        running_total: Mapping[str, Any] | None = None,
        failed: bool = False,
    ) -> None:
        self.result = _generations_as_they_are(result)
        self.model = model
        self.name = name
        self.provider = provider
        self.ttft_ms = ttft_ms
        self.running_total = running_total
        self.failed = failed

    def __call__(self) -> dict[str, Any]:
        payload: dict[str, Any] = {}
        if self.result is not None:
            payload = describe_result(self.result, self.running_total, failed=self.failed)
        if keys.MODEL not in payload:
            payload[keys.MODEL] = payload[keys.MODEL_NAME] = self.model or self.name
        if self.provider:
            payload[keys.PROVIDER] = self.provider
        if self.ttft_ms is not None:
            payload[keys.TTFT_MS] = self.ttft_ms
        return payload


def _generations_as_they_are(result: Any) -> Any:
    """Keep a result's generations: LangChain's cache hands the same objects out again, with other usage."""
    if result is None:
        return None
    try:
        return {
            "generations": [[dict(one.__dict__) for one in group] for group in result.generations],
            "llm_output": result.llm_output,
        }
    except (AttributeError, TypeError):
        return result

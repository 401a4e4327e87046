"""Payloads in the making: each holds references only, and is called on the sender's thread.

Structs instead of closures: making one costs a tenth of a microsecond in the agent's thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from etaoi_collector.conventions import keys
from etaoi_tui.sdk.langchain.cache_breakpoints import cache_breakpoints
from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot
from etaoi_tui.sdk.langchain.messages import (
    describe_document,
    describe_result,
    describe_state,
    is_message,
    open_state,
)
from etaoi_tui.sdk.langchain.output_schemas import output_schema_of
from etaoi_tui.sdk.langchain.shared_messages import (
    IN_KEYED_REQUEST,
    IN_REQUEST,
    IN_STATE,
    SharedMessages,
)
from etaoi_tui.sdk.langchain.tools import describe_tool, tool_name
from etaoi_tui.sdk.serialize import COPIED, SNAPSHOT_ITEMS, Json, snapshot
from etaoi_tui.sdk.shared_json import identity_of

_ONLY_TEXT = frozenset({str})
_PARAMS_SAID_ELSEWHERE = frozenset({"tools", "functions", "model", "model_name", "_type"})


class _StateShape:
    """How states are described: messages, documents and commands of LangChain as plain maps."""

    def full_form(self, value: Any) -> Any:
        if type(value) is MessageSnapshot:
            return SharedMessages(value, IN_STATE).described()
        if type(value) is dict and type(messages := value.get("messages")) is MessageSnapshot:
            return {**describe_state({**value, "messages": None}), "messages": self.full_form(messages)}
        return describe_state(value)

    def opened(self, value: Any) -> Any:
        if type(value) is list and value and is_message(value[0]) and is_message(value[-1]):
            value = MessageSnapshot(value)
        return SharedMessages(value, IN_STATE) if type(value) is MessageSnapshot else open_state(value)

    def identity(self, value: Any) -> tuple[Any, ...] | None:
        if type(value) is not dict:
            return (id(value),)
        # Messages are looked up one by one. Keys that are alike may be said differently: 1 and True.
        if type(value.get("messages")) is MessageSnapshot or not _ONLY_TEXT.issuperset(map(type, value)):
            return None
        return (*value, *map(identity_of, value.values()))


_STATE = _StateShape()


def _text_or_json(value: Any) -> Any:
    if value is None:
        return ""
    return value if isinstance(value, str) else Json(value, _STATE)


def snapshot_of_state(value: Any) -> Any:
    """Return what goes in or out of a chain as it is now: see `ChainInput`."""
    if (
        type(value) is dict
        and type(messages := value.get("messages")) is list
        and len(messages) <= SNAPSHOT_ITEMS
        and len(value) <= SNAPSHOT_ITEMS
    ):
        value = value.copy()
        value["messages"] = None
        for key, item in value.items():
            if type(item) in COPIED:
                value[key] = snapshot(item, 1)
        value["messages"] = MessageSnapshot(messages)
        return value
    return snapshot(value)


class ChainInput:
    """``inputs`` as JSON text, ``input_keys`` when it is a map.

    Copies what the run may change before the sender comes, as `etaoi_tui.sdk.serialize.snapshot` does; of
    messages also the content, because hooks write into them.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = snapshot_of_state(value)

    def __call__(self) -> dict[str, Any]:
        payload: dict[str, Any] = {keys.INPUTS: _text_or_json(self.value)}
        if isinstance(self.value, dict):
            payload[keys.INPUT_KEYS] = sorted(map(str, self.value))
        return payload


class ChainOutput(msgspec.Struct, eq=False, gc=False):
    """``outputs`` as JSON text, ``output_keys`` when it is a map."""

    value: Any

    def __call__(self) -> dict[str, Any]:
        payload: dict[str, Any] = {keys.OUTPUTS: _text_or_json(self.value)}
        if isinstance(self.value, dict):
            payload[keys.OUTPUT_KEYS] = sorted(map(str, self.value))
        return payload


class ToolInput(msgspec.Struct, eq=False, gc=False):
    """``input``: the arguments as JSON text, or the text the tool was given."""

    value: Any

    def __call__(self) -> dict[str, Any]:
        return {"input": _text_or_json(self.value)}


class ToolOutput(msgspec.Struct, eq=False, gc=False):
    """``output``: what the tool returned; a whole ToolMessage inside agents."""

    value: Any

    def __call__(self) -> dict[str, Any]:
        return {"output": _text_or_json(self.value)}


class Documents(msgspec.Struct, eq=False, gc=False):
    """What a retriever found, in order: ``outputs`` as JSON text, ``documents`` how many."""

    documents: Sequence[Any]

    def __call__(self) -> dict[str, Any]:
        documents = [describe_document(document) for document in self.documents]
        return {keys.OUTPUTS: Json(documents, _STATE), "documents": len(documents)}


class ModelInput(msgspec.Struct, eq=False, gc=False):
    """What a chat model or a completion model was given.

    ``input_messages`` (or ``prompts`` and ``n_prompts``), ``tools`` (names), ``tools_hash``,
    ``tool_schemas`` (only the first time that this set of schemas is bound), ``invocation_params``,
    ``cache_breakpoints`` (see `etaoi_tui.sdk.langchain.cache_breakpoints`), ``output_schema`` and
    ``output_method`` (the JSON schema that the answer has to follow). Where hooks are instrumented each
    message also has its ``key``, see `etaoi_tui.sdk.langchain.model_hooks`.
    """

    messages: list[MessageSnapshot] | None
    prompts: Sequence[str] | None
    params: Mapping[str, Any] | None
    tool_sets: set[str]
    options: Any = None
    keyed: bool = False

    def __call__(self) -> dict[str, Any]:
        payload: dict[str, Any] = {}
        if self.prompts is not None:
            payload[keys.PROMPTS] = list(self.prompts)
            payload[keys.PROMPT_COUNT] = len(self.prompts)
        elif self.messages:
            location = IN_KEYED_REQUEST if self.keyed else IN_REQUEST
            payload[keys.INPUT_MESSAGES] = SharedMessages(self.messages[0], location)
            if len(self.messages) > 1:
                payload["input_batches"] = [batch.describe_all() for batch in self.messages]
        else:
            payload[keys.INPUT_MESSAGES] = []
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
            invocation_params = {
                key: value
                for key, value in params.items()
                if key not in _PARAMS_SAID_ELSEWHERE
                and value is not None
                and (schema is None or key != schema[2])
            }
            if invocation_params:
                payload[keys.INVOCATION_PARAMS] = invocation_params
        return payload

    def _add_tools(self, payload: dict[str, Any], tools: Any) -> None:
        if not isinstance(tools, (list, tuple)):
            return
        payload[keys.TOOLS] = [tool_name(tool) for tool in tools]
        schemas = [describe_tool(tool) for tool in tools]
        encoded = msgspec.json.encode(schemas, enc_hook=str, order="sorted")
        digest = hashlib.sha256(encoded).hexdigest()[:16]
        payload["tools_hash"] = digest
        if digest not in self.tool_sets:
            self.tool_sets.add(digest)
            payload[keys.TOOL_SCHEMAS] = schemas


class ModelOutput(msgspec.Struct, eq=False, gc=False):
    """The end of a model call: see `describe_result`, plus ``ttft_ms`` (int) when it streamed."""

    result: Any
    """What `generations_as_they_are` returned of an ``LLMResult``."""
    model: str | None
    """The model that was asked for."""
    name: str
    """What the call is called, for want of a model's name."""
    provider: str | None
    """The model's provider."""
    ttft_ms: int | None
    """Milliseconds to the first text, reasoning or tool call."""
    running_total: Mapping[str, Any] | None = None
    """See `describe_result`."""
    failed: bool = False
    """Whether the call failed."""

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


def generations_as_they_are(result: Any) -> Any:
    """Keep a result's generations: LangChain's cache hands the same objects out again, with other usage."""
    if result is None:
        return None
    try:
        fields = result.__dict__
        groups = fields["generations"]
        if len(groups) == 1 and len(groups[0]) == 1:
            generations = [[groups[0][0].__dict__.copy()]]
        else:
            generations = [[one.__dict__.copy() for one in group] for group in groups]
        return {"generations": generations, "llm_output": fields["llm_output"]}
    except (AttributeError, KeyError, TypeError):
        return result

"""Turns a span of OpenTelemetry into the words of our payloads (the tables say what its attributes mean)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_collector.conventions.telemetry import codex, genai, langsmith, livekit, pydantic_ai
from etaoi_collector.conventions.telemetry.langfuse import LEVEL_ERROR
from etaoi_collector.translation import livekit_spans
from etaoi_collector.translation.answers import describe_answer
from etaoi_collector.translation.attributes import SortedAttributes
from etaoi_collector.translation.genai_events import WHOLE_CALL, is_message_event, read_message_events
from etaoi_collector.translation.ids import span_uuid, trace_uuid
from etaoi_collector.translation.json_text import parse_json, to_text, unquoted
from etaoi_collector.translation.langchain_names import refine
from etaoi_collector.translation.messages import read_messages, read_response, read_tool_calls
from etaoi_collector.translation.otel_model import (
    KIND_INTERNAL,
    STATUS_ERROR,
    Attributes,
    OtelEvent,
    OtelLog,
    OtelSpan,
)
from etaoi_collector.translation.tools import describe_tools
from etaoi_collector.translation.translated import TranslatedSpan
from etaoi_collector.translation.usage import build_usage, read_langfuse_cost, read_langfuse_usage
from etaoi_collector.wire.metadata_keys import Infrastructure

EVENTS_KEPT = 200
"""Events of one span that are listed with it."""

_NO_PARENT = "0000000000000000"
_CLASS = re.compile(r"<class '([^']*)'>")
_SAID_ELSEWHERE = frozenset({"tools", "functions", "model", "model_name", "_type", "messages", "input", "id"})
_REQUEST_PREFIXES = ("http.", "url.", "db.", "rpc.", "messaging.", "net.", "faas.", "graphql.")
_NOTED = ("level", "level_message")
_FIRST_TOKEN = frozenset({"First Token Stream Event", "llm.content.completion.chunk"})


def translate_span(span: OtelSpan, logs: list[OtelLog] | None = None) -> TranslatedSpan:
    """Translate one span.

    Args:
        span: The span, finished or pending.
        logs: Log records that belong to it.
    """
    attributes = SortedAttributes(span.attributes)
    kind, is_recognized = _kind_of(span, attributes)
    metadata = attributes.metadata
    name = _name_of(span, attributes, kind)
    kind = refine(kind, name, metadata)
    metadata["name"] = name
    metadata["otel.trace_id"], metadata["otel.span_id"] = span.trace_id, span.span_id
    if attributes.kind_values.get("gen_ai.operation.name") in genai.INTERNAL_OPERATIONS:
        metadata.setdefault(keys.LC_CHAIN_KIND, "internal")
    agent = metadata.get("lc_agent_name") or attributes.text("agent")
    parent = span.parent_id if span.parent_id and span.parent_id != _NO_PARENT else None
    service = span.resource.get("service.name")
    if isinstance(service, str) and not service.startswith("unknown_service"):
        metadata["service.name"] = service
    translated = TranslatedSpan(
        trace_uuid(span.trace_id),
        span_uuid(span.trace_id, span.span_id),
        span_uuid(span.trace_id, parent) if parent is not None else None,
        kind,
        name,
        span.start_ns,
        max(span.start_ns, span.end_ns) if span.end_ns else span.start_ns,
        metadata,
        agent=agent,
        user=attributes.text("user"),
        session=attributes.text("session"),
        infrastructure="" if is_recognized else _infrastructure(span, parent),
        process=_process_of(span.resource),
    )
    _add_payloads(translated, span, attributes, logs or ())
    _add_error(translated, span, attributes)
    if span.scope == livekit.SCOPE:
        livekit_spans.refine(translated, span, attributes)
    _add_rest(translated, span, attributes, parent is None)
    return translated


def _kind_of(span: OtelSpan, attributes: SortedAttributes) -> tuple[str, bool]:
    """Return the node kind, and whether any convention says what the span is."""
    if span.scope == livekit.SCOPE:
        kind = livekit.SPAN_KINDS.get(span.name)
        if kind is None:
            attributes.metadata[keys.LC_CHAIN_KIND] = "internal"
            return "task", True
        return kind, True
    kind = attributes.kind()
    if kind is not None:
        return kind, True
    fields = attributes.fields
    of_codex = codex.kind_of(span.resource.get("service.name"), span.name, span.attributes)
    if of_codex is not None:
        kind, name = of_codex
        if span.name != name:
            attributes.others["codex.span.name"], span.name = span.name, name
        if isinstance(span.attributes.get(codex.MODEL), str):
            fields.setdefault("request_model", attributes.others.pop(codex.MODEL))
        if isinstance(thread := span.attributes.get(codex.THREAD), str):
            fields.setdefault("session", thread)
        return kind, True
    if isinstance(fields.get("input_messages"), list) and fields["input_messages"]:
        return "llm", True
    if "tool_name" in fields or span.attributes.get("mcp.method.name") == "tools/call":
        return "tool", True
    if pydantic_ai.is_agent(span.attributes):
        return "sub_agent", True
    if "request_model" in fields or "model" in fields:
        return "llm", True
    if "agent" in fields:
        return "sub_agent", True
    return "task", False


def _infrastructure(span: OtelSpan, parent: str | None) -> str:
    """Say which part of a program a span is of which no convention tells what it does.

    The root that a program made itself is worth a row; requests, queries and inner steps are not.
    """
    own = parent is None and span.kind <= KIND_INTERNAL
    if own and not any(key.startswith(_REQUEST_PREFIXES) for key in span.attributes):
        return Infrastructure.ROOT
    return Infrastructure.INNER


def _name_of(span: OtelSpan, attributes: SortedAttributes, kind: str) -> str:
    name: str | None = None
    if span.scope == livekit.SCOPE:
        name = attributes.text("tool_name") if kind == "tool" else None
    elif kind == "tool":
        name = attributes.text("tool_name") or attributes.text("name")
    elif kind == "sub_agent":
        name = attributes.text("name") or attributes.text("agent")
    elif kind == "middleware":
        name = attributes.text("name")
    return name or span.name or kind


def _process_of(resource: Attributes) -> str:
    instance = resource.get("service.instance.id")
    if instance:
        return str(instance)
    return f"{resource.get('service.name') or 'unknown'} {resource.get('process.pid', '')}".rstrip()


def _add_payloads(
    translated: TranslatedSpan, span: OtelSpan, attributes: SortedAttributes, logs: list[OtelLog] | tuple[()]
) -> None:
    kind = translated.kind
    fields = attributes.fields
    if kind == "llm":
        _add_model_call(translated, span, attributes, logs)
    elif kind == "tool":
        input_value = fields.get("tool_input", fields.get("input"))
        returned = fields.get("tool_output", fields.get("output"))
        if input_value is not None:
            translated.start[keys.INPUT] = unquoted(input_value)
        if returned is not None:
            translated.end[keys.OUTPUT] = unquoted(returned)
        if call_id := attributes.text("tool_call_id"):
            translated.start["call_id"] = call_id
    elif kind == "agent_context":
        _add_agent(translated, attributes)
    else:
        input_value = fields.get("input", fields.get("input_messages"))
        returned = fields.get("output", fields.get("output_messages", fields.get("response_text")))
        if input_value is not None:
            translated.start[keys.INPUTS] = _conversation(input_value)
        if returned is not None:
            translated.end[keys.OUTPUTS] = _conversation(returned)


def _conversation(value: Any) -> str:
    """Return what an agent was given or gave as text; a conversation in the shape that LangChain's have."""
    # Most are maps, and long: they are looked into by who reads them.
    parsed = parse_json(value) if not isinstance(value, str) or value.startswith("[") else None
    if (
        isinstance(parsed, list)
        and parsed
        and all(isinstance(item, dict) and "parts" in item for item in parsed)
    ):
        messages = [
            {**message, "content": message.pop("text")} for message in read_messages(parsed, "assistant")
        ]
        return to_text({"messages": messages})
    return to_text(value)


def _add_agent(translated: TranslatedSpan, attributes: SortedAttributes) -> None:
    start = translated.start
    start[keys.FRAMEWORK] = "opentelemetry"
    if agent := attributes.text("agent"):
        start[keys.AGENT_NAME] = agent
    system = attributes.fields.get("system")
    if system is not None:
        messages = read_messages(system, "system")
        start[keys.SYSTEM_PROMPT] = "\n".join(message["text"] for message in messages)
    if model := attributes.text("request_model") or attributes.text("model"):
        start[keys.LLM] = {"model": model}
    start[keys.TOOLS] = describe_tools(attributes.fields.get("tools"))


def _add_model_call(
    translated: TranslatedSpan, span: OtelSpan, attributes: SortedAttributes, logs: list[OtelLog] | tuple[()]
) -> None:
    fields = attributes.fields
    whole = [event.attributes for event in span.events if event.name in WHOLE_CALL]
    whole += [{**log.attributes, **_map(log.body)} for log in logs if log.name in WHOLE_CALL]
    for told in whole:
        for name, value in SortedAttributes(told).fields.items():
            fields.setdefault(name, value)
    _read_bodies(fields)
    start, end, metadata = translated.start, translated.end, translated.metadata
    request, response, reason = _conversation_of_events(span.events, logs, fields)
    if not request:
        source = fields.get("input_messages")
        source = fields.get("input") if source is None else source
        request = read_messages(source) if source is not None else []
        system = fields.get("system")
        if system is not None and not (request and request[0]["role"] == "system"):
            request = [*read_messages(system, "system"), *request]
    start[keys.INPUT_MESSAGES] = request
    tools = describe_tools(fields.get("tools"))
    parameters = parse_json(fields.get("invocation_params"))
    parameters = {**attributes.parameters, **(parameters if isinstance(parameters, dict) else {})}
    if not tools:
        tools = describe_tools(parameters.get("tools"))
    if tools:
        start[keys.TOOLS] = [tool["name"] for tool in tools]
        start[keys.TOOL_SCHEMAS] = tools
    parameters = {
        name: value
        for name, value in parameters.items()
        if value not in (None, "", [], {}) and name not in _SAID_ELSEWHERE
    }
    if parameters:
        start[keys.INVOCATION_PARAMS] = parameters
    answer: dict[str, Any] = {}
    for name in ("output_messages", "output"):
        if not answer and fields.get(name) is not None:
            answer = describe_answer(fields[name])
    if response is not None:
        answer["response"] = response
    if "response" not in answer and ("response_text" in fields or "response_tool_calls" in fields):
        answer["response"] = read_response(attributes.text("response_text") or "") or {
            "role": "assistant",
            "text": "",
        }
        if calls := read_tool_calls(fields.get("response_tool_calls")):
            answer["response"]["tool_calls"] = calls
    end.update(answer)
    usage = _usage_of(fields)
    if usage is not None:
        end["usage"] = usage
    requested, answered = attributes.text("request_model"), attributes.text("model") or answer.get("model")
    if requested or answered:
        metadata.setdefault(keys.LS_MODEL_NAME, str(requested or answered))
    if answered:
        end["model"] = end["model_name"] = answered
    if provider := attributes.text("provider"):
        metadata.setdefault(keys.LS_PROVIDER, provider)
        end["provider"] = provider
    reason = reason or _reason_of(fields.get("finish_reason"))
    if reason:
        end["finish_reason"] = reason
    ttft = _ttft_ms(span, fields)
    if ttft is not None:
        end["ttft_ms"] = ttft
    cost = fields["cost"] if "cost" in fields else read_langfuse_cost(fields.get("cost_details"))
    if isinstance(cost, int | float):
        end["reported_cost_usd"] = cost


def _read_bodies(fields: dict[str, Any]) -> None:
    """Take the conversation out of bodies of Google's API (``GenerateContentRequest`` and its response)."""
    request, response = (
        _map(parse_json(fields.get("request_body"))),
        _map(parse_json(fields.get("response_body"))),
    )
    for name, value in (
        ("input_messages", request.get("contents")),
        ("system", _map(request.get("config")).get("system_instruction")),
        ("output_messages", response.get("content")),
    ):
        if value:
            fields.setdefault(name, value)


def _conversation_of_events(
    events: list[OtelEvent], logs: list[OtelLog] | tuple[()], fields: dict[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None, str | None]:
    """Read the conversation from the span's events, its log records, or an attribute that lists them."""
    message_events = [(event.name, event.attributes) for event in events if is_message_event(event.name)]
    message_events += [
        (log.name, {**log.attributes, **_map(log.body)}) for log in logs if is_message_event(log.name)
    ]
    listed = parse_json(fields.get("input_messages"))
    if not message_events and isinstance(listed, list):
        message_events = [
            (str(item.get("event.name")), item)
            for item in listed
            if isinstance(item, dict) and "event.name" in item
        ]
    return read_message_events(message_events) if message_events else ([], None, None)


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _usage_of(fields: dict[str, Any]) -> dict[str, Any] | None:
    if "usage_details" in fields:
        return read_langfuse_usage(fields["usage_details"])
    return build_usage(
        input_tokens=fields.get("input_tokens"),
        output_tokens=fields.get("output_tokens"),
        total_tokens=fields.get("total_tokens"),
        cache_read=fields.get("cache_read"),
        cache_write=fields.get("cache_write"),
        reasoning=fields.get("reasoning_tokens"),
    )


def _reason_of(value: Any) -> str | None:
    value = parse_json(value)
    if isinstance(value, list):
        value = next((item for item in value if item), None)
    return str(value) if value else None


def _ttft_ms(span: OtelSpan, fields: dict[str, Any]) -> float | None:
    """Return the time to the first token in milliseconds."""
    for name, factor in (("ttft_s", 1000.0), ("ttft_ms", 1.0)):
        value = fields.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e7:
            return round(value * factor, 3)
    moment = _moment_ns(fields.get("first_token_at"))
    if moment is not None and moment >= span.start_ns:
        return round((moment - span.start_ns) / 1e6, 3)
    for event in span.events:
        if event.name in _FIRST_TOKEN and event.time_ns >= span.start_ns:
            return round((event.time_ns - span.start_ns) / 1e6, 3)
    return None


def _moment_ns(value: Any) -> int | None:
    """Read a moment in ISO 8601, perhaps as a JSON string, as nanoseconds since the epoch."""
    text = parse_json(value)
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1e6) * 1000 if isinstance(text, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def _add_error(translated: TranslatedSpan, span: OtelSpan, attributes: SortedAttributes) -> None:
    raised: Attributes = {}
    for event in span.events:
        if event.name == "exception":
            raised = event.attributes
    fields = attributes.fields
    failed = (
        span.status_code == STATUS_ERROR
        or fields.get("tool_is_error") is True
        or fields.get("level") == LEVEL_ERROR
    )
    if not failed and not (raised and langsmith.SPAN_KIND in span.attributes):
        for name in _NOTED:
            if text := attributes.text(name):
                translated.metadata[name] = text
        return  # LangSmith's exporter notes the exception and leaves the status at OK
    kind = raised.get("exception.type") or attributes.text("error_type") or ""
    kind = _CLASS.sub(r"\1", str(kind))
    message = raised.get("exception.message") or span.status_message or attributes.text("level_message")
    message = message or translated.end.get(keys.OUTPUT) or ""
    short = kind.rpartition(".")[2]
    message = str(message)
    if short and message.startswith((f"{short}(", f"{short}:")):
        translated.error = message
    elif short.isidentifier() and message:
        translated.error = f"{short}({message!r})"
    else:
        translated.error = message or kind or "error"
    if kind:
        translated.end["error_type"] = kind
    if message:
        translated.end["error_message"] = message
    trace = raised.get("exception.stacktrace")
    if trace:
        translated.end["traceback"] = str(trace)


def _add_rest(
    translated: TranslatedSpan, span: OtelSpan, attributes: SortedAttributes, is_root: bool
) -> None:
    """Keep what no table knows, and what a reader may look for: other events, the scope, the process."""
    end = translated.end
    others = attributes.others
    if span.scope:
        others = {**others, "otel.scope.name": span.scope}
    if others:
        end["attributes"] = others
    shown = WHOLE_CALL | {"exception"} if translated.kind == "llm" else {"exception"}
    events = [
        {"name": event.name, "time_ns": event.time_ns, "attributes": event.attributes}
        for event in span.events
        if event.name not in shown and not is_message_event(event.name)
    ]
    if events:
        end["events"] = events[:EVENTS_KEPT]
        if len(events) > EVENTS_KEPT:
            end["events_left_out"] = len(events) - EVENTS_KEPT
    if is_root and span.resource:
        end["resource"] = span.resource

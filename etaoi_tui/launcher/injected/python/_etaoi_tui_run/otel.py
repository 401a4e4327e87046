"""Adds a processor to every tracer provider: spans are told when they start and when they end.

Starts are told as Logfire's clients do it, by a "pending span" that hangs on the real one; the viewer reads
that form. The program's own processors and exporters are untouched.
"""

from __future__ import annotations

import json
import os

from . import langchain, masks
from .sender import Channel, sender

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LANGCHAIN_SCOPES = ("openinference.instrumentation.langchain", "opentelemetry.instrumentation.langchain")
_MODEL_KEYS = ("gen_ai.", "llm.", "openinference.")
REMEMBERED = 20_000
"""Spans left out whose children are looked for."""


def watch_providers(module: Any) -> None:
    """Give every provider that is made from now on the processor.

    Args:
        module: ``opentelemetry.sdk.trace``.
    """
    original = module.TracerProvider.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        try:
            self.add_span_processor(_processor(module))
        except Exception:  # then nothing is shown of it
            pass

    __init__.__wrapped__ = original  # type: ignore[attr-defined]
    module.TracerProvider.__init__ = __init__


def _processor(module: Any) -> Any:
    span_sender = sender()
    channel = Channel("/v1/traces", encode)
    left_out: dict[int, Any] = {}

    class StartAndEnd(module.SpanProcessor):  # type: ignore[misc]
        """Tells the sender."""

        def on_start(self, span: Any, parent_context: Any = None) -> None:
            try:
                if not span_sender.is_absent() and not _is_twin(span, left_out):
                    span_sender.put(channel, (span, dict(span.attributes or {}), _parent(span, left_out)))
            except Exception:
                pass

        def on_end(self, span: Any) -> None:
            try:
                if not span_sender.is_absent() and span.context.span_id not in left_out:
                    span_sender.put(channel, (span, None, _parent(span, left_out)))
            except Exception:
                pass

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            span_sender.flush()
            return True

    return StartAndEnd()


def _is_twin(span: Any, left_out: dict[int, Any]) -> bool:
    """Whether a span tells again what LangChain's own callbacks tell; its children then hang one higher."""
    scope = getattr(span, "instrumentation_scope", None)
    parent = span.parent
    below = parent is not None and parent.span_id in left_out
    if getattr(scope, "name", "") in _LANGCHAIN_SCOPES:
        twin = langchain.is_watched()
    else:
        twin = below and any(key.startswith(_MODEL_KEYS) for key in span.attributes or ())
    if twin:
        if len(left_out) >= REMEMBERED:
            del left_out[next(iter(left_out))]
        left_out[span.context.span_id] = left_out.get(parent.span_id) if below else parent
    return bool(twin)


def _parent(span: Any, left_out: dict[int, Any]) -> Any:
    parent = span.parent
    if left_out and parent is not None and parent.span_id in left_out:
        return left_out[parent.span_id]
    return parent


def encode(events: list[Any]) -> bytes | None:
    """Encode spans as OTLP/JSON; a start whose end is here as well is left out."""
    ended = {span.context.span_id for span, start, _ in events if start is None}
    groups: dict[int, dict[str, Any]] = {}
    for span, start, parent in events:
        if start is not None and span.context.span_id in ended:
            continue
        group = groups.setdefault(
            id(span.resource),
            {"resource": {"attributes": _attributes(span.resource.attributes)}, "scopeSpans": []},
        )
        scope = span.instrumentation_scope
        group["scopeSpans"].append(
            {
                "scope": {"name": getattr(scope, "name", ""), "version": getattr(scope, "version", "") or ""},
                "spans": [_ended(span, parent) if start is None else _pending(span, start, parent)],
            }
        )
    if not groups:
        return None
    return json.dumps({"resourceSpans": list(groups.values())}, default=repr).encode("utf-8", "replace")


def _ended(span: Any, parent: Any) -> dict[str, Any]:
    status = span.status
    return {
        "traceId": f"{span.context.trace_id:032x}",
        "spanId": f"{span.context.span_id:016x}",
        "parentSpanId": "" if parent is None else f"{parent.span_id:016x}",
        "name": span.name,
        "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes),
        "events": [
            {
                "name": event.name,
                "timeUnixNano": str(event.timestamp),
                "attributes": _attributes(event.attributes),
            }
            for event in span.events
        ],
        "status": {"code": status.status_code.value, "message": status.description or ""},
    }


def _pending(span: Any, start: dict[str, Any], parent: Any) -> dict[str, Any]:
    attributes = dict(start)
    attributes["logfire.span_type"] = "pending_span"
    attributes["logfire.pending_parent_id"] = "0" * 16 if parent is None else f"{parent.span_id:016x}"
    return {
        "traceId": f"{span.context.trace_id:032x}",
        "spanId": os.urandom(8).hex(),
        "parentSpanId": f"{span.context.span_id:016x}",
        "name": span.name,
        "kind": span.kind.value + 1,
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.start_time),
        "attributes": _attributes(attributes),
    }


def _attributes(attributes: Any) -> list[dict[str, Any]]:
    return [{"key": str(key), "value": _value(item)} for key, item in (attributes or {}).items()]


def _value(item: Any) -> dict[str, Any]:
    if isinstance(item, bool):
        return {"boolValue": item}
    if isinstance(item, int):
        return {"intValue": str(item)}
    if isinstance(item, float):
        return {"doubleValue": item}
    if isinstance(item, (list, tuple)):
        return {"arrayValue": {"values": [_value(one) for one in item]}}
    if isinstance(item, dict):
        return {"kvlistValue": {"values": _attributes(item)}}
    return {"stringValue": masks.text(item if isinstance(item, str) else repr(item))}

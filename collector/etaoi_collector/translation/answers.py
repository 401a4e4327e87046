"""What a model call came to, read from an output of any of the shapes that tracers keep."""

from __future__ import annotations

from typing import Any

from etaoi_collector.conventions import keys
from etaoi_collector.translation.json_text import parse_json
from etaoi_collector.translation.messages import Message, read_response
from etaoi_collector.translation.usage import Usage, read_usage


def describe_answer(output: Any) -> dict[str, Any]:
    """Return the payload keys that an output tells: response, candidates, usage, model, finish_reason.

    Args:
        output: LangChain's ``{generations}``, OpenAI's ``{choices}`` or response, ``{messages}``, a message,
            or text; also as JSON.
    """
    output = parse_json(output)
    if isinstance(output, dict) and output.keys() == {"output"}:
        output = parse_json(output["output"])
    payload: dict[str, Any] = {}
    if not isinstance(output, dict):
        response = read_response(output) if output not in (None, "") else None
        return {"response": response} if response else {}
    generations = _generations(output)
    if generations:
        candidates = [
            message
            for generation in generations
            if (message := read_response(generation.get("message") or generation.get("text") or ""))
        ]
        _take_candidates(payload, candidates)
        for generation in generations:
            info = generation.get("generation_info")
            inner = generation.get("message")
            inner = inner if isinstance(inner, dict) else {}
            kwargs = inner.get("kwargs")
            _take_facts(payload, info, kwargs if isinstance(kwargs, dict) else inner)
        _take_facts(payload, output.get("llm_output"))
    elif isinstance(output.get("choices"), list):
        choices = [choice for choice in output["choices"] if isinstance(choice, dict)]
        _take_candidates(
            payload,
            [message for choice in choices if (message := read_response(choice.get("message") or ""))],
        )
        for choice in choices:
            _take_facts(payload, choice)
        _take_facts(payload, output)
    elif isinstance(output.get("output"), list):
        _take_candidates(payload, [message] if (message := read_response(output["output"])) else [])
        _take_facts(payload, output)
    else:
        inner = output.get("message", output.get("messages", output if _is_message(output) else None))
        if isinstance(inner, list):
            inner = inner[-1:]
        message = read_response(inner) if inner is not None else None
        _take_candidates(payload, [message] if message else [])
        _take_facts(payload, output)
    return payload


def _is_message(output: dict[str, Any]) -> bool:
    return "role" in output or output.get("type") in ("constructor", "ai", "AIMessageChunk")


def _generations(output: dict[str, Any]) -> list[dict[str, Any]]:
    groups = output.get("generations")
    if not isinstance(groups, list):
        return []
    flat = [item for group in groups for item in (group if isinstance(group, list) else [group])]
    return [item for item in flat if isinstance(item, dict)]


def _take_candidates(payload: dict[str, Any], candidates: list[Message]) -> None:
    if candidates:
        payload[keys.RESPONSE] = candidates[0]
        if len(candidates) > 1:
            payload["candidates"] = candidates


def _take_facts(payload: dict[str, Any], *holders: Any) -> None:
    """Take usage, model and the reason of the end from maps that may hold them, the first ones first."""
    for holder in holders:
        if not isinstance(holder, dict):
            continue
        usage: Usage | None = None
        for key in ("usage_metadata", "usage", "token_usage"):
            usage = usage or read_usage(holder.get(key))
        if usage is not None:
            payload.setdefault(keys.USAGE, usage)
        model = holder.get("model_name") or holder.get("model")
        if isinstance(model, str) and model:
            payload.setdefault(keys.MODEL, model)
        reason = holder.get("finish_reason") or holder.get("stop_reason")
        if isinstance(reason, str) and reason:
            payload.setdefault(keys.FINISH_REASON, reason)
        if isinstance(holder.get("response_metadata"), dict):
            _take_facts(payload, holder["response_metadata"])

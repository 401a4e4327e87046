"""Turns a run of LangSmith's protocol into the words of our payloads.

Source: langsmith-sdk, ``schemas.py`` (``RunBase``, ``RunTypeEnum``) and the recorded requests of its clients.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from etaoi_collector.conventions import keys
from etaoi_collector.conventions.telemetry.langsmith import RUN_TYPES
from etaoi_collector.translation.answers import describe_answer
from etaoi_collector.translation.ids import run_uuid
from etaoi_collector.translation.json_text import to_text
from etaoi_collector.translation.langchain_names import refine
from etaoi_collector.translation.messages import read_messages
from etaoi_collector.translation.tools import describe_tools
from etaoi_collector.translation.translated import TranslatedSpan
from etaoi_collector.translation.usage import read_usage

Run = dict[str, Any]

_SESSION_KEYS = ("session_id", "thread_id", "conversation_id")
_SAID_ELSEWHERE = frozenset({"tools", "functions", "model", "model_name", "_type"})
_TRACEBACK = "\n\nTraceback (most recent call last)"
_JS_STACK = "\n    at "


def translate_run(run: Run) -> TranslatedSpan | None:
    """Translate a run as far as it is known.

    Args:
        run: The run, with what an earlier request told of it.

    Returns:
        None if it has no id that could be one, or no start.
    """
    run_id = run_uuid(run.get("id"))
    start_ns = read_time(run.get("start_time"))
    if run_id is None or start_ns is None:
        return None
    extra = run["extra"] if isinstance(run.get("extra"), dict) else {}
    noted = extra["metadata"] if isinstance(extra.get("metadata"), dict) else {}
    metadata = {
        str(key): to_text(value)
        for key, value in noted.items()
        if not str(key).startswith("LANGSMITH_") and key != "usage_metadata" and value is not None
    }
    name = str(run.get("name") or run.get("run_type") or "run")
    run_type = str(run.get("run_type") or "chain")
    kind = refine(RUN_TYPES.get(run_type, "task"), name, metadata)
    metadata["name"] = name
    if run_type in ("prompt", "parser"):
        metadata["run_type"] = run_type
    if isinstance(run.get("tags"), list) and run["tags"]:
        metadata["tags"] = ",".join(map(str, run["tags"]))
    if isinstance(run.get("session_name"), str):
        metadata["langsmith.project"] = run["session_name"]
    end_ns = read_time(run.get("end_time"))
    parent_id = run_uuid(run.get("parent_run_id")) if run.get("parent_run_id") else None
    translated = TranslatedSpan(
        trace_of(run) or run_id,
        run_id,
        parent_id,
        kind,
        name,
        start_ns,
        None if end_ns is None else max(start_ns, end_ns),
        metadata,
        agent=metadata.get("lc_agent_name"),
        user=metadata.get("user_id"),
        session=next((metadata[key] for key in _SESSION_KEYS if metadata.get(key)), None),
        process=f"langsmith {run.get('session_name') or ''}".rstrip(),
    )
    _add_payloads(translated, run, run_type, extra, noted)
    _add_error(translated, run.get("error"))
    if isinstance(run.get("attachments"), list):
        translated.start["attachments"] = run["attachments"]
    return translated


def trace_of(run: Run) -> str | None:
    """Return the id of a run's trace: its own field, or the first part of its order."""
    trace = run_uuid(run.get("trace_id"))
    if trace is not None:
        return trace
    order = run.get("dotted_order")
    return run_uuid(order.partition(".")[0].partition("Z")[2]) if isinstance(order, str) else None


def read_time(value: Any) -> int | None:
    """Read a time as nanoseconds since the epoch: RFC 3339 text, or the JavaScript client's milliseconds."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return int(value * 1_000_000) if 0 <= value < 1e14 else None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        seconds = int(moment.timestamp())
    except (OverflowError, OSError, ValueError):
        return None
    return seconds * 1_000_000_000 + moment.microsecond * 1000


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _add_payloads(
    translated: TranslatedSpan, run: Run, run_type: str, extra: dict[str, Any], noted: dict[str, Any]
) -> None:
    start, end = translated.start, translated.end
    inputs, outputs = run.get("inputs"), run.get("outputs")
    if translated.kind == "llm":
        _add_model_call(translated, run, extra, noted)
    elif translated.kind == "tool":
        if inputs is not None:
            input_value = (
                inputs["input"] if isinstance(inputs, dict) and inputs.keys() == {"input"} else inputs
            )
            start[keys.INPUT] = to_text(input_value)
        if outputs is not None:
            returned = outputs["output"] if _map(outputs).keys() == {"output"} else outputs
            end["output"] = to_text(returned)
        if run_type == "retriever":
            translated.metadata.setdefault(keys.LS_RETRIEVER_NAME, translated.name)
    else:
        if inputs is not None:
            start[keys.INPUTS] = to_text(inputs)
        if outputs is not None:
            end["outputs"] = to_text(outputs)
    runtime = extra.get("runtime")
    if isinstance(runtime, dict) and translated.parent_id is None:
        end["resource"] = runtime


def _add_model_call(
    translated: TranslatedSpan, run: Run, extra: dict[str, Any], noted: dict[str, Any]
) -> None:
    start, end = translated.start, translated.end
    inputs = run.get("inputs")
    prompts = _map(inputs).get("prompts")
    if isinstance(prompts, list) and "messages" not in _map(inputs):
        start[keys.PROMPTS] = [to_text(prompt) for prompt in prompts]
        start[keys.PROMPT_COUNT] = len(prompts)
    elif inputs is not None:
        start[keys.INPUT_MESSAGES] = read_messages(_map(inputs).get("input", inputs))
    parameters = _map(extra.get("invocation_params"))
    tools = describe_tools(
        parameters.get("tools") or parameters.get("functions") or _map(inputs).get("tools")
    )
    if tools:
        start[keys.TOOLS] = [tool["name"] for tool in tools]
        start[keys.TOOL_SCHEMAS] = tools
    invocation_params = {
        key: value
        for key, value in parameters.items()
        if key not in _SAID_ELSEWHERE and value not in (None, "", [], {})
    }
    if invocation_params:
        start[keys.INVOCATION_PARAMS] = invocation_params
    outputs = run.get("outputs")
    if outputs:
        end.update(describe_answer(outputs))
    usage = read_usage(noted.get("usage_metadata"))
    if usage is not None:
        end["usage"] = usage
    requested_model = noted.get("ls_model_name") or parameters.get("model") or parameters.get("model_name")
    if requested_model:
        translated.metadata.setdefault(keys.LS_MODEL_NAME, str(requested_model))
        if end.get("model") not in (None, str(requested_model)):
            end["attributes"] = {"response_model": end["model"]}
        end["model"] = str(
            requested_model
        )  # a name that prices and users know; a response names a snapshot of it
    if "model" in end:
        end["model_name"] = end["model"]
    if noted.get("ls_provider"):
        end["provider"] = str(noted["ls_provider"])
    events = run.get("events")
    for event in events if isinstance(events, list) else ():
        if _map(event).get("name") == "new_token":
            first = read_time(_map(event).get("time"))
            if first is not None and first >= translated.start_ns:
                end["ttft_ms"] = round((first - translated.start_ns) / 1e6, 3)
            break


def _add_error(translated: TranslatedSpan, error: Any) -> None:
    if not error:
        return
    text = to_text(error)
    for mark in (_TRACEBACK, _JS_STACK):
        at = text.find(mark)
        if at >= 0:
            translated.end["traceback"] = text[at:].strip("\n")
            text = text[:at]
            break
    else:
        # Older clients join error and traceback without an empty line.
        head, marker, rest = text.partition("Traceback (most recent call last)")
        if marker and head:
            translated.end["traceback"] = marker + rest
            text = head.rstrip()
    translated.error = text.strip() or "error"

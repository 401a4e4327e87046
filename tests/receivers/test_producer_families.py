"""What producers of the same families write in other versions: kinds, messages, counts and calls of tools."""

from __future__ import annotations

import json
from typing import Any

from etaoi_collector.translation.otel_model import OtelEvent, OtelSpan
from etaoi_collector.translation.otel_spans import translate_span
from etaoi_collector.translation.translated import TranslatedSpan
from etaoi_collector.translation.usage import read_langfuse_cost

CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
ASKED, SAID = [{"role": "user", "text": "weather?"}], {"role": "assistant", "text": "Sunny"}


def translated(attributes: dict[str, Any], *events: tuple[str, dict[str, Any]]) -> TranslatedSpan:
    told = [OtelEvent(name, 1, told) for name, told in events]
    return translate_span(OtelSpan("a" * 32, "b" * 16, "", "x", 1, 1, 2, attributes, told, 0, "", "", {}))


def test_both_sides_of_a_call_as_events_of_its_span() -> None:
    asked, said = [{"role": "user", "content": "weather?"}], [{"role": "assistant", "content": "Sunny"}]
    span = translated(
        CALL,
        ("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps(asked)}),
        ("gen_ai.content.completion", {"gen_ai.completion": json.dumps(said)}),
        ("other", {}),
    )
    assert (span.start["input_messages"], span.end["response"]) == (ASKED, SAID)
    assert [event["name"] for event in span.end["events"]] == ["other"]


def test_a_whole_call_as_an_event_of_its_span() -> None:
    part = {"type": "text", "content": "weather?"}
    span = translated(
        CALL,
        (
            "gen_ai.client.inference.operation.details",
            {
                "gen_ai.input.messages": [{"role": "user", "parts": [part]}],
                "gen_ai.output.messages": [
                    {"role": "assistant", "parts": [{**part, "content": "Sunny"}], "finish_reason": "stop"}
                ],
            },
        ),
    )
    assert span.start["input_messages"] == ASKED
    assert span.end["response"]["text"] == "Sunny" and "events" not in span.end


def test_an_event_of_such_a_name_stays_where_nothing_reads_it() -> None:
    span = translated({}, ("gen_ai.content.prompt", {"gen_ai.prompt": "x"}))
    assert span.kind == "task" and len(span.end["events"]) == 1


def test_langfuse_passes_anthropics_counts_on() -> None:
    usage = {"input": 12, "output": 7, "cache_read_input_tokens": 9_000, "cache_creation_input_tokens": 300}
    span = translated(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.usage_details": json.dumps(usage),
            "langfuse.observation.cost_details": json.dumps({"input": 0.25, "output": 0.5}),
        }
    )
    assert span.end["usage"] == {
        "input_tokens": 9_312,
        "output_tokens": 7,
        "total_tokens": 9_319,
        "input_token_details": {"cache_read": 9_000, "cache_creation": 300},
    }
    assert span.end["reported_cost_usd"] == 0.75


def test_costs_of_langfuse() -> None:
    assert read_langfuse_cost('{"input": 1, "total": 3.5}') == 3.5
    assert read_langfuse_cost({"input": -1, "output": True, "x": "y"}) is None
    assert read_langfuse_cost("much") is None


def test_an_agents_run_that_names_its_model_is_no_model_call() -> None:
    assert translated({"agent_name": "A", "model_name": "m"}).kind == "sub_agent"
    assert translated({"model_name": "m"}).kind == "llm"


def test_googles_agents() -> None:
    call = {"name": "weather", "args": {"city": "Paris"}}
    request = {
        "contents": [{"role": "user", "parts": [{"text": "weather?"}]}],
        "config": {"system_instruction": "Be brief."},
    }
    model_call = translated(
        {
            "gen_ai.request.model": "m",
            "gcp.vertex.agent.session_id": "s",
            "gcp.vertex.agent.llm_request": json.dumps(request),
            "gcp.vertex.agent.llm_response": json.dumps(
                {"content": {"role": "model", "parts": [{"function_call": call}]}}
            ),
        }
    )
    assert model_call.start["input_messages"] == [{"role": "system", "text": "Be brief."}, *ASKED]
    assert [{**told, "id": None} for told in model_call.end["response"]["tool_calls"]] == [
        {**call, "id": None}
    ]
    assert model_call.session == "s"
    tool = translated(
        {
            "gen_ai.operation.name": "execute_tool",
            "gcp.vertex.agent.tool_call_args": '{"city": "Paris"}',
            "gcp.vertex.agent.tool_response": '{"t": 21}',
        }
    )
    assert (tool.start["input"], tool.end["output"]) == ('{"city": "Paris"}', '{"t": 21}')

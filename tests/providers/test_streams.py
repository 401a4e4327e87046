"""Real classes that the project has anyway, against the API: first words, errors and totals of streams."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.outputs import ChatGenerationChunk
from langchain_google_genai import ChatGoogleGenerativeAI

from etaoi_tui.sdk.attach import AttachedHandle, attach
from etaoi_tui.sdk.langchain.messages import describe_message, describe_state, normalize_usage
from etaoi_tui.sdk.langchain.output_schemas import output_schema_of
from etaoi_tui.sdk.langchain.runs import note_usage
from tests.providers.api import anthropic_messages as claude
from tests.providers.api.bill import Bill
from tests.providers.api.gemini import gemini
from tests.providers.api.server import Answer, ModelApi, failing
from tests.sdk.langchain.trees import Forest, SpanNode

WORDS = "The answer is forty-two."
FIRST = 0.25


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelApi]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with ModelApi() as served:
        yield served


def anthropic(api: ModelApi) -> ChatAnthropic:
    return ChatAnthropic(model="claude-sonnet-4-5", base_url=api.root, api_key="x", max_retries=0)  # type: ignore[call-arg, arg-type]


def google(api: ModelApi) -> ChatGoogleGenerativeAI:
    return ChatGoogleGenerativeAI(model="gemini-2.5-flash", base_url=api.root, api_key="x", max_retries=1)  # type: ignore[call-arg, arg-type]


def streamed(api: ModelApi, door: str, make: Callable[[ModelApi], Any], answer: Answer) -> SpanNode:
    """Return the call that a stream of one answer makes."""
    api.script(door, answer)
    model = make(api)
    handle: AttachedHandle = attach(model, sink="memory")
    try:
        with contextlib.suppress(Exception):
            list(model.stream("hi"))
        assert handle.flush(60)
        (call,) = Forest(handle.sink.events).of("llm")
        return call
    finally:
        handle.detach()


@pytest.mark.parametrize(
    ("door", "make", "answer"),
    [
        ("messages", anthropic, claude.messages(WORDS, first=FIRST)),
        (
            "messages",
            anthropic,
            claude.messages({"type": "thinking", "thinking": "well", "signature": "s"}, WORDS, first=FIRST),
        ),
        ("messages", anthropic, claude.messages(claude.tool_use("search", {"q": "x"}), first=FIRST)),
        ("gemini", google, gemini(WORDS, first=FIRST)),
    ],
    ids=["text", "thinking", "a tool call", "gemini"],
)
def test_the_first_word_is_no_empty_chunk(
    api: ModelApi, door: str, make: Callable[[ModelApi], Any], answer: Answer
) -> None:
    call = streamed(api, door, make, answer)
    assert call.payload["ttft_ms"] >= FIRST * 1000


def test_cache_writes_travel_whole(api: ModelApi) -> None:
    call = streamed(
        api, "messages", anthropic, claude.messages(WORDS, bill=Bill("claude-sonnet-4-5", 9, 9, 7, 100, 50))
    )
    usage = call.payload["usage"]
    assert usage["cache_creation_input_tokens"] == 150
    assert usage["input_token_details"]["ephemeral_1h_input_tokens"] == 50
    assert (call.payload["model"], call.metadata["ls_model_name"]) == (
        "claude-sonnet-4-5-20250929",
        "claude-sonnet-4-5",
    )


def test_a_failed_call_tells_no_response(api: ModelApi) -> None:
    error_body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    for answer in (failing(529, error_body), claude.messages(WORDS, error_after=2)):
        call = streamed(api, "messages", anthropic, answer)
        assert call.error is not None and "candidates" not in call.payload
    assert call.streamed == WORDS[: len("The answer is ")]
    assert call.payload.get("response", {"text": call.streamed})["text"] == call.streamed, "no empty message"


class _Run:
    usage: Any = None
    totals_run = False


@pytest.mark.parametrize(
    ("reports", "total"),
    [
        ([(100, 1), (100, 5), (100, 9)], (100, 9)),
        ([(100, 9), (100, 9)], (100, 9)),
        ([(100, 1), (0, 5), (0, 9)], None),
        ([(0, 0), (100, 9)], None),
        ([(100, 9)], None),
    ],
    ids=["running totals", "the last one twice", "pieces", "once, behind nothing", "once"],
)
def test_running_totals_are_told_from_pieces(
    reports: list[tuple[int, int]], total: tuple[int, int] | None
) -> None:
    run: Any = _Run()
    for input_tokens, output_tokens in reports:
        note_usage(run, {"input_tokens": input_tokens, "output_tokens": output_tokens})
    running_total = (run.usage["input_tokens"], run.usage["output_tokens"]) if run.totals_run else None
    assert running_total == total


def test_usage_of_other_spellings_gets_the_usual_names() -> None:
    usage = normalize_usage(
        {"prompt_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 3}}
    )
    assert (usage["input_tokens"], usage["output_tokens"], usage["cache_read_input_tokens"]) == (7, 2, 3)


CITY = {"title": "City", "type": "object", "properties": {"city": {"type": "string"}}}


@pytest.mark.parametrize(
    ("params", "options", "schema"),
    [
        ({}, {"ls_structured_output_format": {"kwargs": {"method": "m"}, "schema": CITY}}, ("m", "")),
        ({"response_format": {"json_schema": {"schema": CITY}}}, None, ("json_schema", "response_format")),
        ({"text": {"format": {"type": "json_schema", "schema": CITY}}}, {}, ("json_schema", "text")),
        ({"output_config": {"format": {"schema": CITY}}}, None, ("json_schema", "output_config")),
        ({"response_format": {"type": "json_object"}, "text": "plain"}, None, None),
        ({}, {"stop": ["x"]}, None),
    ],
)
def test_schemas_are_found_where_each_provider_puts_them(params: Any, options: Any, schema: Any) -> None:
    assert output_schema_of(params, options) == ((CITY, *schema) if schema else None)


def test_data_in_states_and_messages_is_only_its_size() -> None:
    data = "iVBORw0KGgo" + "A" * 4_000 + "="
    size = len(data) * 3 // 4 - 1
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    link = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    state: Any = describe_state({"messages": [{"content": [block, link]}], "data": "words, " * 1_000})
    first, second = state["messages"][0]["content"]
    assert first["source"] == {"type": "base64", "media_type": "image/png", "bytes": size}
    assert second["image_url"] == {"bytes": size, "mime_type": "image/png"}
    assert state["data"] == "words, " * 1_000, "words are no data"
    parts = describe_message({"role": "user", "content": [block, link]})["parts"]
    assert [part["bytes"] for part in parts] == [size, size]


def test_a_chunk_says_who_speaks_as_a_message_does() -> None:
    from langchain_core.messages import AIMessageChunk

    chunk = ChatGenerationChunk(message=AIMessageChunk("hi"))
    assert describe_message(chunk.message)["role"] == "ai"

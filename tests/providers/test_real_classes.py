"""Real provider classes against the API on loopback: what each call was, and cost, on pages and in JSON."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etaoi_tui.cli.main import main
from tests.providers.api.bill import Bill
from tests.providers.reading import Reading, read
from tests.real_env import ROOT, real_env

pytestmark = pytest.mark.real_clients

CLASSES = (
    "langchain>=1.0", "langgraph>=1.0", "deepagents>=0.7", "langchain-openai", "langchain-anthropic",
    "langchain-google-genai", "msgspec>=0.19", "msgpack>=1.0.8", "websockets>=15.0",
)  # fmt: skip

WORDS = "The answer is forty-two."
MODES = ("invoke", "stream", "ainvoke", "astream")
STREAMED = ("stream", "astream")
NO = "I cannot help with that."


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Play all scenarios once, in an environment that has the real classes."""
    folder = tmp_path_factory.mktemp("providers")
    python = real_env("providers", *CLASSES)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ETAOI", "LANG")) and not name.lower().endswith("_proxy")
    }
    done = subprocess.run(
        [str(python), "-W", "ignore", "-m", "tests.providers.drivers.scenarios", str(folder)],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'collector'}"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    return folder


@pytest.fixture(scope="module")
def reading_of(recordings: Path) -> Any:
    """Return what a scenario's recording tells, by its name."""

    @functools.cache
    def find(name: str) -> Reading:
        reading = read(recordings / f"{name}.msgpack")
        record = json.loads((recordings / f"{name}.json").read_text())
        reading.bills = [Bill(**bill) for bill in record["bills"]]
        reading.requests, reading.outcome = record["requests"], record["outcome"]
        return reading

    find.names = sorted(path.stem for path in recordings.glob("*.json"))  # type: ignore[attr-defined]
    return find


UNTOLD = ("broken-", "failed-", "overloaded-", "call-completion-stream", "call-completion-astream")
"""The class never learns what these cost: the connection broke before, or it does not ask."""


def test_every_run_adds_up_to_what_the_api_billed(reading_of: Any) -> None:
    """Tokens of runs, of spans and of the raw events, and dollars, of some 130 recordings."""
    wrong = []
    names = [name for name in reading_of.names if not name.startswith(UNTOLD)]
    assert len(names) > 100
    for name in names:
        one = reading_of(name)
        billed = sum(bill.input for bill in one.bills), sum(bill.output for bill in one.bills)
        runs = tuple(sum(run[key] for run in one.runs) for key in ("input_tokens", "output_tokens"))
        dollars = sum(run["cost_usd"] or 0.0 for run in one.runs)
        spans = sum(call["cost_usd"] or 0.0 for call in one.calls)
        due = sum(bill.dollars for bill in one.bills)
        if runs != billed or abs(dollars - due) > 1e-9 or abs(spans - due) > 1e-9:
            wrong.append((name, runs, billed, dollars, spans, due))
        if not all(run["cost_is_complete"] for run in one.runs):
            wrong.append((name, "not complete"))
        if not name.startswith(("router", "cache")) and _raw_sums(one) != billed:
            wrong.append((name, "raw", _raw_sums(one), billed))
    assert not wrong


def _raw_sums(one: Reading) -> tuple[int, int]:
    usages = [
        event["payload"].get("usage") or {}
        for event in one.raw
        if event["kind"] == "span_end" and event["node_kind"] == "llm"
    ]
    return sum(u.get("input_tokens", 0) for u in usages), sum(u.get("output_tokens", 0) for u in usages)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("door", ["openai", "responses", "anthropic", "gemini"])
def test_a_call_tells_its_usage_model_ending_and_first_word(reading_of: Any, door: str, mode: str) -> None:
    one = reading_of(f"call-{door}-{mode}")
    call, (bill,) = one.call, one.bills
    assert call["status"] == "ok" and call["output"]["role"] == "assistant"
    assert call["output"]["text"] == WORDS and call["finish_reason"] == "stop"
    assert [message["role"] for message in call["input"]] == ["user"]
    usage = call["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (bill.input, bill.output)
    assert usage["cache_read"] == bill.read and (usage["reasoning"] or 0) == bill.reasoning
    assert call["cost_usd"] == pytest.approx(bill.dollars)
    assert call["tools"] is None and call["waits_for"] is None
    asked = {"openai": "gpt-4o", "responses": "gpt-5", "anthropic": "claude-sonnet-4-5", "gemini": None}[door]
    assert call["requested_model"] == asked and call["model"].startswith(bill.model)
    assert WORDS in one.page and "$0.00" in one.page
    if mode in STREAMED:
        assert 250 <= call["ttft_ms"] <= call["duration_ms"], "the empty chunks before it are no word"
    else:
        assert call["ttft_ms"] is None


@pytest.mark.parametrize("mode", MODES)
def test_a_completion_model_shows_its_prompt(reading_of: Any, mode: str) -> None:
    one = reading_of(f"call-completion-{mode}")
    assert one.call["output"] == {"role": "assistant", "text": WORDS} and one.call["finish_reason"] == "stop"
    assert "◉ prompt" in one.page and "▎ hi" in one.page


@pytest.mark.parametrize("mode", ["invoke", "stream"])
@pytest.mark.parametrize(("five", "hour"), [(6_000, 0), (0, 5_000), (1_000, 5_000)])
def test_cache_writes_of_claude_are_counted_and_paid(
    reading_of: Any, five: int, hour: int, mode: str
) -> None:
    one = reading_of(f"written-{five}-{hour}-{mode}")
    usage = one.call["usage"]
    assert usage["cache_creation"] == five + hour and usage["cache_read"] == 4_000
    assert (usage["cache_creation_5m"] or 0, usage["cache_creation_1h"] or 0) == (five, hour)
    assert f"{five + hour:,}" in one.page


@pytest.mark.parametrize("mode", ["invoke", "stream"])
@pytest.mark.parametrize("door", ["chat", "responses"])
def test_a_tier_has_its_price(reading_of: Any, door: str, mode: str) -> None:
    flex, default_tier = (reading_of(f"tier-{door}-{tier}-{mode}") for tier in ("flex", "default"))
    assert (flex.call["usage"]["service_tier"], default_tier.call["usage"]["service_tier"]) == ("flex", None)
    assert flex.call["usage"]["cache_read"] == default_tier.call["usage"]["cache_read"] == 600
    assert flex.call["usage"]["reasoning"] == 12
    assert flex.call["cost_usd"] == pytest.approx(default_tier.call["cost_usd"] / 2)
    assert "flex tier" in flex.page and "tier" not in default_tier.page.lower().replace("service_tier", "")


def test_a_tier_without_a_price_says_standard_price(reading_of: Any) -> None:
    one = reading_of("tier-anthropic-invoke")
    assert one.call["usage"]["service_tier"] == "priority"
    assert "standard price: none is known for tier priority" in one.page


@pytest.mark.parametrize("name", ["audio-invoke", "audio-stream"])
def test_audio_is_told_apart(reading_of: Any, name: str) -> None:
    usage = reading_of(name).call["usage"]
    assert (usage["input_audio"], usage["output_audio"]) == (200, 40)
    assert "audio in" in reading_of(name).page


@pytest.mark.parametrize("name", ["usage-in-every-chunk", "finish-twice"])
@pytest.mark.parametrize("mode", STREAMED)
def test_running_totals_are_not_added_up(reading_of: Any, name: str, mode: str) -> None:
    call = reading_of(f"{name}-{mode}").call
    assert (call["usage"]["input_tokens"], call["usage"]["output_tokens"]) == (1_000, 30)
    assert call["usage"]["cache_read"] == 600 and call["finish_reason"] == "stop"
    assert call["model"] == "gpt-4o-2024-08-06", "repeated chunks repeat the name, too"


@pytest.mark.parametrize("name", ["cache-chat", "cache-stream"])
def test_an_answer_from_langchains_cache_costs_nothing(reading_of: Any, name: str) -> None:
    one = reading_of(name)
    paid, cached = one.calls
    assert one.requests == 1 and paid["cost_usd"] > 0 and cached["cost_usd"] == 0
    assert any("cache" in note for note in cached["notes"])
    assert "nothing was asked" in one.pages[cached["span_id"]]


@pytest.mark.parametrize(
    "name",
    [
        "router-invoke",
        "router-ainvoke",
        "router-stream",
        "router-invoke-rebuilt",
        "router-ainvoke-rebuilt",
        "router-alone",
    ],
)
def test_a_model_around_a_model_is_one_call(reading_of: Any, name: str) -> None:
    one = reading_of(name)
    outer, inner = one.calls
    assert len({call["trace_id"] for call in one.calls}) == (2 if name == "router-alone" else 1)
    (run,) = (run for run in one.runs if run["model_calls"])
    assert one.requests == run["model_calls"] == 1 and run["input_tokens"] == 1_000
    assert outer["cost_usd"] == 0 and inner["cost_usd"] == pytest.approx(0.0035)
    assert any("the model call inside it" in note for note in outer["notes"])


@pytest.mark.parametrize("mode", ["invoke", "stream"])
@pytest.mark.parametrize("name", ["alias-azure", "alias-router", "alias-vendor"])
def test_the_model_that_answered_is_priced(reading_of: Any, name: str, mode: str) -> None:
    one = reading_of(f"{name}-{mode}")
    assert one.call["cost_usd"] == pytest.approx(0.01)
    assert "128,000" in one.page, "its window"
    if name != "alias-vendor":
        assert one.call["model"] == "gpt-4o-2024-08-06"
        assert one.call["requested_model"] in ("team-blue-chat", "our-alias")
        assert one.call["requested_model"] in one.page and "gpt-4o-2024-08-06" in one.page


ENDINGS = {
    "refused-chat-invoke": "refusal",
    "refused-chat-ainvoke": "refusal",
    **{f"refused-responses-{mode}": "refusal" for mode in MODES},
    **{f"refused-anthropic-{mode}": "refusal" for mode in ("invoke", "stream")},
    **{
        f"{name}-{door}-{mode}": reason
        for mode in ("invoke", "stream")
        for name, reason, doors in (
            ("filtered", "content_filter", ("chat", "gemini", "responses")),
            ("cut", "length", ("chat", "anthropic", "gemini", "responses")),
            ("paused", "pause", ("anthropic",)),
            ("tools", "tool_calls", ("chat", "responses", "anthropic", "gemini")),
        )
        for door in doors
    },
}
MARKS = {
    "refusal": "⊘ refused",
    "content_filter": "⊘ filtered",
    "length": "✂ cut",
    "pause": "‖ to be continued",
}


@pytest.mark.parametrize("name", ENDINGS)
def test_how_it_ended_is_told_in_one_vocabulary(reading_of: Any, name: str) -> None:
    one = reading_of(name)
    reason = ENDINGS[name]
    assert one.call["finish_reason"] == reason
    if reason in MARKS:
        assert one.row.startswith(MARKS[reason])
    if reason == "refusal":
        assert NO in one.page and NO in one.row
        if "anthropic" not in name:
            assert one.call["output"]["refusal"] == NO
    if reason == "tool_calls":
        (call,) = one.call["output"]["tool_calls"]
        assert (call["name"], call["args"]) == ("search", {"query": "weather in Oslo"})
    if name.startswith("cut-anthropic"):
        assert "told as max_tokens" in one.page


@pytest.mark.parametrize(
    "name",
    [
        *(f"error-chat-{status}-{mode}" for status in (400, 401, 429, 500) for mode in ("invoke", "astream")),
        *(f"error-{door}-{mode}" for door in ("anthropic", "gemini") for mode in ("invoke", "stream")),
    ],
)
def test_a_call_that_failed_at_once_has_no_answer(reading_of: Any, name: str) -> None:
    one = reading_of(name)
    assert one.outcome.startswith("raised")
    assert one.call["status"] == "error" and one.call["output"] is None and one.call["cost_usd"] is None
    assert "(empty)" not in one.page and "✦ response" not in one.page


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"{name}-{mode}", words)
        for mode in STREAMED
        for name, words in (
            ("broken-chat", "The answer is "),
            ("broken-anthropic", "The answer is "),
            ("broken-gemini", "The answer is "),
            ("overloaded-anthropic", "The answer is "),
            ("failed-responses", WORDS),
        )
    ],
)
def test_what_had_streamed_before_an_error_is_told_as_incomplete(
    reading_of: Any, name: str, words: str
) -> None:
    one = reading_of(name)
    assert one.outcome.startswith("raised") and one.call["status"] == "error"
    assert one.call["output"]["text"] == words and one.call["output"]["incomplete"] is True
    assert words.strip() in one.page and "incomplete" in one.page and "(empty)" not in one.page


BY_OPENAI = ("weather oslo", "print(6*7)", "forty-two", "fjords", "deep water", "fjord depth", "1,308 m")
BY_CLAUDE = ("weather oslo", "https://example.org/oslo", "print(6*7)", "forty-two", "fjords", "deep water")
BY_GEMINI = ("weather oslo", "https://example.org/oslo", "print(6*7)", "forty-two")
SERVER_TOOLS = {
    **{f"server-responses-{mode}": BY_OPENAI for mode in MODES},
    **{f"server-responses-{v}-{mode}": BY_OPENAI for v in ("v0", "v1") for mode in ("invoke", "stream")},
    **{f"server-anthropic-{mode}": BY_CLAUDE for mode in MODES},
    **{f"server-anthropic-v1-{mode}": BY_CLAUDE for mode in ("invoke", "stream")},
    **{f"server-gemini-{mode}": BY_GEMINI for mode in ("invoke", "stream")},
}


@pytest.mark.parametrize("name", SERVER_TOOLS)
def test_what_the_provider_ran_itself_is_shown_like_calls(reading_of: Any, name: str) -> None:
    one = reading_of(name)
    calls = one.call["output"]["server_tool_calls"]
    encoded_calls = json.dumps(calls)
    for words in SERVER_TOOLS[name]:
        assert words in encoded_calls and words in one.page
    assert all(call["name"] != "server tool" for call in calls)
    assert "run by the provider" in one.page
    assert "EEEEEEEE" not in json.dumps(one.raw), "what is sealed is not recorded"
    assert max(len(json.dumps(event["payload"])) for event in one.raw if event["kind"] == "span_end") < 20_000


def test_a_picture_has_its_size_and_no_data(reading_of: Any) -> None:
    one = reading_of("picture")
    tool = one.of("shot")
    assert "image/png, 1.0 MB" in one.pages[tool["span_id"]]
    assert all("image/png, 1.0 MB" in one.pages[call["span_id"]] for call in one.calls)
    assert sum(len(json.dumps(event, default=str)) for event in one.raw) < 100_000


@pytest.mark.parametrize("name", ["openai", "openai-calls", "responses", "anthropic", "gemini"])
def test_the_schema_of_an_answer_is_shown(reading_of: Any, name: str) -> None:
    one = reading_of(f"schema-{name}")
    assert "Answer schema" in one.page and '"city"' in one.page and '"required"' in one.page


def test_an_agent_marks_what_it_was_not_offered(reading_of: Any) -> None:
    one = reading_of("agent")
    _, unoffered, _ = one.calls
    assert unoffered["tools"] == ["search"]
    assert unoffered["notes"] == ["it calls a tool that was not offered: serach"]
    assert "no such tool was offered" in one.pages[unoffered["span_id"]]


def test_a_run_tells_what_it_cost_itself_and_below(reading_of: Any) -> None:
    one = reading_of("deep-agent")
    own = sum(bill.dollars for bill in one.bills if bill.model.startswith("claude"))
    page = " ".join(one.pages[one.of("boss")["span_id"]].split())
    assert own == pytest.approx(0.0096)
    assert "cost $0.0096" in page and "sub-agents $0.126" in page and "cost together $0.136" in page
    (run,) = (run for run in one.runs if run["model_calls"])
    assert run["cost_usd"] == pytest.approx(sum(bill.dollars for bill in one.bills))


def test_commands_print_the_same(recordings: Path, reading_of: Any) -> None:
    file = str(recordings / "graph.msgpack")
    runs = CliRunner().invoke(main, ["ls", file, "--json"]).stdout.splitlines()
    spans = CliRunner().invoke(main, ["show", file, "--json"]).stdout.splitlines()
    assert [json.loads(line) for line in runs] == reading_of("graph").runs
    printed = {span["span_id"]: span["cost_usd"] for span in map(json.loads, spans)}
    assert printed == {span["span_id"]: span["cost_usd"] for span in reading_of("graph").spans}
    tree = CliRunner().invoke(main, ["show", file]).stdout
    assert any(line.startswith("trace ") and "$0.0078" in line for line in tree.splitlines())

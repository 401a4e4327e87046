"""What real provider classes do: calls, agents and graphs, answered by the API on loopback."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.caches import InMemoryCache
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import AzureChatOpenAI, ChatOpenAI, OpenAI

from tests.providers.api import anthropic_messages as claude
from tests.providers.api import openai_responses as resp
from tests.providers.api.bill import Bill
from tests.providers.api.gemini import gemini
from tests.providers.api.openai_chat import chat, completion
from tests.providers.api.server import Answer, ModelApi, failing
from tests.providers.drivers.answers import BY_CLAUDE, BY_GEMINI, BY_OPENAI, PICTURE
from tests.providers.drivers.playing import MODES, Scenario, Stage, ask, main

SCENARIOS: dict[str, Scenario] = {}

WORDS = "The answer is forty-two."
THOUGHT = "Let me think about that."
FIRST = 0.25


def scenario(name: str) -> Callable[[Scenario], Scenario]:
    """Keep a scenario under a name."""

    def keep(play: Scenario) -> Scenario:
        SCENARIOS[name] = play
        return play

    return keep


# The classes, each with its door


def openai(api: ModelApi, **options: Any) -> ChatOpenAI:
    """Return a model of OpenAI's chat completions."""
    return ChatOpenAI(
        **{
            "model": "gpt-4o",
            "base_url": api.openai,
            "api_key": "x",
            "max_retries": 0,
            "stream_usage": True,
            **options,
        }
    )


def openai_responses(api: ModelApi, **options: Any) -> ChatOpenAI:
    """Return a model of OpenAI's Responses."""
    return openai(api, **{"model": "gpt-5", "use_responses_api": True, **options})


def anthropic(api: ModelApi, **options: Any) -> ChatAnthropic:
    """Return a model of Anthropic's Messages."""
    return ChatAnthropic(
        **{"model": "claude-sonnet-4-5", "base_url": api.root, "api_key": "x", "max_retries": 0, **options}
    )


def google(api: ModelApi, **options: Any) -> ChatGoogleGenerativeAI:
    """Return a Gemini model."""
    return ChatGoogleGenerativeAI(
        **{"model": "gemini-2.5-flash", "base_url": api.root, "api_key": "x", "max_retries": 1, **options}
    )


def play_call(
    stage: Stage, make: Callable[..., Any], door: str, answer: Answer, mode: str, options: dict[str, Any]
) -> str:
    """Ask one model once."""
    stage.api.script(door, answer)
    return ask(stage.watch(make(stage.api, **options)), mode)


def calls(
    name: str,
    make: Callable[..., Any],
    door: str,
    answer: Answer,
    *,
    modes: tuple[str, ...] = MODES,
    **options: Any,
) -> None:
    """Keep one call in several modes, as ``NAME-MODE``."""
    for mode in modes:
        SCENARIOS[f"{name}-{mode}"] = partial(
            play_call, make=make, door=door, answer=answer, mode=mode, options=options
        )


PLAIN = ("invoke", "stream")

# One call of each, with a cache, reasoning and a pause before the first word

calls(
    "call-openai", openai, "chat",
    chat(WORDS, Bill("gpt-4o", 400, 30, read=600, reasoning=12), reasoning=THOUGHT, first=FIRST),
)  # fmt: skip
calls(
    "call-responses", openai_responses, "responses",
    resp.responses(
        resp.reasoning(THOUGHT), resp.message(WORDS),
        bill=Bill("gpt-5", 400, 30, read=600, reasoning=12), first=FIRST,
    ),
)  # fmt: skip
calls(
    "call-anthropic", anthropic, "messages",
    claude.messages(
        {"type": "thinking", "thinking": THOUGHT, "signature": "sig"}, WORDS,
        bill=Bill("claude-sonnet-4-5", 40, 30, read=600), first=FIRST,
    ),
)  # fmt: skip
calls(
    "call-gemini", google, "gemini",
    gemini(
        {"text": THOUGHT, "thought": True}, WORDS,
        bill=Bill("gemini-2.5-flash", 400, 30, read=600, reasoning=12), first=FIRST,
    ),
)  # fmt: skip
calls(
    "call-completion",
    lambda api, **options: OpenAI(
        model="gpt-3.5-turbo-instruct", base_url=api.openai, api_key="x", max_retries=0, **options
    ),
    "completions",
    completion(WORDS, Bill("gpt-3.5-turbo-instruct", 40, 7)),
)

# Usage

for five, hour in ((6_000, 0), (0, 5_000), (1_000, 5_000)):
    calls(
        f"written-{five}-{hour}", anthropic, "messages",
        claude.messages(WORDS, bill=Bill("claude-sonnet-4-5", 100, 50, 4_000, five, hour)), modes=PLAIN,
    )  # fmt: skip
for tier in ("flex", "priority", "default"):
    tiered = Bill("gpt-5", 400, 30, read=600, reasoning=12, tier=tier)
    calls(
        f"tier-chat-{tier}",
        openai,
        "chat",
        chat(WORDS, tiered, answered_by="gpt-5-2025-08-07"),
        modes=PLAIN,
        model="gpt-5",
    )
    calls(
        f"tier-responses-{tier}", openai_responses, "responses",
        resp.responses(resp.message(WORDS), bill=tiered), modes=PLAIN,
    )  # fmt: skip
calls(
    "tier-anthropic", anthropic, "messages",
    claude.messages(WORDS, bill=Bill("claude-sonnet-4-5", tier="priority")), modes=PLAIN,
)  # fmt: skip
calls(
    "audio", openai, "chat",
    chat(WORDS, Bill("gpt-4o", 300, 60, input_audio=200, output_audio=40)), modes=PLAIN,
)  # fmt: skip
calls(
    "usage-in-every-chunk", openai, "chat",
    chat(WORDS, Bill("gpt-4o", 400, 30, read=600), usage_in_every_chunk=True), modes=("stream", "astream"),
)  # fmt: skip
calls(
    "finish-twice", openai, "chat",
    chat(WORDS, Bill("gpt-4o", 400, 30, read=600), finish_twice=True), modes=("stream", "astream"),
)  # fmt: skip


@scenario("cache-chat")
def cache_chat(stage: Stage) -> Any:
    """The same question twice, the second time out of LangChain's cache."""
    stage.api.script("chat", chat(WORDS, Bill("gpt-4o", 1_000, 500)))
    model = stage.watch(openai(stage.api, cache=InMemoryCache()))
    return [ask(model, "invoke", "joke"), ask(model, "invoke", "joke")]


@scenario("cache-stream")
def cache_stream(stage: Stage) -> Any:
    """The same with the class's own streaming, and asynchronous."""
    stage.api.script("messages", claude.messages(WORDS, bill=Bill("claude-sonnet-4-5", 1_000, 500)))
    model = stage.watch(anthropic(stage.api, cache=InMemoryCache(), streaming=True))
    return [ask(model, "ainvoke", "joke"), ask(model, "ainvoke", "joke")]


# A model around a model


class Router(BaseChatModel):
    """Hands on what another model answers."""

    inner: Any
    rebuilt: bool = False
    """Makes a message of its own out of the answer."""

    @property
    def _llm_type(self) -> str:
        return "router"

    def _mine(self, message: AIMessage) -> ChatResult:
        if self.rebuilt:
            message = AIMessage(message.content, usage_metadata=message.usage_metadata)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> ChatResult:
        return self._mine(self.inner.invoke(messages))

    async def _agenerate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any
    ) -> ChatResult:
        return self._mine(await self.inner.ainvoke(messages))


class StreamingRouter(Router):
    """The same, piece by piece."""

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **_: Any) -> Any:
        for piece in self.inner.stream(messages):
            yield ChatGenerationChunk(message=piece)


def play_router(stage: Stage, router: type[Router], mode: str, rebuilt: bool) -> str:
    """Run an agent whose model is a router."""
    from langchain.agents import create_agent

    stage.api.script("chat", chat(WORDS, Bill("gpt-4o", 1_000, 100)))
    agent = create_agent(router(inner=openai(stage.api), rebuilt=rebuilt), [])
    return ask(stage.watch(agent), mode, {"messages": [("user", "x")]})


for mode in ("invoke", "ainvoke"):
    for rebuilt in (False, True):
        SCENARIOS[f"router-{mode}{'-rebuilt' if rebuilt else ''}"] = partial(
            play_router, router=Router, mode=mode, rebuilt=rebuilt
        )


@scenario("router-alone")
def router_alone(stage: Stage) -> Any:
    """Ask a router by itself, without an agent around it."""
    stage.api.script("chat", chat(WORDS, Bill("gpt-4o", 1_000, 100)))
    stage.watch(None)  # everything in this process
    return ask(Router(inner=openai(stage.api)), "invoke")


SCENARIOS["router-stream"] = partial(play_router, router=StreamingRouter, mode="stream", rebuilt=False)

# Which model

calls(
    "alias-azure",
    lambda api, **options: AzureChatOpenAI(
        azure_deployment="team-blue-chat",
        azure_endpoint=api.root,
        api_version="2024-10-21",
        api_key="x",
        **options,
    ),
    "chat",
    chat(WORDS, Bill("gpt-4o", 2_000, 500)),
    modes=PLAIN,
)
calls("alias-router", openai, "chat", chat(WORDS, Bill("gpt-4o", 2_000, 500)), modes=PLAIN, model="our-alias")
calls(
    "alias-vendor", openai, "chat",
    chat(WORDS, Bill("gpt-4o", 2_000, 500), answered_by="openai/gpt-4o"), modes=PLAIN, model="openai/gpt-4o",
)  # fmt: skip

# How it ended

NO = "I cannot help with that."
calls("refused-chat", openai, "chat", chat("", refusal=NO), modes=("invoke", "ainvoke"))
calls("refused-responses", openai_responses, "responses", resp.responses(resp.message(refusal=NO)))
calls("refused-anthropic", anthropic, "messages", claude.messages(NO, stop="refusal"), modes=PLAIN)
calls("filtered-chat", openai, "chat", chat("The", finish="content_filter"), modes=PLAIN)
calls("filtered-gemini", google, "gemini", gemini("The", finish="SAFETY"), modes=PLAIN)
calls(
    "filtered-responses", openai_responses, "responses",
    resp.responses(resp.message("The"), status="incomplete", incomplete="content_filter"), modes=PLAIN,
)  # fmt: skip
calls("cut-chat", openai, "chat", chat(WORDS, finish="length"), modes=PLAIN)
calls("cut-anthropic", anthropic, "messages", claude.messages(WORDS, stop="max_tokens"), modes=PLAIN)
calls("cut-gemini", google, "gemini", gemini(WORDS, finish="MAX_TOKENS"), modes=PLAIN)
calls(
    "cut-responses", openai_responses, "responses",
    resp.responses(resp.message(WORDS), status="incomplete", incomplete="max_output_tokens"), modes=PLAIN,
)  # fmt: skip
calls("paused-anthropic", anthropic, "messages", claude.messages(WORDS, stop="pause_turn"), modes=PLAIN)
CALL = ("search", {"query": "weather in Oslo"})
calls("tools-chat", openai, "chat", chat("", calls=[CALL]), modes=PLAIN)
calls(
    "tools-responses", openai_responses, "responses", resp.responses(resp.function_call(*CALL)), modes=PLAIN
)
calls("tools-anthropic", anthropic, "messages", claude.messages(claude.tool_use(*CALL)), modes=PLAIN)
calls(
    "tools-gemini", google, "gemini",
    gemini({"functionCall": {"name": CALL[0], "args": CALL[1]}}), modes=PLAIN,
)  # fmt: skip

# Errors, before an answer and in the middle of one

TOO_LONG = {
    "error": {"message": "maximum context length", "code": "context_length_exceeded", "type": "invalid"}
}
for status in (400, 401, 429, 500):
    calls(f"error-chat-{status}", openai, "chat", failing(status, TOO_LONG), modes=("invoke", "astream"))
calls(
    "error-anthropic", anthropic, "messages",
    failing(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    modes=PLAIN,
)  # fmt: skip
calls(
    "error-gemini", google, "gemini",
    failing(400, {"error": {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT"}}), modes=PLAIN,
)  # fmt: skip
STREAMED = ("stream", "astream")
calls("broken-chat", openai, "chat", chat(WORDS, cut_after=2), modes=STREAMED)
calls("broken-anthropic", anthropic, "messages", claude.messages(WORDS, cut_after=2), modes=STREAMED)
calls("broken-gemini", google, "gemini", gemini(WORDS, cut_after=2), modes=STREAMED)
calls("overloaded-anthropic", anthropic, "messages", claude.messages(WORDS, error_after=2), modes=STREAMED)
calls(
    "failed-responses", openai_responses, "responses",
    resp.responses(resp.message(WORDS), resp.message("never"), fails_after=1), modes=STREAMED,
)  # fmt: skip

# What the provider ran itself

calls("server-responses", openai_responses, "responses", BY_OPENAI)
calls("server-responses-v1", openai_responses, "responses", BY_OPENAI, modes=PLAIN, output_version="v1")
calls("server-responses-v0", openai_responses, "responses", BY_OPENAI, modes=PLAIN, output_version="v0")
calls("server-anthropic", anthropic, "messages", BY_CLAUDE)
calls("server-anthropic-v1", anthropic, "messages", BY_CLAUDE, modes=PLAIN, output_version="v1")
calls("server-gemini", google, "gemini", BY_GEMINI, modes=PLAIN)

# What goes in


@scenario("picture")
def picture(stage: Stage) -> Any:
    """A tool returns an image of 1,024,000 bytes, a user sends one."""
    from langchain.agents import create_agent
    from langchain.tools import tool

    @tool
    def shot() -> list[dict[str, Any]]:
        """Take a screenshot."""
        return [{"type": "image", "source_type": "base64", "mime_type": "image/png", "data": PICTURE}]

    stage.api.script("messages", claude.messages(claude.tool_use("shot", {})), claude.messages("ok"))
    agent = stage.watch(create_agent(anthropic(stage.api), [shot]))
    sent = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
    return ask(agent, "invoke", {"messages": [HumanMessage([{"type": "text", "text": "see"}, sent])]})


SCHEMA = {
    "title": "City", "description": "A city.", "type": "object",
    "properties": {"city": {"type": "string"}}, "required": ["city"],
}  # fmt: skip


def play_structured(stage: Stage, make: Callable[..., Any], door: str, answer: Answer, method: str) -> str:
    """Ask for an answer that follows a schema."""
    stage.api.script(door, answer)
    model = stage.watch(make(stage.api))
    return ask(model.with_structured_output(SCHEMA, method=method), "invoke")


OSLO = '{"city": "Oslo"}'
for name, make, door, answer, method in (
    ("openai", openai, "chat", chat(OSLO), "json_schema"),
    ("openai-calls", openai, "chat", chat("", calls=[("City", {"city": "Oslo"})]), "function_calling"),
    ("responses", openai_responses, "responses", resp.responses(resp.message(OSLO)), "json_schema"),
    (
        "anthropic",
        anthropic,
        "messages",
        claude.messages(claude.tool_use("City", {"city": "Oslo"})),
        "function_calling",
    ),
    ("gemini", google, "gemini", gemini(OSLO), "json_schema"),
):
    SCENARIOS[f"schema-{name}"] = partial(play_structured, make=make, door=door, answer=answer, method=method)

# Agents and graphs


@scenario("agent")
def agent(stage: Stage) -> Any:
    """An agent that calls a tool, one that there is not, and answers."""
    from langchain.agents import create_agent
    from langchain.tools import tool

    @tool
    def search(query: str) -> str:
        """Search."""
        return "sunny"

    stage.api.script(
        "messages",
        claude.messages(claude.tool_use(*CALL), bill=Bill("claude-sonnet-4-5", 100, 20, write_5m=2_000)),
        claude.messages(
            claude.tool_use("serach", {"query": "again"}), bill=Bill("claude-sonnet-4-5", 50, 10, read=2_000)
        ),
        claude.messages(WORDS, bill=Bill("claude-sonnet-4-5", 80, 30, read=2_000, write_1h=500)),
    )
    weather_agent = create_agent(anthropic(stage.api, streaming=True), [search], name="weather")
    return ask(stage.watch(weather_agent), "stream", {"messages": [("user", "x")]})


@scenario("deep-agent")
def deep_agent(stage: Stage) -> Any:
    """A deep agent that gives a task to a sub-agent, which uses another provider."""
    from deepagents import create_deep_agent

    task = claude.tool_use("task", {"description": "find", "subagent_type": "researcher"})
    stage.api.script(
        "messages",
        claude.messages(task, bill=Bill("claude-sonnet-4-5", 1_000, 100)),
        claude.messages("done", bill=Bill("claude-sonnet-4-5", 1_200, 100)),
    )
    stage.api.script("chat", chat("found", Bill("gpt-4o", 50_000, 100)))
    researcher = {
        "name": "researcher", "description": "d", "system_prompt": "s", "model": openai(stage.api),
    }  # fmt: skip
    boss = create_deep_agent(model=anthropic(stage.api), tools=[], name="boss", subagents=[researcher])
    return ask(stage.watch(boss), "ainvoke", {"messages": [("user", "go")]})


@scenario("graph")
def graph(stage: Stage) -> Any:
    """A graph whose nodes ask four providers, two of them side by side."""
    from langgraph.graph import START, MessagesState, StateGraph

    stage.api.script("chat", chat(WORDS, Bill("gpt-4o", 500, 50)))
    stage.api.script("responses", resp.responses(resp.message(WORDS), bill=Bill("gpt-5", 600, 60, read=100)))
    stage.api.script("messages", claude.messages(WORDS, bill=Bill("claude-sonnet-4-5", 700, 70, 0, 300)))
    stage.api.script("gemini", gemini(WORDS, bill=Bill("gemini-2.5-flash", 800, 80, reasoning=30)))
    built = StateGraph(MessagesState)

    def node(model: Any) -> Callable[[Any], Any]:
        async def run(state: Any) -> Any:
            return {"messages": [await model.ainvoke(state["messages"])]}

        return run

    for name, make in (("a", openai), ("b", openai_responses), ("c", anthropic), ("d", google)):
        built.add_node(name, node(make(stage.api)))
    built.add_edge(START, "a")
    built.add_edge("a", "b")
    built.add_edge("a", "c")
    built.add_edge("b", "d")
    return ask(stage.watch(built.compile()), "astream", {"messages": [("user", "go")]})


if __name__ == "__main__":
    main(SCENARIOS)

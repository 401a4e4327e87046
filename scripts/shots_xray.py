"""Pictures of what models received: a real deepagents agent with a scripted model, recorded by our SDK.

The agent, its middleware, its graph and its sub-agent are real; only the model's answers come from a script.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deepagents import create_deep_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.tools import tool
from pydantic import Field

import etaoi_tui
from tests.chat_model import FakeChatModel

Shot = tuple[str, tuple[int, int], str, tuple[str, ...]]
"""File name, columns and lines, theme, and the keys that lead there."""

_FIRST_TURN = ("J", "2", "g")
_FIRST_CHAIN = (*_FIRST_TURN, *"jjjj")
_SECOND_CALL = (*_FIRST_TURN, *"jjjjjjjj")

SHOTS: tuple[Shot, ...] = (
    ("chain-folded", (80, 24), "etaoi-dark", _FIRST_CHAIN),
    ("chain-open", (160, 45), "etaoi-dark", (*_FIRST_CHAIN, "l", *"jjj", "r", "3", *("plus",) * 5, "2")),
    ("chain-folded-wide", (160, 45), "etaoi-dark", _FIRST_CHAIN),
    ("chain-open-small", (80, 24), "etaoi-dark", (*_FIRST_CHAIN, "l", *"jjj", "r", "3")),
    ("diff-sides", (160, 45), "etaoi-dark", (*_SECOND_CALL, "d", "s", "3", "z")),
    ("diff-unified", (80, 24), "etaoi-light", (*_SECOND_CALL, "d")),
    ("diff-sides-small", (80, 24), "etaoi-dark", (*_SECOND_CALL, "d", "s", "3")),
    ("diff-unified-wide", (160, 45), "etaoi-dark", (*_SECOND_CALL, "d", "3", "z")),
    ("context-meter-small", (80, 24), "etaoi-dark", (*_FIRST_TURN, "G", "k", "}", "3")),
    ("context-meter", (160, 45), "etaoi-dark", (*_FIRST_TURN, "G", "k", "}", "3", "z")),
    ("messages", (160, 45), "etaoi-light", (*_SECOND_CALL, "3", "z")),
    ("conversation", (160, 45), "etaoi-dark", ("c", ".", ".", "space")),
    ("conversation-small", (80, 24), "etaoi-light", ("c",)),
    ("agent-graph", (160, 45), "etaoi-dark", (*_FIRST_TURN, "a", *("right_curly_bracket",) * 3)),
    ("agent-graph-small", (80, 24), "etaoi-dark", (*_FIRST_TURN, "a", *("right_curly_bracket",) * 3)),
)

_CHANGES = (
    "The scheduler keeps its queue on disk; a restart loses no job.",
    '`retry_after` takes a duration (`"30s"`) and no longer a number.',
    "Workers answer `/healthz` before they take their first job.",
    "A job that fails three times waits for a person.",
    "Logs name the worker and the attempt.",
)

PAGE = "\n".join(
    f"## 2.{minor}\n\n" + "\n".join(f"- {_CHANGES[(minor + n) % 5]}" for n in range(1 + minor % 4)) + "\n"
    for minor in range(24, 0, -1)
)

PROMPT = """\
You look after releases.
Answer in detail, with an example for each point.
Say where you read something.
"""


class ScriptedModel(FakeChatModel):
    """Answers from a script and takes its time; counts tokens as four characters each."""

    model_name: str = "gpt-4"
    provider: str = "openai"
    temperature: float | None = 0.2
    script: list[AIMessage] = Field(default_factory=list)
    calls: int = 0

    def answer(self, messages: list[BaseMessage], stop: list[str] | None, **kwargs: Any) -> AIMessage:
        """Return the next answer, and what it would have cost."""
        self.calls += 1
        answer = self.script.pop(0)
        asked = sum(len(str(m.content)) for m in messages) + len(str(kwargs.get("tools", "")))
        time.sleep(0.15 + len(str(answer.content)) / 1_000)
        token_count = (len(str(answer.content)) + len(str(answer.tool_calls))) // 4
        cached = asked // 12 if self.calls > 1 else 0
        answer.usage_metadata = UsageMetadata(
            input_tokens=asked // 4,
            output_tokens=token_count,
            total_tokens=asked // 4 + token_count,
            input_token_details=InputTokenDetails(cache_read=cached),
        )
        return answer


@tool
def search_docs(query: str, limit: int = 3) -> str:
    """Search the documentation and return the addresses of pages."""
    time.sleep(0.12)
    return "docs/changelog.md\ndocs/upgrading.md"


@tool
def read_page(path: str) -> str:
    """Read one page of the documentation."""
    time.sleep(0.2)
    return PAGE


class HouseStyle(AgentMiddleware):
    """Rewrites a line of the system prompt, and says how late it is, which no cache likes."""

    calls = 0

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        """Change the prompt."""
        prompt = (request.system_prompt or "").replace(
            "Answer in detail, with an example for each point.", "Answer in at most five lines."
        )
        self.calls += 1
        return handler(
            request.override(system_message=SystemMessage(f"It is 09:{10 + self.calls} on Friday.\n{prompt}"))
        )


class Recall(AgentMiddleware):
    """Puts what it remembers of the person in front of the newest question."""

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        """Add two messages."""
        at = max(n for n, message in enumerate(request.messages) if message.type == "human")
        notes: list[AnyMessage] = [
            HumanMessage("(remembered) Runs 2.3 on four workers, Python 3.12.", id="note-1"),
            HumanMessage("(remembered) Wants to hear of breaking changes first.", id="note-2"),
        ]
        return handler(request.override(messages=[*request.messages[:at], *notes, *request.messages[at:]]))


class OnlyReading(AgentMiddleware):
    """Takes the tools away that write files."""

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        """Select tools."""
        read_only_tools = [
            one for one in request.tools if getattr(one, "name", "") not in ("write_file", "edit_file")
        ]
        return handler(request.override(tools=read_only_tools))


def asks(*calls: tuple[str, dict[str, Any]], text: str = "") -> AIMessage:
    """Return an answer that asks for tools."""
    return AIMessage(
        text, tool_calls=[{"name": name, "args": args, "id": f"call_{name}"} for name, args in calls]
    )


def script() -> list[AIMessage]:
    """Return what the model says, in order; the sub-agent's answer stands where it is asked."""
    task = "Check the breaking changes of 2.4 against Python 3.12 and four workers."
    return [
        asks(("search_docs", {"query": "2.4 changelog", "limit": 2}), text="I look for the changelog."),
        asks(("read_page", {"path": "docs/changelog.md"})),
        asks(("task", {"description": task, "subagent_type": "critic"})),
        AIMessage("`retry_after` is the only one: numbers must become durations. The rest is safe."),
        AIMessage(
            '**One breaking change**: `retry_after` takes a duration (`"30s"`), no longer a number.\n\n'
            "- The queue survives a restart.\n- Workers answer `/healthz` early.\n\n"
            "Upgrading is safe once `retry_after` is changed (docs/changelog.md)."
        ),
        AIMessage("2.4: change `retry_after` to a duration first. Restarts lose no jobs. No other breaks."),
    ]


def record(path: Path) -> None:
    """Run the agent for two turns of one session and record them."""
    agent = create_deep_agent(
        model=ScriptedModel(script=script()),
        tools=[search_docs, read_page],
        system_prompt=PROMPT,
        middleware=etaoi_tui.instrument([HouseStyle(), Recall(), OnlyReading()]),
        subagents=[
            {
                "name": "critic",
                "description": "Looks for what could break.",
                "system_prompt": "You look for what could break. Answer in one line.",
                "tools": [read_page],
            }
        ],
        name="releases",
    )
    handle = etaoi_tui.attach(agent, sink=str(path), session_id="upgrade to 2.4")
    try:
        messages: Sequence[Any] = []
        for question in (
            "What changes with 2.4, and is it safe for us to upgrade?",
            "Write it as one line for the team channel.",
        ):
            messages = agent.invoke({"messages": [*messages, HumanMessage(question)]})["messages"]
    finally:
        handle.detach()

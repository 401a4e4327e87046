"""A chat model without a provider, with tools and middleware. Runs in the real clients' environment."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolCall, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool

SUBTASK = "Compare the two orders."


class ScriptedModel(BaseChatModel):
    """Answers by what it is asked, so that any number of runs can share it.

    A human message makes it call tools; tool results make it answer. When it is offered the ``task`` tool of
    deepagents, it gives `SUBTASK` to the sub-agent called ``checker`` first.
    """

    offered: tuple[str, ...] = ()

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **_: Any) -> ScriptedModel:
        """Remember what was offered."""
        names = [getattr(t, "name", None) or t.get("function", t).get("name", "") for t in tools]
        return ScriptedModel(offered=tuple(names))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: Any,
    ) -> ChatResult:
        time.sleep(0.005)
        last = next(m for m in reversed(messages) if not isinstance(m, SystemMessage))
        calls: list[ToolCall] = []
        text = "Both orders are on their way."
        if isinstance(last, HumanMessage):
            text = "Let me look."
            if "task" in self.offered and last.content != SUBTASK:
                arguments = {"description": SUBTASK, "subagent_type": "checker"}
                calls = [ToolCall(name="task", args=arguments, id="call_task")]
            else:
                calls = [
                    ToolCall(name="lookup_order", args={"order_id": 42}, id="call_42"),
                    ToolCall(name="lookup_order", args={"order_id": 7}, id="call_7"),
                ]
        elif isinstance(last, ToolMessage) and last.name == "task":
            text = "Checked: both orders are on their way."
        answer = AIMessage(
            content=text,
            tool_calls=calls,
            usage_metadata={
                "input_tokens": 40 + len(messages),
                "output_tokens": 9,
                "total_tokens": 49 + len(messages),
            },
            response_metadata={
                "model_name": "scripted-1",
                "finish_reason": "tool_calls" if calls else "stop",
            },
        )
        return ChatResult(generations=[ChatGeneration(message=answer)])


@tool
def lookup_order(order_id: int) -> str:
    """Look up an order by its number."""
    time.sleep(0.002)
    return f"order {order_id}: shipped"


class Guard(AgentMiddleware):
    """Adds a line to the system prompt of every model call, and hooks into the run around it."""

    def before_model(self, state: Any, runtime: Any) -> None:
        """Do nothing, visibly."""

    def wrap_model_call(
        self, request: ModelRequest, handler: Callable[[ModelRequest], ModelResponse]
    ) -> ModelResponse:
        """Pass a changed request on."""
        return handler(self._changed(request))

    async def awrap_model_call(
        self, request: ModelRequest, handler: Callable[[ModelRequest], Any]
    ) -> ModelResponse:
        """Pass a changed request on."""
        answer: ModelResponse = await handler(self._changed(request))
        return answer

    @staticmethod
    def _changed(request: ModelRequest) -> ModelRequest:
        system_text = request.system_message.text if request.system_message else ""
        return request.override(system_message=SystemMessage(content=f"{system_text}\nBe brief."))

"""A chat model without a provider: all but its answers is LangChain's own. LangChain only."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool


class FakeChatModel(BaseChatModel):
    """Takes tools, and tells of itself what a provider's class would; its subclasses answer."""

    model_name: str = "fake-gpt-5"
    provider: str = "fakeai"
    temperature: float | None = None
    max_tokens: int | None = None

    @property
    def _llm_type(self) -> str:
        return self.provider

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        parameters = {"ls_provider": self.provider, "ls_model_name": self.model_name, "ls_model_type": "chat"}
        settings = {"ls_temperature": self.temperature, "ls_max_tokens": self.max_tokens}
        return parameters | {name: value for name, value in settings.items() if value is not None}

    @abstractmethod
    def answer(self, messages: list[BaseMessage], stop: list[str] | None, **kwargs: Any) -> AIMessage:
        """Answer one request."""

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self.answer(messages, stop, **kwargs))])

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Offer the tools in the shape that most providers take."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

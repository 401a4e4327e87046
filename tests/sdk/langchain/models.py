"""Scripted models: everything but the model's answer is LangChain's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field, PrivateAttr

from tests.chat_model import FakeChatModel


class ScriptedModel(FakeChatModel):
    """Answers with the next of ``answers`` (the last one again and again); an exception is raised instead."""

    temperature: float | None = 0.2
    max_tokens: int | None = 512
    answers: list[Any] = Field(default_factory=list)
    candidates: int = 1
    _calls: int = PrivateAttr(default=0)

    def answer(self, messages: list[BaseMessage], stop: list[str] | None, **kwargs: Any) -> AIMessage:
        """Return the next answer, whatever is asked."""
        answer = self.answers[min(self._calls, len(self.answers) - 1)]
        self._calls += 1
        if isinstance(answer, BaseException):
            raise answer
        return answer.model_copy() if isinstance(answer, AIMessage) else AIMessage(answer)

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, "temperature": self.temperature}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answers = [self.answer(messages, stop) for _ in range(self.candidates)]
        return ChatResult(generations=[ChatGeneration(message=answer) for answer in answers])

    def _pieces(self) -> Iterator[ChatGenerationChunk]:
        message = self.answer([], None)
        words = str(message.content).split(" ") if message.content else []
        for index, word in enumerate(words):
            text = word if index == 0 else f" {word}"
            yield ChatGenerationChunk(message=AIMessageChunk(content=text))
        for index, call in enumerate(message.tool_calls):
            from json import dumps

            arguments = dumps(call["args"])
            for part, (name, call_id) in (
                (arguments[:4], (call["name"], call["id"])),
                (arguments[4:], (None, None)),
            ):
                chunk = {"name": name, "args": part, "id": call_id, "index": index, "type": "tool_call_chunk"}
                yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[chunk]))
        last = AIMessageChunk(
            content="", usage_metadata=message.usage_metadata, response_metadata=message.response_metadata
        )
        yield ChatGenerationChunk(message=last)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield from self._pieces()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        import asyncio

        for piece in self._pieces():
            await asyncio.sleep(0)
            yield piece


def calls(*requests: tuple[str, dict[str, Any]], start: int = 1) -> AIMessage:
    """An answer that asks for tools."""
    return AIMessage(
        "",
        tool_calls=[
            {"name": name, "args": args, "id": f"call_{start + index}"}
            for index, (name, args) in enumerate(requests)
        ],
    )

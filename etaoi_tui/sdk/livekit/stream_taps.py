"""Two places of an agent that no event tells of: the model's stream, and the words on their way to the voice.

Both are text paths; audio passes neither. The taps are attributes of the agent object, found there before the
class's own methods, and taken out again. What the agent's node returns or raises is passed on as it is.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

from etaoi_tui.sdk.livekit.agent_turn import AgentTurn
from etaoi_tui.sdk.livekit.call import Call
from etaoi_tui.sdk.livekit.model_calls import ModelCall, ModelCalls
from etaoi_tui.sdk.livekit.monkeypatch import InstancePatch


class Taps:
    """Listens at the agents of one call."""

    def __init__(self, call: Call, models: ModelCalls, speech: AgentTurn) -> None:
        self._call = call
        self._models = models
        self._speech = speech
        self._tapped: weakref.WeakKeyDictionary[Any, list[InstancePatch]] = weakref.WeakKeyDictionary()
        self._open = True

    def tap(self, agent: Any) -> None:
        """Listen at an agent from its next reply on; agents that take no attributes stay silent."""
        if agent is None or agent in self._tapped:
            return
        reference = weakref.ref(agent)
        self._tapped[agent] = [
            InstancePatch(agent, "llm_node", lambda node: self._tap_model(reference, node)),
            InstancePatch(agent, "transcription_node", self._tap_words),
        ]

    def remove(self) -> None:
        """Stop listening; replies that are under way pass through."""
        self._open = False
        for put in list(self._tapped.values()):
            for attribute in put:
                attribute.remove()
        self._tapped.clear()

    # The model

    def _tap_model(self, agent: Any, node: Callable[..., Any]) -> Callable[..., Any]:
        def llm_node(chat_ctx: Any, tools: Any, model_settings: Any) -> Any:
            model_call: ModelCall | None = None
            if self._open:
                try:
                    model_call = self._models.begin(agent(), chat_ctx, tools)
                except Exception as error:
                    self._call.failure("llm_node", error)
            result = node(chat_ctx, tools, model_settings)
            if model_call is None:
                return result
            if inspect.iscoroutine(result):
                return self._awaited(result, model_call)
            return self._streamed(result, model_call)

        return llm_node

    async def _awaited(self, result: Any, model_call: ModelCall) -> Any:
        try:
            answer = await result
        except BaseException as error:
            self._end(model_call, error)
            raise
        return self._streamed(answer, model_call)

    def _streamed(self, result: Any, model_call: ModelCall) -> Any:
        if isinstance(result, AsyncIterable):
            return self._stream(result, model_call)
        if result is not None:
            self._piece(model_call, result)
        self._end(model_call, None)
        return result

    async def _stream(self, result: AsyncIterable[Any], model_call: ModelCall) -> AsyncIterator[Any]:
        ended: BaseException | None = None
        try:
            async for chunk in result:
                self._piece(model_call, chunk)
                yield chunk
        except BaseException as error:
            ended = error
            raise
        finally:
            self._end(model_call, ended)
            close = getattr(result, "aclose", None)
            if close is not None:
                await close()

    def _piece(self, model_call: ModelCall, chunk: Any) -> None:
        try:
            self._models.chunk(model_call, chunk)
        except Exception as error:
            self._call.failure("llm_node", error)

    def _end(self, model_call: ModelCall, error: BaseException | None) -> None:
        try:
            self._models.ended(model_call, error)
        except Exception as failure:
            self._call.failure("llm_node", failure)

    # The words

    def _tap_words(self, node: Callable[..., Any]) -> Callable[..., Any]:
        def transcription_node(text: Any, model_settings: Any) -> Any:
            result = node(text, model_settings)
            if not self._open:
                return result
            turn = self._call.turn_of_task()
            if inspect.iscoroutine(result):
                return self._awaited_words(result, turn)
            return self._words(result, turn) if isinstance(result, AsyncIterable) else result

        return transcription_node

    async def _awaited_words(self, result: Any, turn: Any) -> Any:
        answer = await result
        return self._words(answer, turn) if isinstance(answer, AsyncIterable) else answer

    async def _words(self, result: AsyncIterable[Any], turn: Any) -> AsyncIterator[Any]:
        try:
            async for word in result:
                if self._open:
                    try:
                        self._speech.words(turn, str(word))
                    except Exception as error:
                        self._call.failure("transcription_node", error)
                yield word
        finally:
            close = getattr(result, "aclose", None)
            if close is not None:
                await close()

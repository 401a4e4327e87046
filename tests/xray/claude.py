"""The client of a provider that writes down what it would send.

It is imported where it is used: importing that client takes a third of what importing all tests takes.
"""

from __future__ import annotations

from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

from tests.xray.models import Plain, Writing, plain_tools


class WritingClaude(Writing, ChatAnthropic):
    """The real client of a provider up to its request, which is written down instead of sent."""

    answers: list[Any] = Field(default_factory=list)
    received: list[Plain] = Field(default_factory=list)
    failures: int = 0

    def request(self, messages: list[BaseMessage], stop: list[str] | None, **kwargs: Any) -> Plain:
        """Return what the provider would have got."""
        payload = self._get_request_payload(messages, stop=stop, **kwargs)
        return {
            "model": payload["model"],
            "tools": plain_tools(payload.get("tools")),
            "settings": {name: payload[name] for name in ("cache_control",) if name in payload},
            "payload": payload,
        }

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        return ChatResult(generations=[ChatGeneration(message=self.answer(messages, stop, **kwargs))])

    async def _agenerate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Any:
        return self._generate(messages, stop, None, **kwargs)


def claude(**script: Any) -> WritingClaude:
    """Make one that needs no account."""
    return WritingClaude(model="claude-sonnet-4-5", api_key="none", **script)  # type: ignore[call-arg]

# ruff: noqa: F401
# row: a voxagent `Agent`
# expects: turn llm agent_context
from voxagent import Agent
from voxagent.providers.base import BaseProvider, MessageEndChunk, TextDeltaChunk
from voxagent.providers.registry import get_default_registry

import etaoi_tui


class Scripted(BaseProvider):
    name = property(lambda self: "scripted")
    models = property(lambda self: ["one"])
    supports_tools = supports_streaming = property(lambda self: True)
    context_limit = property(lambda self: 1000)

    def __init__(self, model="", **more):
        super().__init__(**more)

    async def stream(self, messages, system=None, tools=None, abort_signal=None):
        yield TextDeltaChunk(delta="hello")
        yield MessageEndChunk()

    async def complete(self, messages, system=None, tools=None):
        raise NotImplementedError

    def count_tokens(self, messages, system=None):
        return 0


get_default_registry().register("scripted", Scripted)
agent = Agent("scripted:one")
# README_LINE
agent.run_sync("hi")

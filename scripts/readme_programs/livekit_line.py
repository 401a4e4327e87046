# ruff: noqa: F401
# row: a LiveKit `AgentSession`
# expects: voice_session llm
import asyncio

from livekit.agents import Agent, AgentSession, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS

import etaoi_tui


class Thought(llm.LLMStream):
    async def _run(self):
        delta = llm.ChoiceDelta(role="assistant", content="hello")
        self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=delta))


class Mind(llm.LLM):
    def chat(self, *, chat_ctx, tools=None, conn_options=DEFAULT_API_CONNECT_OPTIONS, **more):
        return Thought(self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options)


async def main():
    session = AgentSession(llm=Mind(), vad=None, turn_handling={"turn_detection": "manual"})
    # README_LINE
    await session.start(Agent(instructions="Help."))
    await session.run(user_input="hi")
    await session.aclose()


asyncio.run(main())

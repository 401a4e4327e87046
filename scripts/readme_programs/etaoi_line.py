# ruff: noqa: F401
# row: an agent with the `etaoi` SDK
# needs: langchain
# expects: llm agent_context
import etaoi
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel

agent = create_agent(GenericFakeChatModel(messages=iter(["hello"])), [])
# README_LINE
agent.invoke({"messages": [("user", "hi")]})

# ruff: noqa: F401
# row: a LangChain agent, a LangGraph graph, a deep agent, any Runnable
# expects: llm
from langchain_core.language_models import FakeListChatModel

import etaoi_tui

agent = FakeListChatModel(responses=["hello"])
# README_LINE
agent.invoke("hi")

# ruff: noqa: F401
# row: every LangChain run in the process
# expects: llm
from langchain_core.language_models import FakeListChatModel

import etaoi_tui

# README_LINE
FakeListChatModel(responses=["hello"]).invoke("hi")

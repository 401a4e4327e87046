# row: LangChain, LangGraph, deep agents, in Python
# row: LangChain or LangGraph, Python or JavaScript
# needs: langchain-core
# expects: llm tool
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool


@tool
def double(number: int) -> int:
    """Double a number."""
    return number * 2


model = GenericFakeChatModel(messages=iter([AIMessage("four words it says")]))
agent = model | RunnableLambda(lambda answer: {"number": len(answer.content)}) | double
assert agent.invoke("go") == 36

"""Served below the launcher by ``langgraph dev``."""

from __future__ import annotations

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.graph import MessagesState, StateGraph


async def answer(state: MessagesState) -> dict[str, list[AIMessage]]:
    """Ask the model."""
    model = GenericFakeChatModel(messages=iter([AIMessage("four words it says")]))
    return {"messages": [await model.ainvoke(state["messages"])]}


builder = StateGraph(MessagesState)
builder.add_node("answer", answer)
builder.set_entry_point("answer")
builder.set_finish_point("answer")
graph = builder.compile()

# ruff: noqa: F401
# row: a LangChain agent, a LangGraph graph, a deep agent, any Runnable
# needs: langchain langgraph deepagents
# expects: llm middleware agent_context
from deepagents import create_deep_agent
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langgraph.graph import START, MessagesState, StateGraph

import etaoi_tui


class Model(GenericFakeChatModel):
    def bind_tools(self, tools, **more):
        return self


def model():
    return Model(messages=iter(["hello"] * 5))


graph = StateGraph(MessagesState)
graph.add_node("think", lambda state: {"messages": [model().invoke(state["messages"])]})
graph.add_edge(START, "think")
for agent in (create_agent(model(), []), graph.compile(), create_deep_agent(model())):
    # README_LINE
    agent.invoke({"messages": [("user", "hi")]})

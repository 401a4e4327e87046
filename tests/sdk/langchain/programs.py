"""Programs that run the same under this SDK and under the reference one, which knows nothing of this
project.

``python -m tests.sdk.langchain.programs NAME`` runs one under the reference SDK and prints its events as
JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import operator
import sys
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, dynamic_prompt
from langchain_core.documents import Document
from langchain_core.language_models import FakeListLLM
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt

from tests.sdk.langchain.models import ScriptedModel, calls

Attach = Callable[..., Any]
"""Attaches to an agent and returns the handler to pass in a call's config."""
ASK: dict[str, Any] = {"messages": [HumanMessage("hello", id="m1")]}


@tool
def double(number: int) -> int:
    """Double a number."""
    return number * 2


@tool
def fail(number: int) -> int:
    """Fail."""
    raise ValueError(f"bad number {number}")


class Guard(AgentMiddleware):
    def before_agent(self, state: Any, runtime: Any) -> None:
        return None

    def after_model(self, state: Any, runtime: Any) -> None:
        return None

    def wrap_model_call(self, request: Any, handler: Any) -> Any:
        return handler(request.override(messages=[*request.messages, HumanMessage("be careful")]))

    async def awrap_model_call(self, request: Any, handler: Any) -> Any:
        return await handler(request)


def politeness() -> Any:
    """A new one each time: instrumenting changes the object."""

    @dynamic_prompt
    def polite(request: Any) -> str:
        return "Be polite."

    return polite


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        RunnableLambda(lambda value: value, name="rewrite").invoke(
            query, {"callbacks": run_manager.get_child()}
        )
        return [Document("alpha")]


class Total(TypedDict):
    numbers: list[int]
    total: Annotated[list[int], operator.add]
    answer: str


def agent_with_tools(attach: Attach, instrument: Any) -> None:
    """create_agent: parallel tools, then an answer."""
    model = ScriptedModel(answers=[calls(("double", {"number": 1}), ("double", {"number": 2})), "done"])
    agent = create_agent(model, [double], system_prompt="Be brief.", name="orders")
    attach(agent)
    agent.invoke(ASK)


def agent_with_a_failing_tool(attach: Attach, instrument: Any) -> None:
    """create_agent: a tool that raises ends the run."""
    agent = create_agent(
        ScriptedModel(answers=[calls(("fail", {"number": 1})), "done"]), [fail], name="orders"
    )
    attach(agent)
    with contextlib.suppress(ValueError):
        agent.invoke(ASK)


def agent_with_hooks(attach: Attach, instrument: Any) -> None:
    """create_agent with middleware that is not instrumented."""
    model = ScriptedModel(answers=[calls(("double", {"number": 1})), "done"])
    agent = create_agent(model, [double], middleware=[Guard(), politeness()], name="orders")
    attach(agent)
    agent.invoke(ASK)


def agent_with_instrumented_hooks(attach: Attach, instrument: Any) -> None:
    """create_agent with instrumented middleware."""
    agent = create_agent(
        ScriptedModel(answers=["done"]), middleware=instrument([Guard(), politeness()]), name="orders"
    )
    attach(agent)
    agent.invoke(ASK)


def concurrent_async_agents(attach: Attach, instrument: Any) -> None:
    """Five runs of one agent at once."""
    model = ScriptedModel(answers=["done"])
    agent = create_agent(model, name="orders")
    attach(agent)

    async def run() -> None:
        await asyncio.gather(*(agent.ainvoke(ASK) for _ in range(5)))

    asyncio.run(run())


def deep_agent_with_a_sub_agent(attach: Attach, instrument: Any) -> None:
    """deepagents: the task tool runs a named sub-agent."""
    from deepagents import create_deep_agent

    order = {"description": "double one", "subagent_type": "doubler"}
    model = ScriptedModel(answers=[calls(("task", order)), "done"])
    helper = {
        "name": "doubler",
        "description": "Doubles.",
        "system_prompt": "Double.",
        "tools": [double],
        "model": ScriptedModel(answers=[calls(("double", {"number": 1})), "two"], model_name="small"),
    }
    agent = create_deep_agent(model=model, subagents=[helper], name="planner")
    attach(agent)
    agent.invoke(ASK)


def fan_out_and_subgraph(attach: Attach, instrument: Any) -> None:
    """StateGraph: Send to four, a subgraph, a conditional edge."""
    inner = StateGraph(Total)
    inner.add_node("inside", lambda state: {"answer": "x"})
    inner.add_edge(START, "inside")
    builder = StateGraph(Total)
    builder.add_node("plan", lambda state: {})
    builder.add_node("square", lambda state: {"total": [state["number"] ** 2]})
    builder.add_node("sub", inner.compile())
    builder.add_edge(START, "plan")
    builder.add_conditional_edges(
        "plan", lambda state: [Send("square", {"number": n}) for n in state["numbers"]], ["square"]
    )
    builder.add_edge("square", "sub")
    builder.add_edge("sub", END)
    graph = builder.compile(name="squares").with_config(metadata={"customer": "ACME"})
    attach(graph)
    graph.invoke({"numbers": [1, 2, 3, 4], "total": [], "answer": ""})


def interrupt_and_resume(attach: Attach, instrument: Any) -> None:
    """StateGraph: an interrupt, then the resumed run."""
    builder = StateGraph(Total)
    builder.add_node("ask", lambda state: {"answer": interrupt("may I?")})
    builder.add_edge(START, "ask")
    graph = builder.compile(checkpointer=InMemorySaver()).with_config(tags=["t"])
    attach(graph)
    config: Any = {"configurable": {"thread_id": "t1"}}
    graph.invoke({"numbers": [], "total": [], "answer": ""}, config)
    graph.invoke(Command(resume="yes"), config)


def failing_node(attach: Attach, instrument: Any) -> None:
    """StateGraph: a node that raises."""

    def work(state: Any) -> Any:
        raise RuntimeError("broken node")

    builder = StateGraph(Total)
    builder.add_node("work", work)
    builder.add_edge(START, "work")
    graph = builder.compile().with_config(tags=["t"])
    attach(graph)
    with contextlib.suppress(RuntimeError):
        graph.invoke({"numbers": [], "total": [], "answer": ""})


def chains(attach: Attach, instrument: Any) -> None:
    """LCEL: prompt, model, parser; parallel; fallbacks; retry; batch."""
    prompt = ChatPromptTemplate.from_template("say {word}")
    chain = (prompt | ScriptedModel(answers=["hi"]) | StrOutputParser()).with_config(run_name="greeting")
    attach(chain)
    chain.invoke({"word": "hi"})
    chain.batch([{"word": "a"}])
    broken = RunnableLambda(lambda value: 1 / 0, name="broken")
    both = RunnableParallel(a=RunnableLambda(lambda value: value, name="a")).with_config(run_name="both")
    attach(both)
    both.invoke(1)
    saved = broken.with_fallbacks([RunnableLambda(lambda value: 0, name="spare")]).with_config(
        run_name="saved"
    )
    attach(saved)
    saved.invoke(1)


def completion_model(attach: Attach, instrument: Any) -> None:
    """A completion model in a chain."""
    chain = (RunnableLambda(lambda value: value) | FakeListLLM(responses=["x"])).with_config(
        run_name="complete"
    )
    attach(chain)
    chain.invoke("prompt")


def retriever_chain(attach: Attach, instrument: Any) -> None:
    """A retriever in a chain, with a run inside."""
    chain = (RunnableLambda(lambda value: value) | Shelf()).with_config(run_name="rag")
    attach(chain)
    chain.invoke("where")


def streaming(attach: Attach, instrument: Any) -> None:
    """A chain that streams to the end."""
    chain = (RunnableLambda(lambda value: value) | ScriptedModel(answers=["a b c"])).with_config(
        run_name="stream"
    )
    attach(chain)
    list(chain.stream("?"))


PROGRAMS: dict[str, Callable[[Attach, Any], None]] = {
    program.__name__: program
    for program in (
        agent_with_tools, agent_with_a_failing_tool, agent_with_hooks, agent_with_instrumented_hooks,
        concurrent_async_agents, deep_agent_with_a_sub_agent, fan_out_and_subgraph, interrupt_and_resume,
        failing_node, chains, completion_model, retriever_chain, streaming,
    )
}  # fmt: skip


def _run_under_the_reference(names: list[str]) -> None:
    import etaoi

    events_by_program: dict[str, list[dict[str, Any]]] = {}
    for name in names:

        class ReferenceSink:
            def __init__(self) -> None:
                self.events: list[dict[str, Any]] = []

            def emit(self, envelope: Any) -> None:
                self.events += envelope.model_dump(mode="json")["batch"]

        sink = ReferenceSink()
        handles: list[Any] = []

        def attach(agent: Any, sink: ReferenceSink = sink, handles: list[Any] = handles) -> None:
            handles.append(etaoi.attach(agent, sink=sink, session_id="same"))

        PROGRAMS[name](attach, etaoi.instrument)
        for handle in handles:
            handle.detach()
        events_by_program[name] = sink.events
    sys.stdout.write(json.dumps(events_by_program))


if __name__ == "__main__":
    _run_under_the_reference(sys.argv[1:] or list(PROGRAMS))

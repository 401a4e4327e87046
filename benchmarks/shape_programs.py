"""Programs of the shapes that agents have, with models that answer at once.

Each is made once and run many times; a run does the same work whoever looks on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypedDict

from langchain.agents import AgentState, create_agent
from langchain.tools import InjectedToolCallId, tool
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.documents import Document
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnablePassthrough
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState
from langgraph.types import Command

WORDS = "What changed in the second version of the protocol, and why did it have to change at all? "
Run = Callable[[list[Any]], object]
"""Runs a program once, with callbacks."""


class Answers(BaseChatModel):
    """A model that answers what a function makes of the messages."""

    respond: Callable[[list[BaseMessage]], AIMessage]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """Return itself: it knows which tools there are."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self.respond(messages))])


class Streams(Answers):
    """The same, token by token."""

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for word in str(self.respond(messages).content).split(" "):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=f"{word} "))
            if run_manager is not None:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk


def _calls(name: str, number: int, **args: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"{name}-{number}"}])


@tool
def look_up(query: str) -> str:
    """Look something up."""
    return f"{query}: {WORDS * 8}"


def _worker(name: str) -> Any:
    def respond(messages: list[BaseMessage]) -> AIMessage:
        if messages[-1].type == "tool" and messages[-1].name == "look_up":
            return AIMessage(f"{name} found this. {WORDS * 5}")
        return _calls("look_up", len(messages), query=f"{name} {len(messages)}")

    return create_agent(Answers(respond=respond), [look_up], system_prompt=f"You are {name}.", name=name)


def _hand_over(target: str) -> Any:
    @tool(f"transfer_to_{target}")
    def transfer(
        state: Annotated[dict[str, Any], InjectedState], tool_call_id: Annotated[str, InjectedToolCallId]
    ) -> Command[Any]:
        """Hand over to somebody who knows more about it."""
        message = ToolMessage(
            f"Went to {target}.",
            tool_call_id=tool_call_id,
            name=f"transfer_to_{target}",
            id=f"t{tool_call_id}",
        )
        return Command(
            goto=target,
            graph=Command.PARENT,
            update={"messages": [*state["messages"], message], "active": target},
        )

    return transfer


class _Team(MessagesState):
    active: str


def supervisor() -> Run:
    """One agent that gives work to three others, and gets the whole conversation back each time."""
    names = ("research", "code", "review")

    def respond(messages: list[BaseMessage]) -> AIMessage:
        done = sum(
            message.type == "tool" and str(message.name).startswith("transfer") for message in messages
        )
        if done < len(names):
            return _calls(f"transfer_to_{names[done]}", done)
        return AIMessage(f"All of it is done. {WORDS * 4}")

    chief = create_agent(
        Answers(respond=respond), [_hand_over(name) for name in names], system_prompt="Lead.", name="chief"
    )
    graph = StateGraph(_Team)
    graph.add_node("chief", chief, destinations=(*names, END))
    graph.add_edge(START, "chief")
    for name in names:
        graph.add_node(name, _worker(name))
        graph.add_edge(name, "chief")
    compiled = graph.compile(name="supervisor")
    question: Any = {"messages": [("user", WORDS)], "active": "chief"}
    return lambda callbacks: compiled.invoke(question, {"callbacks": callbacks})


def swarm() -> Run:
    """Four agents that hand over to one another, with everything that was said so far."""
    names = ("ann", "bob", "cleo", "dan")
    graph = StateGraph(_Team)
    for index, name in enumerate(names):
        following = names[(index + 1) % len(names)]

        def respond(messages: list[BaseMessage], name: str = name, following: str = following) -> AIMessage:
            if messages[-1].type == "tool" and messages[-1].name == "look_up":
                if len(messages) > 16:
                    return AIMessage(f"{name} has it. {WORDS * 5}")
                return _calls(f"transfer_to_{following}", len(messages))
            return _calls("look_up", len(messages), query=f"{name} {len(messages)}")

        agent = create_agent(
            Answers(respond=respond),
            [look_up, _hand_over(following)],
            system_prompt=f"You are {name}.",
            name=name,
        )
        graph.add_node(name, agent, destinations=names)
    graph.add_edge(START, names[0])
    compiled = graph.compile(name="swarm")
    question: Any = {"messages": [("user", WORDS)], "active": names[0]}
    return lambda callbacks: compiled.invoke(question, {"callbacks": callbacks})


class _Debate(TypedDict):
    topic: str
    rules: list[str]
    transcript: list[dict[str, Any]]
    scores: dict[str, int]
    round: int


def debate() -> Run:
    """Two sides and a judge; each takes the whole state and gives the whole state back."""
    model = Answers(respond=lambda messages: AIMessage(f"{len(messages)} {WORDS * 4}"))

    def side(name: str) -> Any:
        def speak(state: _Debate) -> _Debate:
            answer = model.invoke([("system", f"You are {name}."), ("user", state["topic"])])
            contribution = {
                "who": name,
                "round": state["round"],
                "text": answer.content,
                "sources": [WORDS] * 3,
            }
            return {**state, "transcript": [*state["transcript"], contribution], "round": state["round"] + 1}

        return speak

    def judge(state: _Debate) -> _Debate:
        model.invoke([("system", "Judge."), ("user", str(state["transcript"][-2:]))])
        return {**state, "scores": {**state["scores"], str(state["round"]): len(state["transcript"])}}

    graph = StateGraph(_Debate)
    graph.add_node("pro", side("pro"))
    graph.add_node("con", side("con"))
    graph.add_node("judge", judge)
    graph.add_edge(START, "pro")
    graph.add_edge("pro", "con")
    graph.add_edge("con", "judge")
    graph.add_conditional_edges("judge", lambda state: END if state["round"] >= 12 else "pro")
    compiled = graph.compile(name="debate")
    begin: _Debate = {
        "topic": WORDS * 3, "rules": [f"Rule {n}. {WORDS}" for n in range(12)],
        "transcript": [], "scores": {}, "round": 0,
    }  # fmt: skip
    return lambda callbacks: compiled.invoke(begin, {"callbacks": callbacks, "recursion_limit": 100})


def _merge(old: dict[str, str] | None, new: dict[str, str]) -> dict[str, str]:
    return {**(old or {}), **new}


class _Files(AgentState[Any]):
    files: Annotated[dict[str, str], _merge]
    todos: list[dict[str, str]]


@tool
def write_file(path: str, text: str, tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[Any]:
    """Write a file of the agent's own."""
    done = ToolMessage(f"Wrote {path}.", tool_call_id=tool_call_id, id=f"t{tool_call_id}")
    return Command(update={"files": {path: text}, "messages": [done]})


@tool
def read_file(path: str, state: Annotated[dict[str, Any], InjectedState]) -> str:
    """Read a file of the agent's own."""
    return str(state["files"].get(path, "There is none."))


def deep_agent() -> Run:
    """An agent that keeps files in its state, writes eight and reads them again."""

    def respond(messages: list[BaseMessage]) -> AIMessage:
        done = sum(message.type == "tool" for message in messages)
        if done < 8:
            return _calls("write_file", done, path=f"/notes/{done}.md", text=f"{done}. {WORDS * 30}")
        if done < 12:
            return _calls("read_file", done, path=f"/notes/{done - 8}.md")
        return AIMessage(f"It is all written down. {WORDS * 4}")

    agent = create_agent(
        Answers(respond=respond),
        [write_file, read_file],
        system_prompt=WORDS * 20,
        state_schema=_Files,
        name="deep",
    )
    todos = [{"content": f"Step {n}. {WORDS}", "status": "pending"} for n in range(10)]
    return lambda callbacks: agent.invoke(
        {"messages": [("user", WORDS)], "files": {}, "todos": todos},  # type: ignore[call-overload]
        {"callbacks": callbacks, "recursion_limit": 100},
    )


def streaming_chat() -> Run:
    """A chat of five turns out of a checkpointer, of which each answer comes in 300 tokens."""
    agent = create_agent(
        Streams(respond=lambda messages: AIMessage("token " * 299 + "end")),
        [look_up],
        system_prompt="Chat.",
        checkpointer=InMemorySaver(),
        name="chat",
    )
    threads = iter(range(1_000_000_000))

    def run(callbacks: list[Any]) -> None:
        where: Any = {"configurable": {"thread_id": str(next(threads))}, "callbacks": callbacks}
        for turn in range(5):
            asked: Any = {"messages": [("user", f"{turn}. {WORDS}")]}
            for _ in agent.stream(asked, where, stream_mode="messages"):
                pass

    return run


class _Library(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [
            Document(f"{number}. {WORDS * 12}", metadata={"source": f"/library/{number}.md", "score": 0.5})
            for number in range(6)
        ]


def rag() -> Run:
    """Documents into a prompt, and an answer from them; four questions."""
    prompt = ChatPromptTemplate.from_messages(
        [("system", "Answer from this: {context}"), ("user", "{question}")]
    )
    model = Answers(respond=lambda messages: AIMessage(WORDS * 6))

    def joined(documents: list[Document]) -> str:
        return "\n\n".join(document.page_content for document in documents)

    chain: Any = (
        {"context": _Library() | joined, "question": RunnablePassthrough()}
        | prompt
        | model
        | StrOutputParser()
    )

    def run(callbacks: list[Any]) -> None:
        for number in range(4):
            chain.invoke(f"{number}. {WORDS}", {"callbacks": callbacks})

    return run


SHAPES: dict[str, Callable[[], Run]] = {
    "supervisor": supervisor,
    "swarm": swarm,
    "debate with full state": debate,
    "deep agent with files": deep_agent,
    "streaming chat": streaming_chat,
    "RAG": rag,
}

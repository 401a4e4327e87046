"""Every shape that LangChain runs is attached and reports, once, and lets go again."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import pickle
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypedDict

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.language_models import FakeListLLM
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import (
    Runnable,
    RunnableBranch,
    RunnableConfig,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from langchain_core.tools import StructuredTool, tool
from langgraph.graph import END, START, StateGraph

from etaoi_tui.sdk.attach import AttachedHandle
from tests.sdk.langchain.models import ScriptedModel, calls
from tests.sdk.langchain.trees import Forest

Watch = Callable[..., AttachedHandle]


def add_one(number: int) -> int:
    return number + 1


def add_to_each(numbers: Iterator[int]) -> Iterator[int]:
    for number in numbers:
        yield number + 1


async def add_to_each_later(numbers: AsyncIterator[int]) -> AsyncIterator[int]:
    async for number in numbers:
        yield number + 1


@tool
def double(number: int) -> int:
    """Double a number."""
    return number * 2


@tool
def deep(number: int) -> int:
    """Run a chain inside a tool."""
    return RunnableLambda(add_one, name="inside").invoke(number)


class Shelf(BaseRetriever):
    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [Document("alpha", metadata={"score": 0.5}), Document("beta")]


class OwnRunnable(Runnable[Any, Any]):
    """A class of a user's own, with LangChain's usual way of calling itself back."""

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:  # noqa: A002
        return self._call_with_config(lambda value: value + 1, input, config)


class Counting(TypedDict):
    number: int


def graph(**options: Any) -> Any:
    builder = StateGraph(Counting)
    builder.add_node("add", lambda state: {"number": state["number"] + 1})
    builder.add_edge(START, "add")
    builder.add_edge("add", END)
    return builder.compile(**options)


def agent(name: str | None = "order-assistant") -> Any:
    model = ScriptedModel(answers=[calls(("double", {"number": 3})), "six"])
    return create_agent(model, [double], system_prompt="Be brief.", name=name)


def deep_agent() -> Any:
    from deepagents import create_deep_agent

    return create_deep_agent(model=ScriptedModel(answers=["done"]), tools=[double], system_prompt="Plan.")


ASK: dict[str, Any] = {"messages": [("user", "double three")]}

SHAPES: dict[str, tuple[Callable[[], Any], Any, str]] = {
    "create_agent": (agent, ASK, "sub_agent"),
    "create_agent without a name": (lambda: agent(None), ASK, "sub_agent"),
    "deepagents": (deep_agent, ASK, "sub_agent"),
    "StateGraph.compile()": (graph, {"number": 1}, "middleware"),
    "a graph with_config": (lambda: graph().with_config(tags=["x"]), {"number": 1}, "middleware"),
    "RunnableSequence": (
        lambda: RunnableLambda(add_one) | RunnableLambda(add_one) | RunnableLambda(add_one),
        1,
        "middleware",
    ),
    "RunnableLambda": (lambda: RunnableLambda(add_one), 1, "middleware"),
    "RunnableParallel": (lambda: RunnableParallel(a=add_one, b=add_one), 1, "middleware"),
    "RunnablePassthrough.assign": (
        lambda: RunnablePassthrough.assign(b=lambda value: value["a"] + 1),
        {"a": 1},
        "middleware",
    ),
    "RunnableBranch": (
        lambda: RunnableBranch((lambda n: n > 0, RunnableLambda(add_one)), RunnableLambda(add_one)),
        1,
        "middleware",
    ),
    "RunnableGenerator": (
        lambda: RunnableGenerator(add_to_each, add_to_each_later),
        1,
        "middleware",
    ),
    "with_config": (lambda: RunnableLambda(add_one).with_config(run_name="named"), 1, "middleware"),
    "bind": (lambda: RunnableLambda(lambda n, by=0: n + by).bind(by=2), 1, "middleware"),
    "with_retry": (lambda: RunnableLambda(add_one).with_retry(), 1, "middleware"),
    "with_fallbacks": (
        lambda: RunnableLambda(add_one).with_fallbacks([RunnableLambda(add_one)]),
        1,
        "middleware",
    ),
    "map": (lambda: RunnableLambda(add_one).map(), [1, 2], "middleware"),
    "chat model": (lambda: ScriptedModel(answers=["hello"]), "hi", "llm"),
    "chat model with tools": (
        lambda: ScriptedModel(answers=["hello"]).bind_tools([double]),
        "hi",
        "llm",
    ),
    "completion model": (lambda: FakeListLLM(responses=["hello"]), "hi", "llm"),
    "retriever": (lambda: Shelf(), "query", "middleware"),
    "tool": (lambda: copy.copy(double), {"number": 2}, "tool"),
    "tool from a function": (
        lambda: StructuredTool.from_function(add_one, description="Add one."),
        {"number": 2},
        "tool",
    ),
    "tool with a chain inside": (lambda: copy.copy(deep), {"number": 2}, "tool"),
    "prompt": (lambda: ChatPromptTemplate.from_template("say {word}"), {"word": "hi"}, "middleware"),
    "parser": (lambda: StrOutputParser(), "text", "middleware"),
    "prompt | model | parser": (
        lambda: (
            ChatPromptTemplate.from_template("say {word}") | ScriptedModel(answers=["hi"]) | StrOutputParser()
        ),
        {"word": "hi"},
        "middleware",
    ),
    "a Runnable of one's own": (OwnRunnable, 1, "middleware"),
}


class Listener(BaseCallbackHandler):
    """Counts runs and remembers names, as any handler of the host's own would."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def on_chain_start(self, serialized: Any, inputs: Any, *, name: str = "", **kwargs: Any) -> None:
        self.names.append(name)

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        self.names.append("model")

    def on_llm_start(self, serialized: Any, prompts: Any, **kwargs: Any) -> None:
        self.names.append("model")

    def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
        self.names.append("tool")

    def on_retriever_start(self, serialized: Any, query: str, **kwargs: Any) -> None:
        self.names.append("retriever")


def runs_of(make: Callable[[], Any], value: Any) -> int:
    """How many runs LangChain tells any handler about."""
    listener = Listener()
    make().invoke(value, config={"callbacks": [listener]})
    return len(listener.names)


def result_of(value: Any) -> Any:
    """What can be compared of a result: ids and objects left out."""
    if isinstance(value, dict) and "messages" in value:
        return [(message.type, message.content) for message in value["messages"]]
    return getattr(value, "content", value)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_reports_each_run_once_and_gives_the_same_result(
    shape: str, watch: Watch, forest: Callable[[AttachedHandle], Forest]
) -> None:
    make, value, kind = SHAPES[shape]
    alone = result_of(make().invoke(value))
    thing = make()
    type_before = type(thing)
    handle = watch(thing)

    assert result_of(thing.invoke(value)) == alone
    tree = forest(handle)
    assert len(tree.roots) == 1
    assert tree.roots[0].kind == kind
    assert sum(1 for _ in tree.roots[0].walk()) == runs_of(make, value)
    assert all(span.error is None for span in tree.spans)
    assert len(tree.contexts) == 1
    assert isinstance(thing, type_before)

    handle.detach()
    count = len(handle.sink.events)
    thing.invoke(value)
    assert len(handle.sink.events) == count
    assert type(thing) is type_before


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_attached_twice_and_with_everything_sends_each_event_once(
    shape: str, watch: Watch, forest: Callable[[AttachedHandle], Forest]
) -> None:
    make, value, _ = SHAPES[shape]
    thing = make()
    first = watch(thing)
    watch(thing, sink=first.sink)
    watch(sink=first.sink)
    thing.invoke(value)
    tree = forest(first)  # which refuses a span that starts or ends twice
    assert len(tree.roots) == 1
    assert sum(1 for _ in tree.roots[0].walk()) == runs_of(make, value)


@pytest.mark.parametrize("shape", SHAPES)
async def test_every_shape_reports_when_it_runs_asynchronously(
    shape: str, watch: Watch, forest: Callable[[AttachedHandle], Forest]
) -> None:
    make, value, kind = SHAPES[shape]
    thing = make()
    handle = watch(thing)
    await thing.ainvoke(value)
    tree = forest(handle)
    assert [root.kind for root in tree.roots] == [kind]
    assert all(span.error is None for span in tree.spans)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_reports_in_a_batch_and_a_stream(
    shape: str, watch: Watch, forest: Callable[[AttachedHandle], Forest]
) -> None:
    make, value, _ = SHAPES[shape]
    thing = make()
    handle = watch(thing)
    thing.batch([value, value])
    list(thing.stream(value))
    tree = forest(handle)
    assert len(tree.roots) == 3
    assert all(span.error is None for span in tree.spans)


@pytest.mark.parametrize("shape", SHAPES)
def test_without_an_argument_every_shape_reports(
    shape: str, watch: Watch, forest: Callable[[AttachedHandle], Forest]
) -> None:
    make, value, kind = SHAPES[shape]
    handle = watch()
    make().invoke(value)
    tree = forest(handle)
    assert [root.kind for root in tree.roots] == [kind]
    assert sum(1 for _ in tree.roots[0].walk()) == runs_of(make, value)


@pytest.mark.parametrize("thing", [object(), 3, "agent", lambda value: value, [], {"agent": 1}])
def test_other_objects_than_runnables_are_refused_with_a_clear_error(thing: Any, watch: Watch) -> None:
    with pytest.raises(TypeError, match="takes a LangChain Runnable"):
        watch(thing)


def test_attached_everywhere_means_any_thread_task_and_context(
    watch: Watch, forest: Callable[[AttachedHandle], Forest]
) -> None:
    handle = watch()
    chain = RunnableLambda(add_one, name="counted")
    chain.invoke(1)
    threads = [threading.Thread(target=chain.invoke, args=(1,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    contextvars.Context().run(chain.invoke, 1)
    contextvars.copy_context().run(chain.invoke, 1)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(chain.invoke, range(4)))

    async def tasks() -> None:
        await asyncio.gather(*(chain.ainvoke(number) for number in range(5)))
        await asyncio.create_task(chain.ainvoke(1), context=contextvars.Context())

    asyncio.run(tasks())
    tree = forest(handle)
    assert len(tree.roots) == 1 + 3 + 2 + 4 + 6
    assert len({root.start["trace_id"] for root in tree.roots}) == len(tree.roots)


def test_two_destinations_each_get_everything_once(
    watch: Watch, forest: Callable[[AttachedHandle], Forest]
) -> None:
    one, other = watch(), watch()
    chain = RunnableLambda(add_one)
    own = watch(chain)
    chain.invoke(1)
    assert [len(forest(handle).roots) for handle in (one, other, own)] == [1, 1, 1]


def test_an_attached_object_keeps_its_identity(watch: Watch) -> None:
    chain = RunnableLambda(add_one) | RunnableLambda(add_one)
    twin = RunnableLambda(add_one) | RunnableLambda(add_one)
    lone = OwnRunnable()
    watch(chain)
    watch(lone)
    assert type(chain).__name__ == type(twin).__name__
    assert chain.get_name() == twin.get_name()
    assert repr(chain) == repr(twin)
    assert (chain | RunnableLambda(add_one)).invoke(1) == 4
    assert chain.model_copy().invoke(1) == 3
    assert copy.copy(lone).invoke(1) == 2
    assert type(pickle.loads(pickle.dumps(lone))) is OwnRunnable


def test_a_copy_of_a_changed_tool_is_the_copy(watch: Watch) -> None:
    other = copy.copy(double)
    watch(other)
    renamed = other.model_copy(update={"name": "twice"})
    assert renamed.invoke({"number": 2}) == 4
    assert renamed.name == "twice"


def test_handlers_of_others_stay_in_place(watch: Watch) -> None:
    """An attached object that is called inside a run must not cut off who already listens there."""
    inner = RunnableLambda(add_one, name="inner")
    bound = RunnableLambda(add_one, name="bound").with_config(tags=["t"])
    compiled = graph(name="compiled")

    def work(number: int) -> int:
        return inner.invoke(number) + bound.invoke(number) + compiled.invoke({"number": number})["number"]

    names_by_call = []
    for attached in (False, True):
        if attached:
            for thing in (inner, bound, compiled):
                watch(thing)
        listener = Listener()
        RunnableLambda(work, name="outer").invoke(1, {"callbacks": [listener]})
        names_by_call.append(listener.names)
    assert names_by_call[0] == names_by_call[1]
    assert names_by_call[0].count("inner") == 1


def test_an_agent_called_inside_a_tool_of_another_nests_under_that_tool(
    watch: Watch, forest: Callable[[AttachedHandle], Forest]
) -> None:
    helper = create_agent(ScriptedModel(answers=["helped"]), name="helper")

    @tool
    def ask_helper(question: str) -> str:
        """Ask the helper."""
        return str(helper.invoke({"messages": [("user", question)]})["messages"][-1].content)

    boss = create_agent(
        ScriptedModel(answers=[calls(("ask_helper", {"question": "?"})), "done"]), [ask_helper], name="boss"
    )
    handle = watch(boss)
    watch(helper, sink=handle.sink)
    boss.invoke(ASK)
    tree = forest(handle)
    assert [root.name for root in tree.roots] == ["boss"]
    (helped,) = [span for span in tree.of("sub_agent") if span.name == "helper"]
    assert helped.parent is tree.one("ask_helper")
    assert len({span.start["trace_id"] for span in tree.roots[0].walk()}) == 1

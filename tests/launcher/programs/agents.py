"""Run below the launcher: an agent in every way in which programs run one. ``agents.py WAY ...``."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
import threading
from typing import Any

if os.environ.get("WITHOUT_SDK"):
    sys.modules["etaoi_tui"] = None  # type: ignore[assignment]  # as in an environment that has none

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool


@tool
def double(number: int) -> int:
    """Double a number."""
    return number * 2


def chain() -> Any:
    """A chain of three runs below its own: a model, a tool, a last step."""
    model = GenericFakeChatModel(messages=iter([AIMessage("a b c")] * 9))
    return (model | RunnableLambda(lambda answer: {"number": len(answer.content)}) | double).with_config(
        run_name="agent"
    )


def sync() -> None:
    assert chain().invoke("go") == 10


def fails() -> None:
    def broken(value: Any) -> Any:
        raise ValueError("no such order")

    try:
        (chain() | RunnableLambda(broken)).invoke("go")
    except ValueError:
        return
    raise AssertionError


def concurrent() -> None:
    async def both() -> None:
        assert await asyncio.gather(chain().ainvoke("go"), chain().ainvoke("go")) == [10, 10]

    asyncio.run(both())


def threads() -> None:
    started = [threading.Thread(target=sync) for _ in range(3)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def stream() -> None:
    model = GenericFakeChatModel(messages=iter([AIMessage("one two three four")]))
    assert "".join(str(piece.content) for piece in model.stream("go")) == "one two three four"


def streams_events() -> None:
    async def follow() -> None:
        assert [event async for event in chain().astream_events("go", version="v2")]

    asyncio.run(follow())


def fork() -> None:
    sync()
    child = os.fork()
    if child == 0:
        sync()
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0


def multiprocess(method: str) -> None:
    sync()
    child = multiprocessing.get_context(method).Process(target=sync)
    child.start()
    child.join()
    assert child.exitcode == 0


def fork_process() -> None:
    multiprocess("fork")


def spawn() -> None:
    multiprocess("spawn")


def forkserver() -> None:
    multiprocess("forkserver")


def child_program() -> None:
    subprocess.run([sys.executable, __file__, "sync"], check=True)


if __name__ == "__main__":
    for way in sys.argv[1:]:
        globals()[way]()

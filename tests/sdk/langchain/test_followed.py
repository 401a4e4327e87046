"""LangChain is told which handler follows the run that calls it, until that handler is closed."""

from __future__ import annotations

from typing import Any

from langchain_core.runnables import RunnableLambda

from etaoi_tui.sdk.langchain.callback_handler import EtaoiHandler
from etaoi_tui.sdk.langchain.global_hook import _FollowingHook, forget


def test_a_handler_follows_what_runs_inside_its_runs_until_it_is_forgotten() -> None:
    handler: Any = EtaoiHandler(sink="memory")
    hook = _FollowingHook()
    answers = [hook.get()]

    def step(value: int) -> int:
        answers.append(hook.get())
        forget(handler)
        answers.append(hook.get())
        return value

    RunnableLambda(step).invoke(1, {"callbacks": [handler]})
    assert answers == [None, handler, None]
    handler.close()

"""What is left of the text of real errors: in the row, in the error itself, on its page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from pydantic import BaseModel

from etaoi_tui.sdk.attach import AttachedHandle
from etaoi_tui.view.row_summaries import Summaries
from tests.detail.recorded import Recorded
from tests.sdk.langchain.trees import Forest

Watch = Callable[..., AttachedHandle]
Look = Callable[[AttachedHandle], Forest]


class Plan(BaseModel):
    steps: list[str]
    n: int


class ApiError(Exception):
    def __init__(self, code: int, body: str) -> None:
        self.code, self.body = code, body

    def __str__(self) -> str:
        return f"HTTP {self.code}: {self.body}"


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def validation() -> None:
    Plan.model_validate({"steps": "no list"})


def group() -> None:
    raise ExceptionGroup(
        "errors in a group",
        [ConnectionError("mcp server refused"), ExceptionGroup("inner", [ApiError(429, "slow down")])],
    )


def wrapped() -> None:
    raise RuntimeError(ValueError("server said: quota exceeded"))


def arguments() -> None:
    raise ValueError("bad city", {"city": "Oslo"}, [KeyError("zip")], object())


def missing_file() -> None:
    open("/no/such/file")


def noted() -> None:
    error = ValueError("no")
    error.add_note("while reading page 7")
    raise error


def own_words() -> None:
    raise ApiError(503, "try later")


def mute() -> None:
    raise MuteError("first", 2)


def many() -> None:
    raise ExceptionGroup("many", [ValueError(str(n)) for n in range(40)])


KINDS: dict[Callable[[], None], tuple[list[str], list[str]]] = {
    validation: (["ValidationError", "Input should be a valid list", "Field required"], ["steps", "n"]),
    group: (["errors in a group", "mcp server refused", "HTTP 429: slow down"], ["ConnectionError: mcp"]),
    wrapped: (["RuntimeError", "server said: quota exceeded"], ["ValueError: server said"]),
    arguments: (["bad city", "'city': 'Oslo'", "KeyError('zip')", "<object>"], ["'city': 'Oslo'"]),
    missing_file: (["FileNotFoundError", "/no/such/file"], ["/no/such/file"]),
    noted: (["ValueError('no')"], ["while reading page 7"]),
    own_words: (["ApiError", "HTTP 503: try later"], ["HTTP 503: try later"]),
    mute: (["MuteError('first', 2)"], ["'first', 2"]),
    many: (["ValueError('31')", "8 more"], ["ValueError: 31", "8 more"]),
}  # fmt: skip


@pytest.mark.parametrize("fails", KINDS, ids=lambda fails: fails.__name__)
def test_an_error_keeps_its_message(fails: Callable[[], None], watch: Watch, forest: Look) -> None:
    handle = watch()
    with pytest.raises(BaseException):  # noqa: B017
        RunnableLambda(lambda _: fails(), name="step").invoke(1)
    step = forest(handle).one("step")
    in_error, in_message = KINDS[fails]
    error = step.error
    assert error is not None
    for words in in_error:
        assert words in error
    for words in in_message:
        assert words in step.payload["error_message"]
        assert words in step.payload["traceback"]


CONTENTS: list[tuple[Any, str]] = [
    ("Error: file /notes.md not found\nsecond line", "Error: file /notes.md not found"),
    ([{"type": "text", "text": "\n  no such tool  "}], "no such tool"),
    (["plain words"], "plain words"),
    ("", "tool_error"),
]


@pytest.mark.parametrize(("content", "row"), CONTENTS)
@pytest.mark.parametrize("as_command", [False, True])
def test_a_tool_that_answers_with_an_error_has_the_reason_in_its_row(
    content: Any, row: str, as_command: bool, watch: Watch
) -> None:
    from langgraph.types import Command

    @tool
    def read_file(path: str) -> Any:
        """Read."""
        answer = ToolMessage(content, tool_call_id="c", status="error")
        return Command(update={"messages": [answer]}) if as_command else answer

    handle = watch()
    read_file.invoke({"path": "/notes.md"})
    handle.flush(60)
    recorded = Recorded.of(handle.sink.events)
    (trace,) = recorded.store.traces.values()
    (span,) = trace.roots
    assert span.status == "error"
    assert Summaries(recorded.source).of(span) == row


def test_a_truncated_answer_still_has_its_reason(watch: Watch) -> None:
    @tool
    def read_file(path: str) -> Any:
        """Read."""
        return ToolMessage("not found: " + "x" * 200_000, tool_call_id="c", status="error")

    handle = watch()
    read_file.invoke({"path": "/notes.md"})
    handle.flush(60)
    recorded = Recorded.of(handle.sink.events)
    (trace,) = recorded.store.traces.values()
    assert Summaries(recorded.source).of(trace.roots[0]).startswith("not found: xxx")

"""Holds a chain as it is shown against what is known from outside: the model's own record, and the hooks'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from etaoi_tui.detail.compare.request_diff import ABSENT, RequestDiff
from etaoi_tui.detail.messages.cache_breakpoints import Breakpoint, control_words
from etaoi_tui.detail.messages.chat import Message
from etaoi_tui.detail.messages.request import Request, length
from etaoi_tui.detail.middleware.request_chain import CallChain
from etaoi_tui.detail.middleware.request_step import Step
from tests.xray.models import Plain


def agrees(message: Message, real: Plain, *, whole: bool) -> None:
    """A message is the real one; of a digest what is known is right, and the rest is not claimed."""
    assert message.role == real["role"]
    calls = [(call.name, call.call_id, call.arguments) for call in message.calls]
    if message.digest or message.cut:
        assert not whole
        assert message.text == real["text"][: len(message.text)]
        assert length(message) == len(real["text"])
        assert message.cut == (len(real["text"]) > len(message.text))
        assert [name for name, *_ in calls] == [name for name, *_ in real["calls"]]
        return
    assert message.text.replace("\n", "") == real["text"].replace("\n", "")
    assert calls == [tuple(call) for call in real["calls"]]
    if whole:
        assert message.call_id == real["call_id"]


def agree(messages: Sequence[Message] | None, real: Sequence[Plain], *, whole: bool) -> None:
    """So do all of them, in order."""
    assert messages is not None
    assert len(messages) == len(real)
    for one, other in zip(messages, real, strict=True):
        agrees(one, other, whole=whole)


def front_and_rest(messages: Sequence[Plain]) -> tuple[str, list[Plain]]:
    """Split what a model got into the system prompt and the messages."""
    front = [m for n, m in enumerate(messages) if all(x["role"] == "system" for x in messages[: n + 1])]
    return "\n".join(m["text"] for m in front), list(messages[len(front) :])


def real_markers(request: Plain, *, lead: int = 0) -> set[Breakpoint]:
    """Return the cache breakpoints of a request as it really was, whichever way it was written down."""
    breakpoints = set()
    for index, message in enumerate(request["messages"]):
        for block, control in message["markers"]:
            part: Any = "system" if index < lead else "messages"
            breakpoints.add(
                Breakpoint(part, max(0, index - lead), block - 1, 0, control=control_words(control))
            )
    for block, control in (request.get("system") or {}).get("markers", ()):
        breakpoints.add(Breakpoint("system", 0, block - 1, 0, control=control_words(control)))
    for index, tool in enumerate(request["tools"]):
        if tool["marker"]:
            marker = control_words(tool["marker"])
            breakpoints.add(Breakpoint("tools", index, name=tool["name"], blocks=0, control=marker))
    if control := request["settings"].get("cache_control"):
        breakpoints.add(Breakpoint("request", blocks=0, control=control_words(control)))
    return breakpoints


def markers(request: Request) -> set[Breakpoint]:
    """Return the cache breakpoints that are shown of a request."""
    assert request.breakpoints is not None
    return {replace(point, blocks=0) for point in request.breakpoints}


def assert_sent(chain: CallChain, received: Plain, *, ours: bool, all_recorded: bool) -> None:
    """What is shown as sent is what the model got."""
    sent = chain.sent
    system, rest = front_and_rest(received["messages"])
    assert sent.system == system
    agree(sent.messages, rest, whole=ours)
    assert not any(m.digest or m.cut for m in sent.messages or ())
    assert sent.model == received["model"]
    names = [tool["name"] for tool in received["tools"]]
    if not ours:
        # The etaoi SDK tells no tools of a call: those of the last hook, and that it is so.
        assert sent.tools is None or any("does not tell its tools" in note for note in chain.notes)
        if all_recorded and sent.tools is not None:
            assert [tool.name for tool in sent.tools] == names
        return
    assert [tool.name for tool in sent.tools or []] == names
    described = {tool.name: tool.description for tool in sent.tools or [] if tool.description is not None}
    assert described == {t["name"]: t["description"] for t in received["tools"] if t["name"] in described}
    parameters = sent.parameters or {}
    for name, value in received["settings"].items():
        # Metadata are texts on the wire.
        assert value is None or parameters[name] in (value, str(value))
    lead = len(received["messages"]) - len(rest)
    assert markers(sent) == real_markers(received, lead=lead)


def wraps(chain: CallChain) -> list[Step]:
    """The recorded wrap hooks on the way down."""
    return [step for step in chain.down if step.recorded and "wrap_model_call" in step.label]


def assert_steps(chain: CallChain, received: Plain, *, ours: bool) -> None:
    """Each recorded hook was given, and passed on, what the hook itself had in hand."""
    steps = wraps(chain)
    assert [step.label for step in steps] == [entry["hook"] for entry in received["chain"]]
    for step, entry in zip(steps, received["chain"], strict=True):
        assert step.diff is not None, step.notes
        for request, real in ((step.diff.old, entry["given"]), (step.diff.new, entry["passed"])):
            agree(request.messages, real["messages"], whole=ours)
            assert request.system == (real["system"]["text"] if real["system"] else "")
            assert [tool.name for tool in request.tools or []] == [tool["name"] for tool in real["tools"]]
            assert request.model == real["model"]
            if ours:
                parameters = request.parameters or {}
                assert all(parameters[name] == value for name, value in real["settings"].items())
                assert parameters.get("temperature") == real["temperature"]
                assert (request.parameters or {}).get("tool_choice") == real["choice"]
                assert markers(request) == real_markers(real)
            else:
                assert request.parameters is None
                assert markers(request) == {p for p in real_markers(real) if p.part == "system"}
        assert_diff(step.diff, entry, ours=ours)
        if ours:
            assert step.attempt == entry["attempt"]
        assert step.partial is not ours


def assert_diff(diff: RequestDiff, entry: Plain, *, ours: bool) -> None:
    """A step says that it changed something if it did, and nothing else."""
    received, passed = entry["given"], entry["passed"]
    plain_sides = [
        [(m["role"], m["text"], m["calls"]) for m in side["messages"]] for side in (received, passed)
    ]
    if ours:
        assert diff.messages_changed == (plain_sides[0] != plain_sides[1])
        assert diff.nothing == (received == passed)
        old = {tool["name"]: tool["description"] for tool in received["tools"]}
        new = {tool["name"]: tool["description"] for tool in passed["tools"]}
        changed = {name for name in old if name in new and old[name] != new[name]}
        assert {change.name for change in diff.tools if change.what == "changed"} == changed
    elif plain_sides[0] == plain_sides[1]:
        assert not diff.messages_changed
    assert diff.system_changed == (received["system"] != passed["system"] and _texts_differ(received, passed))
    assert (diff.model is not None) == (received["model"] != passed["model"])


def _texts_differ(received: Plain, passed: Plain) -> bool:
    return (received["system"] or {}).get("text", "") != (passed["system"] or {}).get("text", "")


def assert_replays(chain: CallChain, received: Plain, *, ours: bool) -> None:
    """Taking the raw request and applying what each step is shown to have done gives what the model got."""
    messages = list(chain.raw.messages or [])
    system = chain.raw.system
    tools = None if chain.raw.tools is None else [tool.name for tool in chain.raw.tools]
    parameters = dict(chain.raw.parameters or {})
    steps = chain.down
    if any("as the hooks before the model left it" in note for note in chain.notes):
        assert not ours
        steps = [step for step in steps if "before_" not in step.label]
    for step in steps:
        diff = step.diff
        assert diff is not None, (step.label, step.notes)
        messages = _apply(messages, diff)
        if diff.system_changed:
            assert system is None or diff.old.system == system
            system = diff.new.system
        if tools is None and diff.new.tools is not None:
            tools = [tool.name for tool in diff.new.tools]
        elif tools is not None:
            removed = {change.name for change in diff.tools if change.what == "removed"}
            tools = [name for name in tools if name not in removed]
            tools += [change.name for change in diff.tools if change.what == "added"]
        for name, _, new in diff.parameters:
            if new is ABSENT:
                parameters.pop(name, None)
            else:
                parameters[name] = new
    real_system, rest = front_and_rest(received["messages"])
    agree(messages, rest, whole=ours)
    assert system is None or system == real_system
    if tools is not None and (ours or chain.sent.tools is not None):
        assert sorted(tools) == sorted(tool["name"] for tool in received["tools"])
    for name, value in parameters.items():
        assert (received.get("payload", {}) | received["settings"]).get(name) == value


def _apply(messages: list[Message], diff: RequestDiff) -> list[Message]:
    placed: dict[int, Message] = {}
    used = set()
    for change in diff.messages:
        if change.old_index >= 0:
            used.add(change.old_index)
        if change.what == "removed":
            continue
        carried_over = change.what in ("same", "moved")
        message = messages[change.old_index] if carried_over else change.new
        assert message is not None
        placed[change.new_index] = message
    assert used == set(range(len(messages)))
    assert sorted(placed) == list(range(len(placed)))
    return [placed[n] for n in range(len(placed))]

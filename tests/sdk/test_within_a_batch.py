"""What stands in several events of one batch is looked at once; what changes later is seen in the next."""

from __future__ import annotations

import gc
import json
from typing import Any

import msgspec
import pytest
from langchain_core.messages import AIMessage

from etaoi_collector.wire.references import Resolver
from etaoi_tui.sdk.known_values import KnownValues
from etaoi_tui.sdk.langchain import shared_messages
from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot
from etaoi_tui.sdk.langchain.payloads import (
    ChainInput,
    ChainOutput,
    Documents,
    ModelInput,
    ModelOutput,
    ToolInput,
    ToolOutput,
    snapshot_of_state,
)
from etaoi_tui.sdk.langchain.runs import EndedRun
from etaoi_tui.sdk.limits import Limits
from etaoi_tui.sdk.redact import Redact
from etaoi_tui.sdk.serialize import PayloadSerializer
from etaoi_tui.sdk.shared_json import SharedJson
from etaoi_tui.sdk.tracer import End

WORDS = "What changed in the second version of the protocol? " * 30


class Sender:
    """Encodes payloads as the sender does, and reads them again."""

    def __init__(self) -> None:
        self.values = KnownValues()
        self._serializer = PayloadSerializer(Limits(), Redact(), self.values)
        self._resolver = Resolver(self.values.content)

    def say(self, payload: Any) -> dict[str, Any]:
        fields: dict[str, Any] = msgspec.msgpack.decode(
            self._resolver.resolve(self._serializer.payload(payload))
        )
        return {
            key: json.loads(text) for key, text in fields.items() if key in ("inputs", "outputs")
        } or fields


def counted(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[int]:
    calls: list[int] = []
    original = getattr(owner, name)

    def call(*args: Any) -> Any:
        calls.append(1)
        return original(*args)

    monkeypatch.setattr(owner, name, call)
    return calls


def test_what_one_step_gives_and_the_next_one_gets_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = Sender()
    looks = counted(monkeypatch, SharedJson, "_add")
    state: dict[str, Any] = {"topic": WORDS, "rules": [WORDS, "short"], "scores": {"a": 1}, "round": 3}
    first = sender.say(ChainOutput(snapshot_of_state(state)))
    once = len(looks)
    second = sender.say(ChainInput({**state, "rules": [*state["rules"]]}))
    assert first["outputs"] == second["inputs"] == state
    assert once and len(looks) == once


def test_another_list_with_other_items_is_another_state() -> None:
    sender = Sender()
    state: dict[str, Any] = {"topic": WORDS, "rules": [WORDS]}
    assert sender.say(ChainInput(state))["inputs"] == state
    state["rules"][0] = f"Another one. {WORDS}"
    assert sender.say(ChainInput(state))["inputs"] == state
    state["rules"].append("one more")
    assert sender.say(ChainInput(state))["inputs"] == state
    state["scores"] = {"a": 1}
    assert sender.say(ChainInput(state))["inputs"] == state


def test_keys_that_are_alike_are_said_as_they_are() -> None:
    sender = Sender()
    assert sender.say(ChainInput({1: WORDS})) == {"inputs": {"1": WORDS}}
    assert sender.say(ChainInput({True: WORDS})) == {"inputs": {"True": WORDS}}


def test_an_edit_in_place_is_seen_in_the_next_batch() -> None:
    sender = Sender()
    inner = {"deep": {"step": 1, "text": WORDS}}
    answer = AIMessage(WORDS, id="a")
    state, asked = {"plan": inner}, [answer]
    assert sender.say(ChainInput(state))["inputs"]["plan"]["deep"]["step"] == 1
    assert sender.say(ChainInput({"messages": asked}))["inputs"]["messages"][0].get("name") is None
    inner["deep"]["step"], answer.name = 2, "planner"
    sender.values.in_batch.clear()
    assert sender.say(ChainInput(state))["inputs"]["plan"]["deep"]["step"] == 2
    assert sender.say(ChainInput({"messages": asked}))["inputs"]["messages"][0]["name"] == "planner"


def test_a_message_of_several_events_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = Sender()
    looks = counted(monkeypatch, shared_messages, "_body_of")
    messages = [AIMessage(f"{n}. {WORDS[:200]}", id=str(n)) for n in range(4)]

    def ask(count: int) -> list[str]:
        payload = ModelInput([MessageSnapshot(messages[:count])], None, None, set())
        return [message["text"] for message in sender.say(payload)["input_messages"]]

    assert ask(3) == [str(message.content) for message in messages[:3]]
    before = len(looks)
    assert ask(4) == [str(message.content) for message in messages]
    assert before == 6 and len(looks) == before + 2
    content = messages[0].content = "edited"
    assert ask(4)[0] == content  # the text is kept as it was at each moment, also within a batch


def test_what_waits_does_not_bring_the_hosts_full_collections_forward() -> None:
    kinds: tuple[Any, ...] = (
        End, EndedRun, ChainOutput, ToolInput, ToolOutput, Documents, ModelInput, ModelOutput
    )  # fmt: skip
    for kind in kinds:
        assert not gc.is_tracked(kind(*[[]] * len(kind.__struct_fields__)))

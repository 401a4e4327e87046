"""What was sent before is referred to: who reads an event has the whole of it, or is told what is missing."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.recording.reader import TraceReader
from etaoi_collector.recording.recorder import Recorder
from etaoi_collector.source_items import EventBatch, Missing
from etaoi_collector.sources.remote import RemoteSource
from etaoi_collector.wire.full_decode import decode_lossless
from etaoi_collector.wire.references import (
    LIST,
    MARK,
    REFERENCE,
    SENT_EARLIER,
    TEXT,
    Resolver,
    decode_values,
    digest_of,
    encode_values,
    list_of,
    reference_to,
    stand_in,
    text_of,
)
from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.known_values import KnownValues, SentValues
from etaoi_tui.sdk.langchain.message_snapshots import MessageSnapshot
from etaoi_tui.sdk.langchain.payloads import ChainInput, ModelInput
from etaoi_tui.sdk.limits import Limits
from etaoi_tui.sdk.redact import Redact
from etaoi_tui.sdk.serialize import PayloadSerializer
from etaoi_tui.sdk.tracer import Tracer
from tests.sdk.viewer import Viewer

decode = msgspec.msgpack.decode
LARGE = 1 << 20


def long_talk(turns: int) -> list[BaseMessage]:
    talk: list[BaseMessage] = []
    for turn in range(turns):
        talk.append(HumanMessage(f"Question {turn}, please. " * 10, id=f"h{turn}"))
        talk.append(AIMessage(f"An answer {turn}. " * 10, id=f"a{turn}"))
    return talk


def asked(messages: list[BaseMessage]) -> ModelInput:
    return ModelInput([MessageSnapshot(messages)], None, None, set())


def texts(event: Any) -> list[str]:
    return [message["text"] for message in event["payload"]["input_messages"]]


def as_read(payload: bytes) -> dict[str, Any]:
    payload_map: dict[str, Any] = decode(payload)
    if isinstance(payload_map.get("inputs"), str):
        payload_map["inputs"] = json.loads(payload_map["inputs"])
    return payload_map


def exactly(value: Any) -> bytes:
    """Return what tells values apart that are equal and not alike: 1, 1.0 and True; NaN is like itself."""
    return msgspec.json.encode(value, order="sorted")


# ---- any history, over connections that break and recordings that lose parts


class Receiver:
    """Keeps what arrives, as a recording does; parts of it may go."""

    def __init__(self) -> None:
        self.brought: list[dict[bytes, bytes]] = []
        self.payloads: list[tuple[bytes, bytes]] = []

    def find(self, digest: bytes) -> bytes | None:
        return next((values[digest] for values in self.brought if digest in values), None)


_equal_or_not = st.sampled_from((0, 1, True, False, 1.0, 0.0, -0.0, float("nan"), None, "1"))
"""Values of which some are equal to others that are shown in another way."""
_words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=24)


def _message(draw: st.DrawFn, number: int) -> BaseMessage:
    text = draw(_words) * draw(st.sampled_from((1, 9)))
    message_id = draw(st.sampled_from((None, f"id-{number}", "the same")))
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return HumanMessage([{"type": "text", "text": text}, {"type": "text", "text": "more"}], id=message_id)
    if kind == 1:
        calls = [{"name": "look", "args": {"q": text}, "id": f"c{number}"}]
        return AIMessage(text, tool_calls=calls, id=message_id)
    if kind == 2:
        return ToolMessage(text, tool_call_id=f"c{number}", id=message_id)
    return HumanMessage(text, id=message_id)


def _edit(draw: st.DrawFn, message: Any) -> None:
    """Write into a message where it lies, as hooks do."""
    how = draw(st.integers(0, 5))
    number = draw(_equal_or_not)
    if how == 0:
        message.content = draw(_words)
    elif how == 1 and isinstance(message.content, list):
        message.content[0]["text"] = draw(_words)
    elif how == 2 and getattr(message, "tool_calls", None):
        message.tool_calls[0]["args"]["q"] = draw(_words)
    elif how == 3 and getattr(message, "tool_calls", None):
        message.tool_calls[0]["args"]["n"] = number
    elif how == 4:
        message.additional_kwargs["n"] = {"deep": [number]}
    elif how == 5:
        message.additional_kwargs = {"n": number, **message.additional_kwargs}
    else:
        message.additional_kwargs["mark"] = draw(_words)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.booleans())
def test_resolved_payloads_equal_the_originals_or_name_what_is_missing(data: Any, loses: bool) -> None:
    draw = data.draw
    limits, redact = Limits(), Redact()
    known_values = KnownValues(600 if loses and draw(st.booleans()) else LARGE)
    plain, referring = PayloadSerializer(limits, redact), PayloadSerializer(limits, redact, known_values)
    sent, receiver = SentValues(known_values), Receiver()
    receivers = [receiver]
    talk = [_message(draw, number) for number in range(draw(st.integers(8, 40)))]
    underway: list[tuple[bytes, tuple[bytes, ...], bytes]] = []

    def send(payload: bytes, used: tuple[bytes, ...], resolved: bytes) -> None:
        receiver.brought += map(decode_values, sent.frames_for(used))
        receiver.payloads.append((payload, resolved))

    for step in range(draw(st.integers(1, 12))):
        what = draw(st.sampled_from(("say", "say", "say", "drop", "grow", "edit", "remove", "break", "lose")))
        if what in ("say", "drop"):
            original: Any = ChainInput({"messages": talk, "n": step}) if draw(st.booleans()) else asked(talk)
            known_values.in_batch.clear()
            resolved, payload = plain.payload(original), referring.payload(original)
            used = referring.take_used() or ()
            if what == "say":
                send(payload, used, resolved)
                underway = [*underway[-1:], (payload, used, resolved)]
        elif what == "grow":
            talk += [_message(draw, len(talk) + n) for n in range(draw(st.integers(1, 20)))]
        elif what == "edit":
            _edit(draw, draw(st.sampled_from(talk)))
        elif what == "remove" and len(talk) > 9:
            del talk[draw(st.integers(0, len(talk) - 1))]
        elif what == "break":
            sent.forget()
            if draw(st.booleans()):  # the viewer was started anew
                receiver = Receiver()
                receivers.append(receiver)
            for again in underway:
                send(*again)
        elif what == "lose" and loses and receiver.brought:
            del receiver.brought[draw(st.integers(0, len(receiver.brought) - 1))]
    for receiver in receivers:
        resolver = Resolver(receiver.find)
        for payload, resolved in receiver.payloads:
            read, expected = as_read(resolver.resolve(payload)), as_read(resolved)
            if exactly(read) == exactly(expected):
                continue
            assert loses
            for key in ("inputs", "input_messages"):
                mine, theirs = read.pop(key, None), expected.pop(key, None)
                if isinstance(mine, dict):
                    mine, theirs = mine["messages"], theirs["messages"]
                assert stand_in(SENT_EARLIER) in (mine or [stand_in(SENT_EARLIER)])
                allowed = [*map(exactly, theirs or ()), exactly(stand_in(SENT_EARLIER))]
                assert all(exactly(message) in allowed for message in mine or ())
            assert exactly(read) == exactly(expected)


# ---- a state's other parts


def the_state(number: int) -> dict[str, Any]:
    return {
        "messages": long_talk(6),
        "files": {
            f"/notes/{name}.md": {"content": [f"{name} line {n}" for n in range(90)], "made": 12.5}
            for name in ("plan", "facts", "draft")
        },
        "notes": [f"note {n}: " + "something that was found out. " * 4 for n in range(40)],
        "report": f"What there is to say. {number} " * 100,
        "round": number,
    }


def test_only_new_parts_of_a_large_state_are_sent_again() -> None:
    known_values = KnownValues()
    serializer, plain = (
        PayloadSerializer(Limits(), Redact(), known_values),
        PayloadSerializer(Limits(), Redact()),
    )
    sent, receiver = SentValues(known_values), Receiver()
    sizes = []
    state = the_state(1)
    for step in range(4):
        if step == 2:
            state["files"]["/notes/draft.md"]["content"][3] = "another line"
        if step == 3:
            state["notes"].append("one more note " * 9)
        state_input = ChainInput(state)
        payload = serializer.payload(state_input)
        frames = sent.frames_for(serializer.take_used() or ())
        receiver.brought += map(decode_values, frames)
        sizes.append(len(payload) + sum(map(len, frames)))
        resolved = Resolver(receiver.find).resolve(payload)
        assert as_read(resolved) == as_read(plain.payload(ChainInput(state)))
        state = msgspec.json.decode(msgspec.json.encode({**state, "messages": []}))  # as a checkpointer does
        state["messages"] = long_talk(6)
    assert sizes[0] > 15_000
    assert sizes[1] < 700
    assert sizes[2] < 4_000
    assert sizes[3] < 2_500


def test_a_state_stays_valid_json_when_any_part_is_lost() -> None:
    known_values = KnownValues()
    serializer, sent, receiver = (
        PayloadSerializer(Limits(), Redact(), known_values),
        SentValues(known_values),
        Receiver(),
    )
    payload = serializer.payload(ChainInput(the_state(1)))
    receiver.brought += map(decode_values, sent.frames_for(serializer.take_used() or ()))
    brought = {digest: content for values in receiver.brought for digest, content in values.items()}
    assert len(brought) > 8
    for lost in brought:
        known_contents = {digest: content for digest, content in brought.items() if digest != lost}
        resolved_payload = decode(Resolver(known_contents.get).resolve(payload))
        state = json.loads(resolved_payload["inputs"])
        assert SENT_EARLIER in resolved_payload["inputs"]
        assert state["round"] == 1
        assert resolved_payload["input_keys"] == sorted(the_state(1))


@pytest.mark.parametrize(
    "rule", [Redact(), Redact(names=["report"]), Redact(patterns=[re.compile('"round": ?7')])]
)
def test_rules_hold_in_every_part_of_a_state(rule: Redact) -> None:
    known_values = KnownValues()
    state = the_state(7)
    state["files"]["/notes/facts.md"]["content"][5] = "the key sk-abcdefghijklmnopqrstuvwxyz012345 is secret"
    state["api_key"] = "0123456789abcdefghij" * 100
    serializer = PayloadSerializer(Limits(), rule, known_values)
    for _ in range(2):
        resolved_text = decode(Resolver(known_values.content).resolve(serializer.payload(ChainInput(state))))[
            "inputs"
        ]
        assert "abcdefghijklmnop" not in resolved_text
        assert "0123456789abcdefghij" not in resolved_text
        assert ("What there is to say" in resolved_text) is ("report" not in rule._names)
        assert ('"round":7' in resolved_text) is not bool(rule._patterns)


def test_a_state_that_is_too_large_is_truncated_like_one_without_references() -> None:
    known_values = KnownValues()
    limits = Limits(text=5_000)
    serializer = PayloadSerializer(limits, Redact(), known_values)
    state = {"a": "x" * 4_000, "b": ["y" * 900] * 20, "c": {"d": "z" * 9_000}, "e": 1}
    resolved_text = decode(Resolver(known_values.content).resolve(serializer.payload(ChainInput(state))))[
        "inputs"
    ]
    assert json.loads(resolved_text)["e"] == 1
    assert len(resolved_text) < 2 * limits.text
    assert serializer.cut > 0


# ---- hostile references


def test_a_value_is_accepted_only_with_the_right_digest(tmp_path: Path) -> None:
    true, false = msgspec.msgpack.encode({"text": "true"}), msgspec.msgpack.encode({"text": "false"})
    recorder = Recorder(path=tmp_path / "run.msgpack")
    recorder.append(1.0, 1, encode_values({digest_of(true): false}))
    event = b"\x81" + msgspec.msgpack.encode("payload") + list_of([reference_to(digest_of(true))])
    ref = recorder.append(2.0, 1, b"\x91\x81" + msgspec.msgpack.encode("batch") + b"\x91" + event)
    read = recorder.read(ref)
    assert not isinstance(read, Missing)
    assert decode(read) == {"payload": [stand_in(SENT_EARLIER)]}
    recorder.append(3.0, 1, encode_values({digest_of(true): true}))
    read = recorder.read(ref)
    assert not isinstance(read, Missing)
    assert decode(read) == {"payload": [{"text": "true"}]}
    recorder.close()


def test_lists_of_lists_of_lists_end() -> None:
    values: dict[bytes, bytes] = {}
    content = msgspec.msgpack.encode("x" * 1000)
    for _ in range(30):
        digest = digest_of(content)
        values[digest] = content
        content = text_of([reference_to(digest)] * 8)
    resolver = Resolver(values.get, most=100_000)
    resolved = resolver.resolve(b"\x81\xa1a" + content)
    assert len(resolved) < 2_000_000
    assert "left out" in decode(resolved)["a"]


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\xd8e", b"\xc7\x01f\x91", b"\xd8e" + bytes(15)])
def test_broken_values_cost_themselves(content: bytes) -> None:
    raw = b"\x81\xa1a" + reference_to(bytes(16))
    assert Resolver(lambda _: content).resolve(raw) == raw
    assert decode_values(content) == {}
    resolved = Resolver(lambda _: None).resolve(b"\x82\xa1a" + reference_to(bytes(16)) + b"\xa1b\xd6\x07abcd")
    assert decode(resolved) == {"a": stand_in(SENT_EARLIER), "b": msgspec.msgpack.Ext(7, b"abcd")}


def test_codes_are_those_of_the_paper() -> None:
    paper = Path("docs/trace-file.md").read_text()
    assert all(f"| {code} | " in paper for code in (REFERENCE, TEXT, LIST))


# ---- files and viewers


def recorded_talks(reader: Any, items: Iterator[Any]) -> list[list[str]]:
    conversations = []
    for item in items:
        if isinstance(item, EventBatch):
            for ordinal in range(len(item.events)):
                raw = reader.read(item.base_ref + item.first_ordinal + ordinal)
                event = decode_lossless(raw)
                if "input_messages" in event.get("payload", {}):
                    conversations.append(texts(event))
    return conversations


def say(tracer: Tracer, talk: list[BaseMessage]) -> None:
    tracer.end(tracer.start("llm", "m", payload=asked(talk)))


def texts_of(talk: list[BaseMessage]) -> list[str]:
    return [str(message.content) for message in talk]


def test_a_file_holds_each_message_once(tmp_path: Path) -> None:
    path = tmp_path / "run.msgpack"
    tracer = open_tracer(sink=str(path))
    talk = long_talk(60)
    for turn in range(1, 61):
        say(tracer, talk[: 2 * turn])
    tracer.close(20)
    assert path.read_bytes().count(texts_of(talk)[14].encode()) == 1
    reader = TraceReader(path)
    conversations = recorded_talks(reader, reader.arrivals())
    assert conversations == [texts_of(talk[: 2 * turn]) for turn in range(1, 61)]


def test_a_small_request_has_no_references(tmp_path: Path) -> None:
    path = tmp_path / "run.msgpack"
    tracer = open_tracer(sink=str(path))
    say(tracer, [HumanMessage("Hello.")])
    tracer.close(20)
    assert MARK not in path.read_bytes()


def test_a_conversation_larger_than_the_cache_has_no_references() -> None:
    known_values = KnownValues(3_000)
    serializer = PayloadSerializer(Limits(), Redact(), known_values)
    talk = long_talk(40)
    for payload_input in (asked(talk), ChainInput({"messages": talk})):
        payload = serializer.payload(payload_input)
        assert MARK not in payload
        assert serializer.take_used() is None
        assert str(talk[-1].content) in str(decode(payload))


def test_many_parallel_conversations_are_all_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "run.msgpack"
    tracer = open_tracer(sink=str(path))
    talks = [
        [HumanMessage(f"{talk}.{number} " + "x" * 9_000, id=f"{talk}.{number}") for number in range(20)]
        for talk in range(120)
    ]
    for talk in talks:
        say(tracer, list(talk))
    tracer.close(30)
    reader = TraceReader(path)
    conversations = recorded_talks(reader, reader.arrivals())
    assert conversations == [texts_of(list(talk)) for talk in talks]


def test_masked_texts_are_in_no_referenced_value() -> None:
    known_values = KnownValues()
    talk = [*long_talk(10), HumanMessage("my key is sk-abcdefghijklmnopqrstuvwxyz012345", id="secret")]
    serializer = PayloadSerializer(Limits(), Redact(), known_values)
    masking = PayloadSerializer(Limits(), Redact(names=["messages"]), known_values)
    for payload_input in (asked(talk), ChainInput({"messages": talk})):
        resolved = Resolver(known_values.content).resolve(serializer.payload(payload_input))
        assert b"my key is" in resolved
        assert b"abcdefghijklmnop" not in resolved
    assert serializer.take_used()
    assert b"my key is" not in Resolver(known_values.content).resolve(
        masking.payload(ChainInput({"messages": talk}))
    )


def collect(reader: Any, take: Callable[[], list[Any]], talks: int) -> list[list[str]]:
    deadline = time.monotonic() + 60
    conversations: list[list[str]] = []
    while time.monotonic() < deadline and len(conversations) < talks:
        conversations += recorded_talks(reader, iter(take()))
        time.sleep(0.01)
    return conversations


def collect_from(collector: Collector, talks: int) -> list[list[str]]:
    return collect(collector.recorder, lambda: collector.inbox.take(0.05, 10_000), talks)


def a_viewer(port: int = 0) -> tuple[Collector, int]:
    collector = Collector(CollectorOptions(port=port, record=Record.NONE))
    collector.bind()
    collector.start()
    return collector, int(collector.endpoint.rsplit(":", 1)[1].split("/")[0])


def test_a_restarted_viewer_gets_every_referenced_value() -> None:
    first, port = a_viewer()
    tracer = open_tracer(server_url=f"ws://127.0.0.1:{port}")
    talk = long_talk(40)
    try:
        say(tracer, talk[:60])
        assert tracer.flush(60)
        assert collect_from(first, 1) == [texts_of(talk[:60])]
        first.stop(60)
        say(tracer, talk[:70])
        second, _ = a_viewer(port)
        try:
            say(tracer, talk)
            conversations = collect_from(second, 2)
            assert conversations[-2:] == [texts_of(talk[:70]), texts_of(talk)]
        finally:
            second.stop(60)
    finally:
        tracer.close()


def test_other_servers_get_no_references() -> None:
    talk = long_talk(40)
    viewer = Viewer()
    tracer = open_tracer(server_url=viewer.url)
    try:
        say(tracer, talk[:60])  # nobody knows yet who will take it
        assert tracer.flush(60)
        say(tracer, talk)
        assert tracer.flush(60)
        started = [event for event in viewer.wait_events(4) if event["kind"] == "span_start"]
        assert [texts(event) for event in started] == [texts_of(talk[:60]), texts_of(talk)]
        assert not any(MARK in frame for frame in viewer.frames)
    finally:
        tracer.close()
        viewer.stop()


def test_a_subscriber_gets_complete_payloads_from_any_moment() -> None:
    collector, port = a_viewer()
    tracer = open_tracer(server_url=f"ws://127.0.0.1:{port}")
    talk = long_talk(40)
    try:
        say(tracer, talk[:60])
        assert tracer.flush(60)
        with collector.subscribe(kinds="span_start", history=0) as bus:
            other = RemoteSource(f"ws://127.0.0.1:{port}/ingest")
            other.open()
            assert other.wait_caught_up(20)
            say(tracer, talk)
            assert tracer.flush(60)
            event = bus.wait(timeout=60)
            assert texts({"payload": event.payload}) == texts_of(talk)
            assert [message["text"] for message in event.input] == texts_of(talk)
            conversations = collect(other, lambda: other.take(0.05), 2)
            assert conversations == [texts_of(talk[:60]), texts_of(talk)]
            other.close()
    finally:
        tracer.close()
        collector.stop(60)


def test_messages_from_a_deleted_part_are_labelled_missing(tmp_path: Path) -> None:
    known_values = KnownValues()
    serializer, sent = PayloadSerializer(Limits(), Redact(), known_values), SentValues(known_values)
    path = tmp_path / "run.msgpack"
    recorder = Recorder(path=path, segment_bytes=40_000)
    talk = long_talk(400)
    for turn in range(10, 401, 10):
        payload = serializer.payload(asked(talk[: 2 * turn]))
        for frame in sent.frames_for(serializer.take_used() or ()):
            recorder.append(1.0, 1, frame)
        event = b"\x81" + msgspec.msgpack.encode("payload") + payload
        recorder.append(1.0, 1, b"\x91\x81" + msgspec.msgpack.encode("batch") + b"\x91" + event)
    recorder.close()
    path.unlink()
    reader = TraceReader(path.with_name("run.2.msgpack"))
    places = [item.base_ref for item in reader.arrivals() if isinstance(item, EventBatch) and item.events]
    read = reader.read(places[-1])
    assert not isinstance(read, Missing)
    resolved_texts = texts(decode(read))
    assert resolved_texts[-1] == talk[-1].content
    assert SENT_EARLIER in resolved_texts
    assert all(text == SENT_EARLIER or text in texts_of(talk) for text in resolved_texts)

"""The server's half of the protocol, message by message."""

from __future__ import annotations

import msgpack
import pytest

from etaoi_collector.ingest.server_protocol import ServerProtocol
from etaoi_collector.wire.handshake import encode_hello
from etaoi_collector.wire.limits import MAX_CLOSE_REASON


def test_a_hello_is_welcomed_with_the_clients_own_version() -> None:
    session = ServerProtocol(server_version="1.2")
    assert session.begin() is None
    answer = session.receive(encode_hello("x", schema_version="0.3.7"))
    assert answer.send is not None and answer.close is None and not answer.refused
    assert msgpack.unpackb(answer.send) == {
        "kind": "welcome",
        "schema_version": "0.3.7",
        "server_version": "1.2",
    }
    assert session.hello is not None and session.hello.sdk_version == "x"


def test_nothing_is_sent_after_the_welcome() -> None:
    session = ServerProtocol(server_version="1")
    session.receive(encode_hello("x"))
    for message in (b"\x90", b"garbage", b"", encode_hello("x")):
        answer = session.receive(message)
        assert answer.frame == message and answer.send is None and answer.close is None
    answer = session.receive("text")
    assert answer.frame is None and answer.send is None and answer.close is None
    assert answer.refused == "a text message; frames are binary msgpack"


def test_another_schema_gets_a_mismatch_and_4400() -> None:
    session = ServerProtocol(server_version="1")
    answer = session.receive(encode_hello("x", schema_version="0.6.0"))
    assert answer.send is not None and answer.close is not None
    assert msgpack.unpackb(answer.send)["kind"] == "mismatch"
    assert answer.close.code == 4400 and "upgrade etaoi-tui" in answer.close.reason
    assert session.hello is None


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("hello", "binary msgpack"),
        (b"\x90", "no etaoi hello"),
        (b"\xc1\xc1", "not msgpack"),
        (msgpack.packb({"kind": "hello", "schema_version": 5}), "no etaoi hello"),
    ],
)
def test_a_wrong_first_message_is_explained(message: bytes | str, words: str) -> None:
    answer = ServerProtocol(server_version="1").receive(message)
    assert answer.send is None and answer.close is not None and answer.close.code == 1003
    assert words in answer.close.reason and len(answer.close.reason.encode()) <= MAX_CLOSE_REASON


@pytest.mark.parametrize(("role", "words"), [("ä" * 500, "Unknown role"), ("", "role")])
def test_other_roles_are_refused_with_a_reason(role: str, words: str) -> None:
    answer = ServerProtocol(server_version="1").receive(encode_hello("x", role=role))
    assert answer.send is None and answer.close is not None and answer.close.code == 1008
    assert words in answer.close.reason and len(answer.close.reason.encode()) <= MAX_CLOSE_REASON


def test_a_viewer_is_welcome_and_has_nothing_more_to_say() -> None:
    session = ServerProtocol(server_version="1")
    answer = session.receive(encode_hello("x", role="fanout"))
    assert answer.send is not None and answer.close is None
    answer = session.receive(b"\x90")
    assert answer.frame is None and answer.close is not None and answer.close.code == 1008
    assert "only read" in answer.close.reason


def test_without_the_token_nothing_is_accepted() -> None:
    session = ServerProtocol(server_version="1", authorised=False)
    for answer in (session.begin(), session.receive(encode_hello("x")), session.receive(b"\x90")):
        assert answer is not None and answer.close is not None
        assert answer.close.code == 4401 and answer.send is None and answer.frame is None
    assert session.hello is None

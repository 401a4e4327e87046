"""Versions and handshake messages, byte for byte where the reference client is strict."""

from __future__ import annotations

import msgpack
import pytest

from etaoi_collector.wire.handshake import (
    HandshakeError,
    Mismatch,
    Welcome,
    decode_answer,
    decode_hello,
    describe_client,
    encode_hello,
    encode_mismatch,
    encode_welcome,
    mismatch_message,
)
from etaoi_collector.wire.limits import MAX_CLOSE_REASON
from etaoi_collector.wire.versions import SCHEMA_VERSION, accepted, advice


@pytest.mark.parametrize(
    "version", ["0.3.0", "0.3.99", "0.4.7", "0.5.0", "0.5.1", "0.5.42", "0.5", "0.5.2rc1"]
)
def test_versions_of_the_family_are_echoed(version: str) -> None:
    assert accepted(version) == version


@pytest.mark.parametrize(
    "version", ["0.2.9", "0.6.0", "1.0.0", "10.5.1", "", "x", "0.5.1\n", "0", "0.5." + "9" * 100, "٠.٥.١"]
)
def test_other_versions_are_not_understood(version: str) -> None:
    assert accepted(version) is None


def test_the_advice_names_the_older_side() -> None:
    assert advice("0.6.0") == advice("1.2") == "upgrade etaoi-tui"
    assert advice("0.2.0") == advice("?") == "upgrade the client's etaoi package"


def test_hello_has_the_keys_of_the_reference() -> None:
    assert msgpack.unpackb(encode_hello("0.9.9")) == {
        "kind": "hello",
        "schema_version": SCHEMA_VERSION,
        "sdk_version": "0.9.9",
        "role": "ingest",
    }


def test_hello_survives_unknown_keys() -> None:
    message = msgpack.packb({"kind": "hello", "schema_version": "0.4.0", "new": [1], "role": "ingest"})
    assert decode_hello(message).schema_version == "0.4.0"


@pytest.mark.parametrize(
    "message",
    [
        "text",
        b"",
        b"\xc1",
        b"GET / HTTP/1.1",
        b"\x90",
        msgpack.packb({"kind": "welcome"}),
        b"\x81" * 5000,
        b"\xc0",
    ],
)
def test_a_first_message_that_is_no_hello_is_explained(message: bytes | str) -> None:
    with pytest.raises(HandshakeError) as caught:
        decode_hello(message)
    assert 20 < len(str(caught.value).encode()) <= MAX_CLOSE_REASON


def test_an_oversized_hello_is_refused() -> None:
    with pytest.raises(HandshakeError, match="too long"):
        decode_hello(msgpack.packb({"kind": "hello", "schema_version": "0.5.1", "x": "y" * 100_000}))


def test_welcome_has_exactly_three_keys() -> None:
    assert msgpack.unpackb(encode_welcome("0.4.1", "1.2")) == {
        "kind": "welcome",
        "schema_version": "0.4.1",
        "server_version": "1.2",
    }


def test_mismatch_has_exactly_its_five_keys() -> None:
    answer = msgpack.unpackb(encode_mismatch("0.9.0"))
    assert set(answer) == {"kind", "code", "client", "server", "message"}
    assert (answer["kind"], answer["code"]) == ("mismatch", "schema_version_mismatch")
    assert (answer["client"], answer["server"]) == ("0.9.0", SCHEMA_VERSION)
    assert "upgrade etaoi-tui" in answer["message"]


@pytest.mark.parametrize("version", ["0.9.0", "9" * 500, "\x1b[31m" * 50, "ä" * 300], ids=range(4))
def test_the_mismatch_fits_a_close_reason(version: str) -> None:
    assert len(mismatch_message(version).encode()) <= MAX_CLOSE_REASON


def test_answers_are_read_back() -> None:
    assert decode_answer(encode_welcome("0.5.1", "0")) == Welcome("0.5.1", "0")
    refusal = decode_answer(encode_mismatch("0.1"))
    assert isinstance(refusal, Mismatch) and refusal.client == "0.1"
    for wrong in ("text", b"", b"\x80", b"\xc1"):
        with pytest.raises(HandshakeError):
            decode_answer(wrong)


def test_a_client_is_named_by_its_hello() -> None:
    hello = decode_hello(encode_hello("1"))
    assert (
        describe_client(hello, "Python/3.11 websockets/16.1") == "Python/3.11 websockets/16.1 (schema 0.5.1)"
    )
    assert describe_client(hello) == "schema 0.5.1"

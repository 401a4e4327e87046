from __future__ import annotations

import json
import re

import msgspec
import pytest

from etaoi_tui.sdk.config import open_tracer
from etaoi_tui.sdk.limits import Limits
from etaoi_tui.sdk.redact import REDACTED, Redact
from etaoi_tui.sdk.serialize import Json, PayloadSerializer
from etaoi_tui.sdk.tracer import Tracer

SECRETS = [
    "sk-abcdefghijklmnopqrstuvwx",
    "-".join(("sk", "ant", "api03", "Zx0" * 8)),
    "sk-proj-abc_DEF-0123456789abcdef",
    "AKIAIOSFODNN7EXAMPLE",
    "AIza" + "a1B2" * 9,
    "ghp_" + "a1b2c3" * 6,
    "hf_" + "aB3" * 10,
    "gsk_" + "x9" * 14,
    "xoxb-1234567890-abcdefghij",
    "lsv2_pt_" + "0a" * 16,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLXZhbHVl",
    "sk_live_" + "abcdefghijklmnop",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_common_secrets_are_masked_visibly_wherever_they_are(secret: str) -> None:
    shaper = PayloadSerializer(Limits(), Redact.of(None))
    for text in (secret, f"use {secret}, please", f"({secret})", f"Authorization: Bearer {secret}"):
        masked = shaper.text(text)
        assert secret not in masked and REDACTED in masked
    payload = shaper.payload({"deep": [{"text": f"key {secret}"}], "inputs": Json({"a": [secret]})})
    assert secret.encode() not in payload
    assert json.loads(msgspec.msgpack.decode(payload)["inputs"]) == {"a": [REDACTED]}
    assert secret not in shaper.metadata("n", {"k": secret})["k"]
    assert secret not in (shaper.error(ValueError(secret)) or "")


def test_values_under_sensitive_names_are_masked() -> None:
    shaper = PayloadSerializer(Limits(), Redact.of(None))
    decoded = msgspec.msgpack.decode(
        shaper.payload(
            {"headers": {"Authorization": "Basic Zm9vOmJhcg==", "x-api-key": "abc"}, "max_tokens": 5}
        )
    )
    assert decoded == {"headers": {"Authorization": REDACTED, "x-api-key": REDACTED}, "max_tokens": 5}
    assert "hunter22" not in shaper.text('{"password": "hunter22"}')
    assert shaper.text("max_tokens: 512, tokens: many") == "max_tokens: 512, tokens: many"


def test_ordinary_text_stays_as_it_is() -> None:
    shaper = PayloadSerializer(Limits(), Redact.of(None))
    for text in (
        "ask-me-anything-about-risk-management",
        "Bearer of bad news",
        "the password is on paper",
        "a basic idea",
    ):
        assert shaper.text(text) == text


def test_a_callable_sees_every_text() -> None:
    shaper = PayloadSerializer(Limits(), Redact.of(lambda text: text.replace("Ada", "A.")))
    assert msgspec.msgpack.decode(shaper.payload({"m": [{"text": "Ada says"}]})) == {
        "m": [{"text": "A. says"}]
    }
    assert json.loads(shaper.json_text({"x": "Ada"})) == {"x": "A."}


def test_a_callable_that_raises_masks_the_text_and_nothing_else() -> None:
    def broken(text: str) -> str:
        raise RuntimeError

    shaper = PayloadSerializer(Limits(), Redact.of(broken))
    decoded = msgspec.msgpack.decode(shaper.payload({"a": "secret", "n": 5}))
    assert REDACTED in decoded["a"] and "secret" not in decoded["a"] and decoded["n"] == 5


def test_names_and_patterns_mask() -> None:
    shaper = PayloadSerializer(Limits(), Redact.of(["Customer", re.compile(r"\d{4}-\d{4}")]))
    decoded = msgspec.msgpack.decode(shaper.payload({"customer": {"name": "Ada"}, "card": "no 1234-5678"}))
    assert decoded == {"customer": REDACTED, "card": f"no {REDACTED}"}


def test_false_switches_the_masks_off() -> None:
    shaper = PayloadSerializer(Limits(), Redact.of(False))
    assert shaper.text(SECRETS[0]) == SECRETS[0]


def test_repeated_texts_are_masked_like_new_ones() -> None:
    shaper = PayloadSerializer(Limits(), Redact.of(None))
    history = [{"text": "an ordinary question"}]
    for secret in SECRETS:
        history.append({"text": f"use {secret} for it"})
        for _ in range(3):
            decoded = msgspec.msgpack.decode(shaper.payload({"messages": history}))["messages"]
            assert decoded[0]["text"] == "an ordinary question"
            assert all(REDACTED in message["text"] for message in decoded[1:])
    assert len(Redact.of(None).clean) < 10_000


@pytest.mark.parametrize("key", ["my api_key", "x token", "the-secret"])
def test_a_sensitive_key_and_its_value_are_masked_in_json_text(key: str) -> None:
    shaper = PayloadSerializer(Limits(), Redact.of(None))
    text = shaper.json_text({key: "0123456789abcdef0123"})
    decoded = msgspec.msgpack.decode(shaper.payload({"inputs": Json({key: "0123456789abcdef0123"})}))[
        "inputs"
    ]
    assert decoded == shaper.text(text)


@pytest.mark.parametrize("odd", [5, [5], object()])
def test_an_unknown_kind_of_rule_is_refused_at_once(odd: object) -> None:
    with pytest.raises(TypeError, match="redact="):
        Redact.of(odd)  # type: ignore[arg-type]


@pytest.mark.parametrize("secret", [*SECRETS, "Bearer abcdef0123456789"])
def test_a_secret_that_streams_in_token_by_token_never_leaves(secret: str) -> None:
    tracer = open_tracer(sink="memory")
    span = tracer.start("llm", "m")
    for piece in ("the key ", *secret, " is ", "short"):
        tracer.text(span, piece)
        _release_all(tracer)
    tracer.end(span)
    decoded = "".join(e["payload"]["text"] for e in tracer.sink.events if e["kind"] == "span_delta")
    assert decoded == f"the key {'Bearer ' if ' ' in secret else ''}{REDACTED} is short"
    offset = 0
    for event in tracer.sink.events:
        if event["kind"] == "span_delta":
            assert event["payload"]["at"] == offset
            offset += len(event["payload"]["text"])
    tracer.close()


def _release_all(tracer: Tracer) -> None:
    """Make the sender send what it has gathered, as it does by itself after a while."""
    tracer.flush()


@pytest.mark.parametrize("around", ["", "a-", "é", "eyJ-", "-", "_-x-"])
def test_a_web_token_is_masked_from_its_own_beginning(around: str) -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLXZhbHVl"
    masked = Redact.of(None).text(f"{around}{token} and more")
    assert masked == ("" if around == "eyJ-" else around) + f"{REDACTED} and more"

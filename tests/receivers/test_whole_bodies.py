"""Bodies that break off are answered 400, and whatever can be read is taken as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from etaoi_collector.translation import json_text
from etaoi_collector.translation.json_text import check_json_object, read_json
from etaoi_collector.translation.langsmith_requests import check_ends
from etaoi_collector.translation.otel_model import InvalidPayload
from etaoi_collector.translation.otlp_protobuf import check_shape
from tests.collector.serving import serving
from tests.receivers.ingest_captures import EXPECTED, Captured, captured
from tests.receivers.test_front import post, status_of, talk


def one_of(name: str, path: str) -> Captured:
    """Return a request of a capture, without its compression."""
    return next(
        request
        for request in captured(name)
        if request.path.endswith(path)
        and "content-encoding" not in request.headers
        and len(request.body) > 99
    )


WHOLE = {
    "json": one_of("otlp-vercel-ai-json", "/v1/traces"),
    "protobuf": one_of("otlp-openinference-langchain", "/v1/traces"),
    "multipart": one_of("langsmith-multipart-plain", "/multipart"),
    "batch": one_of("langsmith-batch-json", "/batch"),
}


@pytest.mark.parametrize("form", WHOLE)
def test_a_body_that_breaks_off_is_answered_400(form: str, tmp_path: Path) -> None:
    request = WHOLE[form]
    accepted = 200 if "v1" in request.path else 202
    with serving(tmp_path) as (collector, _):

        def answer(body: bytes) -> int:
            return status_of(talk(collector, post(request.path, body, request.headers["content-type"])))

        assert answer(request.body) == accepted
        body = request.body.rstrip()
        for size in (len(body) - 1, len(body) * 99 // 100, len(body) // 2, len(body) // 100):
            assert answer(body[:size]) == 400, size
        assert answer(request.body) == accepted


READ = [
    b'{"a": NaN, "b": [-Infinity, Infinity]}',
    b'{"cut": "\\ud83d", "pair": "\\ud83d\\ude00", "word": "\\\\ud"}',
    b'{"bytes": "\xff\xfe"}',
    b'{"long": ' + b"9" * 5_000 + b', "huge": 1e999}',
    b' {"NaN": "Infinity"}\r\n',
    b"{}",
]
NOT_READ = [b"", b"{", b'{"a": NaN', b'{"a": 1}}', b'{"a" 1}', b'{"a": "\\ud83d}', b'{"a": nul}', b"nothing"]


@pytest.mark.parametrize("body", READ)
def test_what_can_be_read_passes(body: bytes) -> None:
    read_json(body)
    check_json_object(body)


@pytest.mark.parametrize("body", [*NOT_READ, b'{"a":' * 5_000 + b"1" + b"}" * 5_000])
def test_what_cannot_be_read_does_not(body: bytes) -> None:
    with pytest.raises(ValueError):
        check_json_object(body)
    with pytest.raises(ValueError):
        read_json(body)


def test_only_objects_pass() -> None:
    for body in (b"[]", b"1", b'"{}"', b"null"):
        with pytest.raises(ValueError, match="object"):
            check_json_object(body)


def test_large_bodies_are_left_to_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "LONGEST_CHECKED", 10)
    check_json_object(b'{"a": "breaks off')
    with pytest.raises(ValueError):
        check_json_object(b'{"a": "b')


def test_every_captured_body_is_whole() -> None:
    seen = 0
    for name in EXPECTED:
        for request in captured(name):
            kind = request.headers.get("content-type", "")
            if not request.body or "content-encoding" in request.headers:
                continue
            seen += 1
            if kind.startswith("multipart/"):
                check_ends(request.body, kind)
            elif "json" in kind:
                check_json_object(request.body)
            elif "protobuf" in kind:
                check_shape(request.body)
    assert seen > 100


def test_the_cost_of_looking_has_a_bound() -> None:
    check_shape(b"\x0a\x00" * 20_000 + b"\x0a\xff")  # beyond what is looked at
    with pytest.raises(InvalidPayload):
        check_shape(b"\x0a\x00" * 200 + b"\x0a\xff")

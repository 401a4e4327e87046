"""LangSmith's protocol: what its clients in Python and JavaScript send when they are pointed here.

The answer to ``/info`` makes them send every start and end at once: with zstd and a batch of one, the Python
client sends after milliseconds, while LangSmith's own answer makes it wait for half a second of silence.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from etaoi_collector.receivers.door import Endpoint, HttpAnswer, HttpRequest, endpoint, json_answer
from etaoi_collector.receivers.translating import Translate, TranslatingReceiver, check_json

if TYPE_CHECKING:
    from etaoi_collector.translation.langsmith_requests import Operations
    from etaoi_collector.translation.translators import Translators

INFO = {
    "version": "0.18.0",
    "instance_flags": {
        "zstd_compression_enabled": True,
        "gzip_body_enabled": False,
        "dataset_examples_multipart_enabled": False,
    },
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "size_limit": 1,
        "size_limit_bytes": 20_971_520,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 4,
        "scale_down_nempty_trigger": 4,
    },
}
"""The three ``scale_*`` and ``size_limit`` are read without a default, so all or none must be there."""

_ACCEPTED = HttpAnswer(202, b"{}")


class LangSmith(TranslatingReceiver):
    """Takes runs and feedback."""

    name = "LangSmith"
    endpoints: ClassVar[tuple[Endpoint, ...]] = (
        endpoint("GET HEAD", r"(?P<logfire>/v1)?/info$"),
        endpoint("POST", r"/runs/(?P<form>multipart|batch)$"),
        endpoint("POST", r"/(?P<form>runs|feedback)$"),
        endpoint("PATCH", r"/runs/(?P<run>[0-9a-fA-F-]{32,36})$"),
    )

    def respond(self, request: HttpRequest) -> HttpAnswer:
        """Take a request."""
        if request.method in ("GET", "HEAD"):
            if request.groups.get("logfire"):
                # Logfire's clients ask whose token they have, and warn when nobody answers.
                return json_answer(200, {"project_name": "etaoi-tui", "project_url": "http://localhost"})
            return json_answer(200, INFO)
        translate: Translate
        check = check_json
        form = request.groups.get("form")
        if form == "multipart":
            content_type = request.headers.get("content-type")
            translate = partial(translate_multipart, content_type)
            check = partial(_check_multipart, content_type)
        elif form == "batch":
            translate = translate_batch
        elif form == "feedback":
            translate = translate_feedback
        else:
            translate = partial(translate_run, request.groups.get("run"))
        return self.queue(request, translate, _ACCEPTED, check)


def _check_multipart(content_type: str, body: bytes) -> None:
    from etaoi_collector.translation.langsmith_requests import check_ends

    check_ends(body, content_type)


def translate_multipart(content_type: str, translators: Translators, body: bytes) -> Iterator[list[bytes]]:
    """Translate a multipart body."""
    from etaoi_collector.translation.langsmith_requests import read_multipart

    return _translated(translators, read_multipart(body, content_type))


def translate_batch(translators: Translators, body: bytes) -> Iterator[list[bytes]]:
    """Translate a batch of runs."""
    from etaoi_collector.translation.langsmith_requests import read_batch

    return _translated(translators, read_batch(body))


def translate_run(run_id: str | None, translators: Translators, body: bytes) -> Iterator[list[bytes]]:
    """Translate a new run, or an update of the one with this id."""
    from etaoi_collector.translation.langsmith_requests import read_run

    return _translated(translators, read_run(body, run_id))


def translate_feedback(translators: Translators, body: bytes) -> Iterator[list[bytes]]:
    """Translate feedback that is sent by itself."""
    from etaoi_collector.translation.langsmith_requests import Operations, parse_body

    value = parse_body(body)
    return _translated(translators, Operations(feedback=[value] if isinstance(value, dict) else []))


def _translated(translators: Translators, operations: Operations) -> Iterator[list[bytes]]:
    from etaoi_collector.translation.event_writer import write_reject
    from etaoi_collector.translation.langsmith_runs import read_time

    stream = translators.langsmith
    yield stream.take(operations.runs)
    yield [write_reject(reason) for reason in operations.rejected]
    for feedback in operations.feedback:
        yield stream.note(
            str(feedback.get("run_id")),
            str(feedback["trace_id"]) if feedback.get("trace_id") else None,
            read_time(feedback.get("created_at")) or time.time_ns(),
            {"score": _score(feedback)},
        )


def _score(feedback: dict[str, Any]) -> dict[str, Any]:
    """Return feedback in the words that the etaoi SDK has for a score."""
    value = feedback.get("score", feedback.get("value"))
    score: dict[str, Any] = {"name": str(feedback.get("key") or "feedback"), "source": "langsmith"}
    if isinstance(value, bool | int | float):
        score["value"] = float(value)
        score["data_type"] = "boolean" if isinstance(value, bool) else "numeric"
    elif value is not None:
        score["string_value"] = str(value)
        score["data_type"] = "categorical"
    if feedback.get("comment"):
        score["comment"] = str(feedback["comment"])
    return score


RECEIVER = LangSmith

"""Looks at the viewer's end: who holds the port, whether it lets us in, whether a sample gets through."""

from __future__ import annotations

import http.client
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec

from etaoi_collector.ingest.doctor_samples import CLIENT, SOURCE
from etaoi_collector.port_holder import holder_of
from etaoi_collector.wire.handshake import HandshakeError, Mismatch, decode_answer, encode_hello
from etaoi_collector.wire.versions import PROGRAM_VERSION, SCHEMA_VERSION
from etaoi_tui.doctor.finding import Finding, State
from etaoi_tui.sdk.config import resolve_url

SAMPLE_WITHIN = 5.0
"""Seconds that a sample has to come back."""


def look(url: str | None, token: str | None) -> Iterator[Finding]:
    """Look at the viewer at an address.

    Args:
        url: In any form that agents take; None for this machine's default port.
        token: The secret that it wants, if any.
    """
    try:
        address = resolve_url(url)
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "wss" else 80)
    except ValueError as error:
        yield Finding("address", State.FAILED, f"{url!a} is no address: {error}")
        return
    try:
        socket.create_connection((host, port), 2.0).close()
    except OSError as error:
        yield Finding(
            "port",
            State.FAILED,
            f"nobody listens on {host}:{port} ({error.strerror or error})",
            "type etaoi-tui in another terminal",
        )
        return
    if parts.scheme == "ws":
        holder = holder_of(host, port)
        if holder is None:
            yield Finding(
                "port",
                State.FAILED,
                f"{host}:{port} is held by a program that is no etaoi-tui",
                "choose another port: etaoi-tui --port 8788",
            )
            return
        yield Finding("port", State.OK, f"{host}:{port} is held by {holder.name}")
        same = holder.version == PROGRAM_VERSION
        yield Finding(
            "versions",
            State.OK if same else State.NOTE,
            f"there {holder.version} with schema {holder.schema_version}, "
            f"here {PROGRAM_VERSION} with schema {SCHEMA_VERSION}",
            "" if same else "install the same version on both sides",
        )
    yield from _sample(address, host, port, parts.scheme == "wss", token)


def _sample(address: str, host: str, port: int, tls: bool, token: str | None) -> Iterator[Finding]:
    from websockets.exceptions import ConnectionClosed, WebSocketException
    from websockets.sync.client import connect

    headers = {"X-Etaoi-Project-Token": token} if token else {}
    session = str(uuid.uuid4())
    arrived = threading.Event()
    stream = _open_stream(host, port, tls, session, headers)
    if isinstance(stream, str):
        yield Finding(
            "token" if " 401 " in f" {stream} " else "stream", State.FAILED, stream, _token_fix(stream, token)
        )
        return
    listening = threading.Thread(target=_listen, args=(stream, session, arrived), daemon=True)
    listening.start()
    try:
        with connect(address, additional_headers=headers, proxy=None, open_timeout=5, close_timeout=1) as ws:
            ws.send(encode_hello(f"{CLIENT} {PROGRAM_VERSION}"))
            answer = ws.recv(5)
            welcome = decode_answer(answer)
            if isinstance(welcome, Mismatch):
                yield Finding("handshake", State.FAILED, welcome.message)
                return
            yield Finding("token", State.OK, "it was taken" if token else "none is wanted")
            started_at = time.monotonic()
            ws.send(_sample_frame(session))
            if not arrived.wait(SAMPLE_WITHIN):
                yield Finding("sample", State.FAILED, f"it did not come back within {SAMPLE_WITHIN:g} s")
                return
            milliseconds = (time.monotonic() - started_at) * 1000
            yield Finding(
                "sample",
                State.OK,
                f"a span came through in {milliseconds:.0f} ms; it is neither recorded nor shown",
            )
    except ConnectionClosed as error:
        reason = error.rcvd.reason if error.rcvd is not None else str(error)
        yield Finding("handshake", State.FAILED, reason, _token_fix(reason, token))
    except (OSError, TimeoutError, WebSocketException, HandshakeError) as error:
        yield Finding("handshake", State.FAILED, str(error) or type(error).__name__)
    finally:
        stream.close()


def _token_fix(reason: str, token: str | None) -> str:
    if "token" not in reason.lower():
        return ""
    return "give the one of --token" if token else "etaoi-tui doctor --token SECRET, or set ETAOI_TUI_TOKEN"


def _open_stream(
    host: str, port: int, tls: bool, session: str, headers: dict[str, str]
) -> http.client.HTTPResponse | str:
    """Return the session's stream, or why it cannot be had."""
    kind = http.client.HTTPSConnection if tls else http.client.HTTPConnection
    connection = kind(host, port, timeout=SAMPLE_WITHIN + 1)
    try:
        connection.request("GET", f"/sse/sessions/{session}", headers=headers)
        answer = connection.getresponse()
        if answer.status == 200:
            return answer
        answer_text = answer.read(500).decode("utf-8", "replace").strip()
        return f"HTTP {answer.status} for /sse/sessions: {answer_text}"
    except (OSError, http.client.HTTPException) as error:
        return f"/sse/sessions: {error}"


def _listen(stream: http.client.HTTPResponse, session: str, arrived: threading.Event) -> None:
    try:
        while line := stream.readline():
            if line.startswith(b"data:") and session.encode() in line:
                arrived.set()
                return
    except (OSError, ValueError, AttributeError, http.client.HTTPException):
        return  # it was closed


def _sample_frame(session: str) -> bytes:
    span = str(uuid.uuid4())
    event = {
        "kind": "span_start",
        "event_id": str(uuid.uuid4()),
        "session_id": session,
        "trace_id": span,
        "span_id": span,
        "parent_span_id": None,
        "node_kind": "task",
        "timestamp": datetime.now(UTC).isoformat(),
        "metadata": {"source": SOURCE},
        "payload": {"name": "etaoi-tui doctor"},
    }
    return msgspec.msgpack.encode([{"schema_version": SCHEMA_VERSION, "batch": [event]}])

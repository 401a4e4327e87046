"""The HTTP side: doors by path, scripted answers in order, server-sent events in chunks."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.providers.api.bill import Bill

Body = dict[str, Any]


class HttpError(Exception):
    """Answer with an HTTP error."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class Wait(float):
    """Seconds of silence in a stream."""


CUT = object()
"""The connection breaks here."""


class Answer:
    """One scripted answer.

    Args:
        make: Makes the reply to a request: a map (plain JSON), or the stream's events (also `Wait`, `CUT`).
        bill: What it costs; None where nothing is billed.
        done: The stream's last line, if it has one of its own.
    """

    def __init__(self, make: Callable[[Body], Any], bill: Bill | None, done: str = "") -> None:
        self.make = make
        self.bill = bill
        self.done = done


def failing(status: int, body: Any) -> Answer:
    """Return an answer that is an HTTP error; nothing is billed."""

    def make(request: Body) -> Any:
        raise HttpError(status, body)

    return Answer(make, None)


class ModelApi:
    """A model API on a free port of loopback. The last scripted answer of a door repeats."""

    def __init__(self) -> None:
        self.bills: list[Bill] = []
        """What was billed, in order."""
        self.requests: list[tuple[str, Body]] = []
        self._scripts: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.openai = f"{self.root}/v1"

    def script(self, door: str, *answers: Answer) -> None:
        """Set the answers of a door: chat, responses, messages, gemini or completions."""
        with self._lock:
            self._scripts[door] = list(answers)

    def take(self, path: str, body: Body) -> Answer:
        """Return the next answer of a path's door, and bill it."""
        with self._lock:
            self.requests.append((path, body))
            answers = self._scripts[_door(path)]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if answer.bill is not None:
                self.bills.append(answer.bill)
            return answer

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> ModelApi:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _door(path: str) -> str:
    path = path.partition("?")[0]
    if "enerateContent" in path:
        return "gemini"
    return next(door for door in ("messages", "responses", "chat", "completions") if f"/{door}" in path)


def _handler(api: ModelApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
            if "streamGenerateContent" in self.path:
                body["stream"] = True
            try:
                answer = api.take(self.path, body)
                reply = answer.make(body)
                if isinstance(reply, dict):
                    self._plain(200, reply)
                else:
                    self._stream(reply, answer.done)
            except HttpError as error:
                self._plain(error.status, error.body)
            except ConnectionError:
                self.close_connection = True

        def _plain(self, status: int, body: Any) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.send_header("connection", "close")  # no client keeps a socket for a later question
            self.end_headers()
            self.wfile.write(data)

        def _stream(self, events: Iterable[Any], done: str) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.send_header("connection", "close")
            self.end_headers()
            for event in events:
                if isinstance(event, Wait):
                    time.sleep(event)
                elif event is CUT:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                else:
                    name = f"event: {event['type']}\n" if "type" in event and "choices" not in event else ""
                    self._chunk(f"{name}data: {json.dumps(event)}\n\n")
            if done:
                self._chunk(f"data: {done}\n\n")
            self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()

        def _chunk(self, text: str) -> None:
            data = text.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

    return Handler


def pieces(text: str, size: int = 7) -> list[str]:
    """Cut a text as a model's stream does."""
    return [text[at : at + size] for at in range(0, len(text), size)]

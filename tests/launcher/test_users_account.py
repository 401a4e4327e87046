"""A user's own LangSmith account gets below the launcher exactly what it gets without it."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from etaoi_collector.receivers.inflate import inflate
from etaoi_collector.translation.langsmith_requests import read_multipart
from tests.headless.running import PATIENCE, environment
from tests.launcher.launching import PROGRAMS, launch, whole_trees


class Account:
    """LangSmith's service, as far as its client's requests go."""

    def __init__(self) -> None:
        self.keys: set[str | None] = set()
        self.runs: dict[str, dict[str, Any]] = {}
        account = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(b'{"version":"0.18.0","batch_ingest_config":{"use_multipart_endpoint":true,'
                             b'"size_limit":100,"size_limit_bytes":20971520,"scale_up_qsize_trigger":1000,'
                             b'"scale_up_nthreads_limit":4,"scale_down_nempty_trigger":4}}')  # fmt: skip

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                account.keys.add(self.headers.get("x-api-key"))
                plain = inflate(body, self.headers.get("Content-Encoding", ""))
                for _, run in read_multipart(plain, self.headers["Content-Type"]).runs:
                    account.runs.setdefault(run["id"], {}).update(run)
                self._answer(b"{}")

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.variables = {
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_ENDPOINT": f"http://127.0.0.1:{self.server.server_port}",
            "LANGSMITH_API_KEY": "of-mine",
            "LANGSMITH_PROJECT": "mine",
        }

    def comparable_requests(self) -> list[tuple[Any, ...]]:
        """The requests, without what differs from one run of a program to the next."""
        names = {run_id: run.get("name") for run_id, run in self.runs.items()}
        return sorted(
            (
                run.get("name"),
                run.get("run_type"),
                names.get(run.get("parent_run_id") or ""),
                run.get("session_name"),
                sorted(run.get("extra", {}).get("metadata", {})),
                re.sub(r"(?:lc_run-|run)-[0-9a-f-]+", "…", repr(run.get("inputs"))),
                "end_time" in run,
                sorted(key for key, value in run.items() if value is not None),
            )
            for run in self.runs.values()
        )


@pytest.fixture
def account() -> Iterator[Account]:
    service = Account()
    thread = threading.Thread(target=service.server.serve_forever, args=(0.05,))
    thread.start()
    yield service
    service.server.shutdown()
    service.server.server_close()
    thread.join()


@pytest.mark.parametrize("without_sdk", ["", "1"])
def test_the_account_gets_what_it_got_before(tmp_path: Path, account: Account, without_sdk: str) -> None:
    variables = {**account.variables, "WITHOUT_SDK": without_sdk}
    env = {**environment(tmp_path), **variables}
    words = [sys.executable, str(PROGRAMS / "agents.py"), "sync"]
    subprocess.run(words, env=env, timeout=PATIENCE, check=True, cwd=tmp_path)
    first_requests = account.comparable_requests()
    assert len(first_requests) == 4
    account.runs.clear()

    ran = launch(tmp_path, *words, variables=variables)
    assert ran.code == 0, ran.err
    assert "LangSmith goes where LANGSMITH_API_KEY says" in ran.err
    assert account.comparable_requests() == first_requests
    assert account.keys == {"of-mine"}
    assert whole_trees([span for span in ran.spans() if span["kind"] != "agent_context"]) == 1


def test_an_account_in_a_dotenv_file_is_left_alone(tmp_path: Path, account: Account) -> None:
    lines = "".join(f"{name}={value}\n" for name, value in account.variables.items())
    (tmp_path / ".env").write_text(lines)
    script = (
        "import os, runpy, sys\n"
        "for line in open('.env'):\n"
        "    os.environ.setdefault(*line.strip().split('=', 1))\n"  # as python-dotenv does
        "sys.argv = ['agents.py', 'sync']\n"
        f"runpy.run_path({str(PROGRAMS / 'agents.py')!r}, run_name='__main__')"
    )
    ran = launch(tmp_path, sys.executable, "-c", script)
    assert ran.code == 0, ran.err
    assert "in .env says" in ran.err
    assert len(account.runs) == 4
    assert account.keys == {"of-mine"}


def test_an_explicit_mode_does_not_take_an_account_over(tmp_path: Path, account: Account) -> None:
    ran = launch(
        tmp_path,
        sys.executable,
        "-c",
        "pass",
        options=("--port", "0", "--langsmith"),
        variables=account.variables,
    )
    assert ran.code == 1
    assert "unset that to send to the viewer" in ran.err


def test_langsmiths_own_tracer_is_seen_with_variables_only(tmp_path: Path) -> None:
    ran = launch(
        tmp_path, sys.executable, PROGRAMS / "agents.py", "sync", options=("--port", "0", "--langsmith")
    )
    assert ran.code == 0, ran.err
    spans = ran.spans()
    assert whole_trees(spans) == 1
    assert len(spans) == 4
    assert all("langsmith.project" in span["attributes"] for span in spans)

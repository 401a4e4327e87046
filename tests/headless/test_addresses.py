"""Who listens where, and who speaks to whom: nobody beyond this machine, unless told to."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.headless.running import PATIENCE, command, environment
from tests.pty_session import PtySession

WATCH = """
    import os, sys

    SPEAKS = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1}
    ASKS = {"socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.gethostbyaddr": 0}
    places = SPEAKS | ASKS | {"socket.bind": 1}
    log = os.open(os.environ["WATCHED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(event, given):
        if event in places:
            address = given[places[event]]
            host = address[0] if isinstance(address, tuple) else address
            os.write(log, f"{event} {host}\\n".encode())

    sys.addaudithook(note)
"""
AGENT = """
    import sys, etaoi_tui
    tracer = etaoi_tui.open_tracer(server_url=sys.argv[1])
    tracer.end(tracer.start("llm", "gpt-5"))
    print(tracer.flush(60))
"""


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where every Python that is started from now on writes down whom it speaks to; one line each."""
    folder = tmp_path / "watch"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(textwrap.dedent(WATCH))
    log = tmp_path / "addresses"
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv("WATCHED", str(log))
    return log


def test_viewer_and_sdk_listen_and_speak_on_this_machine_only(tmp_path: Path, watched: Path) -> None:
    """Keys that price, search and copy included; names are not even looked up."""
    with PtySession(command("--port", "0"), tmp_path / "state") as viewer:
        viewer.wait_for(b"/ingest")
        url = re.search(rb"ws://127\.0\.0\.1:\d+/ingest", viewer.drawn)
        assert url is not None
        agent = [sys.executable, "-c", textwrap.dedent(AGENT), url[0].decode()]
        done = subprocess.run(
            agent, env=environment(tmp_path / "agent"), capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.stdout == "True\n", done.stderr
        viewer.wait_for(b"gpt-5")
        for key in (b"j", b"\r", b"2", b"3", b"R", b"\x1b", b"y", b"\x1b", b"/gpt\r", b"\x1b"):
            viewer.send(key)
            viewer.read(0.2)
        viewer.send(b"q")
        assert viewer.wait() == 0
    spoken = set(watched.read_text().splitlines())
    assert {"socket.connect 127.0.0.1", "socket.bind 127.0.0.1"} <= spoken
    beyond = {line for line in spoken if line.split()[1] not in ("127.0.0.1", "::1")}
    assert beyond == set(), beyond

"""Hosts whose threads are greenlets: patched before, between and after what we do."""

from __future__ import annotations

import os
import re
import subprocess
import textwrap
import urllib.request
from pathlib import Path

import pytest

from tests.real_env import ROOT, real_env
from tests.sdk.viewer import Viewer

pytestmark = pytest.mark.real_clients

PACKAGES = (
    "gevent",
    "eventlet",
    "gunicorn",
    "packaging",
    "msgpack>=1.0.8",
    "msgspec>=0.19",
    "websockets>=15.0",
)
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "collector")))}

PROGRAM = """
    import sys, time, warnings
    warnings.simplefilter("ignore")
    library, when, url = sys.argv[1:]

    def patch(moment):
        if moment == when:
            if library == "gevent":
                from gevent import monkey
                monkey.patch_all()
            else:
                import eventlet
                eventlet.monkey_patch()

    patch("before")
    import etaoi_tui
    tracer = etaoi_tui.open_tracer(server_url=url)
    patch("between")
    tracer.end(tracer.start("tool", "first"))
    first = tracer.flush(60)
    patch("after")

    def work(name):
        for number in range(5):
            tracer.end(tracer.start("tool", f"{name}-{number}"))
            time.sleep(0.01)

    if library == "gevent":
        import gevent
        gevent.joinall([gevent.spawn(work, name) for name in "abcd"])
    else:
        import eventlet
        pool = eventlet.GreenPool()
        for name in "abcd":
            pool.spawn_n(work, name)
        pool.waitall()
    print(first, tracer.flush(60))
"""

APPLICATION = """
    import etaoi_tui, os
    tracer = etaoi_tui.open_tracer(server_url=os.environ["VIEWER"])

    def app(environ, start_response):
        tracer.end(tracer.start("tool", "request"))
        flushed = tracer.flush(60)
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-Worker", str(os.getpid()))])
        return [b"ok" if flushed else b"not flushed"]
"""


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of an environment with both libraries."""
    return real_env("greenlets", *PACKAGES)


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_a_host_that_is_patched_goes_on_and_is_seen(python: Path, library: str, when: str) -> None:
    with Viewer() as viewer:
        done = subprocess.run(
            [str(python), "-c", textwrap.dedent(PROGRAM), library, when, viewer.url],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=ENVIRONMENT,
        )
        assert (done.returncode, done.stdout) == (0, "True True\n"), done.stderr
        viewer.wait_events(42)
        assert len({event["event_id"] for event in viewer.events}) == 42


def test_gunicorn_with_preload_and_gevent_answers_and_ends(python: Path, tmp_path: Path) -> None:
    """Ended when both workers have answered: gunicorn itself loses a SIGTERM that meets one being forked."""
    (tmp_path / "application.py").write_text(textwrap.dedent(APPLICATION))
    with Viewer() as viewer:
        command = [str(python), "-m", "gunicorn", "--preload", "-k", "gevent", "-w", "2"]
        command += ["-b", "127.0.0.1:0", "--chdir", str(tmp_path), "application:app"]
        server = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            text=True,
            env={**ENVIRONMENT, "VIEWER": viewer.url},
        )
        try:
            assert server.stderr is not None
            address = ""
            while "Listening at" not in address:
                address = server.stderr.readline()
                assert address, "gunicorn ended"
            url = address.split("Listening at: ")[1].split()[0]
            answers = 0
            workers: set[str] = set()
            while answers < 10 or len(workers) < 2:
                with urllib.request.urlopen(url, timeout=60) as answer:
                    assert answer.read() == b"ok"
                    workers.add(answer.headers["X-Worker"])
                answers += 1
                assert answers < 5_000, "one worker never answered"
            viewer.wait_events(2 * answers)
        finally:
            server.terminate()
            stderr = server.communicate(timeout=120)[1]
    ended = set(re.findall(r"Worker exiting \(pid: (\d+)\)", stderr))
    assert ended >= workers and "SIGKILL" not in stderr, stderr

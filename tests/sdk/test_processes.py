"""What happens to the last events, and to the host, when processes begin, fork, end or are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from etaoi_collector.wire import trace_records
from tests.sdk.viewer import Viewer

ABSENT = "ws://127.0.0.1:9/ingest"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and fork")


PATIENT = """
            from etaoi_tui.sdk import process_end
            from etaoi_tui.sdk.transport import registry
            process_end.EXIT_SECONDS = registry.EXIT_SECONDS = 60.0
            process_end.finish_all.__defaults__ = (60.0,)
"""
"""Lets a process wait for longer at its end: on a busy machine connecting may take more than two seconds."""

SLEEP = """
            while True:
                time.sleep(0.1)
"""
"""Sleeps as long as it may.

Python runs a handler when the main thread next looks. A signal that comes after such a look and before the
system call of a sleep waits for the sleep's end (the same with any handler), so it must not be a long one.
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(program: str, *arguments: str, code: int = 0, warning: str = "") -> str:
    process = start(program, *arguments)
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    if code == 0:
        assert err.strip() == warning
    return out


def names(viewer: Viewer) -> list[str]:
    return sorted(e["metadata"]["name"] for e in viewer.events if e["kind"] == "span_start")


def read_trace(path: Path) -> list[dict[str, Any]]:
    """Read a trace file with nothing but msgpack, as anybody could."""
    data = path.read_bytes()
    header = trace_records.read_header(data)
    assert header is not None
    position, events = header[1], []
    while position + trace_records.PREFIX.size <= len(data):
        prefix = trace_records.read_prefix(data, position)
        assert prefix is not None
        body = position + trace_records.PREFIX.size
        if prefix[0] == trace_records.FRAME:
            for envelope in msgspec.msgpack.decode(data[body : body + prefix[3]]):
                events += envelope["batch"]
        position = body + prefix[3]
    return events


def test_a_normal_end_and_an_exception_send_everything() -> None:
    with Viewer() as viewer:
        program = """
            import sys, etaoi_tui
            tracer = etaoi_tui.open_tracer(server_url=sys.argv[1])
            for number in range(200):
                tracer.end(tracer.start("tool", f"{number:03}"))
            if len(sys.argv) > 2:
                raise SystemExit(3)
        """
        run(program, viewer.url)
        viewer.wait_events(400)
        run(program, viewer.url, "raise", code=3)
        viewer.wait_events(800)


def test_the_end_is_not_held_up_when_no_viewer_runs() -> None:
    """With an hour's patience it would still be there when the test gives up."""
    out = run(
        """
        import sys
        import etaoi_tui
        from etaoi_tui.sdk.transport.registry import finish_all
        tracer = etaoi_tui.open_tracer(server_url=sys.argv[1])
        tracer.end(tracer.start("tool", "t"))
        finish_all(3600)
        print(tracer.stats.state)
        """,
        ABSENT,
    )
    assert out == "closed\n"


def test_sigterm_with_the_option_flushes_and_still_ends_by_the_signal() -> None:
    with Viewer() as viewer:
        process = start(
            PATIENT
            + """
            import sys, time, etaoi_tui
            tracer = etaoi_tui.open_tracer(server_url=sys.argv[1], flush_on_sigterm=True)
            tracer.start("tool", "first")
            tracer.flush(60)
            tracer.start("tool", "last")
            print("ready", flush=True)
            """
            + SLEEP,
            viewer.url,
        )
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM
        process.communicate()
        viewer.wait_events(2)
        assert names(viewer) == ["first", "last"]


@pytest.mark.parametrize("after", [0.0, 0.02, 0.1, 0.2])
def test_sigterm_in_the_first_moments_loses_nothing(after: float) -> None:
    """The sender has not connected yet, or connects just then."""
    with Viewer() as viewer:
        process = start(
            PATIENT
            + """
            import sys, time, etaoi_tui
            tracer = etaoi_tui.open_tracer(server_url=sys.argv[1], flush_on_sigterm=True)
            tracer.end(tracer.start("tool", "only"))
            print("ready", flush=True)
            """
            + SLEEP,
            viewer.url,
        )
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(after)  # what is tested is this very moment
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM
        process.communicate()
        viewer.wait_events(2)
        assert names(viewer) == ["only"]


def test_a_killed_agent_leaves_its_trace_file_up_to_the_last_moment(tmp_path: Path) -> None:
    path = tmp_path / "run.msgpack"
    process = start(
        """
        import sys, time, etaoi_tui
        tracer = etaoi_tui.open_tracer(sink=sys.argv[1])
        for number in range(100):
            tracer.end(tracer.start("tool", str(number)))
        time.sleep(60)
        """,
        str(path),
    )
    for _ in range(1000):
        if path.exists() and path.stat().st_size > 0 and len(read_trace(path)) == 200:
            break
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert len(read_trace(path)) == 200
    assert path.stat().st_mode & 0o077 == 0


def test_a_second_run_does_not_touch_the_first_ones_trace(tmp_path: Path) -> None:
    program = """
        import sys, etaoi_tui
        tracer = etaoi_tui.open_tracer(sink=sys.argv[1])
        tracer.start("tool", sys.argv[2])
        tracer.flush(60)
        tracer.start("tool", sys.argv[2])
        tracer.flush(60)
        print(tracer.stats.file)
    """
    first, second = tmp_path / "run.msgpack", tmp_path / "run-2.msgpack"
    warning = f"etaoi-tui writes to {second}: run.msgpack exists, and is left as it is"
    for name, path, says in (("one", first, ""), ("two", second, warning)):
        assert run(program, str(first), name, warning=says) == f"{path}\n"
    assert read_trace(first)[0]["metadata"]["name"] == "one"
    assert read_trace(second)[0]["metadata"]["name"] == "two"


def test_a_full_disk_or_a_missing_folder_harms_nobody(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    path = blocker / "run.msgpack"
    out = run(
        """
        import sys, etaoi_tui
        tracer = etaoi_tui.open_tracer(sink=sys.argv[1])
        tracer.start("tool", "t")
        tracer.flush()
        print(tracer.stats.failed, tracer.stats.problem)
        """,
        str(path),
        warning=f"etaoi-tui cannot write to {path}: File exists. It begins a new file when it can.",
    )
    assert out.startswith("1 ") and "file" in out


def test_forked_children_send_for_themselves_and_repeat_nothing() -> None:
    with Viewer() as viewer:
        run(
            """
            import os, sys, etaoi_tui
            tracer = etaoi_tui.open_tracer(server_url=sys.argv[1])
            root = tracer.start("sub_agent", "root")
            tracer.flush(60)
            tracer.start("tool", "queued in the parent", parent=root)
            for number in range(3):
                if os.fork() == 0:
                    tracer.end(tracer.start("tool", f"child {number}", parent=root))
                    sys.exit()
            for _ in range(3):
                os.wait()
            """,
            viewer.url,
        )
        viewer.wait_events(8)
        assert names(viewer) == ["child 0", "child 1", "child 2", "queued in the parent", "root"]
        assert len({event["event_id"] for event in viewer.events}) == 8
        assert len(viewer.hellos) == 4


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing_children_lose_nothing(method: str, tmp_path: Path) -> None:
    script = tmp_path / "pool.py"
    script.write_text(
        textwrap.dedent(
            """
            import multiprocessing, sys, etaoi_tui

            def work(url, number):
                tracer = etaoi_tui.open_tracer(server_url=url)
                tracer.end(tracer.start("tool", f"child {number}"))

            if __name__ == "__main__":
                context = multiprocessing.get_context(sys.argv[2])
                tracer = etaoi_tui.open_tracer(server_url=sys.argv[1])
                tracer.start("sub_agent", "parent")
                children = [context.Process(target=work, args=(sys.argv[1], n)) for n in range(2)]
                for child in children:
                    child.start()
                for child in children:
                    child.join()
            """
        )
    )
    with Viewer() as viewer:
        done = subprocess.run(
            [sys.executable, str(script), viewer.url, method],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        viewer.wait_events(5)
        assert names(viewer) == ["child 0", "child 1", "parent"]


def test_a_pool_that_terminates_its_workers_loses_nothing(tmp_path: Path) -> None:
    script = tmp_path / "pool.py"
    script.write_text(
        textwrap.dedent(PATIENT)
        + textwrap.dedent(
            """
            import multiprocessing, sys, etaoi_tui
            tracer = etaoi_tui.open_tracer(server_url=sys.argv[1])

            def work(number):
                tracer.end(tracer.start("tool", f"{number:03}"))

            if __name__ == "__main__":
                with multiprocessing.get_context(sys.argv[2]).Pool(4) as pool:
                    pool.map(work, range(100))
            """
        )
    )
    for method in ("fork", "spawn"):
        with Viewer() as viewer:
            done = subprocess.run(
                [sys.executable, str(script), viewer.url, method],
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert (done.returncode, done.stderr) == (0, "")
            viewer.wait_events(200)
            assert names(viewer) == [f"{number:03}" for number in range(100)]


def test_exit_handlers_that_run_after_ours_are_seen() -> None:
    with Viewer() as viewer:
        run(
            """
            import atexit, sys, etaoi_tui

            @atexit.register
            def last():
                for number in range(3):
                    tracer.end(tracer.start("tool", f"late {number}"))

            tracer = etaoi_tui.open_tracer(server_url=sys.argv[1])
            tracer.start("tool", "early")
            """,
            viewer.url,
        )
        viewer.wait_events(7)
        assert names(viewer) == ["early", "late 0", "late 1", "late 2"]


def test_disabled_it_starts_no_thread_and_imports_no_transport() -> None:
    out = run(
        """
        import os, sys, threading
        os.environ["ETAOI_DISABLED"] = "1"
        import etaoi_tui
        with etaoi_tui.span("s"):
            etaoi_tui.event("e")
        tracer = etaoi_tui.open_tracer(server_url="ws://127.0.0.1:9/ingest")
        tracer.end(tracer.start("llm", "m"))
        tracer.close()
        print(threading.active_count(), [m for m in sys.modules if "transport" in m or "websockets" in m])
        """
    )
    assert out == "1 []\n"


def test_importing_the_package_is_nearly_free_and_the_sdk_draws_nothing() -> None:
    out = run(
        """
        import sys
        before = set(sys.modules)
        import etaoi_tui
        print(sorted(m for m in set(sys.modules) - before if m.split(".")[0] != "etaoi_tui"))
        dir(etaoi_tui)
        etaoi_tui.span
        tracer = etaoi_tui.open_tracer(server_url="ws://127.0.0.1:9/ingest")
        tracer.start("llm", "m")
        tracer.flush(60)
        heavy = ("textual", "rich", "click", "pydantic", "langchain_core", "websockets", "asyncio")
        print([m for m in heavy if m in sys.modules])
        """
    ).splitlines()
    assert out[0] == "['__future__']"
    assert out[1] == "[]"


def test_a_program_that_ends_at_once_still_reaches_its_viewer() -> None:
    with Viewer() as viewer:
        run(
            """
            import sys, etaoi_tui
            etaoi_tui.open_tracer(server_url=sys.argv[1]).start("tool", "only")
            """,
            viewer.url,
        )
        viewer.wait_events(1)
        assert names(viewer) == ["only"]


def test_no_fork_meets_the_imports_of_the_first_connection() -> None:
    out = run(
        """
        import sys
        from etaoi_tui.sdk import fork_safety as forking
        from etaoi_tui.sdk.transport.endpoint import Endpoint

        class Watch:
            def find_spec(self, name, path=None, target=None):
                if not forking._importing.locked():
                    print("a fork could meet the import of", name)

        endpoint = Endpoint(sys.argv[1])
        sys.meta_path.insert(0, Watch())
        try:
            endpoint.reach(1)
        except OSError:
            print("tried")
        """,
        ABSENT,
    )
    assert out == "tried\n"

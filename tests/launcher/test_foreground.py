"""A command below the launcher has terminal, signals and exit code to itself; all it sends is recorded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from etaoi_collector.collector import Collector, CollectorOptions, Record
from tests.collector.serving import wait_for
from tests.headless.running import PATIENCE, command, environment, read_object, run, run_here, running
from tests.launcher.launching import PROGRAMS, launch
from tests.pty_session import PtySession

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and terminals of POSIX")


@pytest.mark.parametrize("code", [0, 7, 255])
def test_the_exit_code_is_the_commands(tmp_path: Path, code: int) -> None:
    assert launch(tmp_path, "sh", "-c", f"exit {code}").code == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGSEGV])
def test_a_signal_that_ends_the_command_ends_the_launcher(tmp_path: Path, number: signal.Signals) -> None:
    assert launch(tmp_path, "sh", "-c", f"kill -{number.value} $$").code == -number


def test_output_is_the_commands_and_input_reaches_it(tmp_path: Path) -> None:
    ran = launch(tmp_path, "sh", "-c", "echo out; echo err >&2; cat")
    assert ran.out == "out\n"
    assert ran.err.splitlines()[1:] == ["err"]
    assert ran.err.startswith("etaoi-tui: to watch it, type ")


@pytest.mark.parametrize("attempt", range(4))
def test_a_signal_that_is_sent_to_the_launcher_reaches_the_command(tmp_path: Path, attempt: int) -> None:
    """Several times: whether another thread than the one that waits is given the signal is chance."""
    script = "trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
    with running(tmp_path, "run", "--port", "0", "--", "sh", "-c", script) as launcher:
        assert launcher.stdout is not None
        assert launcher.stdout.readline() == "ready\n"
        launcher.send_signal(signal.SIGTERM)
        assert launcher.wait(PATIENCE) == 5
        assert launcher.stdout.read() == "got it\n"


@pytest.mark.parametrize("words", [["nosuch-command"], ["./nosuch"]])
def test_what_does_not_exist_is_said_in_a_sentence(tmp_path: Path, words: list[str]) -> None:
    ran = launch(tmp_path, *words)
    assert (ran.code, ran.out, ran.err) == (127, "", f"etaoi-tui: There is no command {words[0]}.\n")


def test_what_cannot_be_run_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("x")
    ran = launch(tmp_path, "./plain.txt")
    assert (ran.code, ran.out) == (126, "")
    assert "no executable file" in ran.err


def test_nothing_to_run_is_a_usage_error(tmp_path: Path) -> None:
    done = run(tmp_path, "run")
    assert done.returncode == 2
    assert "etaoi-tui run -- python agent.py" in done.stderr


def test_the_command_has_the_terminal_and_ctrl_c(tmp_path: Path) -> None:
    script = (
        "import os, sys, time\n"
        "print('tty', all(os.isatty(fd) for fd in (0, 1, 2)), os.get_terminal_size().columns)\n"
        "try:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('interrupted'); sys.exit(9)\n"
    )
    words = [*command("run", "--port", "0", "--"), sys.executable, "-c", script]
    with PtySession(words, tmp_path, (97, 30)) as session:
        session.wait_for(b"tty True 97")
        session.send(b"\x03")
        session.wait_for(b"interrupted")
        assert session.wait() == 9


def test_a_viewer_that_listens_already_is_used_and_left_running(tmp_path: Path) -> None:
    file = tmp_path / "taken.msgpack"
    with running(tmp_path, "record", "-o", file, "--port", "0") as recorder:
        url = read_object(recorder.stdout)["url"]
        port = url.rpartition(":")[2].partition("/")[0]
        ran = launch(tmp_path, sys.executable, PROGRAMS / "agents.py", "sync", options=("--port", port))
        assert ran.code == 0
        assert f"listens on port {port}" in ran.err
        recorder.send_signal(signal.SIGINT)
        assert read_object(recorder.stdout)["events"] >= 8
    result = run_here(tmp_path, "show", str(file))
    assert "agent" in result.stdout
    assert not (tmp_path / "recordings").exists()


def test_another_viewer_on_the_default_port_is_joined(tmp_path: Path) -> None:
    with Collector(CollectorOptions(port=0, record=Record.NONE, state=tmp_path)) as collector:
        port = int(collector.endpoint.rpartition(":")[2].partition("/")[0])
        # The default port may be somebody else's where tests run, so this one is made the default.
        code = (
            "import etaoi_tui.cli.main as m\n"
            f"next(p for p in m.main.params if p.name == 'port').default = {port}\n"
            "m.main(prog_name='etaoi-tui')\n"
        )
        viewer = subprocess.Popen(
            [sys.executable, "-c", code],
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert viewer.stderr is not None
            assert viewer.stderr.readline() == (
                f"Another etaoi-tui listens on port {port}: this shows what it has.\n"
            )
            assert viewer.stderr.readline().startswith(f"Following ws://127.0.0.1:{port}/ingest")
        finally:
            viewer.send_signal(signal.SIGINT)
            viewer.communicate(timeout=PATIENCE)
        assert viewer.returncode == 0


def test_a_viewer_that_wants_a_token_is_not_filled_in_vain(tmp_path: Path) -> None:
    options = CollectorOptions(port=0, record=Record.NONE, state=tmp_path, token="s3cret", watched=False)
    with Collector(options) as collector:
        port = collector.endpoint.rpartition(":")[2].partition("/")[0]
        refused = launch(tmp_path, "true", options=("--port", port))
        assert (refused.code, refused.out) == (1, "")
        assert "--token" in refused.err
        words = (sys.executable, PROGRAMS / "agents.py", "sync")
        for without_sdk in ("", "1"):
            events_before = collector.stats().events
            variables = {"WITHOUT_SDK": without_sdk, "ETAOI_TUI_TOKEN": "s3cret"}
            assert launch(tmp_path, *words, options=("--port", port), variables=variables).code == 0
            assert collector.stats().events >= events_before + 8
        assert collector.stats().turned_away == 0


def test_an_agent_that_is_killed_is_gone_at_once(tmp_path: Path) -> None:
    came = tmp_path / "came"
    script = (
        "import os, sys, time, runpy\nsys.argv = ['agents.py', 'sync']\n"
        f"runpy.run_path({str(PROGRAMS / 'agents.py')!r}, run_name='__main__')\n"
        f"while not os.path.exists({str(came)!r}): time.sleep(0.02)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    with Collector(CollectorOptions(port=0, record=Record.NONE, state=tmp_path, watched=False)) as collector:
        port = collector.endpoint.rpartition(":")[2].partition("/")[0]
        words = (sys.executable, "-c", script)

        def let_it_die() -> None:
            wait_for(lambda: collector.stats().clients == 1)
            came.touch()

        watcher = threading.Thread(target=let_it_die)
        watcher.start()
        ran = launch(tmp_path, *words, options=("--port", port), variables={"WITHOUT_SDK": "1"})
        watcher.join()
        assert ran.code == -9
        wait_for(lambda: (collector.stats().clients, collector.stats().connections) == (0, 1))

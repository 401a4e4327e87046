"""What is put into Python programs: silent, chained, gone from the path, and no burden without a viewer."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from etaoi_tui.launcher.environment import PYTHON
from tests.headless.running import PATIENCE, environment
from tests.launcher.launching import PROGRAMS, launch

SHOW = (
    "import sys, os; print([p for p in sys.path if 'injected' in p], 'LANGSMITH_TRACING' in os.environ, "
    "'langchain_core' in sys.modules, 'threading' in sys.modules, 'json' in sys.modules)"
)


def test_a_program_finds_its_own_path_and_variables(tmp_path: Path) -> None:
    ran = launch(tmp_path, sys.executable, "-c", SHOW)
    assert ran.out == "[] False False False False\n"


def test_the_users_sitecustomize_runs_as_without(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.mine = __name__, __file__\n")
    code = "import sys, sitecustomize; print(sys.mine, sitecustomize.__file__)"
    ran = launch(tmp_path, sys.executable, "-c", code, variables={"PYTHONPATH": str(tmp_path)})
    mine = str(tmp_path / "sitecustomize.py")
    assert ran.out == f"('sitecustomize', {mine!r}) {mine}\n"


def test_the_users_sitecustomize_that_fails_is_told_as_without(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("1 / 0\n")
    ran = launch(tmp_path, sys.executable, "-c", "print('on')", variables={"PYTHONPATH": str(tmp_path)})
    assert ran.out == "on\n"
    assert "ZeroDivisionError" in ran.err


@pytest.mark.parametrize("flags", [["-I"], ["-S"], ["-E"], ["-X", "importtime"]])
def test_programs_that_cannot_be_reached_run_all_the_same(tmp_path: Path, flags: list[str]) -> None:
    assert launch(tmp_path, sys.executable, *flags, "-c", "print('on')").out == "on\n"


def test_disabled_means_nothing_is_sent(tmp_path: Path) -> None:
    variables = {"ETAOI_DISABLED": "1"}
    ran = launch(tmp_path, sys.executable, PROGRAMS / "agents.py", "sync", variables=variables)
    assert ran.code == 0
    assert "recorded to" not in ran.err


@pytest.mark.parametrize("without_sdk", ["", "1"])
def test_a_viewer_that_is_gone_costs_no_time(tmp_path: Path, without_sdk: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    # The shortest of three: how long a process takes depends on what else the machine does.
    times = {"": float("inf"), (dead_url := f"http://127.0.0.1:{port}"): float("inf")}
    for url in (*times, *times, *times):
        variables = {"PYTHONPATH": str(PYTHON), "WITHOUT_SDK": without_sdk}
        env = environment(tmp_path) | variables | ({"ETAOI_TUI_RUN": url} if url else {})
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, PROGRAMS / "agents.py", "sync"],
            env=env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        times[url] = min(times[url], time.monotonic() - begun)
        assert (done.returncode, done.stderr) == (0, "")
        if times[dead_url] < 2 * times[""] + 3:
            break
    assert times[dead_url] < 2 * times[""] + 3  # clients that try again at the end take 9 s and more


def test_what_is_injected_is_python_3_8() -> None:
    import ast

    for file in PYTHON.rglob("*.py"):
        ast.parse(file.read_text("utf-8"), feature_version=(3, 8))

"""Environments of real clients when the tests that make them are killed."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import real_env as module
from tests.real_env import ROOT, real_env

pytestmark = pytest.mark.real_clients

SLOW = """
import os, time
here = os.environ["SLOW_PACKAGE"]
def build_wheel(folder, config_settings=None, metadata_directory=None):
    open(here + "/building", "w").close()
    while not os.path.exists(here + "/go-on"):
        time.sleep(0.02)
    import zipfile
    name = "slow_package-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        about = "slow_package-1.0.dist-info/"
        wheel.writestr("slow_package.py", "")
        wheel.writestr(about + "METADATA", "Metadata-Version: 2.1\\nName: slow-package\\nVersion: 1.0\\n")
        wheel.writestr(about + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(about + "RECORD", "")
    return name
"""
MAKE = """
import sys
from pathlib import Path
from tests import real_env
real_env.ENVIRONMENTS = Path(sys.argv[1])
real_env.real_env("slow", sys.argv[2])
"""


def test_an_environment_is_not_made_anew_while_pip_of_killed_tests_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, environments = tmp_path / "package", tmp_path / "envs"
    package.mkdir()
    (package / "slow_backend.py").write_text(SLOW)
    (package / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "slow_backend"\nbackend-path = ["."]\n'
    )
    monkeypatch.setenv("SLOW_PACKAGE", str(package))
    command = [sys.executable, "-c", MAKE, str(environments), str(package)]
    try:
        with subprocess.Popen(command, cwd=ROOT, env=os.environ) as tests:
            while not (package / "building").exists():
                assert tests.poll() is None
                time.sleep(0.02)
            tests.kill()

        with (environments / ".slow.lock").open("w") as lock:
            with pytest.raises(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (package / "go-on").touch()
            fcntl.flock(lock, fcntl.LOCK_EX)  # pip has ended
    finally:
        (package / "go-on").touch()  # pip ends, whatever became of the test

    monkeypatch.setattr(module, "ENVIRONMENTS", environments)
    python = real_env("slow", str(package))
    subprocess.run([python, "-c", "import slow_package"], check=True)

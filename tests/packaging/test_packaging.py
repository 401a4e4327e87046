"""What people install is what the repository holds: sdist, wheel, a clean environment, two ways to start."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import etaoi_collector

ROOT = Path(__file__).resolve().parents[2]
VERSION = etaoi_collector.__version__
pytestmark = pytest.mark.packaging


def _run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    out = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--outdir", out, ROOT, cwd=out)
    return out


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of a clean environment with nothing but the wheel."""
    home = tmp_path_factory.mktemp("clean")
    venv.create(home, with_pip=True)
    (wheel,) = built.glob("*.whl")
    _run(
        home / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=home
    )
    return home / "bin"


def test_wheel_holds_both_packages_and_nothing_else(built: Path) -> None:
    """Two import packages with their type markers; no tests, no folder called collector."""
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {
        "etaoi_collector",
        "etaoi_tui",
        f"etaoi_tui-{VERSION}.dist-info",
    }
    assert {"etaoi_collector/py.typed", "etaoi_tui/py.typed"} <= set(names)
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "etaoi_tui").rglob("*.py")}
    sources |= {
        path.relative_to(ROOT / "collector").as_posix() for path in (ROOT / "collector").rglob("*.py")
    }
    assert sources <= set(names)


def test_sdist_can_be_tested(built: Path) -> None:
    """The sdist has what a packager needs, and none of the environments that lie around in a work tree."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "Makefile", "tests/generate.py"} <= names
    assert not [name for name in names if name.startswith((".venv", ".envs", ".git/"))]


def test_the_command_runs(installed: Path, tmp_path: Path) -> None:
    """``etaoi-tui --version`` and ``python -m etaoi_tui --help`` in a folder that is not the project's."""
    assert VERSION in _run(installed / "etaoi-tui", "--version", cwd=tmp_path)
    shown = _run(installed / "python", "-m", "etaoi_tui", "--help", cwd=tmp_path)
    for word in ("record", "ls", "show", "demo", "--replay"):
        assert word in shown


def test_the_sdk_needs_no_framework(installed: Path, tmp_path: Path) -> None:
    """``import etaoi_tui`` works where neither LangChain nor LiveKit is installed."""
    _run(installed / "python", "-c", "import etaoi_tui; etaoi_tui.span", cwd=tmp_path)
    _run(installed / "python", "-m", "pip", "check", cwd=tmp_path)

"""The two distributions, built once as for a release, and clean environments to install them into."""

from __future__ import annotations

import os
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.clean import ROOT, Environment, build


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of both distributions."""
    out = tmp_path_factory.mktemp("release")
    build(ROOT, out, release=True)
    build(ROOT / "packaging" / "sdk", out, release=True)
    return out


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Environment]:
    """Make an environment with what is named, as a person's pip would, and nothing else."""

    def make(*requirements: str | Path) -> Environment:
        home = tmp_path_factory.mktemp("clean")
        venv.create(home, with_pip=True)
        environment = Environment(home)
        environment.install(*requirements)
        return environment

    return make


@pytest.fixture(scope="session")
def sdk_alone(release: Path, clean: Callable[..., Environment]) -> Environment:
    """An environment with the small wheel alone; ``make lowest`` names one with the oldest versions."""
    named = os.environ.get("ETAOI_TUI_SDK_ENVIRONMENT")
    if named:
        return Environment(Path(named))
    (wheel,) = release.glob("etaoi_tui_sdk-*.whl")
    return clean(wheel)

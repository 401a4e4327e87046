"""What the distributions hold and name: two wheels and two sdists of one tree."""

from __future__ import annotations

import re
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

import etaoi_collector
from tests.packaging.clean import ROOT

pytestmark = pytest.mark.packaging

VERSION = etaoi_collector.__version__


def files_of(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def metadata_of(wheel: Path) -> Message:
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(archive.read(name).decode())


def needs_of(wheel: Path) -> set[str]:
    """What a wheel needs without an extra."""
    needed = metadata_of(wheel).get_all("Requires-Dist") or []
    return {str(each) for each in needed if "extra ==" not in each}


def both(release: Path) -> tuple[Path, Path]:
    (small,) = release.glob("etaoi_tui_sdk-*.whl")
    (viewer,) = release.glob("etaoi_tui-*.whl")
    return small, viewer


def project(folder: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    return table


def test_each_file_of_the_tree_is_in_one_wheel(release: Path) -> None:
    """No file is in both, none is left out, and nothing else is in them."""
    small, viewer = map(files_of, both(release))
    assert not small & viewer
    tree = {
        path.relative_to(folder).as_posix()
        for folder, package in ((ROOT, "etaoi_tui"), (ROOT / "collector", "etaoi_collector"))
        for path in (folder / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert small | viewer == tree
    assert {"etaoi_tui/py.typed", "etaoi_collector/py.typed"} <= small


def test_the_small_one_needs_little_and_the_viewer_needs_the_small_one(release: Path) -> None:
    """Two libraries for an agent; for the viewer the same version of what the agent has."""
    small, viewer = both(release)
    names = {re.match(r"[\w-]+", need)[0] for need in needs_of(small)}  # type: ignore[index]
    assert names == {"msgspec", "websockets"}
    assert f"etaoi-tui-sdk=={VERSION}" in needs_of(viewer)
    assert not [
        need for need in needs_of(viewer) if "@" in need or need.startswith(("msgspec", "websockets"))
    ]
    assert {metadata_of(wheel)["Version"] for wheel in (small, viewer)} == {VERSION}


def test_both_have_the_same_extras_and_licence() -> None:
    """A line of the README works with either; what only the viewer can use stays there."""
    small, viewer = project(ROOT / "packaging" / "sdk"), project(ROOT)
    extras = viewer["optional-dependencies"]
    assert small["optional-dependencies"] == {
        name: needs for name, needs in extras.items() if name not in ("dev", "grpc")
    }
    assert small["requires-python"] == viewer["requires-python"]
    assert (ROOT / "packaging" / "sdk" / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_sdists_hold_what_is_needed_to_build_and_to_test(release: Path) -> None:
    """And none of the environments that lie around in a work tree."""
    for pattern, expected in (
        (
            "etaoi_tui-*.tar.gz",
            {"Makefile", "README.md", "packaging/sdk/pyproject.toml", "tests/generate.py"},
        ),
        ("etaoi_tui_sdk-*.tar.gz", {"README.md", "collector/etaoi_collector/wire/events.py"}),
    ):
        (sdist,) = release.glob(pattern)
        with tarfile.open(sdist) as archive:
            names = {name.partition("/")[2] for name in archive.getnames()}
        assert {"pyproject.toml", "LICENSE", "etaoi_tui/__init__.py", *expected} <= names
        assert not [name for name in names if name.startswith((".venv", ".envs", ".git/"))]

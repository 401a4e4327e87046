"""The import contracts catch what they are there for: each wrong import is tried once, in a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRONG = {
    "wire reads files": ("collector/etaoi_collector/wire/codec.py", "etaoi_collector.recording.reader"),
    "sdk reads recordings": ("etaoi_tui/sdk/config.py", "etaoi_collector.recording.directory"),
    "sdk writes the clipboard": ("etaoi_tui/sdk/config.py", "etaoi_tui.clipboard"),
    "view knows commands": ("etaoi_tui/view/visible_rows.py", "etaoi_tui.cli.show"),
    "view knows details": ("etaoi_tui/view/visible_rows.py", "etaoi_tui.detail.span_data"),
    "detail draws": ("etaoi_tui/detail/span_data.py", "textual.widget"),
    "collector knows the viewer": ("collector/etaoi_collector/collector.py", "etaoi_tui.text"),
}


def broken_contracts(tree: Path) -> str:
    """Run the contracts over a tree; returns what is broken, empty if nothing is."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tree), str(tree / "collector")])}
    program = Path(sys.executable).with_name("lint-imports")
    command = [str(program), "--no-cache", "--config", str(tree / "pyproject.toml")]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode else ""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("tree")
    for room in ("etaoi_tui", "collector"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def test_the_tree_as_it_is_keeps_them(tree: Path) -> None:
    assert broken_contracts(tree) == ""


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_import_is_caught(tree: Path, name: str) -> None:
    path, module = WRONG[name]
    source = tree / path
    good = source.read_text()
    try:
        source.write_text(good + f"\n\ndef _wrong() -> None:\n    import {module}\n")
        assert "BROKEN" in broken_contracts(tree)
    finally:
        source.write_text(good)


@pytest.mark.parametrize("package", ["collector/etaoi_collector", "etaoi_tui"])
def test_a_new_room_must_be_put_on_a_floor(tree: Path, package: str) -> None:
    room = tree / package / "attic.py"
    try:
        room.write_text('"""Nothing."""\n')
        assert "attic" in broken_contracts(tree)
    finally:
        room.unlink()


def test_the_sdk_may_import_no_other_room_of_the_collector() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = (c for c in config["contracts"] if c["name"].startswith("Of the collector, the SDK"))
    rooms = {
        f"etaoi_collector.{path.stem}"
        for path in (ROOT / "collector" / "etaoi_collector").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    rooms -= {f"etaoi_collector.{free}" for free in ("__init__", "wire", "conventions")}
    assert rooms == {module for module in contract["forbidden_modules"] if module.startswith("etaoi_")}

"""What the papers name exists: files and folders, modules, targets of make."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAPERS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("packaging/*/*.md")])
ROOTS = ("", "collector", "etaoi_tui")
"""Folders that a path in a paper may begin in."""
TOPS = (
    "etaoi_tui",
    "etaoi_collector",
    "collector",
    "tests",
    "benchmarks",
    "scripts",
    "packaging",
    "docs",
    ".ci",
)
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def named_in(paper: Path) -> list[str]:
    """What stands in backticks, and the lines of code blocks."""
    text = paper.read_text("utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`]+)`", rest.replace("\n", " ")) + [
        line for block in blocks for line in block.splitlines()
    ]


def exists(path: str) -> bool:
    return any((ROOT / root / path).exists() for root in ROOTS)


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_files_folders_and_modules_exist(paper: Path) -> None:
    """Paths by their first folder, modules by their package."""
    missing = []
    for name in named_in(paper):
        for word in name.split():
            word = word.strip("',;:()").rstrip("/")
            if word.startswith(tuple(f"{top}/" for top in TOPS)) and not exists(word):
                missing.append(word)
            if re.fullmatch(r"(etaoi_tui|etaoi_collector)(\.\w+)+", word) and not module_exists(word):
                missing.append(word)
    assert not missing


def module_exists(name: str) -> bool:
    """Whether a dotted name is a module, or something that a module holds."""
    import importlib

    parts = name.split(".")
    for depth in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:depth]))
        except ModuleNotFoundError:
            continue
        for part in parts[depth:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_targets_exist(paper: Path) -> None:
    """What a paper says to make can be made."""
    asked = {
        word
        for name in named_in(paper)
        for words in re.findall(r"(?:^|\$ )make((?: [a-z][a-z-]*)+)", name)
        for word in words.split()
    }
    assert asked <= TARGETS

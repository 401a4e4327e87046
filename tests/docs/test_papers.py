"""Every file, symbol and command that the papers name exists."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from etaoi_tui.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
PAPERS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+/?|(?:Makefile|pyproject\.toml)")
TREES = (
    "collector/",
    "etaoi_tui/",
    "tests/",
    "benchmarks/",
    "scripts/",
    "packaging/",
    "screenshots/",
    "docs/",
    ".ci/",
    ".github/",
)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
SYMBOL = re.compile(r"(etaoi_(?:tui|collector)(?:\.\w+)+)\b(?!\.)")
TARGET = re.compile(r"\bmake ([a-z][a-z-]*)")
VERB = re.compile(r"\betaoi-tui ([a-z]+)\b")


def quoted(paper: Path) -> Iterator[str]:
    text = paper.read_text()
    yield from CODE.findall(text)
    for block in re.findall(r"```\w*\n(.*?)```", text, re.S):
        yield from (line for line in block.splitlines() if not line.startswith("# file: "))


def exists(symbol: str) -> bool:
    """Whether a dotted name is a module, something in one, or a key that the code writes."""
    parts = symbol.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for name in parts[length:]:
            if not hasattr(value, name):
                return is_key(symbol)
            value = getattr(value, name)
        return True
    return False


def is_key(symbol: str) -> bool:
    """Whether it is a metadata key or an entry point group, which look like modules."""
    word = f'"{symbol}"'
    places = [*(ROOT / "etaoi_tui").rglob("*.py"), *(ROOT / "collector").rglob("*.py")]
    return any(word in path.read_text() for path in places) or word in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_files(paper: Path) -> None:
    named = {
        path
        for code in quoted(paper)
        for path in PATH.findall(code)
        if path.startswith(TREES) or path in ("Makefile", "pyproject.toml")
    }
    missing = {path for path in named if not (ROOT / path).exists()}
    for link in LINK.findall(paper.read_text()):
        if "://" not in link and not (paper.parent / link).exists():
            missing.add(link)
    assert not missing


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_symbols(paper: Path) -> None:
    named = {symbol for code in quoted(paper) for symbol in SYMBOL.findall(code)}
    missing = {symbol for symbol in named if not exists(symbol)}
    assert not missing


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_commands(paper: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.M))
    assert isinstance(main, click.Group)
    verbs = set(main.commands)
    code = list(quoted(paper))
    assert {target for line in code for target in TARGET.findall(line)} <= targets
    assert {verb for line in code for verb in VERB.findall(line)} <= verbs


def test_each_promise_of_security_names_tests() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    table = text.partition("## What is promised")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    for promise, held_by in rows:
        tests = re.findall(r"`(tests/[\w/]+\.py)`", held_by)
        assert tests, promise
        assert all("def test_" in (ROOT / test).read_text() for test in tests), promise

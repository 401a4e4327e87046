"""The glossary: each word once, and what it names in the code is there."""

from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path

import msgspec
import pytest

from etaoi_collector.store.model import Status

PAPER = (Path(__file__).resolve().parents[2] / "docs" / "glossary.md").read_text()
ROW = re.compile(r"^\| (?!word \||---)(.+?) \| (.+?) \| `([\w.]+)` \|$", re.M)
ENTRIES = {word: (meaning, symbol) for word, meaning, symbol in ROW.findall(PAPER)}


def resolve(symbol: str) -> bool:
    """Whether a dotted name is a module, something in one, or a field of a type in one."""
    parts = symbol.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            if isinstance(value, type) and name in fields_of(value):
                return True
            value = getattr(value, name)
        return True
    return False


def fields_of(kind: type) -> set[str]:
    names = set(getattr(kind, "__annotations__", {}))
    if dataclasses.is_dataclass(kind):
        names |= {field.name for field in dataclasses.fields(kind)}
    if issubclass(kind, msgspec.Struct):
        names |= {field.name for field in msgspec.structs.fields(kind)}
    return names


@pytest.mark.parametrize("word", sorted(ENTRIES))
def test_what_a_word_names_is_in_the_code(word: str) -> None:
    meaning, symbol = ENTRIES[word]
    assert resolve(symbol), symbol
    assert len(meaning) > 10


def test_every_row_was_read_and_no_word_stands_twice() -> None:
    rows = [line for line in PAPER.splitlines() if line.startswith("| ") and not line.startswith("| word |")]
    assert len(rows) == len(ENTRIES) > 40


def test_every_status_is_explained() -> None:
    assert {status.value for status in Status} <= ENTRIES.keys()


def test_a_name_that_is_not_there_is_noticed() -> None:
    assert not resolve("no_such_package.thing")
    with pytest.raises(AttributeError):
        resolve("etaoi_tui.view.middleware.effect.NoSuchThing")

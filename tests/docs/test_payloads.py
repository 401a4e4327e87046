"""``docs/payloads.md`` names every word of payloads that the code has a name for, and none of ours beside."""

from __future__ import annotations

import re
from pathlib import Path

from etaoi_collector.conventions import keys

ROOT = Path(__file__).resolve().parents[2]
PAPER = (ROOT / "docs" / "payloads.md").read_text()
OWN_KEY = re.compile(r"etaoi_tui\.[a-z_]+")
SOURCES = [path for room in ("collector", "etaoi_tui") for path in (ROOT / room).rglob("*.py")]
NO_PAYLOAD = {"etaoi_tui.after", "etaoi_tui.end", "etaoi_tui.demo", "etaoi_tui.sdk"}
"""Keys of the handshake, and names of modules and loggers."""
GROUPS = {f"etaoi_tui.{door}" for door in ("bridges", "columns", "exporters", "readers", "viewers")}
"""Entry points of third parties."""


def test_every_key_is_on_paper() -> None:
    words = {value for name, value in vars(keys).items() if name.isupper() and isinstance(value, str)}
    assert len(words) > 20
    missing = {word for word in words if f"`{word}`" not in PAPER}
    assert not missing


def test_our_own_metadata_is_on_paper_and_in_the_code() -> None:
    in_code = {
        name
        for path in SOURCES
        for name in re.findall(r"\"(etaoi_tui\.[a-z_]+)\"", path.read_text())
        if name not in NO_PAYLOAD and name not in GROUPS and not (ROOT / name.replace(".", "/")).exists()
    }
    in_code = {key for key in in_code if not (ROOT / f"{key.replace('.', '/')}.py").exists()}
    on_paper = set(OWN_KEY.findall(PAPER))
    assert in_code <= on_paper
    assert on_paper <= in_code

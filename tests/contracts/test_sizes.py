"""Modules of at most 500 lines and classes of at most 300: what is longer has more than one job."""

from __future__ import annotations

import ast
from pathlib import Path

import etaoi_collector
import etaoi_tui

MODULE_LINES, CLASS_LINES = 500, 300
FOLDERS = [Path(package.__file__ or "").parent for package in (etaoi_collector, etaoi_tui)]


def test_no_module_and_no_class_is_too_long() -> None:
    too_long = []
    files = [path for folder in FOLDERS for path in folder.rglob("*.py")]
    assert len(files) > 400
    for path in files:
        text = path.read_text("utf-8")
        if text.count("\n") > MODULE_LINES:
            too_long.append(f"{path.name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            lines = (node.end_lineno or 0) - node.lineno + 1 if isinstance(node, ast.ClassDef) else 0
            if isinstance(node, ast.ClassDef) and lines > CLASS_LINES:
                too_long.append(f"{path.name}: class {node.name} has {lines} lines")
    assert not too_long

"""What the first screen does not need is imported after it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

MODULES = "etaoi_tui.cli.main, etaoi_tui.cli.start_viewer, etaoi_tui.app"
LISTED = f"import json, sys, {MODULES}; print(json.dumps(list(sys.modules)))"


@pytest.fixture(scope="module")
def modules() -> list[str]:
    """Everything that the viewer has imported when it begins to draw."""
    done = subprocess.run(
        [sys.executable, "-c", LISTED], capture_output=True, text=True, timeout=60, check=True
    )
    imported: list[str] = json.loads(done.stdout)
    assert "etaoi_tui.screens.workspace" in imported
    return imported


@pytest.mark.parametrize(
    "later",
    [
        "langchain_core",
        "livekit",
        "pydantic",
        "websockets",
        "genai_prices",
        "importlib.metadata",
        "etaoi_collector.collector",
        "etaoi_collector.query",
        "etaoi_tui.detail.span_document",
        "etaoi_tui.detail.pages.voice_turn",
        "etaoi_collector.pricing.book",
        "etaoi_tui.screens.copy_menu",
        "etaoi_tui.screens.help",
        "etaoi_tui.screens.problems",
    ],
)
def test_the_first_screen_waits_for_no_import_of(later: str, modules: list[str]) -> None:
    assert later not in modules

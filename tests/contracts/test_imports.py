"""What a process has imported after using one part of the project, seen from outside.

The import contracts forbid edges in the source; these tests look at `sys.modules` of a real process, which
also catches what a library pulls in.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import generate

DRAWING = ("textual", "rich")
HEAVY = ("textual", "rich", "langchain_core", "langsmith", "livekit", "pydantic", "click")

LOADED = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"

RUN_AND_LIST = """
import json, sys
told, *arguments = sys.argv[1:]
from etaoi_tui.cli.main import main
sys.argv = ["etaoi-tui", *arguments]
try:
    main()
    code = 0
except SystemExit as end:
    code = end.code or 0
with open(told, "w") as file:
    json.dump([code, sorted({name.partition(".")[0] for name in sys.modules})], file)
"""


def _run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def _modules_after(code: str) -> set[str]:
    done = _run(f"{code}\n{LOADED}")
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("code", ["import etaoi_tui", "import etaoi_tui.sdk"])
def test_the_sdk_brings_nothing_heavy_into_the_agent(code: str) -> None:
    """Importing the SDK loads no drawing library, no framework, and starts no thread."""
    modules = _modules_after(f"{code}\nimport threading\nassert threading.active_count() == 1")
    assert modules.isdisjoint(HEAVY)


def test_public_names_load_nothing_that_draws() -> None:
    """Using the SDK's public names loads more, but never the viewer's libraries.

    What LangChain loads by itself is its own affair: an old one brings httpx's command line, which draws.
    """
    modules = _modules_after("import etaoi_tui\netaoi_tui.span\netaoi_tui.instrument\n")
    assert (modules - _modules_after("import langchain_core.callbacks")).isdisjoint(DRAWING)


def test_the_collector_draws_nothing() -> None:
    """Every module of the collector together loads neither textual nor rich nor click."""
    code = """
import importlib, pkgutil, etaoi_collector
for module in pkgutil.walk_packages(etaoi_collector.__path__, "etaoi_collector."):
    importlib.import_module(module.name)
"""
    assert _modules_after(code).isdisjoint({*DRAWING, "click", "etaoi_tui"})


def _modules_of_command(tmp_path: Path, *arguments: str) -> set[str]:
    modules_path = tmp_path / "modules.json"
    done = _run(RUN_AND_LIST, str(modules_path), *arguments)
    assert modules_path.exists(), done.stderr
    code, modules = json.loads(modules_path.read_text())
    assert code == 0, done.stderr
    return set(modules)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_no_textual(tmp_path: Path, arguments: list[str]) -> None:
    """Help and version answer without the drawing library."""
    modules = _modules_of_command(tmp_path, *arguments)
    assert "textual" not in modules


def test_commands_without_a_screen_load_no_textual(tmp_path: Path) -> None:
    """``record``, ``ls`` and ``show`` run on machines where nobody looks."""
    trace = tmp_path / "run.msgpack"
    generate.write_trace(trace, 200)
    for arguments in (
        ["ls", str(trace)],
        ["ls", str(trace), "--json"],
        ["show", str(trace)],
        ["show", str(trace), "--json"],
        ["record", "-o", str(tmp_path / "new.msgpack"), "--port", "0", "--for", "0.2s"],
    ):
        modules = _modules_of_command(tmp_path, *arguments)
        assert "textual" not in modules, arguments


def test_the_first_screen_waits_for_no_detail_and_no_voice_call() -> None:
    """What a detail or a call needs is imported when one is shown, or shortly after the first screen."""
    code = "import etaoi_tui.app, sys\nprint('\\n'.join(sys.modules))"
    done = _run(code)
    assert done.returncode == 0, done.stderr
    modules = set(done.stdout.split())
    assert "etaoi_tui.screens.workspace" in modules
    late = {
        "etaoi_tui.detail.document.model",
        "etaoi_tui.detail.layout.page",
        "etaoi_tui.view.voice.model",
        "etaoi_tui.view.voice.call_model",
        "etaoi_tui.launcher.run",
    }
    assert modules.isdisjoint(late)


BEFORE_THE_FIRST_FRAME = """
import sys
import etaoi_tui.cli.start_viewer, etaoi_tui.cli.collector_context, etaoi_tui.cli.catalogue_follower
import etaoi_collector.sources.live, etaoi_tui.app
for name, module in sorted(sys.modules.items()):
    print(name)
    if name.startswith(("etaoi_tui", "etaoi_collector")):
        for one in vars(module).values():
            if isinstance(one, type) and one.__module__ == name and "__dataclass_fields__" in vars(one):
                print(f"dataclass {name}.{one.__qualname__}")
"""


def test_what_the_first_screen_waits_for_does_not_grow_back() -> None:
    """Each module takes a third of a millisecond, a dataclass half of one, a struct a twentieth."""
    done = _run(BEFORE_THE_FIRST_FRAME)
    assert done.returncode == 0, done.stderr
    names = done.stdout.splitlines()
    packages = {name.partition(".")[0] for name in names}
    heavy = {"sqlite3", "websockets", "h11", "h2", "zstandard", "genai_prices"}
    assert packages.isdisjoint({*HEAVY, *heavy} - {"textual", "rich", "click"})
    ours = [name for name in names if name.startswith(("etaoi_tui", "etaoi_collector"))]
    assert 200 < len(ours) <= 250, "import what nobody sees at first where it is used"
    dataclasses = [name for name in names if name.startswith("dataclass ")]
    assert len(dataclasses) <= 2, "make structs of those that the first screen needs"

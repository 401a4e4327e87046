"""The README table "What can be watched": each line has its program, and those without a framework run here.

All lines, each in a fresh environment, are tried by ``make readme-lines``.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.real_env import ROOT


@pytest.fixture(scope="module")
def lines() -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme_lines", ROOT / "scripts/readme_lines.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_line_has_its_program_and_is_python(lines: ModuleType) -> None:
    pairs = lines.pairs()
    assert len({row.what for row, _ in pairs}) >= 10
    for row, program in pairs:
        compile(program.path.read_text("utf-8").replace(lines.MARKER, row.line), program.path.name, "exec")


def test_a_row_without_a_program_is_found(lines: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(lines.Problem, match="no table"):
        list(lines.rows_of("# nothing here"))
    strange = lines.Row("a teapot", "", "pour()")
    monkeypatch.setattr(lines, "rows_of", lambda readme: [strange])
    with pytest.raises(lines.Problem, match="a teapot"):
        lines.pairs()


@pytest.mark.parametrize("name", ["hand.py", "eventbus.py", "runnable.py", "process.py"])
def test_lines_that_need_no_environment_of_their_own(lines: ModuleType, tmp_path: Path, name: str) -> None:
    ((row, program),) = [pair for pair in lines.pairs() if pair[1].path.name == name]
    source = program.path.read_text("utf-8").replace(lines.MARKER, row.line)
    (tmp_path / "program.py").write_text(source, "utf-8")
    assert program.expects <= lines.kinds_reported(Path(sys.executable), tmp_path)

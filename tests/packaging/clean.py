"""Builds distributions and runs programs in environments that have only what was installed into them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300
"""Seconds that pip, a build or a program may take."""


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Run a command to its end; returns what it wrote to stdout."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ETAOI", "PYTHON"))
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def build(source: Path, out: Path, *, release: bool) -> None:
    """Build an sdist from a folder, and the wheel from the sdist, with the tools that `dev` names."""
    variables = {"ETAOI_TUI_RELEASE": "1"} if release else {}
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source, cwd=out, **variables)


@dataclass(frozen=True)
class Environment:
    """An environment of its own."""

    home: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def install(self, *requirements: str | Path) -> None:
        """Install with pip, and check that everything fits together."""
        pip = (self.python, "-m", "pip", "--disable-pip-version-check")
        run(*pip, "install", "--quiet", *requirements, cwd=self.home)
        run(*pip, "check", cwd=self.home)

    def run(self, *arguments: str | Path, **variables: str) -> str:
        """Run its Python in a folder that is not the project's."""
        return run(self.python, *arguments, cwd=self.home, **variables)

    def ask(self, code: str) -> Any:
        """Run a program that sets ``answer``; returns that, by way of JSON."""
        return json.loads(self.run("-c", f"{code}\nimport json\nprint(json.dumps(answer))"))

    def distributions(self) -> dict[str, str]:
        """Names and versions of what is installed, without what an environment begins with."""
        listed = json.loads(self.run("-m", "pip", "list", "--format=json", "--disable-pip-version-check"))
        return {each["name"]: each["version"] for each in listed if each["name"] not in ("pip", "setuptools")}

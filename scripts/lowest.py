"""Run the fast tests against the oldest versions that pyproject.toml allows.

A lower bound that nobody installs is a guess. This makes an environment in ``.envs/lowest``, pins every
direct dependency to its lower bound, and runs there the tests that need neither pictures nor environments of
their own.

    python scripts/lowest.py            install and test
    python scripts/lowest.py --print    print the pins and stop
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".envs" / "lowest"
BOUND = re.compile(r"^\s*([A-Za-z0-9._-]+)\s*(?:\[[^]]*\])?\s*>=\s*([0-9][0-9.]*)")
TEST_TOOLS = (
    "blockbuster",
    "hypothesis",
    "numpy",
    "pytest",
    "pytest-asyncio",
    "pytest-timeout",
    "pytest-xdist",
)
LEFT_OUT = (
    "tests/sdk/langchain",  # needs langchain, which brings a newer langchain-core
    "tests/xray",  # needs langchain, too
    "*snapshot*",  # pictures belong to one version of Textual
)


def lower_bounds(requirements: list[str]) -> list[str]:
    """Turn ``name>=1.2,<3`` into ``name==1.2``.

    Raises:
        ValueError: a requirement has no lower bound.
    """
    pins = []
    for requirement in requirements:
        match = BOUND.match(requirement)
        if match is None:
            raise ValueError(f"pyproject.toml: {requirement!r} has no lower bound (name>=version)")
        pins.append(f"{match[1]}=={match[2]}")
    return pins


def main() -> int:
    """Install the pins, run the tests; returns pytest's exit status."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    pins = lower_bounds([*project["dependencies"], *extras["langchain"]])
    tools = [r for r in extras["dev"] if re.split(r"[<>=\[]", r)[0] in TEST_TOOLS]
    print("\n".join(pins), flush=True)
    if "--print" in sys.argv[1:]:
        return 0
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *pins, *tools, "--editable", str(ROOT)], check=True)
    ignored = [f"--ignore-glob={path}" for path in LEFT_OUT]
    tests = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "auto", "--dist", "loadgroup"]
    tests += ["-m", "not (real_clients or packaging)", *ignored]
    return subprocess.run(tests, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

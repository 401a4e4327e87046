"""Run the fast tests against the oldest versions that the two pyproject.toml allow.

A lower bound that nobody installs is a guess. This makes two environments with every direct dependency
pinned to its lower bound. In ``.envs/lowest-sdk`` the SDK is alone, and is tried as an agent has it. In
``.envs/lowest`` are both, and there run the tests that need neither pictures nor environments of their own.

    python scripts/lowest.py            install and test
    python scripts/lowest.py --print    print the pins and stop
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SDK = ROOT / "packaging" / "sdk"
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
BESIDE_LANGCHAIN = "langgraph>=0.2.58"  # that of langchain-core 0.3; `dev` names the newest, which needs 1.0
NEWEST = re.compile(
    r"^(?:from|import) (?:langchain(?:_(?:anthropic|openai|google_genai))?|deepagents)[. ]", re.MULTILINE
)
"""An import, while a test is loaded, of what needs a newer langchain-core than the lowest."""
OURS = re.compile(r"^(?:from|import) (tests(?:\.\w+)+)(?: import (\w+))?", re.MULTILINE)
LEFT_OUT = (
    "*snapshot*",  # pictures belong to one version of Textual
    "tests/contracts/test_no_circle.py",  # look at the source, with tools of `make check`
    "tests/contracts/test_arrows.py",
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


def needs_newest(file: Path) -> bool:
    """Tell whether a test cannot be loaded beside the lowest langchain-core, itself or by what it imports."""
    text = file.read_text("utf-8")
    names = [name for module, item in OURS.findall(text) for name in (module, f"{module}.{item}")]
    used = [ROOT / f"{name.replace('.', '/')}.py" for name in names]
    return NEWEST.search(text) is not None or any(needs_newest(path) for path in used if path.exists())


def read(folder: Path) -> dict[str, Any]:
    """Read a folder's pyproject.toml."""
    return tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))


def install(name: str, *requirements: str) -> Path:
    """Install into the environment ``.envs/NAME``, made when missing; returns its folder."""
    home = ROOT / ".envs" / name
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True, clear=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *requirements], check=True)
    return home


def main() -> int:
    """Install the pins, run the tests; returns the first failing pytest's exit status."""
    viewer, sdk = read(ROOT), read(SDK)["project"]
    extra = sdk["optional-dependencies"]["langchain"]
    of_sdk = lower_bounds([*sdk["dependencies"], *extra])
    pins = of_sdk + lower_bounds(viewer["tool"]["hatch"]["build"]["hooks"]["custom"]["viewer"])
    pins += lower_bounds(viewer["project"]["optional-dependencies"]["grpc"])
    print("\n".join(sorted(pins)), flush=True)
    if "--print" in sys.argv[1:]:
        return 0
    alone = install("lowest-sdk", *of_sdk, str(SDK))
    tests = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/packaging/test_sdk_alone.py",
    ]
    environment = {**os.environ, "ETAOI_TUI_SDK_ENVIRONMENT": str(alone)}
    status = subprocess.run(tests, cwd=ROOT, env=environment, check=False).returncode
    if status:
        return status
    dev = viewer["project"]["optional-dependencies"]["dev"]
    tools = [r for r in dev if re.split(r"[<>=\[]", r)[0] in TEST_TOOLS]
    both = install("lowest", *pins, *tools, BESIDE_LANGCHAIN, "--editable", str(SDK), "--editable", str(ROOT))
    tests = [str(both / "bin" / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    workers = 2 * (os.cpu_count() or 1)  # as in the Makefile
    tests += ["-n", str(workers), "--dist", "loadgroup", "--no-loadscope-reorder"]
    tests += ["-m", "not (real_clients or packaging)"]
    newest = [file.relative_to(ROOT) for file in (ROOT / "tests").rglob("test_*.py") if needs_newest(file)]
    tests += [f"--ignore-glob={path}" for path in (*LEFT_OUT, *newest)]
    return subprocess.run(tests, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

"""Looks at the agent's side: which tracers its Python has, where they send to, and the line to add."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from etaoi_tui.doctor.finding import Finding, State
from etaoi_tui.launcher.families import FAMILIES
from etaoi_tui.launcher.recipes import recipes

PATIENCE = 20
"""Seconds that a Python may take to list what is installed."""

DISTRIBUTIONS = (
    "etaoi-tui-sdk", "etaoi", "langchain-core", "langchain", "langgraph", "deepagents", "langsmith",
    "opentelemetry-api", "opentelemetry-sdk", "logfire", "pydantic-ai", "pydantic-ai-slim", "langfuse",
    "livekit-agents", "openai-agents", "traceloop-sdk", "openinference-instrumentation", "crewai",
    "google-adk", "voxagent", "loomcycle",
)  # fmt: skip
"""Distributions that are of interest."""

_LIST = (
    "import json, sys\n"
    "from importlib import metadata\n"
    "found = {}\n"
    "for name in json.loads(sys.argv[1]):\n"
    "    try:\n        found[name] = metadata.version(name)\n"
    "    except metadata.PackageNotFoundError:\n        pass\n"
    "print(json.dumps([found, sys.version.split()[0]]))\n"
)

_SECRET = ("KEY", "TOKEN", "HEADERS")


def look(url: str, environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Look at the Python that an agent would run with here, and at the variables that are set.

    Args:
        url: The viewer's, ``http://HOST:PORT``.
        environment: The variables.
    """
    python = _python(environment)
    installed, version, problem = _installed(python)
    if problem:
        yield Finding("python", State.NOTE, f"{python}: {problem}")
    else:
        named = ", ".join(f"{name} {installed_version}" for name, installed_version in installed.items())
        yield Finding("python", State.OK, f"{version} at {python}: {named or 'no SDK that traces'}")
    yield from _variables(url, environment)
    fitting = [recipe for recipe in recipes(url) if any(package in installed for package in recipe.packages)]
    for recipe in fitting or recipes(url)[:1]:
        if recipe.line.startswith("import etaoi_tui") and "etaoi-tui-sdk" not in installed:
            note = " (after pip install etaoi-tui-sdk)"
        else:
            note = ""
        yield Finding("add", State.NOTE, f"{recipe.uses}{note}", recipe.line)


def _python(environment: Mapping[str, str]) -> str:
    homes = (environment.get("VIRTUAL_ENV"), environment.get("CONDA_PREFIX"), ".venv")
    for home in filter(None, homes):
        for name in ("bin/python", "Scripts/python.exe", "python.exe"):
            if (Path(home) / name).exists():
                return str((Path(home) / name).absolute())
    return shutil.which("python3") or shutil.which("python") or sys.executable


def _installed(python: str) -> tuple[dict[str, str], str, str]:
    """Return versions by distribution, Python's own, and what kept them from being read."""
    try:
        done = subprocess.run(
            [python, "-c", _LIST, json.dumps(DISTRIBUTIONS)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        versions, version = json.loads(done.stdout.splitlines()[-1])
        return dict(versions), str(version), ""
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        return {}, "", f"it does not say what is installed ({type(error).__name__})"


def _variables(url: str, environment: Mapping[str, str]) -> Iterator[Finding]:
    if environment.get("ETAOI_DISABLED") or environment.get("AGENTVIZ_DISABLED"):
        yield Finding("etaoi", State.FAILED, "ETAOI_DISABLED is set: nothing is sent", "unset ETAOI_DISABLED")
    if host := environment.get("ETAOI_HOST"):
        yield Finding("etaoi", State.NOTE, f"ETAOI_HOST={host}")
    for family in FAMILIES:
        variables = {name: environment[name] for name in family.marks if environment.get(name)}
        if not variables:
            continue
        here = any(
            url in value or "127.0.0.1" in value or "localhost" in value for value in variables.values()
        )
        assignments = " ".join(f"{name}={_masked(name, value)}" for name, value in variables.items())
        where = "this machine" if here else "elsewhere; etaoi-tui run shows it here all the same"
        yield Finding(family.name, State.NOTE, f"{assignments} ({where})")


def _masked(name: str, value: str) -> str:
    return "…" if any(part in name for part in _SECRET) else value

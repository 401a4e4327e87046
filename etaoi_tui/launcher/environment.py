"""The environment of a program that is started: where the viewer is, in all the ways that tracers are told.

What is injected into Python and Node sees LangChain's runs and OpenTelemetry's spans within the process, so
it needs none of the other variables and takes them away there; they are for programs that it cannot reach.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

import msgspec

from etaoi_tui.launcher.families import FAMILIES, HABITS, LANGSMITH, OPENTELEMETRY, Family

INJECTED = Path(__file__).parent / "injected"
PYTHON = INJECTED / "python"
NODE = INJECTED / "node" / "preload.cjs"

DEFAULT_URL = "http://127.0.0.1:8787"
OTLP_PORT = 4318

_DOTENV = (".env", ".env.local", ".env.development")
_DOTENV_LARGEST = 1 << 20
_NAME = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=", re.MULTILINE)


class Mode(Enum):
    """How a program is made to report."""

    AUTO = "auto"
    """By injection into Python and Node, and by variables elsewhere."""
    LANGSMITH = "LangSmith's variables only"
    OTEL = "OpenTelemetry's variables only"


class Plan(msgspec.Struct):
    """What a program is started with."""

    variables: dict[str, str]
    """Set in addition to the environment that there is."""
    left_alone: list[str] = []
    """Sentences about what the user has configured and keeps."""


def plan(url: str, token: str | None, mode: Mode, environment: Mapping[str, str], folder: Path) -> Plan:
    """Decide what to set.

    Args:
        url: The viewer's, ``http://HOST:PORT``.
        token: What it wants, if anything.
        mode: How.
        environment: The environment that there is.
        folder: Where the program is started; its ``.env`` files count as configuration.
    """
    planned = Plan({})
    dotenv = _dotenv_names(folder)
    families = {Mode.AUTO: FAMILIES, Mode.LANGSMITH: (LANGSMITH,), Mode.OTEL: (OPENTELEMETRY,)}[mode]
    for family in families:
        _add_family(planned, family, url, token, environment, dotenv, asked_for=mode is not Mode.AUTO)
    if mode is Mode.AUTO:
        _inject(planned, url, token, environment)
    if url != DEFAULT_URL and "ETAOI_HOST" not in environment:
        planned.variables["ETAOI_HOST"] = url.replace("http", "ws", 1)
    if token and not {"ETAOI_PROJECT_TOKEN", "ETAOI_PUBLIC_KEY"} & environment.keys():
        planned.variables["ETAOI_PROJECT_TOKEN"] = token
    return planned


def _add_family(
    planned: Plan,
    family: Family,
    url: str,
    token: str | None,
    environment: Mapping[str, str],
    dotenv: Mapping[str, str],
    *,
    asked_for: bool,
) -> None:
    chosen = family.chosen_by(environment) or family.chosen_by(dotenv)
    if chosen is not None:
        where = f" in {dotenv[chosen]}" if chosen not in environment else ""
        planned.left_alone.append(f"{family.name} goes where {chosen}{where} says")
        return
    if family is OPENTELEMETRY and not asked_for and _is_foreign_collector():
        planned.left_alone.append(f"OpenTelemetry goes to the collector on port {OTLP_PORT}")
        return
    planned.variables |= family.values(url, token or "")
    if family is OPENTELEMETRY:
        planned.variables |= {name: value for name, value in HABITS.items() if name not in environment}
        if token:
            planned.variables["OTEL_EXPORTER_OTLP_HEADERS"] = f"x-api-key={token}"


def _inject(planned: Plan, url: str, token: str | None, environment: Mapping[str, str]) -> None:
    variables = planned.variables
    variables["ETAOI_TUI_RUN_VARIABLES"] = " ".join(sorted(variables))
    variables["ETAOI_TUI_RUN"] = url
    if token:
        variables["ETAOI_TUI_RUN_TOKEN"] = token
    paths = [
        path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path and path != str(PYTHON)
    ]
    variables["PYTHONPATH"] = os.pathsep.join([str(PYTHON), *paths])
    quoted = str(NODE).replace("\\", "\\\\").replace('"', '\\"')
    preload = f'--require "{quoted}"'
    options = environment.get("NODE_OPTIONS", "")
    variables["NODE_OPTIONS"] = options if preload in options else f"{preload} {options}".rstrip()


def _dotenv_names(folder: Path) -> dict[str, str]:
    """Return the variables that ``.env`` files of a folder set, with the file's name."""
    file_names: dict[str, str] = {}
    for name in _DOTENV:
        try:
            with (folder / name).open(encoding="utf-8", errors="replace") as file:
                text = file.read(_DOTENV_LARGEST)
        except OSError:
            continue
        for variable in _NAME.findall(text):
            file_names.setdefault(variable, name)
    return file_names


def _is_foreign_collector() -> bool:
    """Whether a program that is none of ours takes OpenTelemetry's data on this machine."""
    from etaoi_collector.port_holder import holder_of

    try:
        socket.create_connection(("127.0.0.1", OTLP_PORT), 0.2).close()
    except OSError:
        return False
    return holder_of("127.0.0.1", OTLP_PORT) is None

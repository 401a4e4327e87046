"""Builds etaoi-tui: hatchling, with the dependency on etaoi-tui-sdk that fits where it is built.

The two distributions share the package ``etaoi_tui``, and of a checkout nothing is published. A wheel needs

- of a release (``ETAOI_TUI_RELEASE=1``): the same version of etaoi-tui-sdk, from the package index;
- of a checkout: the folder ``packaging/sdk`` of this checkout, by its path;
- of an unpacked sdist that is no release: what the SDK needs. It holds the SDK itself, because pip keeps such
  a wheel longer than the folder that it was built in;
- of an editable installation: what the SDK needs. The SDK is in the tree already, and its wheel in
  ``site-packages`` would hide the tree.

Hatchling's hooks that prepare metadata without building are left out: they do not ask build hooks.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from hatchling.build import (
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]


class Dependencies(BuildHookInterface):  # type: ignore[type-arg]
    """Adds what the viewer needs (``viewer`` in the hook's configuration) and the SDK."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Set the wheel's dependencies, and an sdist's if it is one of a release.

        The sdist of a release names them, and hatchling then takes them from there.
        """
        release = os.environ.get("ETAOI_TUI_RELEASE") == "1"
        if self.metadata.core.dependencies or (self.target_name == "sdist" and not release):
            return
        root = Path(self.root)
        folder = root / "packaging" / "sdk"
        sdk = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
        needs: list[str] = sdk["project"]["dependencies"]
        if version == "editable":
            pass
        elif release:
            needs = [f"etaoi-tui-sdk=={self.metadata.version}"]
        elif not (root / "PKG-INFO").exists():
            needs = [f"etaoi-tui-sdk @ {folder.as_uri()}"]
        else:
            for name in sdk["tool"]["hatch"]["build"]["hooks"]["custom"]["files"]:
                build_data["force_include"][str(root / name)] = name.removeprefix("collector/")
        build_data["dependencies"] += [*self.config["viewer"], *needs]

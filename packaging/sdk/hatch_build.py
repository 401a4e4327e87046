"""Takes the SDK's part of the tree: two folders up in a checkout, beside this file in an sdist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SdkFiles(BuildHookInterface):  # type: ignore[type-arg]
    """Adds ``files`` of the hook's configuration to wheel and sdist."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name each file's source and its place; an editable installation names folders instead."""
        if version == "editable":
            return
        here = Path(self.root)
        tree = here if (here / "etaoi_tui").is_dir() else here.parent.parent
        for name in self.config["files"]:
            place = name if self.target_name == "sdist" else name.removeprefix("collector/")
            build_data["force_include"][str(tree / name)] = place

"""Calls a function once a module has been imported, whoever imports it, without importing it."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class AfterImport:
    """A finder that finds nothing of its own: it lets the others find, and adds a call behind the import.

    Args:
        hooks: What to call with a module, by the module's name.
    """

    def __init__(self, hooks: dict[str, Callable[[Any], None]]) -> None:
        self._hooks = hooks

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the spec that the finders behind this one have, for the modules that are waited for."""
        hook = self._hooks.get(name)
        if hook is None:
            return None
        spec = None
        for finder in list(sys.meta_path):
            find = None if finder is self else getattr(finder, "find_spec", None)
            if find is not None:
                spec = find(name, path, target)
                if spec is not None:
                    break
        loader = getattr(spec, "loader", None)
        execute = getattr(loader, "exec_module", None)
        if loader is None or execute is None:
            return spec

        def exec_module(module: Any) -> None:
            execute(module)
            if self._hooks.pop(name, None) is not None:
                call(hook, module)

        try:
            loader.exec_module = exec_module
        except Exception:  # a loader that cannot be changed loads as it always does
            pass
        return spec


def call(hook: Callable[[Any], None], module: Any) -> None:
    """Call a hook; what it raises goes nowhere."""
    try:
        hook(module)
    except Exception:
        pass


def install(hooks: dict[str, Callable[[Any], None]]) -> None:
    """Wait for modules; those that are there already are hooked now."""
    finder = AfterImport(hooks)
    sys.meta_path.insert(0, finder)
    for name in list(hooks):
        module = sys.modules.get(name)
        if module is not None:
            call(hooks.pop(name), module)


def stay_first(module: Any, folder: str) -> None:
    """Keep a folder first on the path of what ``opentelemetry-instrument`` starts.

    That program puts a ``sitecustomize`` of its own first, which does not run the next one; ours does.
    """
    execute = module.execl

    def execl(file: str, *arguments: str) -> None:
        paths = [
            path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != folder
        ]
        os.environ["PYTHONPATH"] = os.pathsep.join([folder] + paths)
        execute(file, *arguments)

    module.execl = execl

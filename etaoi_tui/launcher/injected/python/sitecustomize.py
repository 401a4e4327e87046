"""Put before everything else on the path of a Python program that ``etaoi-tui run`` starts; old syntax only.

It prepares what waits for LangChain and OpenTelemetry, and then runs the ``sitecustomize`` that it stands in
front of. Whatever goes wrong here must not reach the program.
"""

from __future__ import annotations

import sys


def _prepare(folder: str) -> None:
    """Install what waits, and take the folder off the path again: the program's imports are its own."""
    try:
        from _etaoi_tui_run import start

        start.begin(folder)
    except Exception:  # the program is more important than the view of it
        pass


def _run_the_next(folder: str) -> None:
    """Run the ``sitecustomize`` that Python would have found without this one; its failures are its own."""
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("sitecustomize", [path for path in sys.path if path != folder])
    if spec is None or spec.loader is None:
        return
    from importlib.util import module_from_spec

    module = module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


_folder = __file__.rpartition("/")[0] or __file__.rpartition("\\")[0]
_prepare(_folder)
_run_the_next(_folder)

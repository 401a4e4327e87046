"""Run the benchmarks and print one table: ``python -m benchmarks [NAME ...]``."""

from __future__ import annotations

import importlib
import pkgutil
import platform
import sys
from collections.abc import Callable, Iterable

import benchmarks
from benchmarks.report import Row, table

PREFIXES = ("bench_", "sdk_")


def found() -> dict[str, Callable[[], Iterable[Row]]]:
    """Modules of this package that have a ``measure`` function, by short name."""
    known: dict[str, Callable[[], Iterable[Row]]] = {}
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name.startswith(PREFIXES):
            measure = getattr(importlib.import_module(f"benchmarks.{module.name}"), "measure", None)
            if measure is not None:
                known[module.name.removeprefix("bench_")] = measure
    return known


def main() -> int:
    """Measure what was asked for, or everything; one that breaks is told and does not stop the rest."""
    known = found()
    asked = sys.argv[1:] or list(known)
    unknown = [name for name in asked if name not in known]
    if unknown:
        print(f"No benchmark {', '.join(unknown)}. There are: {', '.join(known)}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    broken: list[str] = []
    for name in asked:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            for row in known[name]():
                rows.append(row)
                print("   ", "  ".join(cell for cell in row.cells() if cell), file=sys.stderr, flush=True)
        except (RuntimeError, TimeoutError, OSError) as error:
            broken.append(f"{name}: {error}")
            print(f"    broken: {error}", file=sys.stderr, flush=True)
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}\n")
    print(table(rows))
    for line in broken:
        print(f"\nnot measured: {line}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

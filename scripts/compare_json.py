"""Compare what two versions of the program say of recordings, as JSON.

    python scripts/compare_json.py make OUT [--program PATH] [--folder FOLDER ...]   write what a program says
    python scripts/compare_json.py compare BEFORE AFTER                      say where two such folders differ

``make`` runs ``ls --json``, ``show --json`` and ``show --voice --json`` over every ``.msgpack`` file of the
folders (default: ``tests/captures``). ``compare`` prints each field that differs with the number of objects
and the first example; exit status 1 when anything but added fields differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VIEWS = {"ls": ("ls",), "show": ("show",), "voice": ("show", "--voice")}


def make(program: str, out: Path, folders: list[Path]) -> int:
    """Write one file a recording and view; returns the exit status."""
    out.mkdir(parents=True, exist_ok=True)
    for folder in folders:
        for recording in sorted(folder.rglob("*.msgpack")):
            for view, words in VIEWS.items():
                command = [program, words[0], str(recording), *words[1:], "--json"]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                (out / f"{recording.stem}.{view}.jsonl").write_text(done.stdout)
                if done.returncode not in (0, 1):
                    print(f"{recording.name} {view}: exit status {done.returncode}: {done.stderr.strip()}")
                    return 1
    print(f"{len(list(out.iterdir()))} files in {out}")
    return 0


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the words of each difference between two decoded objects."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            below = f"{path}.{key}" if path else str(key)
            if key not in before:
                yield f"added: {below}", json.dumps(after[key])[:100]
            elif key not in after:
                yield f"gone: {below}", json.dumps(before[key])[:100]
            else:
                yield from differences(before[key], after[key], below)
    elif before != after:
        yield path, f"{json.dumps(before)[:100]} -> {json.dumps(after)[:100]}"


def compare(before: Path, after: Path) -> int:
    """Print where two folders differ; returns the exit status."""
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    names = sorted({path.name for folder in (before, after) for path in folder.iterdir()})
    for name in names:
        old, new = before / name, after / name
        if not old.exists() or not new.exists():
            counts[f"only in {after if new.exists() else before}"] += 1
            continue
        old_lines, new_lines = old.read_text().splitlines(), new.read_text().splitlines()
        if len(old_lines) != len(new_lines):
            key = "number of objects"
            counts[key] += 1
            examples.setdefault(key, f"{name}: {len(old_lines)} -> {len(new_lines)}")
        for one, other in zip(old_lines, new_lines, strict=False):
            if one == other:
                continue
            for path, words in differences(json.loads(one), json.loads(other)):
                key = f"{name.split('.')[-2]} {path}"
                counts[key] += 1
                examples.setdefault(key, f"{name}: {words}")
    for key, count in sorted(counts.items()):
        print(f"{count:6}  {key}  {examples.get(key, '')}")
    changed = [key for key in counts if " added: " not in key]
    print(f"{len(names)} files, {len(changed)} fields differ, {len(counts) - len(changed)} were added")
    return 1 if changed else 0


def main() -> int:
    """Do what the command line asks for; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    maker = commands.add_parser("make")
    maker.add_argument("out", type=Path)
    maker.add_argument("--folder", dest="folders", type=Path, action="append")
    maker.add_argument("--program", default=str(Path(sys.executable).with_name("etaoi-tui")))
    comparer = commands.add_parser("compare")
    comparer.add_argument("before", type=Path)
    comparer.add_argument("after", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "compare":
        return compare(arguments.before, arguments.after)
    return make(arguments.program, arguments.out, arguments.folders or [ROOT / "tests" / "captures"])


if __name__ == "__main__":
    sys.exit(main())

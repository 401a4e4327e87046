"""Tries every line of the README's tables "Without a change in your code", each in a fresh environment.

For each row an environment is made with what its program needs and nothing of ours, the row's own line is
typed with that environment's ``python`` or with ``node``, and a real collector has to see the spans. A row
without a program, and a program without a row, fail.

    python scripts/readme_launch_lines.py [WORD...]    only rows in whose program's name a WORD occurs
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from etaoi_collector.collector import Collector, CollectorOptions, Record
from etaoi_collector.sources.live import LiveSource
from etaoi_collector.store import Store
from etaoi_tui.feed import Feed

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "scripts" / "readme_launch_programs"
SECTION = "## Without a change in your code"
PATIENCE = 600
FOREIGN = ("ETAOI", "LANGSMITH", "LANGCHAIN", "LANGFUSE", "LOGFIRE", "OTEL", "PYTHONPATH", "NODE_OPTIONS")


class Problem(Exception):
    """A line of the README does not do what the README says."""


@dataclass(frozen=True)
class Program:
    """A program for one or two rows, with what it says of itself in its first comments."""

    path: Path
    rows: tuple[str, ...]
    needs: tuple[str, ...]
    expects: frozenset[str]

    @classmethod
    def read(cls, path: Path) -> Program:
        """Read the comments at the top of a program."""
        fields = re.findall(r"^(?:#|//) (row|needs|expects): (.*)$", path.read_text("utf-8"), re.MULTILINE)
        first = dict(fields)
        return cls(
            path,
            tuple(value for key, value in fields if key == "row"),
            tuple(first["needs"].split()),
            frozenset(first["expects"].split()),
        )


def rows_of(readme: str) -> Iterator[tuple[str, str]]:
    """Yield what an agent uses and what is typed or set, of both tables."""
    section = readme.partition(f"{SECTION}\n")[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "your agent uses":
            yield cells[0], cells[1]


def pairs() -> list[tuple[str, str, Program]]:
    """Return each row with its program.

    Raises:
        Problem: One of them has no other.
    """
    rows = dict(rows_of((ROOT / "README.md").read_text("utf-8")))
    programs = [Program.read(path) for path in sorted(PROGRAMS.iterdir())]
    by_row = {row: program for program in programs for row in program.rows}
    if rows.keys() != by_row.keys() or not rows:
        raise Problem(f"row without a program, or program without a row: {rows.keys() ^ by_row.keys()}")
    return [(row, line, by_row[row]) for row, line in rows.items()]


def words_for(line: str, home: Path, program: Path, port: int) -> tuple[list[str], dict[str, str]]:
    """Return the command line that a row says, and the variables that it sets."""
    script = home / program.name
    runner = (
        ["node", str(script)] if program.suffix == ".mjs" else [str(home / "env/bin/python"), str(script)]
    )
    typed = re.search(r"`etaoi-tui (run .*?)`", line)
    if typed is None:
        variables = re.findall(r"`([A-Z][^`]*=[^`]*)`", line)[0].replace(":8787", f":{port}")
        return runner, dict(item.split("=", 1) for item in shlex.split(variables))
    options = shlex.split(typed[1])
    return [
        sys.executable, "-m", "etaoi_tui", "run", "--port", str(port),
        *options[1 : options.index("--")], "--", *runner,
    ], {}  # fmt: skip


def try_line(line: str, program: Program) -> str:
    """Run a row's line; return a sentence about what arrived.

    Raises:
        Problem: The spans did not arrive.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copy(program.path, home)
        if program.path.suffix == ".mjs":
            call("npm", "install", "--silent", "--no-audit", "--no-fund", *program.needs, cwd=home)
        else:
            venv.create(home / "env", with_pip=True)
            pip = (home / "env/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check")
            call(*pip, *program.needs, cwd=home)
        with Collector(CollectorOptions(port=0, record=Record.NONE, state=home)) as collector:
            port = int(collector.endpoint.rpartition(":")[2].partition("/")[0])
            words, variables = words_for(line, home, program.path, port)
            call(*words, cwd=home, variables=variables)
            kinds = kinds_received(collector)
    if program.expects - kinds:
        raise Problem(f"of {sorted(program.expects)} there arrived {sorted(kinds) or 'nothing'}")
    return f"{', '.join(sorted(kinds))}; {time.monotonic() - began:.0f} s"


def call(*command: str | Path, cwd: Path, variables: dict[str, str] | None = None) -> None:
    """Run a command to its end.

    Raises:
        Problem: It failed.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=cwd,
        env=inherited | (variables or {}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        raise Problem(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def kinds_received(collector: Collector) -> set[str]:
    """Return the kinds of the spans that arrived, once nothing more comes."""
    store = Store()
    feed = Feed(LiveSource(collector), store)
    deadline = time.monotonic() + 10
    quiet = time.monotonic() + 1
    while time.monotonic() < min(deadline, quiet):
        events_before = store.events
        feed.work(50.0, 0.0)
        if store.events != events_before:
            quiet = time.monotonic() + 1
        time.sleep(0.02)
    if store.rejected:
        raise Problem(f"{store.rejected} events rejected")
    return {span.kind for trace in store.traces.values() for span in trace.spans}


def main() -> int:
    """Try the lines, two at a time; returns the exit status."""
    chosen = [
        pair
        for pair in pairs()
        if not sys.argv[1:] or any(word in pair[2].path.name for word in sys.argv[1:])
    ]
    failed = 0
    with ThreadPoolExecutor(2) as pool:
        tries = [(row, program, pool.submit(try_line, line, program)) for row, line, program in chosen]
        for row, program, tried in tries:
            try:
                print(f"ok    {row:<60} {program.path.name}: {tried.result()}", flush=True)
            except Exception as error:
                failed += 1
                print(f"FAILS {row:<60} {program.path.name}: {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

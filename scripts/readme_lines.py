"""Tries every line of the README's table "What can be watched", each in a fresh environment.

For each row an environment is made, the SDK is installed with exactly the extra that the row names, the
row's own line is put into a small program of ``scripts/readme_programs``, and a real collector has to see
its spans arrive. A row without a program, and a program without a row, fail.

    python scripts/readme_lines.py [WORD...]    only rows in whose program's name a WORD occurs
"""

from __future__ import annotations

import os
import re
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
from etaoi_collector.store.model import SpanFlag
from etaoi_tui.feed import Feed

ROOT = Path(__file__).resolve().parent.parent
SDK = ROOT / "packaging" / "sdk"
PROGRAMS = ROOT / "scripts" / "readme_programs"
SECTION = "## What can be watched"
MARKER = "# README_LINE"
PATIENCE = 600
"""Seconds that pip or a program may take."""


class Problem(Exception):
    """A line of the README does not do what the README says."""


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    what: str
    extra: str
    """Name of the extra; empty for none."""
    line: str


@dataclass(frozen=True)
class Program:
    """A program for a row, with what it says of itself in its first comments."""

    path: Path
    row: str
    needs: tuple[str, ...]
    expects: frozenset[str]

    @classmethod
    def read(cls, path: Path) -> Program:
        """Read the comments at the top of a program."""
        fields = dict(re.findall(r"^# (row|needs|expects): (.*)$", path.read_text("utf-8"), re.MULTILINE))
        return cls(
            path, fields["row"], tuple(fields.get("needs", "").split()), frozenset(fields["expects"].split())
        )


def rows_of(readme: str) -> Iterator[Row]:
    """Yield the rows of the README's table.

    Raises:
        Problem: The README has no such table.
    """
    section = readme.partition(f"{SECTION}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    if not rows:
        raise Problem(f"README.md has no table under {SECTION!r}")
    for row in rows:
        what, extra, code = (cell.strip() for cell in row.strip("|").split("|"))
        yield Row(what, extra.strip("`[]") if extra.startswith("`[") else "", code.strip("`"))


def pairs() -> list[tuple[Row, Program]]:
    """Return each program with its row.

    Raises:
        Problem: One of them has no other.
    """
    rows = {row.what: row for row in rows_of((ROOT / "README.md").read_text("utf-8"))}
    programs = [
        Program.read(path) for path in sorted(PROGRAMS.glob("*.py")) if MARKER in path.read_text("utf-8")
    ]
    alone = rows.keys() ^ {program.row for program in programs}
    if alone:
        raise Problem(f"row without a program, or program without a row: {sorted(alone)}")
    return [(rows[program.row], program) for program in programs]


def run(*command: str | Path, **more: object) -> str:
    """Run a command to its end; return what it wrote to stderr.

    Raises:
        Problem: It failed.
    """
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False, **more)  # type: ignore[call-overload]
    if done.returncode:
        raise Problem(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return str(done.stderr)


def try_line(row: Row, program: Program, wheel: Path) -> str:
    """Run a row's line in an environment of its own; return a sentence about what arrived.

    Raises:
        Problem: The spans did not arrive.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        venv.create(home / "env", with_pip=True)
        python = home / "env" / "bin" / "python"
        own = f"{wheel}[{row.extra}]" if row.extra else str(wheel)
        requirements = ["etaoi"] if row.line.startswith("etaoi.") else [own]
        run(
            python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *requirements, *program.needs
        )
        for helper in PROGRAMS.glob("*_server.py"):
            (home / helper.name).write_text(helper.read_text("utf-8"), "utf-8")
        (home / "program.py").write_text(program.path.read_text("utf-8").replace(MARKER, row.line), "utf-8")
        kinds = kinds_reported(python, home)
    missing = program.expects - kinds
    if missing:
        reported = ", ".join(sorted(kinds)) or "nothing"
        raise Problem(f"{row.line}: no span of the kind {', '.join(sorted(missing))} arrived, but {reported}")
    return f"{', '.join(sorted(kinds))}; {time.monotonic() - began:.0f} s"


def kinds_reported(python: Path, home: Path) -> set[str]:
    """Run ``home/program.py``; return the kinds of the spans that a real collector got of it.

    Raises:
        Problem: The program failed or complained, or something of it was rejected or did not end.
    """
    collector = Collector(CollectorOptions(port=0, record=Record.NONE, state=home)).bind()
    collector.start()
    try:
        env = {name: value for name, value in os.environ.items() if not name.startswith("ETAOI")}
        env |= {"ETAOI_HOST": collector.endpoint.removesuffix("/ingest")}
        complained = run(python, "program.py", cwd=home, env=env)
        store = Store()
        feed = Feed(LiveSource(collector), store)
        deadline = time.monotonic() + 10
        while collector.stats().clients or store.events < collector.stats().events:
            feed.work(50.0, 0.0)
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        feed.work(1_000.0, 0.0)
        spans = [span for trace in store.traces.values() for span in trace.spans]
        if store.rejected or not all(span.flags & SpanFlag.ENDED for span in spans):
            raise Problem(f"{store.rejected} events rejected, or spans left open\n{complained}")
        if "etaoi-tui:" in complained:
            raise Problem(complained)
        return {span.kind for span in spans}
    finally:
        collector.stop()
        collector.close_recording()


def main() -> int:
    """Try the lines, two at a time; returns the exit status."""
    chosen = [
        (row, program)
        for row, program in pairs()
        if not sys.argv[1:] or any(word in program.path.name for word in sys.argv[1:])
    ]
    failed = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, SDK)
        (wheel,) = Path(folder).glob("*.whl")
        tries = [(row, program, pool.submit(try_line, row, program, wheel)) for row, program in chosen]
        for row, program, tried in tries:
            try:
                print(f"ok    {row.line:<60} {program.path.name}: {tried.result()}", flush=True)
            except Exception as error:
                failed += 1
                print(f"FAILS {row.line:<60} {program.path.name}: {error}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

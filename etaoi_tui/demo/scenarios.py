"""What the demo's researcher is asked, finds and answers. The projects are invented."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """One library with a new major version, and what that does to somebody's code."""

    project: str
    old: str
    new: str
    what: str
    changes: tuple[tuple[str, str], tuple[str, str], tuple[str, str]]
    """Three pairs: a headline, and what it means for the caller."""
    module: str
    """The reader's own module that uses the library."""
    failing: str
    """The test that fails after the upgrade."""
    failure: str
    """The assertion that it fails with."""

    @property
    def question(self) -> str:
        """What the user asks."""
        return (
            f"What changed between {self.project} {self.old} and {self.new}? Does {self.module} survive it?"
        )


SCENARIOS = (
    Scenario(
        project="tidewater",
        old="1.9",
        new="2.0",
        what="streaming loader for columnar files",
        changes=(
            ("`Loader.read()` is async", "every call needs `await`; a plain call returns a coroutine"),
            ("default chunk size 4 MB → 1 MB", "four times as many callbacks unless `chunk=` is given"),
            ("`tidewater.compat` is gone", "import `tidewater.legacy` or drop the shim"),
        ),
        module="importer/batches.py",
        failing="test_batches.py::test_last_batch_is_short",
        failure="assert len(batches) == 13, got 52",
    ),
    Scenario(
        project="lanternfish",
        old="0.8",
        new="1.0",
        what="retrying HTTP client",
        changes=(
            ("timeouts are per attempt", "`timeout=30` with three tries may now take 90 seconds"),
            ("`Response.json` is a property", "drop the parentheses, or get a TypeError"),
            ("connection pools are shared", "`Client()` no longer opens a pool of its own"),
        ),
        module="gateway/upstream.py",
        failing="test_upstream.py::test_gives_up_after_thirty_seconds",
        failure="assert elapsed <= 30.5, got 90.2",
    ),
    Scenario(
        project="quillbase",
        old="3.4",
        new="4.0",
        what="embedded document database",
        changes=(
            ("transactions are explicit", "writes outside `with db.write()` raise `ReadOnlyError`"),
            ("ids are strings", "integer ids are converted once, on the first open"),
            ("`find()` returns a cursor", "`len(find(...))` fails; use `count(...)`"),
        ),
        module="notes/storage.py",
        failing="test_storage.py::test_counts_drafts",
        failure="TypeError: object of type 'Cursor' has no len()",
    ),
)

SYSTEM_PROMPT = """You research software releases for engineers who are about to upgrade.

- Read the project's own release notes before anything else.
- Separate what breaks callers from what merely changed.
- Let the reviewer run the tests before you claim that something is safe.
- Answer in at most three findings, the worst first. Name the file and what to do."""

REVIEWER_PROMPT = """You review upgrade reports. Run the tests against the new version, explain every
failure in one sentence, and try the smallest fix once."""

PROJECT_NOTES = """

## Project notes
The team pins exact versions, runs Python 3.12, and deploys on Thursdays."""


def reasoning(subject: Scenario) -> str:
    """What the model thinks before it plans."""
    return (
        f"The user upgrades {subject.project}. I need the release notes, the migration guide and their own "
        f"module. These three do not depend on each other, so I can fetch them at once."
    )


def plan(subject: Scenario) -> str:
    """What the model says when it plans."""
    return (
        f"I will read the {subject.new} release notes, look for migration reports, and open "
        f"`{subject.module}` side by side, then have a reviewer run the tests against {subject.new}."
    )


def release_notes(subject: Scenario) -> str:
    """The page that a tool fetches, as Markdown."""
    parts = [
        f"# {subject.project} {subject.new}\n\nA {subject.what}. Released after four betas.\n\n## Breaking\n"
    ]
    for number, (headline, meaning) in enumerate(subject.changes, 1):
        parts.append(f"{number}. **{headline}**: {meaning}.\n")
    parts.append("\n## New\n\n- type hints throughout\n- wheels for ARM\n\n## Fixed\n")
    areas = ("parser", "cache", "docs", "retry loop", "type stubs", "shutdown", "logging", "Windows paths")
    parts.extend(
        f"- {area}: an edge case reported as #{1201 + 7 * number} no longer loses data\n"
        for number, area in enumerate(areas * 6)
    )
    parts.append(
        f"\n## Upgrading\n\n```python\nimport {subject.project}\n\n"
        f'assert {subject.project}.__version__ >= "{subject.new}"\n```\n'
    )
    return "".join(parts)


def search_hits(subject: Scenario) -> list[dict[str, object]]:
    """What a search tool returns."""
    return [
        {
            "title": f"{subject.project} {subject.new} migration guide",
            "url": f"https://docs.example.org/{subject.project}/migrate",
            "score": 0.94,
        },
        {
            "title": f"Upgrading to {subject.project} {subject.new}: what bit us",
            "url": "https://blog.example.org/what-bit-us",
            "score": 0.81,
        },
        {
            "title": f"{subject.changes[0][0]} (discussion)",
            "url": f"https://forum.example.org/t/{subject.project}",
            "score": 0.77,
        },
    ]


def own_module(subject: Scenario) -> str:
    """The reader's module, as a tool reads it."""
    return (
        f"import {subject.project}\n\n\n"
        f"def load(path: str) -> list[dict]:\n"
        f'    """Everything in a file, in order."""\n'
        f"    client = {subject.project}.open(path)\n"
        f"    return [row for part in client.parts() for row in part]\n"
    )


def findings(subject: Scenario) -> str:
    """What the model hands to the reviewer."""
    return f"Three breaking changes touch `{subject.module}`. Asking the reviewer to prove it with the tests."


def test_output(subject: Scenario) -> str:
    """What the failing test run prints."""
    return (
        f"$ pytest -q --with {subject.project}=={subject.new}\n"
        f"........................F.................\n"
        f"FAILED tests/{subject.failing} - {subject.failure}\n"
        f"1 failed, 41 passed in 2.31s"
    )


TEST_FAILURE = "exit 1: 1 failed, 41 passed"

TEST_TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "reviewer/tools.py", line 34, in run_tests\n'
    "    return summary_of(finished)\n"
    '  File "reviewer/tools.py", line 51, in summary_of\n'
    '    raise RuntimeError(f"exit {finished.returncode}: {last_line}")\n'
    f"RuntimeError: {TEST_FAILURE}"
)
"""Where the tool raises when a test fails."""


def review(subject: Scenario) -> str:
    """What the reviewer concludes."""
    return (
        f"One test failed because {subject.changes[1][0].replace('`', '')}: {subject.changes[1][1]}. "
        f"With the old value given by hand all 42 tests pass."
    )


def answer(subject: Scenario) -> str:
    """The final answer, as Markdown."""
    lines = [
        f"**{subject.project} {subject.new} breaks `{subject.module}` in one place; the fix is one line.**\n"
    ]
    test = subject.failing.split("::")[1]
    for number, (headline, meaning) in enumerate(subject.changes, 1):
        lines.append(f"\n{number}. **{headline}.** In your code: {meaning}.")
    lines.append(
        f"\n\nThe reviewer ran your tests against {subject.new}: `{test}` failed at first, and all 42 pass "
        f"with the fix. Safe to merge before Thursday if you pin `{subject.project}=={subject.new}`."
    )
    return "".join(lines)

"""`make bench` believes no figure without work behind it, takes turns, and says what has become worse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import benchmarks.__main__ as harness
from benchmarks import page
from benchmarks.figures import (
    COMMITTED,
    Figures,
    Machine,
    Occasion,
    load,
    merged,
    regressions,
    save,
    summed_up,
)
from benchmarks.report import Done, Row

MACHINE = Machine("processor", 2, 8, "Linux", "3.11", {"textual": "8"})
OTHER = Machine("another", 4, 8, "Linux", "3.11", {"textual": "8"})


def row(what: str = "work", value: float = 10.0, *, rows_seen: int = 100, beside: float | None = None) -> Row:
    peer = "" if beside is None else "peer"
    return Row(what, value, "ms", "<= 9 ms", peer, beside, done=Done(rows_seen, "rows seen", 100))


def figures(*rows: Row, machine: Machine = MACHINE, name: str = "one") -> Figures:
    """Figures of a benchmark, a round for each row."""
    return Figures(
        machine, {name: Occasion("2026-01-02", 0.1, 1.0)}, summed_up(name, [[row] for row in rows])
    )


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs the command over benchmarks of the test, its files in a folder of the test."""

    def command(*arguments: str, **measures: harness.Measure) -> tuple[int, str]:
        benchmarks = {
            name: harness.Benchmark(name, measure, quick=True) for name, measure in measures.items()
        }
        monkeypatch.setattr(harness, "find_benchmarks", lambda: benchmarks)
        monkeypatch.setattr(harness, "COMMITTED", tmp_path / "figures.json")
        monkeypatch.setattr(page, "PAGE", tmp_path / "performance.md")
        monkeypatch.setattr(page, "_description_of", lambda name: f"What {name} measures.")
        status = harness.main(["--json", str(tmp_path / "latest.json"), *arguments])
        return status, capsys.readouterr().out

    return command


def test_no_work_is_no_figure(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    def idle() -> Iterator[Row]:
        yield row("drew nothing", rows_seen=0)
        yield row("drew some", rows_seen=99)
        yield row("took no time", 0.0)
        yield row("drew all")

    status, output = run(one=idle)
    assert status == 1
    assert "not measured: one: drew nothing: 0 rows seen, at least 100 were to be seen" in output
    assert "not measured: one: drew some: 99 rows seen" in output
    assert "not measured: one: took no time: 0.0 ms measures nothing" in output
    latest = load(tmp_path / "latest.json")
    assert latest is not None
    assert [figure.what for figure in latest.figures] == ["drew all"]


def test_what_breaks_stops_nothing_else(run: Callable[..., tuple[int, str]]) -> None:
    def breaks() -> Iterator[Row]:
        yield row("before")
        raise IndexError("no span")

    status, output = run(breaks=breaks, works=lambda: [row("after")])
    assert status == 1
    assert "not measured: breaks: IndexError: no span" in output
    assert "after" in output


def test_rounds_take_turns_and_are_summed_up(
    run: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def measure(name: str, values: Iterator[float], seconds: float) -> Iterator[Row]:
        order.append(name)
        clock[0] += seconds
        yield row(name, next(values), beside=10.0)

    clock = [0.0]
    monkeypatch.setattr("benchmarks.__main__.time.monotonic", lambda: clock[0])
    first, second = iter((30.0, 10.0, 20.0)), iter((1.0, 1.0, 1.0))
    status, output = run(
        *("--rounds", "3"),
        one=lambda: measure("one", first, 2.0),
        two=lambda: measure("two", second, 1.0),
    )
    assert status == 0
    assert order == ["one", "two", *["two", "one"] * 2]  # later rounds begin with the shortest
    latest = load(tmp_path / "latest.json")
    assert latest is not None
    one = latest.figures[0]
    assert (one.value, one.low, one.high, one.rounds, one.ratio) == (20.0, 10.0, 30.0, 3, 2.0)
    assert "10 to 30" in output


def test_time_is_kept(run: Callable[..., tuple[int, str]]) -> None:
    rounds = []

    def measure() -> Iterator[Row]:
        rounds.append(1)
        yield row()

    status, output = run("--minutes", "-1", one=measure)
    assert (status, rounds) == (1, [])
    assert "not measured: one: there was no time for it" in output
    assert run("quick", one=measure)[0] == 0
    assert len(rounds) == 1


def test_regressions_are_printed(run: Callable[..., tuple[int, str]]) -> None:
    def measure(worse: float) -> list[Row]:
        return [row("alone", 10 * worse), row("beside a peer", 20 * worse, beside=10.0)]

    assert run("write", one=lambda: measure(1.0))[0] == 0
    assert "worse:" not in run(one=lambda: measure(1.09))[1]
    output = run(one=lambda: measure(1.5))[1]
    assert "worse: one: alone: 10 -> 15 ms (50 % worse)" in output
    assert "worse: one: beside a peer: 2 -> 3 times peer (50 % worse)" in output
    assert "worse:" not in run(one=lambda: measure(0.5))[1]


def test_a_rate_is_worse_when_it_is_less() -> None:
    def rate(value: float) -> Figures:
        return figures(Row("rate", value, "events/s", done=Done(1, "events")))

    assert list(regressions(rate(100.0), rate(50.0)))
    assert not list(regressions(rate(100.0), rate(200.0)))


def test_another_machine_is_compared_by_its_ratios() -> None:
    before = figures(row("alone"), row("beside", beside=10.0))
    after = figures(row("alone", 30.0), row("beside", 30.0, beside=10.0), machine=OTHER)
    assert [line.split(":")[2].strip() for line in regressions(before, after)] == ["beside"]


def test_spreads_that_overlap_are_said() -> None:
    before = figures(row(value=5.0), row(value=10.0))
    after = figures(row(value=9.0), row(value=12.0))
    assert "the spreads overlap" in "".join(regressions(before, after))


def test_figures_survive_a_file_and_those_not_measured_stay(tmp_path: Path) -> None:
    saved = figures(row("kept", beside=2.0))
    save(tmp_path / "figures.json", saved)
    assert load(tmp_path / "figures.json") == saved
    new = figures(row("new"), name="two")
    assert [figure.what for figure in merged(saved, new).figures] == ["kept", "new"]


def test_names_of_rows_are_distinct() -> None:
    with pytest.raises(ValueError, match="two rows"):
        summed_up("one", [[row(), row()]])


def test_the_page_is_made_from_the_committed_figures() -> None:
    committed = load(COMMITTED)
    assert committed is not None
    assert page.PAGE.read_text() == page.rendered(committed)


def test_every_benchmark_is_found_and_says_what_it_measures() -> None:
    pytest.importorskip("langchain", reason="benchmarks of agents want it")
    benchmarks = harness.find_benchmarks()
    assert {"decode", "ingest", "keys", "start"} <= {name for name, one in benchmarks.items() if one.quick}
    assert all(page._description_of(name) for name in benchmarks)

"""Number formats of rows and details."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etaoi_collector.projections.timestamps import iso
from etaoi_tui.view import format as fmt


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "–"),
        (0, "0ms"),
        (-3, "0ms"),
        (0.0002, "<1ms"),
        (0.003, "3ms"),
        (0.84, "840ms"),
        (0.9994, "999ms"),
        (0.9996, "1.00s"),
        (2.1, "2.10s"),
        (9.994, "9.99s"),
        (9.996, "10.0s"),
        (59.94, "59.9s"),
        (59.96, "1m00s"),
        (62, "1m02s"),
        (3599.4, "59m59s"),
        (3599.6, "1h00m"),
        (3840, "1h04m"),
        (86_399, "1d00h"),
        (266_400, "3d02h"),
        (1e12, ">999d"),
        (float("nan"), "–"),
    ],
)
def test_duration(seconds: float | None, expected: str) -> None:
    assert fmt.duration(seconds) == expected


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_durations_have_a_greatest_width(seconds: float) -> None:
    assert len(fmt.duration(seconds)) <= fmt.DURATION_CELLS


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (None, "–"),
        (0, "0"),
        (340, "340"),
        (999, "999"),
        (1200, "1.2k"),
        (23_100, "23.1k"),
        (99_960, "100k"),
        (312_000, "312k"),
        (999_499, "999k"),
        (999_950, "1.0M"),
        (1_200_000, "1.2M"),
    ],
)
def test_tokens(count: int | None, expected: str) -> None:
    assert fmt.tokens(count) == expected


@given(st.integers(0, 10**12))
def test_tokens_have_a_greatest_width(count: int) -> None:
    assert len(fmt.tokens(count)) <= fmt.TOKENS_CELLS


def test_sizes_rates_and_shares() -> None:
    assert [fmt.size(n) for n in (340, 1_234, 4_100_000)] == ["340 B", "1.2 kB", "4.1 MB"]
    assert [fmt.rate(n) for n in (None, 8.26, 143.1, 1_234)] == ["–", "8.3 tok/s", "143 tok/s", "1.2k tok/s"]
    assert [fmt.percent(n) for n in (None, 0, 0.001, 0.42)] == ["–", "0%", "<1%", "42%"]
    assert fmt.count(1, "line") == "1 line" and fmt.count(1204, "line") == "1,204 lines"


def test_times() -> None:
    at = 1_767_357_545.12
    assert fmt.clock(at, zone=UTC) == "12:39:05"
    assert fmt.clock(at, milliseconds=True, zone=UTC) == "12:39:05.120"
    assert fmt.timestamp(at, zone=UTC) == "2026-01-02 12:39:05.120"
    assert iso(at) == "2026-01-02T12:39:05.120000Z"
    assert fmt.clock(1e30) == iso(float("inf")) == fmt.timestamp(None) == "–"
    assert [fmt.ago(at, at + past) for past in (-5, 0.5, 12, 250, 7300, 300_000)] == [
        "now",
        "now",
        "12s ago",
        "4m ago",
        "2h ago",
        "3d ago",
    ]
    assert fmt.offset(1.2) == "+1.20s" and fmt.offset(-0.003) == "-3ms"

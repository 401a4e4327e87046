"""The doctor of the reference SDK finds nothing wrong with this viewer, and leaves no trace."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from etaoi_collector.collector import Collector, CollectorOptions, Record
from tests.real_env import ETAOI, real_env

pytestmark = pytest.mark.real_clients


def test_the_reference_doctor_is_content(tmp_path: Path) -> None:
    python = real_env("etaoi", *ETAOI, "httpx", "anyio")
    options = CollectorOptions(port=0, record=Record.NONE, state=tmp_path, watched=False)
    with Collector(options) as collector:
        done = subprocess.run(
            [python.with_name("etaoi"), "doctor", "--url", collector.endpoint],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        stats = collector.stats()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Sample event delivered" in done.stdout
    assert (stats.events, stats.rejected, stats.turned_away) == (0, 0, 0)

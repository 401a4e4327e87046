"""Nothing dies for want of a name that only POSIX has: on Windows, `signal.SIGHUP` and its like do not exist.

``mypy --platform win32``, a part of ``make check``, finds uses that are not guarded. Here the names are taken
away from a real process, which then loads everything, records, reads and shows.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import generate


def results_with(names: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.contracts.without_posix", names, str(folder)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("ETAOI")},
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout)
    return results


@pytest.mark.skipif(sys.platform == "win32", reason="there the names are missing anyway")
def test_what_windows_lacks_is_not_missed(tmp_path: Path) -> None:
    """Every module loads; what is recorded, read, unpacked and shown is the same as elsewhere."""
    plain = tmp_path / "plain.msgpack"
    generate.write_trace(plain, 400)
    (tmp_path / "packed.msgpack.gz").write_bytes(gzip.compress(plain.read_bytes()))
    results = results_with("windows", tmp_path)
    assert results["failed"] == []
    assert [span["name"] for span in results["recorded"]] == ["sent"]
    assert results["rows"] > 3
    assert results["plain"] and results["packed"] == results["plain"]
    assert results_with("posix", tmp_path)["plain"] == results["plain"]

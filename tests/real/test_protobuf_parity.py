"""Our reader of OTLP in protobuf reads what the official library reads."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.real_env import ROOT, real_env

pytestmark = [pytest.mark.real_clients, pytest.mark.timeout(600)]

MUTATIONS = 20_000


def test_captures_and_mutations_are_read_alike() -> None:
    needs = ("opentelemetry-proto", "msgspec", "msgpack", "zstandard", "websockets", "h11")
    python = real_env("protobuf", *needs)
    driver = Path(__file__).parent / "drivers" / "protobuf_parity.py"
    done = subprocess.run(
        [str(python), str(driver), str(MUTATIONS)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "collector")))},
    )
    assert done.returncode == 0, done.stderr
    match = re.search(r"(\d+) spans alike; of \d+ mutations (\d+) alike, (\d+) refused", done.stdout)
    assert match is not None and int(match[1]) > 400
    alike, refused = int(match[2]), int(match[3])
    assert refused > MUTATIONS / 10
    # What is left is read by the library alone: fields of another wire type than they have.
    assert alike > 0.9 * (MUTATIONS - refused), done.stdout

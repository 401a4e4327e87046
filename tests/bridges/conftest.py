"""The environments that the real clients of a bridge run in."""

from __future__ import annotations

import pytest


@pytest.fixture(params=("oldest", "newest"))
def version(request: pytest.FixtureRequest) -> str:
    """Which of the two ends of what a bridge supports."""
    return str(request.param)

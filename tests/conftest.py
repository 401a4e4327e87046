"""Settings that must hold before Textual is imported, and what every test is held to."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import settling
from tests.hygiene import no_blocking_calls, nothing_left_behind

__all__ = ["no_blocking_calls", "nothing_left_behind"]

# A person's shell must not change a picture.
for _name in (
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "TEXTUAL_THEME",
    "TEXTUAL_DIM_FACTOR",
    "ETAOI_TUI_THEME",
):
    os.environ.pop(_name, None)
os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["HIVE_HOME"] = os.devnull  # whoever runs the tests may have logs of their own
os.environ["TEXTUAL_FPS"] = "500"  # a pilot waits for the next frame after each key

# Ignored by whoever started the tests in the background it would be ignored in every process they start, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settling.install()

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

_HERE = Path(__file__).parent


@pytest.fixture(scope="session", autouse=True)
def viewers_are_read() -> None:
    """Read the viewers of all kinds before an event loop runs: a test's own must not read files."""
    from etaoi_tui.kinds.registry import KINDS

    KINDS.load_plugins()


_LONGEST = (
    "collector/test_memory.py", "collector/test_odd_frames.py", "app/test_terminal.py", "app/test_keys.py",
    "real/test_full_disk.py", "launcher/test_handing_over.py", "launcher/test_matrix.py",
    "bus/test_tail.py", "catalogue/test_live.py", "collector/test_free_memory.py",
    "receivers/test_deflate.py", "sdk/test_bounds.py", "bus/test_subscribing.py",
    "launcher/test_foreground.py", "bus/test_readme_programs.py", "app/test_never_dies.py",
    "app/test_nothing_drawn.py", "app/test_search_in_run.py",
)  # fmt: skip
"""Files that take longest, which come first: what begins last may run while all other workers are done."""

_SHARED_SCENARIOS = {"bridges": "bridges", "livekit": "livekit", "voice": "livekit"}
"""Folders whose tests with real clients play the same scenarios, once in a process, and a name for them."""


_NEW_OBJECTS = 20_000
"""Objects that came and did not go for which garbage is looked for: by Python's own 700 it took a fifth of
all CPU where a screen is drawn. Where a test counts what lives, it looks itself."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[object]:
    """Look for no garbage while tests are imported, and later not at what was: 700,000 objects that stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(_NEW_OBJECTS, 10, 10)
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together, for ``--dist loadgroup``, what shares something that is slow to prepare.

    That is a file, or what `_SHARED_SCENARIOS` says.
    """
    for item in items:
        path = item.path.relative_to(_HERE)
        group = path.as_posix()
        if item.get_closest_marker("real_clients") is not None:
            group = _SHARED_SCENARIOS.get(path.parts[0], group)
        item.add_marker(pytest.mark.xdist_group(group))
    longest = {_HERE / name: number for number, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: longest.get(item.path, len(longest)))

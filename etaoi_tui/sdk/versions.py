"""Who speaks: what the handshake and trace files name."""

from __future__ import annotations

from functools import cache

from etaoi_tui.sdk.fork_safety import importing

SDK_NAME = "etaoi-tui-sdk"


@cache
def sdk_version() -> str:
    """Return the installed package's version; looked up late, because the look-up costs 20 ms."""
    with importing():
        from importlib.metadata import PackageNotFoundError, version

    try:
        return version("etaoi-tui")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "0"

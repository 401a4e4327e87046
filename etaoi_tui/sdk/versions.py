"""Who speaks: what the handshake and trace files name."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

SDK_NAME = "etaoi-tui-sdk"

try:
    SDK_VERSION = version("etaoi-tui")
except PackageNotFoundError:  # run from a source tree that is not installed
    SDK_VERSION = "0"

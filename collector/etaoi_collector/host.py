"""`Collector` and its options under the name that programs have imported them by; the code is in `collector`."""

from __future__ import annotations

from etaoi_collector.collector import Collector
from etaoi_collector.options import BindError, CollectorOptions, OptionError, Record

__all__ = ["BindError", "Collector", "CollectorOptions", "OptionError", "Record"]

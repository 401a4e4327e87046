"""The documented import path of `Collector` and its options; the code is in `etaoi_collector.collector`."""

from __future__ import annotations

from etaoi_collector.collector import Collector
from etaoi_collector.options import BindError, CollectorOptions, OptionError, Record

__all__ = ["BindError", "Collector", "CollectorOptions", "OptionError", "Record"]

"""In which parts amounts of money are kept."""

from __future__ import annotations

UNITS = 10**15
"""Parts of a dollar in which amounts are whole numbers, so that sums are exact in whatever order."""

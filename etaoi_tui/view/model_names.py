"""Short names of models: what tells them apart, without the provider's path, the date and the build."""

from __future__ import annotations

import re

_PATH = re.compile(r"^.*/|^(?:[a-z]{2,6}\.)?(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai)\.")
"""``openrouter/anthropic/``, ``models/``; a region and a vendor before a dot, as Bedrock has them."""
_BUILD = re.compile(
    r"(?:[-@](?:20\d\d-?[01]\d-?[0-3]\d)|-latest|-preview(?:-\d\d-\d\d)?|-v\d+(?::\d+)?|:[\w-]+|-\d{3})$",
    re.IGNORECASE,
)
"""A date, ``-latest``, ``-v1:0``, ``:free``, ``-001``: at the end, and often several."""
_SHORT_ENOUGH = 12
_REMEMBERED = 512


class ModelNames:
    """Shortens names, and keeps two models apart that would have the same short name."""

    def __init__(self) -> None:
        self._short: dict[str, str] = {}
        self._owners: dict[str, str] = {}

    def short(self, name: str) -> str:
        """Return the short name of a model; its own where another model already has the short one."""
        short_name = self._short.get(name)
        if short_name is None:
            if len(self._short) >= _REMEMBERED:
                self._short.clear()
                self._owners.clear()
            short = without_build(name)
            if self._owners.setdefault(short, name) != name:
                short = name
            short_name = self._short[name] = short
        return short_name


def without_build(name: str) -> str:
    """Return a model's name without path, date and build; a short name as it is."""
    if len(name) <= _SHORT_ENOUGH:
        return name
    short = _PATH.sub("", name)
    while (shorter := _BUILD.sub("", short)) != short and shorter:
        short = shorter
    return short or name

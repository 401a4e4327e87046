"""Option values as people write them, ``60s`` or ``512MB``, for use as click callbacks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from etaoi_collector.query import Query

_NUMBER_AND_UNIT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*")

_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_BYTES = {
    "": 1.0,
    "b": 1.0,
    "kb": 1e3,
    "mb": 1e6,
    "gb": 1e9,
    "tb": 1e12,
    "kib": 2.0**10,
    "mib": 2.0**20,
    "gib": 2.0**30,
    "tib": 2.0**40,
}


def seconds(context: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read a time span such as ``1.5``, ``500ms``, ``60s``, ``5m`` or ``1h``.

    Raises:
        click.BadParameter: It is none, or not longer than nothing.
    """
    if value is None:
        return None
    parsed = _parse(value, _SECONDS)
    if not parsed:
        raise click.BadParameter(f"{value!r} is no time span; write something like 60s, 5m or 1h.")
    return parsed


def byte_count(context: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Read a number of bytes such as ``1000000``, ``512MB`` or ``2GiB``.

    Raises:
        click.BadParameter: It is none, or less than one byte.
    """
    if value is None:
        return None
    parsed = _parse(value, _BYTES)
    if not parsed or parsed < 1:
        raise click.BadParameter(f"{value!r} is no size; write something like 512MB or 2GiB.")
    return int(parsed)


def query(context: click.Context, param: click.Parameter, value: str | None) -> Query | None:
    """Read a query as ``/`` takes it in the viewer.

    Raises:
        click.BadParameter: It is none; the text says why.
    """
    if not value or not value.strip():
        return None
    from etaoi_collector.query import QueryError, parse_query

    try:
        return parse_query(value)
    except QueryError as error:
        raise click.BadParameter(str(error)) from None


def theme_name(context: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Read the name of a theme: ``dark``, ``light``, ``ansi`` or one of Textual's.

    Raises:
        click.BadParameter: There is no such theme.
    """
    if value in (None, "", "dark", "light", "ansi"):
        return value or None
    from textual.theme import BUILTIN_THEMES  # slow to import, and hardly ever needed

    if value not in BUILTIN_THEMES:
        raise click.BadParameter(f"there is no theme {value!r}; take dark, light, ansi or one of Textual's.")
    return value


def _parse(text: str, units: dict[str, float]) -> float | None:
    match = _NUMBER_AND_UNIT.fullmatch(text)
    if match is None:
        return None
    factor = units.get(match[2].lower())
    return None if factor is None else float(match[1]) * factor

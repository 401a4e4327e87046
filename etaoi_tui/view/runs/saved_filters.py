"""Filters with a name: ``@slow = dur>10s`` keeps one, ``@slow`` stands for it in any search."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

_DEFINED = re.compile(r"\s*@([\w-]{1,40})\s*=\s*(.*)", re.DOTALL)
_USED = re.compile(r"(?<![\w\"])@([\w-]{1,40})")
_EXPANDED_AT_MOST = 4_000


class NamedFilter(msgspec.Struct, frozen=True):
    """A query, and the name that it is to have, if one was given.

    Attributes:
        query: The query with every name replaced by what it stands for.
        name: What it is to be called from now on; empty for nothing.
        body: The query as it was typed, to be kept under the name.
    """

    query: str
    name: str = ""
    body: str = ""


def read_filter(text: str, saved: Mapping[str, str]) -> NamedFilter:
    """Replace the names in a search by what they stand for.

    Args:
        text: What was typed.
        saved: Queries by name.

    Raises:
        QueryError: A name is unknown, or stands for itself.
    """
    from etaoi_collector.query import QueryError  # not needed for the first screen

    defined = _DEFINED.fullmatch(text)
    name, body = (defined[1], defined[2].strip()) if defined else ("", text)
    query = body
    for _ in range(8):
        used = _USED.search(query)
        if used is None:
            return NamedFilter(query, name, body if name else "")
        if used[1] == name:
            raise QueryError(f"@{name} cannot stand for itself.", text.find("@", 1))
        definition = saved.get(used[1])
        if definition is None:
            names = ", ".join(f"@{one}" for one in sorted(saved)) or "none so far"
            raise QueryError(
                f"There is no filter @{used[1]}: {names}. @{used[1]}=kind:tool makes one.", used.start()
            )
        query = f"{query[: used.start()]}({definition}){query[used.end() :]}"
        if len(query) > _EXPANDED_AT_MOST:
            break
    raise QueryError("Filters in this search stand for each other without an end.")

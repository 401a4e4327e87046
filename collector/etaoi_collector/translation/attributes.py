"""Sorts the attributes of a span by what the tables of `conventions.telemetry` say that they mean.

This is the one place that reads those tables.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from etaoi_collector.conventions.telemetry import CONVENTIONS
from etaoi_collector.translation.json_text import parse_json, to_text
from etaoi_collector.translation.otel_model import Attributes

_ROUTES_KEPT = 8_192
"""Attribute names whose meaning is remembered; a producer has some hundred."""

_OWNERS = frozenset({"session_id", "thread_id", "user_id"})
_OWNERS_IN_JAVASCRIPT = frozenset({"sessionId", "threadId", "userId"})
"""Names in metadata of who a span belongs to."""

_ENTRIES_READ = 4_096
"""Highest index of a counted attribute (``llm.input_messages.N.``) that is believed."""


class _Route(NamedTuple):
    kind: int
    name: str = ""
    rank: int = 0
    path: tuple[str | int, ...] = ()


_FIELD, _COUNTED, _OTHER, _METADATA, _KIND, _METADATA_MAP, _PARAMETER, _NOTHING = range(8)


def _make_routes() -> dict[str, _Route]:
    routes = {key: _Route(_KIND) for table in CONVENTIONS for key in table.kinds}
    ranks: dict[str, int] = {}
    for table in CONVENTIONS:
        for field, keys in table.keys.items():
            for key in keys:
                rank = ranks[field] = ranks.get(field, 0) + 1
                routes.setdefault(key, _Route(_FIELD, field, rank))
        for key in table.metadata_json:
            routes.setdefault(key, _Route(_METADATA_MAP))
        for key in table.meaningless:
            routes.setdefault(key, _Route(_NOTHING))
    return routes


_ROUTES_BY_KEY = _make_routes()
_ALSO_METADATA = tuple(prefix for table in CONVENTIONS for prefix in table.metadata_prefixes)
_COUNTED_PREFIXES = {prefix: field for table in CONVENTIONS for prefix, field in table.indexed.items()}
_PARAMETER_PREFIXES = tuple(prefix for table in CONVENTIONS for prefix in table.parameters)
_KINDS = [(key, values) for table in CONVENTIONS for key, values in table.kinds.items()]

_routes: dict[str, _Route] = {}


def _route(key: str) -> _Route:
    route = _ROUTES_BY_KEY.get(key)
    if route is None:
        route = _route_by_prefix(key)
    if len(_routes) < _ROUTES_KEPT:
        _routes[key] = route
    return route


def _route_by_prefix(key: str) -> _Route:
    for prefix, field in _COUNTED_PREFIXES.items():
        if key.startswith(prefix):
            path = tuple(int(part) if part.isdecimal() else part for part in key[len(prefix) :].split("."))
            if all(not isinstance(part, int) or part < _ENTRIES_READ for part in path) and len(path) < 16:
                return _Route(_COUNTED, field, 0, path)
    for prefix in _ALSO_METADATA:
        if key.startswith(prefix):
            name = key[len(prefix) :]
            return _Route(_NOTHING) if name.startswith("LANGSMITH_") else _Route(_METADATA, name)
    for prefix in _PARAMETER_PREFIXES:
        if key.startswith(prefix):
            return _Route(_PARAMETER, key[len(prefix) :])
    return _Route(_OTHER)


class SortedAttributes:
    """The attributes of one span by what they mean.

    Args:
        attributes: Those of the span.
    """

    __slots__ = ("fields", "kind_values", "metadata", "others", "parameters")

    def __init__(self, attributes: Attributes) -> None:
        self.fields: dict[str, Any] = {}
        """By the names of `conventions.telemetry.table.FIELDS`."""
        self.metadata: dict[str, str] = {}
        """What a user or a framework noted; texts."""
        self.parameters: dict[str, Any] = {}
        """Parameters of a model call."""
        self.others: Attributes = {}
        """Everything of which no table says what it means."""
        self.kind_values: Attributes = {}
        """Attributes that say what kind of span it is."""
        ranks: dict[str, int] = {}
        counted: dict[str, dict[str | int, Any]] = {}
        fields, cached_route = self.fields, _routes.get
        for key, value in attributes.items():
            kind, name, rank, path = cached_route(key) or _route(key)
            if kind == _FIELD:
                if value is not None and (name not in ranks or rank < ranks[name]):
                    ranks[name] = rank
                    fields[name] = value
            elif kind == _COUNTED:
                entries = counted.get(name)
                if entries is None:
                    entries = counted[name] = {}
                _set_at_path(entries, path, value)
            elif kind == _OTHER:
                self.others[key] = value
            elif kind == _KIND:
                self.kind_values[key] = value
            elif kind == _METADATA:
                self.metadata[name] = to_text(parse_json(value))
                if name in _OWNERS or name in _OWNERS_IN_JAVASCRIPT:
                    self._note_owner(name, value)
            elif kind == _METADATA_MAP:
                self._take_metadata(value)
            elif kind == _PARAMETER:
                self.parameters[name] = value
        for name, entries in counted.items():
            # Counted messages are the whole conversation; a field of the same name is a text of it.
            self.fields[name] = _as_lists(entries)

    def kind(self) -> str | None:
        """Return the node kind that the first table which knows one says; None if none does."""
        kind_values = self.kind_values
        if kind_values:
            for key, values in _KINDS:
                value = kind_values.get(key)
                if isinstance(value, str):
                    kind = values.get(value)
                    if kind is not None:
                        return kind
        return None

    def text(self, name: str) -> str | None:
        """Return a field as text; None if it is not told or empty."""
        value = self.fields.get(name)
        return to_text(value) or None if value is not None else None

    def _take_metadata(self, value: Any) -> None:
        parsed = parse_json(value)
        if not isinstance(parsed, dict):
            return
        metadata = self.metadata
        for key, item in parsed.items():
            if not isinstance(key, str) or key.startswith("LANGSMITH_"):
                continue
            metadata[key] = item if type(item) is str else to_text(item)
            if key in _OWNERS:
                self._note_owner(key, item)

    def _note_owner(self, key: str, value: Any) -> None:
        """Take session and user from metadata, unless an attribute says them."""
        field = "user" if key.lower().startswith("user") else "session"
        if field not in self.fields or (field == "session" and key == "session_id"):
            self.fields.setdefault(field, value)


def _set_at_path(into: dict[str | int, Any], path: tuple[str | int, ...], value: Any) -> None:
    *above, last = path
    for part in above:
        below = into.get(part)
        if type(below) is not dict:
            below = into[part] = {}
        into = below
    into[last] = value


def _as_lists(entries: dict[str | int, Any]) -> Any:
    """Turn maps whose keys count into lists, at every depth (bounded by the names' own length)."""
    names = counts = 0
    for key, value in entries.items():
        if type(value) is dict:
            entries[key] = _as_lists(value)
        if type(key) is int:
            counts += 1
        else:
            names += 1
    if names and counts:
        return {str(key): value for key, value in entries.items()}
    return entries if names else [entries[key] for key in sorted(entries, key=int)]

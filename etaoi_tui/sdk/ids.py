"""Ids: 128-bit ints while an event is in the making, UUID text only on the sender's thread.

``random.getrandbits`` of a generator of our own: a program that calls ``random.seed`` must not make its runs
share ids, and a forked child must not repeat its parent's.
"""

from __future__ import annotations

import os
import random
import uuid

_random = random.Random(int.from_bytes(os.urandom(32), "big"))
_bits = _random.getrandbits

_VERSION_4_KEEP = ~((0xF << 76) | (0x3 << 62)) & ((1 << 128) - 1)
_VERSION_4_SET = (0x4 << 76) | (0x2 << 62)

AnyId = int | uuid.UUID | str
"""An id as callers have it: an int of 128 bits, a UUID, or a canonical UUID's text."""


def new_id() -> int:
    """Return a random id, a version 4 UUID as an int."""
    return (_bits(128) & _VERSION_4_KEEP) | _VERSION_4_SET


def _reseed() -> None:
    _random.seed(int.from_bytes(os.urandom(32), "big"))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reseed)


def id_text(value: AnyId) -> str:
    """Return an id's canonical lower-case text of 36 characters.

    Text that is no UUID, or an int of more than 128 bits, becomes the uuid5 of its text: an odd id must cost
    neither the event nor its links to others that carry the same odd id.
    """
    if issubclass(type(value), uuid.UUID):  # `isinstance` would ask the value itself for its class
        value = value.int  # type: ignore[union-attr]
    if type(value) is int and 0 <= value < 1 << 128:
        text = value.to_bytes(16, "big").hex("-", 2)
        return f"{text[:4]}{text[5:29]}{text[30:34]}{text[35:]}"
    try:
        text = str(value)
    except Exception:
        text = object.__repr__(value)
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return str(_name_uuid(f"etaoi-tui:id:{text}"))


def session_uuid(session_id: str | uuid.UUID | None) -> uuid.UUID:
    """Return a session's UUID: a UUID or its text as it is, other text as uuid5, None as a new random one.

    The name space is the reference SDK's, so that both put the same string into the same session.
    """
    if session_id is None:
        return uuid.UUID(int=new_id())
    if isinstance(session_id, uuid.UUID):
        return session_id
    try:
        return uuid.UUID(session_id)
    except (ValueError, AttributeError, TypeError):
        return _name_uuid(f"etaoi:session:{session_id}")


def bridge_uuid(system: str, kind: str, name: str) -> uuid.UUID:
    """Return the UUID that stands for another system's own id, the same in every run.

    Args:
        system: the system's short name, such as ``livekit``.
        kind: what the id names there, such as ``turn``.
        name: the id's text.
    """
    return _name_uuid(f"etaoi-tui:{system}:{kind}:{name}")


def _name_uuid(name: str) -> uuid.UUID:
    try:
        return uuid.uuid5(uuid.NAMESPACE_URL, name)
    except UnicodeEncodeError:  # a lone surrogate
        return uuid.uuid5(uuid.NAMESPACE_URL, name.encode("utf-8", "backslashreplace").decode())

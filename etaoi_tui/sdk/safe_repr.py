"""Texts of exceptions and of small values, as whole as they can be had without running much foreign code."""

from __future__ import annotations

from typing import Any

_ARGUMENT_CHARACTERS = 16_384
_ARGUMENTS = 8
_ITEMS = 16
_DEPTH = 4
"""How deep exceptions and containers are followed into an exception's arguments."""
_UNREADABLE = "its text could not be read"
_GROUP = 32
"""Exceptions of a group that are told."""

_PLAIN_STR: tuple[Any, ...] = (
    BaseException.__str__, KeyError.__str__, BaseExceptionGroup.__str__,
)  # fmt: skip
"""What says no more than the arguments do."""


def error_text(error: BaseException, depth: int = _DEPTH) -> str:
    """Return an exception as ``repr`` has it, with the texts of the exceptions in it.

    One that has words of its own (``__str__``: an HTTP status, a missing file's name) is shown with those
    instead of with its arguments. Foreign code is run only where an exception's class brings its own.
    """
    kind = type(error)
    try:
        if isinstance(error, BaseExceptionGroup):
            own_text = _text(error.args[0] if error.args else "")
            inner = [error_text(one, depth - 1) for one in error.exceptions[:_GROUP]] if depth else ["…"]
            if len(error.exceptions) > _GROUP:
                inner.append(f"… {len(error.exceptions) - _GROUP} more")
            return f"{kind.__name__}({own_text}, [{', '.join(inner)}])"
        if kind.__repr__ is not BaseException.__repr__:
            text = repr(error)
            return text if text.startswith(kind.__name__) else f"{kind.__name__}: {text}"
        if kind.__str__ not in _PLAIN_STR and (words := _own_words(error)):
            return f"{kind.__name__}({_text(words)})"
        text = ", ".join(_argument_text(argument, depth) for argument in error.args[:_ARGUMENTS])
        return f"{kind.__name__}({text})"
    except Exception:
        return f"{kind.__name__}(its text could not be read)"


def error_message(error: BaseException) -> str:
    """Return what an exception says, without its type: its words, its notes, and those of what is in it."""
    try:
        if isinstance(error, BaseExceptionGroup):
            own_text = error.args[0] if error.args and type(error.args[0]) is str else ""
            inner = [f"  {error_sentence(one)}".replace("\n", "\n  ") for one in error.exceptions[:_GROUP]]
            if len(error.exceptions) > _GROUP:
                inner.append(f"  … {len(error.exceptions) - _GROUP} more")
            message = "\n".join([own_text, *inner])
        elif len(error.args) == 1 and isinstance(error.args[0], str) and type(error).__str__ in _PLAIN_STR:
            message = str.__str__(error.args[0])
        elif len(error.args) == 1 and isinstance(error.args[0], BaseException):
            message = error_sentence(error.args[0])
        else:
            message = _own_words(error) if type(error).__str__ not in _PLAIN_STR else ""
            message = message or ", ".join(_argument_text(one, _DEPTH) for one in error.args[:_ARGUMENTS])
        notes = getattr(error, "__notes__", None)
        if isinstance(notes, list):
            message = "\n".join([message, *(note for note in notes if type(note) is str)])
        return message
    except Exception:
        return _UNREADABLE


def error_sentence(error: BaseException) -> str:
    """Return an exception's name and words."""
    return f"{type(error).__name__}: {error_message(error)}".removesuffix(": ")


def short_error(error: BaseException) -> str:
    """Return an exception's text, cut."""
    return error_text(error)[:300]


def _own_words(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "" if error.args else _UNREADABLE


def _text(value: Any) -> str:
    return repr(value[:_ARGUMENT_CHARACTERS]) if type(value) is str else _argument_text(value, 1)


def _argument_text(argument: Any, depth: int) -> str:
    kind = type(argument)
    if kind is str:
        return repr(argument[:_ARGUMENT_CHARACTERS])
    if kind in REPR_SAFE:
        return repr(argument)[:_ARGUMENT_CHARACTERS]
    if not depth:
        return f"<{type_name(argument)}>"
    if isinstance(argument, BaseException):
        return error_text(argument, depth - 1)
    if kind is dict:
        pairs = [
            f"{_argument_text(key, 0)}: {_argument_text(value, depth - 1)}"
            for key, value in list(argument.items())[: _ITEMS + 1]
        ]
        return _listed(pairs, len(argument), "{}")
    if kind in _BRACKETS:
        items = [_argument_text(one, depth - 1) for one in list(argument)[: _ITEMS + 1]]
        return _listed(items, len(argument), _BRACKETS[kind])
    return f"<{type_name(argument)}>"


_BRACKETS: dict[type, str] = {list: "[]", tuple: "()", set: "{}"}


def _listed(items: list[str], total: int, brackets: str) -> str:
    if total > _ITEMS:
        items[_ITEMS:] = [f"… {total - _ITEMS} more"]
    comma = "," if brackets == "()" and total == 1 else ""
    return f"{brackets[0]}{', '.join(items)}{comma}{brackets[1]}"


def type_name(value: Any) -> str:
    """Return a type's name with its module; a metaclass of its own may answer with anything."""
    kind = type(value)
    try:
        module, name = str(kind.__module__), str(kind.__qualname__)
    except Exception:
        return "object"
    return name if module in ("builtins", "__main__") else f"{module}.{name}"


REPR_SAFE = frozenset({int, float, bool, complex, type(None), bytes, range})


def plain_containers(value: Any, depth: int = 4) -> bool:
    """Whether ``repr`` of a small container runs builtin code only, and ends soon."""
    if not depth or type(value) not in (list, tuple, dict, set, frozenset) or len(value) > 32:
        return False
    items = [*value.keys(), *value.values()] if type(value) is dict else list(value)
    return all(
        type(item) is str or type(item) in REPR_SAFE or plain_containers(item, depth - 1) for item in items
    )

"""Colours for lines of code, by Pygments, in the styles that JSON has."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from etaoi_tui.detail.document.model import StyledText
from etaoi_tui.detail.layout.hanging_line import HangingLine

_LANGUAGES = frozenset(
    "bash c c++ cpp css go html java javascript js json kotlin php py python rb ruby rust sh shell sql "
    "swift toml ts typescript xml yaml yml".split()
)
"""Names that are looked up. They come from outside, and Pygments would import whatever has a name."""

_LONGEST = 2_000
"""Characters of a line that is coloured."""

_STYLES = (
    ("Token.Keyword.Constant", "json.literal"),
    ("Token.Keyword", "json.number"),
    ("Token.Name.Tag", "json.key"),
    ("Token.Name.Attribute", "json.key"),
    ("Token.Name.Function", "title"),
    ("Token.Name.Class", "title"),
    ("Token.Name.Builtin", "code"),
    ("Token.Name.Decorator", "code"),
    ("Token.Literal.Number", "json.number"),
    ("Token.Literal.String", "json.string"),
    ("Token.Comment", "muted"),
    ("Token.Punctuation", "json.punct"),
)


_DIFF_STYLES = (
    (("diff ", "index ", "--- ", "+++ ", "rename ", "similarity ", "new file ", "deleted file "), "title"),
    (("@@",), "accent"),
    (("+",), "diff.added"),
    (("-",), "diff.removed"),
)
"""How lines of a diff begin, the first that fits, and the style of the whole line."""

TRACEBACK_LANGUAGE = "traceback"
"""The language of what Python and JavaScript print of an exception: not one that Pygments is asked about."""

_TRACEBACK_STYLES = (
    (("Traceback (", "During handling ", "The above exception ", "  File ", "    at ", "  ["), "muted"),
    (("    ",), "code"),
    (("",), "error"),
)
"""How lines of a traceback begin: where it was, the source there, and what went wrong."""


def code_lines(text: str, language: str) -> Iterator[HangingLine]:
    """Yield the lines of a source, coloured when they are asked for."""
    at = 0
    while at < len(text):
        newline = text.find("\n", at)
        stop = len(text) if newline < 0 else newline
        yield HangingLine([], 0, code_runs(text[at:stop].removesuffix("\r"), language))
        at = stop + 1


def code_runs(line: str, language: str) -> list[StyledText]:
    """Return a line of code in pieces with their styles; of one colour in a language that is not known.

    A line is read by itself: what begins on another line, as a long comment does, is not seen.

    Args:
        line: One line.
        language: As it stands behind a fence of Markdown, lower case.
    """
    if language == "diff":
        return [(line, next((style for begins, style in _DIFF_STYLES if line.startswith(begins)), ""))]
    if language == TRACEBACK_LANGUAGE:
        style = next(style for begins, style in _TRACEBACK_STYLES if line.startswith(begins))
        if style != "code":
            return [(line, style)]
        if not line.strip("~^ "):
            return [(line, "muted")]
        language = "py"
    lexer = _lexer(language) if language in _LANGUAGES and len(line) <= _LONGEST else None
    if lexer is None:
        return [(line, "code")]
    runs: list[StyledText] = []
    for token, text in lexer.get_tokens(line):
        style = _style(str(token))
        if runs and runs[-1][1] == style:
            runs[-1] = (runs[-1][0] + text, style)
        else:
            runs.append((text, style))
    return runs if "".join(text for text, _ in runs) == line else [(line, "code")]


@lru_cache(maxsize=64)
def _lexer(language: str) -> Any:
    from pygments.lexers import get_lexer_by_name  # a part of Rich's own needs; slow to import
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@lru_cache(maxsize=512)
def _style(token: str) -> str:
    return next((style for name, style in _STYLES if token.startswith(name)), "")

"""Masks common secrets before anything leaves the process, as the SDK does; in syntax of Python 3.8."""

from __future__ import annotations

import re

REDACTED = "‹redacted›"

_KEY_NAMES = (
    r"api[_-]?key|authorization|client[_-]?secret|secret[_-]?key|secret[_-]access[_-]key|access[_-]?token"
    r"|refresh[_-]?token|id[_-]token|auth[_-]?token|private[_-]?key"
)
_PASSWORDS = r"password|passwd"
_NAME = re.compile(rf"(?i)(?:[a-z0-9]+[_-])*(?:{_KEY_NAMES}|{_PASSWORDS})")
_TOKENS = re.compile(
    r"""
      (?P<before>\b(?i:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{16,}
    | \bsk-(?:ant-|proj-|or-|lf-)?[A-Za-z0-9_-]{16,}
    | \b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | \bAIza[A-Za-z0-9_-]{30,}
    | \b(?:gh[pousr]_|github_pat_|glpat-|hf_|gsk_|xai-|npm_|pypi-)[A-Za-z0-9_-]{16,}
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,}
    | \blsv2_(?:pt|sk)_[A-Za-z0-9_]{20,}
    | (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}
    | (?P<pem>-----BEGIN\ [A-Z ]*PRIVATE\ KEY-----).*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_QUOTES = r"""\\?["']?\s*[:=]\s*\\?["']?"""
_VALUE = r"""[^\s"'\\,;}\])]"""
_PAIRS = re.compile(
    rf"(?ia)(\b(?:{_KEY_NAMES}){_QUOTES}){_VALUE}{{16,}}|(\b(?:{_PASSWORDS}){_QUOTES}){_VALUE}{{6,}}"
)


def text(value: str) -> str:
    """Return a text with what looks like a secret masked."""
    if len(value) < 13:
        return value
    masked = _TOKENS.sub(lambda match: (match.group("before") or match.group("pem") or "") + REDACTED, value)
    return _PAIRS.sub(lambda match: (match.group(1) or match.group(2)) + REDACTED, masked)


def is_secret(name: str) -> bool:
    """Whether what stands under a key of this name is a secret."""
    return _NAME.fullmatch(name) is not None

"""What must not leave the process: masks for common secrets, and a user's own rules.

Masks leave ``‹redacted›`` where something was, so that a reader sees that there was something.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

REDACTED = "‹redacted›"

Rule = str | re.Pattern[str]
RedactOption = Callable[[str], str] | Iterable[Rule] | Rule | bool | None
"""What a user may give as ``redact=``: see `Redact.of`."""

_KEY_NAMES = (
    r"api[_-]?key|authorization|client[_-]?secret|secret[_-]?key|secret[_-]access[_-]key|access[_-]?token"
    r"|refresh[_-]?token|id[_-]token|auth[_-]?token|private[_-]?key"
)
_PASSWORD_NAMES = r"password|passwd"
_NAME = re.compile(rf"(?i)(?:[a-z0-9]+[_-])*(?:{_KEY_NAMES}|{_PASSWORD_NAMES})")

_TOKENS = re.compile(
    r"""
      (?P<bearer>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{16,}
    | \bsk-(?:ant-|proj-|or-|lf-)?[A-Za-z0-9_-]{16,}      # OpenAI, Anthropic, OpenRouter, Langfuse
    | \b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}              # Stripe's form, and the reference SDK's
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b                       # AWS
    | \bAIza[A-Za-z0-9_-]{30,}                            # Google
    | \bgh[pousr]_[A-Za-z0-9]{20,}                        # GitHub
    | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bglpat-[A-Za-z0-9_-]{16,}                          # GitLab
    | \bhf_[A-Za-z0-9]{20,}                               # Hugging Face
    | \bgsk_[A-Za-z0-9]{20,}                              # Groq
    | \bxai-[A-Za-z0-9]{20,}                              # xAI
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,}                    # Slack
    | \bnpm_[A-Za-z0-9]{30,}
    | \bpypi-[A-Za-z0-9_-]{30,}
    | \blsv2_(?:pt|sk)_[A-Za-z0-9_]{20,}                  # LangSmith
    | \beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}   # a JSON web token
    | (?P<pem>-----BEGIN\ [A-Z ]*PRIVATE\ KEY-----).*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_QUOTES = r"""\\?["']?\s*[:=]\s*\\?["']?"""
_VALUE = r"""[^\s"'\\,;}\])]"""
_PAIRS = re.compile(rf"(?i)(\b(?:{_KEY_NAMES}){_QUOTES})({_VALUE}{{16,}})")
_PASSWORDS = re.compile(rf"(?i)(\b(?:{_PASSWORD_NAMES}){_QUOTES})({_VALUE}{{6,}})")

# Looking for thirty prefixes costs more than encoding does. But every secret above is a long run of token
# characters, and those are rare: translate them all to one byte, find runs in one pass, look at runs alone.
_RUN = 16
_TOKEN_BYTES = bytes(
    0x61 if chr(byte).isascii() and (chr(byte).isalnum() or chr(byte) in "_-.~+/=") else 0x20
    for byte in range(256)
)
_LONG_RUN = b"a" * _RUN
_IN_RUN = re.compile(
    rb"sk-|sk_(?:live|test)_|rk_(?:live|test)_|AKIA|ASIA|AIza|gh[pousr]_|github_pat_|glpat-|hf_|gsk_|xai-|xox|npm_|pypi-"
    rb"|lsv2_|eyJ"
)
_ASSIGNED = re.compile(rb"(?i)(?:" + _KEY_NAMES.encode() + rb")=")
_ENDS_BEFORE_RUN = (b"bearer", b"basic", b"key", b"authorization", b"secret", b"token")
_BETWEEN = b" \t\"'\\:"
_LOOK_BACK = 48

_PREFIXES = (
    *(
        "sk-",
        "sk_live_",
        "sk_test_",
        "rk_live_",
        "rk_test_",
        "akia",
        "asia",
        "aiza",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
    ),
    *("ghr_", "github_pat_", "glpat-", "hf_", "gsk_", "xai-", "xox", "npm_", "pypi-", "lsv2_", "eyj"),
)
_SCHEMES = ("bearer", "basic")
_TAIL_CHARACTERS = 256
_FIELDS_KEPT = 4096


class Redact:
    """Rules for one tracer, ready to be applied. Build it with `of`."""

    __slots__ = ("_call", "_defaults", "_names", "_patterns", "custom", "known_fields")

    def __init__(
        self,
        *,
        defaults: bool = True,
        names: Iterable[str] = (),
        patterns: Iterable[re.Pattern[str]] = (),
        call: Callable[[str], str] | None = None,
    ) -> None:
        self._defaults = defaults
        self._names = frozenset(name.casefold() for name in names)
        self._patterns = tuple(patterns)
        self._call = call
        self.known_fields: dict[str, bool] = {}
        """What `masks_field` found out so far, for callers in a hurry."""
        self.custom = bool(self._names or self._patterns or call)
        """Whether every text has to be looked at, because the user's rules cannot be guessed beforehand."""

    @classmethod
    def of(cls, option: RedactOption) -> Redact:
        """Make rules from what a user gave.

        Args:
            option: None or True for the masks of common secrets alone; False for no masks at all; a callable
                that gets each text and returns what may be shown of it; a name (the value under that key is
                masked, whatever its case), a compiled pattern (its matches are masked), or several of both.
                All but False keep the default masks.

        Raises:
            TypeError: it is none of these.
        """
        if option is None or option is True:
            return DEFAULT
        if option is False:
            return cls(defaults=False)
        if isinstance(option, Redact):
            return option
        if isinstance(option, str | re.Pattern):
            option = (option,)
        if callable(option):
            return cls(call=option)
        try:
            rules = list(option)
        except TypeError:
            rules = [option]  # type: ignore[list-item]
        names = [rule for rule in rules if isinstance(rule, str)]
        patterns = [rule for rule in rules if isinstance(rule, re.Pattern) and isinstance(rule.pattern, str)]
        if len(names) + len(patterns) != len(rules):
            raise TypeError(
                "redact= takes a callable (text -> text), field names, or compiled text patterns; "
                f"got {option!r:.200}"
            )
        return cls(names=names, patterns=patterns)

    def suspects(self, encoded: bytes) -> bool:
        """Whether encoded bytes have to be looked at text by text: cheap, and rather once too often."""
        if self.custom:
            return True
        return self._defaults and _may_hold_secret(encoded)

    def masks_field(self, name: str) -> bool:
        """Whether the value under this key must not be shown."""
        known = self.known_fields.get(name)
        if known is None:
            known = name.casefold() in self._names or (
                self._defaults and len(name) <= _LOOK_BACK and _NAME.fullmatch(name) is not None
            )
            if len(self.known_fields) > _FIELDS_KEPT:
                self.known_fields.clear()
            self.known_fields[name] = known
        return known

    def text(self, text: str) -> str:
        """Return a text with its secrets masked. A user's rule that raises masks the whole text."""
        if self._defaults and _may_hold_secret(text.encode("utf-8", "replace")):
            text = _TOKENS.sub(_mask, text)
            text = _PAIRS.sub(_mask_value, text)
            text = _PASSWORDS.sub(_mask_value, text)
        for pattern in self._patterns:
            text = pattern.sub(REDACTED, text)
        if self._call is not None:
            try:
                changed = self._call(text)
            except Exception:
                return f"{REDACTED} (the redact callable raised)"
            text = changed if isinstance(changed, str) else REDACTED
        return text

    def open_tail(self, text: str) -> int:
        """How many characters at the end of streamed text may be the beginning of a secret.

        A token that streams in arrives in pieces; such a tail is held back until the next piece or the end.
        """
        if not self._defaults:
            return 0
        tail = text[-_TAIL_CHARACTERS:]
        words = tail.split()
        if not words:
            return 0
        complete = tail[-1].isspace()
        word = words[-1].lower().lstrip("\"'([{<=:")
        if complete:
            return len(tail) - tail.rfind(words[-1]) if word in _SCHEMES else 0
        if len(words) > 1 and words[-2].lower().lstrip("\"'([{<=:") in _SCHEMES:
            return len(tail) - tail.rfind(words[-2], 0, len(tail) - len(words[-1]))
        if word.startswith(_PREFIXES) or any(p.startswith(word) for p in (*_PREFIXES, *_SCHEMES)):
            return len(words[-1]) if len(words[-1]) < _TAIL_CHARACTERS else 0
        return 0


def _may_hold_secret(encoded: bytes) -> bool:
    if b"assw" in encoded or b"ASSW" in encoded:
        return True
    marked = encoded.translate(_TOKEN_BYTES)
    begin = marked.find(_LONG_RUN)
    if begin < 0:
        return False
    if b"PRIVATE KEY" in encoded:
        return True
    while begin >= 0:
        end = marked.find(b" ", begin + _RUN)
        if end < 0:
            end = len(encoded)
        if _IN_RUN.search(encoded, begin, end):
            return True
        if encoded.find(b"=", begin, end) >= 0 and _ASSIGNED.search(encoded, begin, end):
            return True
        before = encoded[max(0, begin - _LOOK_BACK) : begin].rstrip(_BETWEEN).lower()
        if before.endswith(_ENDS_BEFORE_RUN):
            return True
        begin = marked.find(_LONG_RUN, end)
    return False


def _mask(match: re.Match[str]) -> str:
    return f"{match['bearer'] or match['pem'] or ''}{REDACTED}"


def _mask_value(match: re.Match[str]) -> str:
    return match[0] if REDACTED in match[2] else f"{match[1]}{REDACTED}"


DEFAULT = Redact()

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
      (?P<bearer>\b(?i:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{16,}
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
    | (?P<pem>-----BEGIN\ [A-Z ]*PRIVATE\ KEY-----).*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
# A JSON web token. One try for each run of its characters: with one for each `eyJ`, a run that is full of
# them would be read as often as it has them.
_WEB_TOKENS = re.compile(
    r"""
      (?<![A-Za-z0-9_-])
      (?P<before>(?:(?!\beyJ)[A-Za-z0-9_-])*+)
      eyJ[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+
    """,
    re.VERBOSE | re.ASCII,
)
_QUOTES = r"""\\?["']?\s*[:=]\s*\\?["']?"""
_VALUE_ENDS = r"""\s"'\\,;}\])"""
_VALUE = f"[^{_VALUE_ENDS}]"
_PAIRS = re.compile(rf"(?ia)(\b(?:{_KEY_NAMES}){_QUOTES})({_VALUE}{{16,}})")
_PASSWORDS = re.compile(rf"(?ia)(\b(?:{_PASSWORD_NAMES}){_QUOTES})({_VALUE}{{6,}})")

# Looking for thirty patterns costs more than encoding does. But all of the above have a long run of
# characters of certain kinds, and those are rare: translate them to one byte, find a run in one pass, and
# only then look for what makes it a secret. That must never miss what a pattern matches.
SHORTEST_SECRET = 13
"""Characters of the shortest text that any mask changes: ``passwd=`` and six more."""


def _marks(kind: str) -> bytes:
    is_of = re.compile(kind.encode()).match
    return bytes(0x61 if is_of(bytes((byte,))) else 0x20 for byte in range(256))


_VALUE_MARKS = _marks(_VALUE)
_TOKEN_MARKS = _marks("[A-Za-z0-9_-]")
_RUN = b"a" * 15
_TOKEN_START = (
    rb"(?:sk-|[sr]k_(?:live|test)_|A(?:KIA|SIA|Iza)|g(?:h[pousr]_|ithub_pat_|lpat-|sk_)|hf_|x(?:ai-|ox)|npm_"
    rb"|pypi-|lsv2_)"
)
_STARTS = re.compile(_TOKEN_START).match
_STARTS_WITHIN = re.compile(b"-" + _TOKEN_START).search
_SCHEMES = ("bearer", "basic")
_NAME_ENDS = (b"key", b"authorization", b"secret", b"token")
_SCHEME_VALUE = re.compile(rb"\s+[a-z0-9._~+/=-]{16}").match
_NAMED_VALUE = re.compile(f"{_QUOTES}{_VALUE}{{16}}".encode()).match
_LEADS: tuple[tuple[bytes, Callable[[bytes, int], object]], ...] = (
    *((scheme.encode(), _SCHEME_VALUE) for scheme in _SCHEMES),
    *((end, _NAMED_VALUE) for end in _NAME_ENDS),
)
_LOOK_BACK = 48

_PREFIXES = (
    "sk-", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "akia", "asia", "aiza", "ghp_", "gho_", "ghu_",
    "ghs_", "ghr_", "github_pat_", "glpat-", "hf_", "gsk_", "xai-", "xox", "npm_", "pypi-", "lsv2_", "eyj",
)  # fmt: skip
_TAIL_CHARACTERS = 256
_FIELDS_KEPT = 4_096
_TEXTS_KEPT = 8_192


class Redact:
    """Rules for one tracer, ready to be applied. Build it with `of`."""

    __slots__ = ("_call", "_defaults", "_field_verdicts", "_names", "_patterns", "clean", "custom")

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
        self._field_verdicts: dict[str, bool] = {}
        self.clean: set[int] = set()
        """Hashes of texts that the default masks leave as they are."""
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

    def suspects(self, text: str) -> bool:
        """Whether a text may have to be changed: cheap, and rather once too often.

        Several texts may be asked about at once, in lines.
        """
        if self.custom:
            return True
        return self._defaults and _may_hold_secret(text.encode("utf-8", "replace"))

    def note_clean(self, texts: Iterable[str]) -> None:
        """Remember that nothing in these texts is to be masked: an agent sends its history again and again.

        Their hashes are kept, not the texts.
        """
        if len(self.clean) > _TEXTS_KEPT:
            self.clean.clear()
        self.clean.update(map(hash, texts))

    def masks_field(self, name: str) -> bool:
        """Whether the value under this key must not be shown."""
        is_masked = self._field_verdicts.get(name)
        if is_masked is None:
            is_masked = name.casefold() in self._names or (
                self._defaults and len(name) <= _LOOK_BACK and _NAME.fullmatch(name) is not None
            )
            if len(self._field_verdicts) > _FIELDS_KEPT:
                self._field_verdicts.clear()
            self._field_verdicts[name] = is_masked
        return is_masked

    def leads(self, name: str) -> bool:
        """Whether a long value under this key is masked where both stand in one text."""
        return self._defaults and name.lower().encode("utf-8", "replace").endswith(_NAME_ENDS)

    def text(self, text: str) -> str:
        """Return a text with its secrets masked. A user's rule that raises masks the whole text."""
        if self._defaults and len(text) >= SHORTEST_SECRET and hash(text) not in self.clean:
            masked = text
            if _may_hold_secret(text.encode("utf-8", "replace")):
                masked = _masked(masked)
            if masked == text:
                self.note_clean((text,))
            text = masked
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
    lowered = encoded.lower()
    # One character is found ten times as fast as several: ask for it first where it is rare.
    if b"passw" in lowered or (b"-" in encoded and b"PRIVATE KEY-" in encoded):
        return True
    if encoded.translate(_VALUE_MARKS).find(_RUN) < 0:
        return False
    return (b"." in encoded and b".eyJ" in encoded) or _has_token(encoded) or _has_led_value(lowered)


def _has_token(encoded: bytes) -> bool:
    """Whether a long word begins as a provider's tokens do, or a part of it after a hyphen."""
    if b"_" not in encoded and b"-" not in encoded:  # data in base64, mostly
        return b"AKIA" in encoded or b"ASIA" in encoded or b"AIza" in encoded
    words = encoded.translate(_TOKEN_MARKS)
    begin = words.find(_RUN)
    while begin >= 0:
        end = words.find(b" ", begin + len(_RUN))
        if end < 0:
            end = len(words)
        if _STARTS(encoded, begin) or (
            encoded.find(b"-", begin, end) >= 0 and _STARTS_WITHIN(encoded, begin, end)
        ):
            return True
        begin = words.find(_RUN, end)
    return False


def _has_led_value(lowered: bytes) -> bool:
    """Whether a long value stands behind ``bearer``, ``api_key=`` and the like."""
    assigns = b"=" in lowered or b":" in lowered
    for lead, is_value in _LEADS if assigns else _LEADS[: len(_SCHEMES)]:
        position = lowered.find(lead)
        while position >= 0:
            position += len(lead)
            if is_value(lowered, position):
                return True
            position = lowered.find(lead, position)
    return False


def _masked(text: str) -> str:
    text = _TOKENS.sub(_mask, text)
    if ".eyJ" in text:
        text = _WEB_TOKENS.sub(rf"\g<before>{REDACTED}", text)
    text = _PAIRS.sub(_mask_value, text)
    return _PASSWORDS.sub(_mask_value, text)


def _mask(match: re.Match[str]) -> str:
    return f"{match['bearer'] or match['pem'] or ''}{REDACTED}"


def _mask_value(match: re.Match[str]) -> str:
    return match[0] if REDACTED in match[2] else f"{match[1]}{REDACTED}"


DEFAULT = Redact()

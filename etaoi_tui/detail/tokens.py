"""Tokens from characters, where nobody reported them: always an estimate, and always shown as one."""

from __future__ import annotations

from etaoi_collector.model import Usage
from etaoi_tui.detail.evidence import Evidence
from etaoi_tui.detail.request import length, read_sent

CHARACTERS_A_TOKEN = 4.0
"""A usual value for English prose, for calls that report no usage."""

_LEAST_CHARACTERS = 200


def characters_a_token(evidence: Evidence) -> float:
    """Return characters per token of a call: measured by its own report where it has one.

    Schemas of tools are part of the input, too, so that the measured value is a lower bound for text.
    """
    usage: Usage | None = evidence.span.usage
    reported = usage.input_tokens if usage is not None else None
    if not reported:
        return CHARACTERS_A_TOKEN
    sent = read_sent(evidence.begun, evidence.metadata)
    characters = len(sent.system or "") + sum(map(length, sent.messages or ()))
    if characters < _LEAST_CHARACTERS:
        return CHARACTERS_A_TOKEN
    return min(max(characters / reported, 1.0), 8.0)


def estimated_tokens(evidence: Evidence, characters: int) -> int:
    """Return about how many tokens so many characters of a call's request are."""
    return round(characters / characters_a_token(evidence))

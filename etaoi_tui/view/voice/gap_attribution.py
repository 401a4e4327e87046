"""Takes the heard silence apart: each moment of it goes to the component that held the answer up then.

Where several were at work, the one nearest to the answer's way out counts: nobody waits for the model while
the turn detector has not decided, and nobody waits for a tool once the voice has been asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from etaoi_tui.view.voice.agent_stages import AgentStages
from etaoi_tui.view.voice.model import Basis, Kind, Part, Stage
from etaoi_tui.view.voice.user_stages import UserStages

_NOTHING = 1e-6


def gap_parts(
    user: UserStages, agent: AgentStages, *, lent: Sequence[Stage] = (), now: float | None = None
) -> tuple[Part, ...]:
    """Return the silence as parts without overlap, in order; together they are the whole gap.

    Args:
        user: The user's half of the turn.
        agent: The agent's.
        lent: Stages of the other turn that ended the silence, where one did.
        now: While nothing is heard yet: the present, up to which the silence is taken apart.
    """
    if user.stopped is None:
        return ()
    start = user.stopped.at
    if agent.heard_at is not None:
        end = agent.heard_at.at
    elif now is not None:
        end = now
    else:
        return ()
    return cut(start, end, _claims(user, agent, lent, start, end), Kind.UNEXPLAINED)


def cut(start: float, end: float, claims: Sequence[Part], rest: Kind) -> tuple[Part, ...]:
    """Divide a stretch of time among claims: an earlier claim in the list wins over a later one.

    Args:
        start: Its first moment.
        end: Its last.
        claims: Who wants what of it.
        rest: What nobody claims.
    """
    if end - start <= _NOTHING:
        return ()
    edges = {start, end}
    for claim in claims:
        edges.update(edge for edge in (claim.start, claim.end) if start < edge < end)
    ordered = sorted(edges)
    parts: list[Part] = []
    for left, right in pairwise(ordered):
        middle = (left + right) / 2
        winner = next((claim for claim in claims if claim.start <= middle < claim.end), None)
        kind = rest if winner is None else winner.kind
        basis = Basis.DERIVED if winner is None else winner.basis
        if parts and parts[-1].kind is kind and parts[-1].basis is basis:
            parts[-1] = Part(kind, parts[-1].start, right, basis)
        else:
            parts.append(Part(kind, left, right, basis))
    return tuple(parts)


def _claims(
    user: UserStages, agent: AgentStages, lent: Sequence[Stage], start: float, end: float
) -> list[Part]:
    claims: list[Part] = []
    if user.final_at is not None and not agent.hears:
        until = user.final_at.at if user.decided is None else min(user.final_at.at, user.decided.at)
        claims.append(Part(Kind.STT, start, until, user.final_at.basis))
    if user.decided is not None:
        claims.append(Part(Kind.EOU, start, user.decided.at, user.decided.basis))
        if user.callback_until is not None:
            claims.append(
                Part(Kind.CALLBACK, user.decided.at, user.callback_until.at, user.callback_until.basis)
            )
    else:
        waits = [stage for stage in user.stages if stage.kind is Kind.EOU and stage.end is None]
        claims += [Part(Kind.EOU, stage.start, end, stage.basis) for stage in waits]
    claims += answer_claims([*agent.stages, *lent], start, end)
    return claims


def answer_claims(stages: Sequence[Stage], since: float, heard_at: float) -> list[Part]:
    """Return what the stages of an answer claim of the time until it is heard."""
    voices = [stage for stage in stages if stage.kind is Kind.TTS and stage.start < heard_at]
    sounding = [
        stage.first for stage in voices if stage.first is not None and since <= stage.first <= heard_at
    ]
    claims: list[Part] = []
    if sounding:
        claims.append(Part(Kind.PLAYOUT, min(sounding), heard_at))
    for stage in voices:
        until = stage.first if stage.first is not None else stage.end
        claims.append(Part(Kind.TTS, stage.start, heard_at if until is None else until, stage.basis))
    for stage in stages:
        if stage.kind is Kind.TOOL:
            claims.append(
                Part(Kind.TOOL, stage.start, heard_at if stage.end is None else stage.end, stage.basis)
            )
    for stage in stages:
        if stage.kind is Kind.LLM and not stage.aside:
            end = heard_at if stage.end is None else stage.end
            first = end if stage.first is None else min(stage.first, end)
            claims.append(Part(Kind.TTFT, stage.start, first, stage.basis))
    for stage in stages:
        if stage.kind is Kind.LLM and not stage.aside and stage.first is not None:
            end = heard_at if stage.end is None else stage.end
            claims.append(Part(Kind.LLM, stage.first, end, stage.basis))
    return claims

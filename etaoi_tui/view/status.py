"""What the first line says, as words in order of importance."""

from __future__ import annotations

import msgspec

from etaoi_collector.sources.base import SourceStatus
from etaoi_collector.store import Store
from etaoi_collector.store.model import Session, Status
from etaoi_tui.text import one_line
from etaoi_tui.view import format as fmt
from etaoi_tui.view.now_line import Chip

Part = tuple[str, str, bool]
"""Text, look, and whether it must be shown even where room is short."""


class StatusLine(msgspec.Struct, frozen=True):
    """The first line.

    Attributes:
        parts: Texts from the left, behind the chips.
        location: What stands at the right end.
        chips: What runs now, one for each agent.
        follow: Stands at the right end instead, and is always shown: that the newest is not followed.
        runs: Stands there as well, and is always shown: that there is a list of runs, and its key.
        frame: Number of the spinner's picture.
    """

    parts: tuple[Part, ...] = ()
    location: str = ""
    chips: tuple[Chip, ...] = ()
    follow: str = ""
    runs: str = ""
    frame: int = 0


def status_line(
    source: SourceStatus,
    store: Store,
    session: Session | None,
    *,
    traces: int,
    notices: list[str],
    rate: float,
    behind: bool,
    growing: bool,
    ended: bool,
    chips: tuple[Chip, ...] = (),
    follow: str = "",
    hidden_runs: str = "",
    frame: int = 0,
) -> StatusLine:
    """Say where the data comes from, how much of it there is, and whether anything was lost.

    Args:
        source: How the source is doing.
        store: For the counters.
        session: The session of the trace that is shown.
        traces: How many traces it has.
        notices: What is odd with the source.
        rate: Events per second, lately.
        behind: More arrived than could be shown so far.
        growing: All there is for now is read, and more may be written.
        ended: A recording was read to its end.
        chips: What runs now.
        follow: That the newest is not followed; empty while it is, or where nothing comes.
        hidden_runs: What is in a list of several runs that is not on the screen.
        frame: Number of the spinner's picture.
    """
    if source.endpoint:
        parts = _live_parts(source, rate if behind else None)
    else:
        parts = _replay_parts(source, store, notices, growing, ended)
    parts.extend(_troubles(store, source.lost))
    parts.extend(_voice(session))
    location = session_words(store, session, traces)
    return StatusLine(
        tuple(parts),
        location,
        chips,
        follow,
        f"{hidden_runs} · 1 lists them" if hidden_runs else "",
        frame if chips else 0,
    )


def follow_words(new: int) -> str:
    """Say that the newest is not followed, and how many rows came meanwhile: ``follow off · 3 new · f``."""
    return f"follow off · {new:,} new · f" if new else "follow off · f"


def _live_parts(source: SourceStatus, rate: float | None) -> list[Part]:
    """Say where it listens; counters only when they are not as they should be."""
    parts: list[Part] = [(f"● live {source.name}", "live", False)]
    if not source.clients:
        parts.append(("no agent is connected", "muted", False))
    if rate is not None:
        parts.append((f"catching up with {rate:,.0f} ev/s", "warning", False))
    recording = source.recording
    if recording.warning:
        parts.append((f"⚠ {one_line(recording.warning, 60)}", "error", True))
    elif not recording.is_kept:
        parts.append(("not recorded", "muted", False))
    return parts


def _replay_parts(
    source: SourceStatus, store: Store, notices: list[str], growing: bool, ended: bool
) -> list[Part]:
    parts: list[Part] = [(f"▶ replay {one_line(source.name, 40)}", "replay", True)]
    progress = None if ended else source.progress
    if progress is not None and growing:
        parts.append(("● following the file", "live", True))
    elif progress is not None:
        done = round(progress.share * 10)
        parts.append((f"loading {'█' * done}{'░' * (10 - done)} {progress.share * 100:.0f}%", "live", True))
    if notices:
        parts.append((f"⚠ {one_line(notices[-1], 70)}", "warning", True))
    return parts


def session_words(store: Store, session: Session | None, traces: int) -> str:
    """Say which session is shown and how many traces it has."""
    if session is None:
        return ""
    of = f" of {len(store.sessions):,}" if len(store.sessions) > 1 else ""
    return f"session {session.number}{of} · {fmt.count(traces, 'trace')}"


def _troubles(store: Store, lost: int) -> list[Part]:
    parts: list[Part] = []
    if store.rejected:
        parts.append((f"⚠ {store.rejected:,} rejected (!)", "error", True))
    if lost:
        parts.append((f"⚠ {lost:,} lost (!)", "error", True))
    dropped = store.dropped
    if dropped:
        parts.append((f"⚠ {dropped:,} dropped by the agent (!)", "warning", True))
    if store.evicted_traces:
        parts.append((f"{fmt.count(store.evicted_traces, 'old trace')} in the file only", "muted", False))
    return parts


def _voice(session: Session | None) -> list[Part]:
    if session is None or not session.states or _is_over(session):
        return []
    words = [f"{one_line(who, 12)} {one_line(state, 16)}" for who, state in sorted(session.states.items())]
    return [("♪ " + " · ".join(words[:4]), "replay", True)]


def _is_over(session: Session) -> bool:
    """Whether a voice call has ended: its last states say nothing of the present."""
    calls = [root for trace in session.traces[:8] for root in trace.roots[:4] if root.kind == "voice_session"]
    return bool(calls) and all(call.status is not Status.RUNNING for call in calls)

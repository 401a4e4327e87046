"""What the first line says, as words in order of importance."""

from __future__ import annotations

from dataclasses import dataclass

from etaoi_collector.sources.base import SourceStatus
from etaoi_collector.store import Store
from etaoi_collector.store.model import Session, Status
from etaoi_tui.text import one_line
from etaoi_tui.view import format as fmt

Part = tuple[str, str, bool]
"""Text, look, and whether it must be shown even where room is short."""


@dataclass(frozen=True, slots=True)
class StatusLine:
    """The first line.

    Attributes:
        parts: Texts from the left.
        place: What stands at the right end.
    """

    parts: tuple[Part, ...] = ()
    place: str = ""


def status_line(
    source: SourceStatus,
    store: Store,
    session: Session | None,
    *,
    traces: int,
    notices: list[str],
    rate: float,
    following: bool,
    growing: bool,
    ended: bool,
) -> StatusLine:
    """Say where the data comes from, how much of it there is, and whether anything was lost.

    Args:
        source: How the source is doing.
        store: For the counters.
        session: The session of the trace that is shown.
        traces: How many traces it has.
        notices: What is odd with the source.
        rate: Events per second, lately.
        following: Whether the newest span is followed.
        growing: All there is for now is read, and more may be written.
        ended: A recording was read to its end.
    """
    if source.endpoint:
        parts = _live_parts(source, rate, following)
    else:
        parts = _replay_parts(source, store, notices, growing, ended)
    parts.extend(_troubles(store, source.lost))
    if source.endpoint and not store.rejected and not source.lost:
        parts.append(("0 lost", "muted", False))
    parts.extend(_voice(session))
    return StatusLine(tuple(parts), place_of(store, session, traces))


def _live_parts(source: SourceStatus, rate: float, following: bool) -> list[Part]:
    parts: list[Part] = [(f"● live {source.name}", "live", True)]
    if following:
        parts.append(("⇣ follow", "replay", False))
    parts.append((fmt.count(source.clients, "client"), "muted", False))
    parts.append((f"{rate:,.0f} ev/s", "muted", False))
    recording = source.recording
    if recording.warning:
        parts.append((f"⚠ {one_line(recording.warning, 60)}", "error", True))
    elif recording.kept:
        parts.append((f"rec {fmt.size(recording.written)}", "muted", False))
    else:
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
    parts.append((fmt.count(store.events, "event"), "muted", False))
    if notices:
        parts.append((f"⚠ {one_line(notices[-1], 70)}", "warning", True))
    return parts


def place_of(store: Store, session: Session | None, traces: int) -> str:
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

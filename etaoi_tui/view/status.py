"""What the first line says, as words in order of importance."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Recording:
    """How the recording of a live run is doing."""

    kept: bool = False
    """It goes to a file that stays."""
    written: int = 0
    """Bytes so far."""
    warning: str = ""
    """Why nothing is recorded any more; empty while all is well."""


def live_status(
    endpoint: str,
    clients: int,
    rate: float,
    recording: Recording,
    store: Store,
    lost: int,
    following: bool,
    session: Session | None,
) -> StatusLine:
    """Say how a live run is doing.

    Args:
        endpoint: Host and port.
        clients: Connected now.
        rate: Events per second, lately.
        recording: What is written where.
        store: For the counters.
        lost: Events that arrived and could not be kept.
        following: Whether the newest span is followed.
        session: The session of the trace that is shown.
    """
    parts: list[Part] = [(f"● live {endpoint}", "live", True)]
    if following:
        parts.append(("⇣ follow", "replay", False))
    parts.append((fmt.count(clients, "client"), "muted", False))
    parts.append((f"{rate:,.0f} ev/s", "muted", False))
    if recording.warning:
        parts.append((f"⚠ {one_line(recording.warning, 60)}", "error", True))
    elif recording.kept:
        parts.append((f"rec {fmt.size(recording.written)}", "muted", False))
    else:
        parts.append(("not recorded", "muted", False))
    parts.extend(_troubles(store, lost))
    if not store.rejected and not lost:
        parts.append(("0 lost", "muted", False))
    parts.extend(_voice(session))
    return StatusLine(tuple(parts), place_of(store, session))


def replay_status(
    name: str,
    share: float | None,
    notices: list[str],
    store: Store,
    session: Session | None,
    *,
    growing: bool = False,
) -> StatusLine:
    """Say what is replayed, and how far it is read.

    Args:
        name: The file's name.
        share: How much is read, 0 to 1; None when all is.
        notices: What is odd with the file.
        store: For the counters.
        session: The session of the trace that is shown.
        growing: All there is for now is read, and more may be written.
    """
    parts: list[Part] = [(f"▶ replay {one_line(name, 40)}", "replay", True)]
    if growing:
        parts.append(("● following the file", "live", True))
    elif share is not None:
        done = round(share * 10)
        parts.append((f"loading {'█' * done}{'░' * (10 - done)} {share * 100:.0f}%", "live", True))
    parts.append((fmt.count(store.events, "event"), "muted", False))
    if notices:
        parts.append((f"⚠ {one_line(notices[-1], 70)}", "warning", True))
    parts.extend(_troubles(store, 0))
    parts.extend(_voice(session))
    return StatusLine(tuple(parts), place_of(store, session))


def place_of(store: Store, session: Session | None) -> str:
    """Say which session is shown and how many traces it has, without what is nothing but a snapshot."""
    if session is None:
        return ""
    of = f" of {len(store.sessions):,}" if len(store.sessions) > 1 else ""
    traces = sum(bool(trace.roots) and not trace.only_context for trace in session.traces)
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

"""The automatic recordings: where they lie, which there are, and which must go."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from etaoi_collector.wire.trace_records import is_being_written

KEEP_RUNS = 20
KEEP_BYTES = 2 << 30

STATE_DIR_VARIABLE = "ETAOI_TUI_STATE_DIR"
_TIME = "%Y%m%d-%H%M%S"
_SUFFIX = ".msgpack"


class Recording(msgspec.Struct, frozen=True):
    """One run's recording."""

    path: Path
    """Its first file that is there."""
    files: tuple[Path, ...]
    """All its files, in order."""
    started: float
    """Seconds since the epoch."""
    size: int
    """Bytes of all files."""
    running: bool
    """A live collector writes it."""
    key: Path
    """The name of its very first file, also once that was deleted: it tells recordings apart."""


def state_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of what this program keeps: ``ETAOI_TUI_STATE_DIR``, or the platform's own place."""
    chosen = (os.environ if environ is None else environ).get(STATE_DIR_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_state_dir("etaoi-tui", appauthor=False))


def recordings_dir(state: Path | None = None) -> Path:
    """Return the folder of the automatic recordings, without creating it."""
    return (state_dir() if state is None else state) / "recordings"


def prepare(directory: Path) -> None:
    """Create the folder, private to the user.

    Raises:
        OSError: It cannot be created or used.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_mode & 0o077:
        directory.chmod(0o700)


def new_path(directory: Path, now: float) -> Path:
    """Choose the file of a run that begins ``now`` (seconds since the epoch)."""
    stamp = datetime.fromtimestamp(now, UTC).strftime(_TIME)
    return directory / f"run-{stamp}-{os.urandom(2).hex()}{_SUFFIX}"


def list_recordings(directory: Path | None = None) -> list[Recording]:
    """Return the automatic recordings, newest first; an empty list when there are none."""
    folder = recordings_dir() if directory is None else directory
    runs: dict[str, list[tuple[int, Path]]] = {}
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    for name in names:
        if name.startswith("run-") and name.endswith(_SUFFIX):
            run, _, number = name.removesuffix(_SUFFIX).partition(".")
            if not number or number.isdigit():
                runs.setdefault(run, []).append((int(number or 1), folder / name))
    recordings = [
        recording
        for run, files in runs.items()
        if (recording := _recording(folder / (run + _SUFFIX), sorted(files)))
    ]
    return sorted(recordings, key=lambda recording: (recording.started, recording.path.name), reverse=True)


def key_of(file: Path) -> Path:
    """Return the key of the automatic recording that a file belongs to; any other file is its own."""
    if not file.name.startswith("run-"):
        return file
    return file.with_name(file.name.removesuffix(_SUFFIX).partition(".")[0] + _SUFFIX)


def recording_at(key: Path) -> Recording | None:
    """Look at one recording, wherever it lies; None when none of its files is there.

    Args:
        key: Its first file, see `Recording.key`.
    """
    files = [(1, key)] if key.exists() else []
    start, ending = f"{key.stem}.", key.suffix
    try:
        names = os.listdir(key.parent)
    except OSError:
        return None
    for name in names:
        number = name.removeprefix(start).removesuffix(ending)
        if name.startswith(start) and name.endswith(ending) and number.isdigit():
            files.append((int(number), key.with_name(name)))
    return _recording(key, sorted(files))


def prune(directory: Path, *, keep_runs: int = KEEP_RUNS, keep_bytes: int = KEEP_BYTES) -> list[Path]:
    """Delete the oldest recordings beyond either bound; those that are being written stay and count.

    Args:
        directory: The folder of the automatic recordings.
        keep_runs: How many runs are kept.
        keep_bytes: How many bytes they may have together.

    Returns:
        The files that were deleted.
    """
    recordings = list_recordings(directory)
    runs = sum(recording.running for recording in recordings)
    size = sum(recording.size for recording in recordings if recording.running)
    deleted: list[Path] = []
    full = False
    for recording in recordings:
        if recording.running:
            continue
        full = full or runs + 1 > keep_runs or size + recording.size > keep_bytes
        if full:
            deleted += _delete(recording)
        else:
            runs += 1
            size += recording.size
    return deleted


def _delete(recording: Recording) -> list[Path]:
    deleted = []
    for path in reversed(recording.files):
        try:
            path.unlink()
        except OSError:
            continue  # somebody else was quicker, or forbids it: either way it is not ours to insist
        deleted.append(path)
    return deleted


def _recording(key: Path, files: list[tuple[int, Path]]) -> Recording | None:
    """Look at one recording's files; None when they are gone meanwhile."""
    size = 0
    running = False
    started = 0.0
    paths: list[Path] = []
    for _, path in files:
        try:
            # A pipe in the folder must not keep who lists it waiting for a writer.
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except OSError:
            continue
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                continue
            running = running or is_being_written(descriptor)
        finally:
            os.close(descriptor)
        paths.append(path)
        size += status.st_size
        started = started or status.st_mtime
    if not started:
        return None
    return Recording(paths[0], tuple(paths), _time_of(key.name) or started, size, running, key)


def _time_of(run: str) -> float | None:
    try:
        return datetime.strptime(run[4 : 4 + 15], _TIME).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None

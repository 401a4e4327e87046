"""What a collector can be told, and what is wrong with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from etaoi_collector.recording.directory import KEEP_BYTES, KEEP_RUNS
from etaoi_collector.recording.recorder import SEGMENT_BYTES
from etaoi_collector.wire.errors import EtaoiError
from etaoi_collector.wire.limits import LARGEST_FRAME, MAX_FRAME

DEFAULT_PORT = 8787
OTLP_HTTP_PORT, OTLP_GRPC_PORT = 4318, 4317
"""Where OpenTelemetry's exporters send to unless they are told otherwise."""


class OptionError(EtaoiError):
    """Options that do not go together; the text is a sentence for a person."""


class BindError(EtaoiError):
    """The address cannot be listened on; the text is a sentence for a person."""


class Record(Enum):
    """Where a collector records to, when it is no chosen file."""

    AUTO = "auto"
    """To a new file in the state folder."""
    NONE = "none"
    """To a private file that ends with the process."""


class Sharing(Enum):
    """Whether ports are shared with another process of the same user, for the moment of handing over."""

    NOT = "not"
    HANDS_ON = "hands on"
    """The ports must be free now; a later process may listen on them, too."""
    TAKES_OVER = "takes over"
    """Another process listens there, and is about to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorOptions:
    """Everything that a collector can be told."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    """0 for a free one."""
    otlp_ports: tuple[int, ...] = ()
    """Further ports that are taken where they are free, for clients that have OpenTelemetry's by default."""
    shares: Sharing = Sharing.NOT
    """Whether another process may listen on the same ports while one hands over to the other."""
    token: str | None = None
    """What clients must bring; demanded when others than this machine can reach the address."""
    allow_hosts: tuple[str, ...] = ()
    """Names beside localhost that requests may be addressed to."""
    max_frame: int = MAX_FRAME
    """Bytes of the largest message taken."""
    record: Record | Path = Record.AUTO
    """File to record to, or which other way."""
    state: Path | None = None
    """Folder for what is kept; the platform's own place if None."""
    keep_runs: int = KEEP_RUNS
    keep_bytes: int = KEEP_BYTES
    segment_bytes: int = SEGMENT_BYTES
    """Size from which on a recording goes on in a next file."""
    watched: bool = True
    """Somebody reads the inbox. False for recording only: events are counted then, and not handed over."""
    viewer_patience: float = 30.0
    """Seconds after which another viewer that does not read on is sent away."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""

    def check(self) -> None:
        """Check what can be checked without touching anything.

        Raises:
            OptionError: Something is wrong.
        """
        if not 0 <= self.port <= 65535:
            raise OptionError(f"The port must be from 0 to 65535, not {self.port}.")
        if not 1024 <= self.max_frame <= LARGEST_FRAME:
            raise OptionError(f"The largest frame must have from 1,024 to {LARGEST_FRAME:,} bytes.")
        if self.token is not None and not self.token.strip():
            raise OptionError("The token is empty; give one that cannot be guessed.")
        if self.keep_runs < 1 or self.keep_bytes < 1:
            raise OptionError("At least one recording must be kept; use --no-record to make none.")

"""What the catalogue keeps of a run: what a list shows, what a search asks first, and where it lies."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from etaoi_collector.conventions.usage import Usage

PRICE_SECONDS = 900
"""Calls that began within the same so many seconds are priced alike."""

Extent = tuple[int, int, int]
"""A segment's number, the offset of a record in it, and the offset at which reading ends: records that begin
at it or behind it are not meant."""


class CallTokens(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """Model calls that used the same tokens of the same model at about the same time."""

    model: int
    """Index of `RunRow.model_names`."""
    at: int
    """When they began, in seconds since the epoch, rounded down to `PRICE_SECONDS`."""
    count: int
    """How many they are."""
    tokens: list[int | str | bool | None]
    """The fields of `Usage`, without those at the end that say nothing."""

    @property
    def usage(self) -> Usage:
        """What each of them used."""
        return Usage(*self.tokens)  # type: ignore[arg-type]


class RunHead(msgspec.Struct, array_like=True, gc=False):
    """What a list shows of a run, and where it lies. Times are seconds since the epoch."""

    trace_id: str
    session_id: str
    number: int
    """Order of arrival in its recording."""
    name: str
    question: str
    """What it was asked, in one line; empty if nothing tells."""
    agent: str
    status: str
    started_at: float
    ended_at: float
    spans: int
    events: int
    errors: int
    model_calls: int
    tool_calls: int
    input_tokens: int
    output_tokens: int
    dropped: int
    waits_for: str | None
    has_waits: bool
    """It waited, or went on with one that did: what that means depends on the order of runs."""
    left_at: float | None
    """When the last client that carried its session went; spans without an end were seen until then."""
    thread: str | None
    user_id: str | None
    is_run: bool
    """False for what is shown with another run, see `trace_names.is_run`."""
    is_listed: bool
    """False for what is no part of a run that can be asked for, see `trace_names.is_listed`."""
    only_infrastructure: bool
    """Nothing in it tells of an agent."""
    context_tokens: int
    """Input of its newest model call that told any; 0 if none did."""
    extents: list[Extent]
    """Where its events lie."""


class RunDetails(msgspec.Struct, array_like=True, gc=False):
    """What a run paid and what occurs in it: read when somebody asks."""

    model_names: list[tuple[str, str, str]]
    """Model that answered, model that was asked, and provider, of `calls`."""
    calls: list[CallTokens]
    """What was asked and paid."""
    agents: list[str]
    tools: list[str]
    models: list[str]
    error_texts: list[str]
    other_names: list[str]
    """Names of the other spans; like the lists before it bounded, and so no proof that there are no more."""


class RunRow(RunHead, gc=False):
    """A run with all that is kept of it. The fields of `RunDetails` stand here again: it has one base."""

    model_names: list[tuple[str, str, str]]
    calls: list[CallTokens]
    agents: list[str]
    tools: list[str]
    models: list[str]
    error_texts: list[str]
    other_names: list[str]

    @property
    def tokens_by_model(self) -> dict[str, tuple[int, int]]:
        """Input and output tokens of the calls that were paid, by the model that answered."""
        sums: dict[str, tuple[int, int]] = {}
        for call in self.calls:
            usage = call.usage
            name = self.model_names[call.model][0]
            sum_so_far = sums.get(name, (0, 0))
            sums[name] = (
                sum_so_far[0] + call.count * (usage.input_tokens or 0),
                sum_so_far[1] + call.count * (usage.output_tokens or 0),
            )
        return sums


class ListedRow(RunHead, array_like=True, gc=False):
    """A run as it lies in the catalogue: what a list of many needs, and the rest in one piece."""

    packed: msgspec.Raw
    """Its `RunDetails`, encoded, as bytes: that is skipped at once."""

    @property
    def details(self) -> RunDetails:
        """Read what it paid, and what occurs in it; nothing where that is damaged."""
        try:
            return _read_details(_read_bytes(self.packed))
        except msgspec.MsgspecError:
            return RunDetails([], [], [], [], [], [], [])

    def paid_calls(self) -> Iterator[tuple[tuple[str, str, str], int, int, Usage]]:
        """Yield its paid calls; see `etaoi_collector.store.listed_run.ListedRun`."""
        details = self.details
        for call in details.calls:
            yield details.model_names[call.model], call.at, call.count, call.usage


_HEAD = RunHead.__struct_fields__
_DETAILS = RunDetails.__struct_fields__
_encode = msgspec.msgpack.encode
_read_bytes = msgspec.msgpack.Decoder(bytes).decode
_read_details = msgspec.msgpack.Decoder(RunDetails).decode

read_listed = msgspec.msgpack.Decoder(ListedRow).decode
"""Reads the beginning of a run's row."""


def pack_row(row: RunRow) -> bytes:
    """Return a run's row as it lies in the catalogue."""
    details = _encode([getattr(row, field) for field in _DETAILS])
    return _encode([*(getattr(row, field) for field in _HEAD), details])


def read_row(data: bytes) -> RunRow:
    """Read all of a run's row.

    Raises:
        msgspec.MsgspecError: It is none.
    """
    row = read_listed(data)
    details = _read_details(_read_bytes(row.packed))
    head = (getattr(row, field) for field in _HEAD)
    return RunRow(*head, *(getattr(details, field) for field in _DETAILS))

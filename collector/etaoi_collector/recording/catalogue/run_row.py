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


class RunRow(RunHead, array_like=True, gc=False):
    """A run."""

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
    """The beginning of a run's row: what a list of many needs. What it paid is read when somebody asks."""

    model_names: msgspec.Raw
    calls: msgspec.Raw

    def paid_calls(self) -> Iterator[tuple[tuple[str, str, str], int, int, Usage]]:
        """Yield its paid calls; see `etaoi_collector.store.listed_run.ListedRun`."""
        names = _read_names(self.model_names)
        for call in _read_calls(self.calls):
            yield names[call.model], call.at, call.count, call.usage


_read_names = msgspec.msgpack.Decoder(list[tuple[str, str, str]]).decode
_read_calls = msgspec.msgpack.Decoder(list[CallTokens]).decode

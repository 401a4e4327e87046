"""A running collector for the length of a block, with its failures told as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from etaoi_collector.collector import BindError, Collector, CollectorOptions, OptionError
from etaoi_collector.port_holder import holder_of
from etaoi_collector.recording.recording_files import RecordError
from etaoi_tui.console import CommandError


class AddressHeld(CommandError):
    """Another etaoi-tui listens where this one was to."""


@contextmanager
def running_collector(
    options: CollectorOptions, instead: CollectorOptions | None = None, *, start: bool = True
) -> Iterator[Collector]:
    """Bind and start a collector, and stop it at the end.

    Args:
        options: What to listen on, and where to record to.
        instead: What to try when that address cannot be had.
        start: Start it now. False leaves that to the viewer, which draws its first screen before; clients
            that come meanwhile wait in the socket's queue.

    Raises:
        AddressHeld: Another etaoi-tui has the address.
        CommandError: It cannot listen or record as asked.
    """
    try:
        collector = _bound(options, instead)
    except BindError as error:
        is_held = options.port and holder_of(options.host, options.port)
        raise AddressHeld(str(error)) if is_held else CommandError(str(error)) from None
    except (OptionError, RecordError) as error:
        raise CommandError(str(error)) from None
    try:
        if start:
            collector.start()
        yield collector
    finally:
        collector.stop()
        collector.close_recording()


def _bound(options: CollectorOptions, instead: CollectorOptions | None) -> Collector:
    collector = Collector(options)
    try:
        collector.bind()
    except BindError:
        if instead is None:
            raise
        return _bound(instead, None)
    return collector

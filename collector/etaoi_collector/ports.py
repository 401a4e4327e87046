"""The sockets that a collector listens on."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from etaoi_collector.options import BindError, CollectorOptions, OptionError, Sharing
from etaoi_collector.port_holder import holder_of
from etaoi_collector.wire.addresses import is_loopback

__all__ = ["Ports", "open_ports"]

BACKLOG = 128


class Ports(msgspec.Struct, frozen=True):
    """Sockets that listen.

    Args:
        main: The one that every client finds.
        further: Those of OpenTelemetry's ports that were free.
        taken_ports: Numbers of the ports that were not.
        loopback: Whether only this machine can connect.
        url: Where clients of the etaoi protocol connect to.
    """

    main: socket.socket
    further: list[socket.socket]
    taken_ports: list[int]
    loopback: bool
    url: str

    def __iter__(self) -> Iterator[socket.socket]:
        yield self.main
        yield from self.further

    def close(self) -> None:
        """Close all of them."""
        for bound in self:
            bound.close()


def open_ports(options: CollectorOptions) -> Ports:
    """Listen on the port of the options, and on those of ``otlp_ports`` that are free.

    Raises:
        BindError: The address cannot be listened on.
        OptionError: It is reachable for others, and no token is set.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            options.host or None, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise BindError(f"Cannot listen on {options.host!a}: {_reason(error)}.") from None
    bound = socket.socket(family, kind, protocol)
    try:
        _bind(bound, address, options.shares)
        host, port = bound.getsockname()[:2]
        loopback = is_loopback(host)
        if not loopback and options.token is None:
            raise OptionError(
                f"Listening on {options.host} lets others connect: "
                "set a token with --token or ETAOI_TUI_TOKEN."
            )
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise BindError(_sentence(options.host, options.port, error)) from None
    except OptionError:
        bound.close()
        raise
    url = f"ws://{f'[{host}]' if ':' in host else host}:{port}/ingest"
    further, taken_ports = _open_further(bound, options.otlp_ports, options.shares)
    return Ports(bound, further, taken_ports, loopback, url)


def _open_further(
    main: socket.socket, numbers: Iterable[int], shares: Sharing
) -> tuple[list[socket.socket], list[int]]:
    """Take those of the further ports that are free; what holds the others has its reasons."""
    host = main.getsockname()[0]
    further, taken_ports = [], []
    for port in numbers:
        bound = socket.socket(main.family, main.type)
        try:
            _bind(bound, (host, port), shares)
            bound.listen(BACKLOG)
        except OSError:
            bound.close()
            taken_ports.append(port)
        else:
            further.append(bound)
    return further, taken_ports


def _bind(unbound: socket.socket, address: Any, shares: Sharing) -> None:
    if os.name == "posix":
        unbound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shares is not Sharing.NOT and hasattr(socket, "SO_REUSEPORT"):
        if shares is Sharing.HANDS_ON:
            _look_whether_free(unbound, address)
        unbound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    unbound.bind(address)


def _look_whether_free(like: socket.socket, address: Any) -> None:
    """Raise OSError if somebody listens, who would share the port without knowing of it."""
    with socket.socket(like.family, like.type) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def _sentence(host: str, port: int, error: OSError) -> str:
    where = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        if holder := holder_of(host, port):
            return (
                f"Port {port} is taken by another {holder.name}; look into that one with --attach, or choose "
                "another port with --port."
            )
        return f"Port {port} on {host} is taken by another program; choose another one with --port."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} is reserved for the system; choose one from 1024 on with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"This machine does not have the address {host}; choose another one with --host."
    return f"Cannot listen on {where}: {_reason(error)}."


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)

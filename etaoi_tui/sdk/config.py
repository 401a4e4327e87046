"""What a user may set, by parameter or environment, with the meaning it has in the `etaoi` SDK.

A parameter wins over its environment variable.

=====================================  ==========================================================
`ETAOI_DISABLED`, `AGENTVIZ_DISABLED`  1, true or yes: nothing is recorded, no thread, no cost
`ETAOI_HOST`                           a host or base URL instead of ``server_url``
`ETAOI_PUBLIC_KEY`/`ETAOI_SECRET_KEY`  sent as headers, only both together
`ETAOI_PROJECT_TOKEN`                  sent as a header
`ETAOI_AGENT_ID`                       the agent's stable identity
`ETAOI_TLS_INSECURE`                   1, true or yes: certificates are not checked
`ETAOI_MAX_TEXT`                       characters of one text before it is cut
=====================================  ==========================================================
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from etaoi_tui.sdk.limits import Limits
from etaoi_tui.sdk.redact import Redact, RedactOption
from etaoi_tui.sdk.stats import Stats
from etaoi_tui.sdk.tracer import SessionInfo, Tracer

DEFAULT_URL = "ws://127.0.0.1:8787/ingest"
_INGEST_PATH = "/ingest"
_TRUE = frozenset({"1", "true", "yes"})


def is_disabled() -> bool:
    """Whether the environment switches everything off. Read anew at every call."""
    return _is_true("ETAOI_DISABLED") or _is_true("AGENTVIZ_DISABLED")


def _is_true(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in _TRUE


def resolve_url(host: str | None = None, server_url: str | None = None) -> str:
    """Return the WebSocket URL to send to.

    ``host`` wins over ``server_url``. ``https`` becomes ``wss`` and ``http`` ``ws``; a bare loopback host
    means ``ws``, any other bare host and any other scheme ``wss``; a missing path becomes ``/ingest``. Empty
    text means the default, this machine.
    """
    from etaoi_collector.wire.addresses import is_loopback

    raw = (host if host is not None else server_url or "").strip()
    if not raw:
        raw = (server_url or "").strip() or DEFAULT_URL
    if "://" not in raw:
        bare = urlsplit(f"//{raw}").hostname or ""
        raw = f"{'ws' if is_loopback(bare) else 'wss'}://{raw}"
    parts = urlsplit(raw)
    scheme = {"https": "wss", "http": "ws"}.get(parts.scheme.lower(), parts.scheme.lower())
    if scheme not in ("ws", "wss"):
        scheme = "wss"
    path = parts.path if parts.path not in ("", "/") else _INGEST_PATH
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


def resolve_agent_id(agent_id: str | None) -> str | None:
    """Return the agent's stable identity, by parameter or environment."""
    return agent_id if agent_id is not None else os.environ.get("ETAOI_AGENT_ID")


def open_tracer(
    *,
    server_url: str | None = None,
    host: str | None = None,
    public_key: str | None = None,
    secret_key: str | None = None,
    project_token: str | None = None,
    sink: Any = None,
    user_id: str | None = None,
    session_id: str | UUID | None = None,
    insecure_tls: bool | None = None,
    redact: RedactOption = None,
    limits: Limits | None = None,
    flush_on_sigterm: bool = False,
) -> Tracer:
    """Make a tracer. Tracers with the same destination share one connection.

    Args:
        server_url: the collector's URL; by default ``ETAOI_HOST``, else ``ws://127.0.0.1:8787/ingest``.
        host: a host or base URL; wins over ``server_url``; see `resolve_url`.
        public_key: sent with ``secret_key`` as ``X-Etaoi-Public-Key``.
        secret_key: sent with ``public_key`` as ``X-Etaoi-Secret-Key``.
        project_token: sent as ``X-Etaoi-Project-Token``.
        sink: ``"ws"`` or None for a viewer; ``"file"`` for a trace file in the current folder; a path for
            that file; ``"memory"`` for an `InMemorySink`; ``"noop"``; ``"msgpack-drop"``; or any object with
            ``emit(envelope)``.
        user_id: whose run it is; goes into every start and end.
        session_id: a UUID, or any string (the same string is always the same session); None for a new one.
        insecure_tls: accept any certificate.
        redact: see `etaoi_tui.sdk.redact.Redact.of`.
        limits: see `Limits`.
        flush_on_sigterm: install a handler that flushes before SIGTERM ends the process. Only in the main
            thread and only when the program has none of its own. Children of multiprocessing always do: a
            pool terminates its workers.

    Raises:
        ValueError: ``sink`` is text but none of these.
        TypeError: ``sink`` has no ``emit``, or ``redact`` is of an unknown kind.
    """
    session = SessionInfo.of(session_id, user_id)
    limits = limits or Limits.from_environment()
    rules = Redact.of(redact)
    if is_disabled() or sink == "noop":
        return Tracer(None, session=session, limits=limits, redact=rules)
    headers: dict[str, str] = {}
    public = public_key if public_key is not None else os.environ.get("ETAOI_PUBLIC_KEY")
    secret = secret_key if secret_key is not None else os.environ.get("ETAOI_SECRET_KEY")
    token = project_token if project_token is not None else os.environ.get("ETAOI_PROJECT_TOKEN")
    if public and secret:
        headers = {"X-Etaoi-Public-Key": public, "X-Etaoi-Secret-Key": secret}
    if token:
        headers["X-Etaoi-Project-Token"] = token
    pipeline = _open_pipeline(
        sink,
        resolve_url(_host(host, server_url), server_url),
        headers,
        _is_true("ETAOI_TLS_INSECURE") if insecure_tls is None else insecure_tls,
    )
    from etaoi_tui.sdk.process_end import finish_at_exit, install_sigterm_flush

    finish_at_exit()
    if flush_on_sigterm:
        install_sigterm_flush()
    return Tracer(pipeline, session=session, limits=limits, redact=rules)


def _host(host: str | None, server_url: str | None) -> str | None:
    """Return the host that was named; the environment's only where the program names no destination."""
    if host is not None or server_url is not None:
        return host
    return os.environ.get("ETAOI_HOST")


def _open_pipeline(sink: Any, url: str, headers: dict[str, str], insecure_tls: bool) -> Any:
    from etaoi_tui.sdk.transport.pipeline import Pipeline
    from etaoi_tui.sdk.transport.registry import share_pipeline, shared_pipeline

    if sink is None or sink == "ws":
        from etaoi_tui.sdk.transport.endpoint import Endpoint
        from etaoi_tui.sdk.transport.websocket import WebSocketOutlet

        key = ("ws", url, tuple(sorted(headers.items())), insecure_tls)
        shared = shared_pipeline(key)
        if shared is not None:
            return shared
        stats = Stats()
        pipeline = Pipeline(WebSocketOutlet(Endpoint(url, headers, insecure_tls), stats), stats, key=key)
        share_pipeline(pipeline)
        return pipeline
    if isinstance(sink, str | os.PathLike):
        return _open_named(sink)
    if not callable(getattr(sink, "emit", None)):
        raise TypeError(f"sink= takes a name, a path or an object with emit(envelope); got {sink!r:.100}")
    return _open_emit(sink)


def _open_named(sink: str | os.PathLike[str]) -> Any:
    from etaoi_tui.sdk.transport.local import DropOutlet, InMemorySink, MsgpackDropSink
    from etaoi_tui.sdk.transport.pipeline import Pipeline
    from etaoi_tui.sdk.transport.registry import share_pipeline, shared_pipeline

    stats = Stats()
    if sink == "memory":
        return _open_emit(InMemorySink())
    if sink == "msgpack-drop":
        return Pipeline(DropOutlet(MsgpackDropSink(), stats), stats)
    path = Path(sink)
    if sink == "file":
        path = Path(time.strftime(f"etaoi-%Y%m%d-%H%M%S-{os.getpid()}.msgpack"))
    elif isinstance(sink, str) and not path.suffix and path.parent == Path("."):
        raise ValueError(
            f"unknown sink {sink!r}: ws, file, memory, noop, msgpack-drop, or a path such as run.msgpack"
        )
    from etaoi_tui.sdk.transport.file import FileOutlet, FileSink

    path = path.expanduser().absolute()
    key = ("file", str(path))
    shared = shared_pipeline(key)
    if shared is not None:
        return shared
    pipeline = Pipeline(FileOutlet(FileSink(path), stats), stats, key=key)
    share_pipeline(pipeline)
    return pipeline


def _open_emit(sink: Any) -> Any:
    from etaoi_tui.sdk.transport.local import EmitOutlet, InMemorySink
    from etaoi_tui.sdk.transport.pipeline import Pipeline
    from etaoi_tui.sdk.transport.registry import share_pipeline, shared_pipeline

    key = ("emit", id(sink))
    shared = shared_pipeline(key)
    if shared is not None:
        return shared
    stats = Stats()
    pipeline = Pipeline(EmitOutlet(sink, stats), stats, key=key)
    if isinstance(sink, InMemorySink):
        sink.bind(pipeline.flush)
    share_pipeline(pipeline)
    return pipeline

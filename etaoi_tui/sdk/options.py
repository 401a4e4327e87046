"""The options that everything with a destination takes: `attach`, `attach_session`, `watch`, handlers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from uuid import UUID

    from etaoi_tui.sdk.limits import Limits
    from etaoi_tui.sdk.redact import RedactOption


class TracerOptions(TypedDict, total=False):
    """Parameters of `etaoi_tui.sdk.config.open_tracer`, which says what they mean (PEP 692)."""

    server_url: str | None
    host: str | None
    public_key: str | None
    secret_key: str | None
    project_token: str | None
    sink: Any
    user_id: str | None
    session_id: str | UUID | None
    insecure_tls: bool | None
    redact: RedactOption
    limits: Limits | None
    flush_on_sigterm: bool

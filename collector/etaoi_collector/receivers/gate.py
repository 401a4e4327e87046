"""Who may come in: the same rules for every receiver."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol


class HeaderFields(Protocol):
    """The head of a request."""

    def get_all(self, key: str) -> Sequence[str]:
        """Return all fields of a name, in any spelling."""


class Objection(NamedTuple):
    """Why a request is refused outright."""

    status: int
    reason: str
    """One line for a person."""


class Gate:
    """Decides who may connect.

    Args:
        token: What clients must bring; None when nobody must.
        check_host: Take only requests whose Host header names this machine's loopback, against pages that
            point a name of theirs to it (DNS rebinding).
        allow_hosts: Further names that the Host header may have.
    """

    def __init__(self, *, token: str | None, check_host: bool, allow_hosts: Collection[str] = ()) -> None:
        self._token = None if token is None else token.encode()
        self._check_host = check_host
        self._allowed = {name.lower().rstrip(".") for name in allow_hosts}

    @property
    def wants_token(self) -> bool:
        """Whether clients must bring one."""
        return self._token is not None

    def objection(self, headers: HeaderFields) -> Objection | None:
        """Return why a request is refused outright, or None.

        A page may send forms and texts to any port without asking (CORS, "simple requests"), so what a
        browser sends is recognised by the fields that only browsers send. Node's ``fetch`` sends
        ``Sec-Fetch-Mode`` but neither an Origin nor a site.
        """
        if headers.get_all("Origin") or any(
            site.strip().lower() not in ("none", "same-origin") for site in headers.get_all("Sec-Fetch-Site")
        ):
            return Objection(
                403, "Web pages may not connect to this collector; agents send no Origin header.\n"
            )
        return self.host_objection(headers)

    def host_objection(self, headers: HeaderFields) -> Objection | None:
        """Return why a request to this Host is refused, or None."""
        if self._check_host and not all(map(self._is_known, headers.get_all("Host") or [""])):
            return Objection(
                421, "This collector takes requests to localhost only; --allow-host NAME allows others.\n"
            )
        return None

    def admits(self, headers: HeaderFields) -> bool:
        """Tell whether a request brings the token, in any of the forms that clients know."""
        if self._token is None:
            return True
        brought = [*headers.get_all("X-Etaoi-Project-Token"), *headers.get_all("X-Api-Key")]
        if headers.get_all("X-Etaoi-Public-Key"):
            brought += headers.get_all("X-Etaoi-Secret-Key")
        for value in headers.get_all("Authorization"):
            scheme, _, rest = value.partition(" ")
            if scheme.lower() == "bearer":
                brought.append(rest.strip())
            elif scheme.lower() == "basic":
                brought.append(_password(rest))
            elif not rest:
                brought.append(value.strip())  # Logfire's clients send the token alone
        # Each is compared, so that the time taken does not tell which one was right.
        return (
            sum(
                hmac.compare_digest(value.encode("utf-8", "surrogateescape"), self._token)
                for value in brought
            )
            > 0
        )

    def _is_known(self, host: str) -> bool:
        name = host_name(host)
        return name in self._allowed or is_loopback_name(name)


def _password(encoded: str) -> str:
    """Return the password of a Basic authorization, in which Langfuse's clients send their secret key."""
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def host_name(host: str) -> str:
    """Return a Host header's name or address without its port, in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


def is_loopback_name(name: str) -> bool:
    """Tell whether a name or address means this machine only."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False

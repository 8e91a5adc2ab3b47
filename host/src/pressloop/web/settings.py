"""Checks how the page is to be served: to this computer alone, unless that is said otherwise."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pressloop.errors import BadInputError
from pressloop.web.lease import LEASE_S

DEFAULT_HTTP_PORT: Final = 8765
LOOPBACK: Final = "127.0.0.1"
TOKEN_VARIABLE: Final = "PRESSLOOP_SERVE_TOKEN"

_MIN_TOKEN: Final = 16


@dataclass(frozen=True)
class ServerSettings:
    """Where the page is served, and what it shows.

    Attributes:
        protocols: Folder with the protocols that can be started and edited.
        runs: Folder for the records.
        host: Address to serve.
        http_port: Its TCP port; 0 takes a free one.
        token: Secret that a page needs; None where only this computer can open it.
        certificate, key: Files for TLS; None serves without.
        lease_s: Time after which a page that shows no sign of life loses control.
    """

    protocols: Path
    runs: Path
    host: str = LOOPBACK
    http_port: int = DEFAULT_HTTP_PORT
    token: str | None = None
    certificate: Path | None = None
    key: Path | None = None
    lease_s: float = LEASE_S

    @property
    def scheme(self) -> str:
        """Scheme of the page's address."""
        return "http" if self.certificate is None else "https"


def token_for(host: str, *, allow_remote: bool, given: str | None) -> str | None:
    """Return the token that pages need: None for the loopback, else the one given or a new one.

    Raises:
        BadInputError: `not-loopback`: other computers could open the page, and that was not
            allowed. `weak-token`: the token is too short.
    """
    if given is not None and len(given) < _MIN_TOKEN:
        raise BadInputError(
            f"the token in {TOKEN_VARIABLE} has {len(given)} characters",
            hint=f"use at least {_MIN_TOKEN}, or leave it out: a new one is made at each start",
            code="weak-token",
        )
    if is_loopback(host):
        return given
    if not allow_remote:
        raise BadInputError(
            f"the address {host} can be reached from other computers",
            hint="add --allow-remote if others shall see and control this press; they then need "
            "the token that is printed",
            code="not-loopback",
        )
    return given if given is not None else secrets.token_urlsafe(24)


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this computer only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

"""Decides which requests are served, and forbids pages what they do not need.

- Without a token only names of the loopback are served, so that a foreign page cannot reach the
  press through a name of its own that points here.
- A request that changes something, and every web socket, must come from this page itself.
- With a token, a page shows it once and then has a cookie.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pressloop.web.settings import is_loopback

OWN_HEADER: Final = "x-pressloop"
"""Header that the page's own requests have: a form of a foreign page cannot send it."""

_SAFE_METHODS: Final = ("GET", "HEAD")
_MAX_BODY_BYTES: Final = 400_000
_POLICY_CLOSE: Final = 1008

HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Access:
    """Middleware that refuses what it must, and adds the headers of a closed page."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        """Serve `app`; `token` is what a page needs, None where only the loopback is served."""
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a web socket, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if scope["type"] == "websocket":
            if refusal is not None:
                await receive()
                await send({"type": "websocket.close", "code": _POLICY_CLOSE})
                return
            await self._app(scope, receive, send)
            return

        async def send_closed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if "cache-control" not in headers:
                    headers["cache-control"] = "no-cache"
            await send(message)

        app: ASGIApp = self._app if refusal is None else refusal
        await app(scope, receive, send_closed)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the response to a request that is not served as it is; None for all others."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._token is None and not is_loopback(_name(host)):
            return PlainTextResponse(
                f"This page is served to this computer only, not as {host[:100]!r}.", 403
            )
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return PlainTextResponse("The request comes from another page.", 403)
        if scope["type"] == "websocket":
            if origin is None:
                return PlainTextResponse("The request does not say where it comes from.", 403)
        elif scope["method"] not in _SAFE_METHODS:
            if OWN_HEADER not in headers:
                return PlainTextResponse(f"The header {OWN_HEADER} is missing.", 403)
            length = headers.get("content-length", "")
            if not length.isdigit() or int(length) > _MAX_BODY_BYTES:
                return PlainTextResponse("The request is too large, or has no length.", 413)
        return None if self._token is None else self._token_refusal(scope, headers, self._token)

    def _token_refusal(self, scope: Scope, headers: Headers, token: str) -> Response | None:
        if hmac.compare_digest(_cookie(headers).encode(), _proof(token).encode()):
            return None
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/":
            query = parse_qs(scope["query_string"].decode("latin-1"))
            given = query.get("token", [""])[0]
            if hmac.compare_digest(given.encode(), token.encode()):
                # The token must not stay in the address, which people copy and photograph.
                response = RedirectResponse("/", 303)
                response.set_cookie(
                    _cookie_name(headers),
                    _proof(token),
                    httponly=True,
                    samesite="strict",
                    secure=scope["scheme"] == "https",
                )
                return response
        return PlainTextResponse(
            "This page needs its token: open the whole address that 'pressloop serve' printed.", 401
        )


def _name(host: str) -> str:
    """Return a host header without its port."""
    return urlsplit(f"//{host}").hostname or ""


def _cookie_name(headers: Headers) -> str:
    """Return the name of this page's cookie: all ports of a computer share their cookies."""
    port = headers.get("host", "").rpartition(":")[2]
    return f"pressloop-{port if port.isdigit() else 'page'}"


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(_cookie_name(headers))
    except CookieError:
        return ""
    return "" if found is None else found.value


def _proof(token: str) -> str:
    """Return what the cookie holds: it shows that the page knew the token, and not the token."""
    return hmac.new(token.encode(), b"pressloop page", hashlib.sha256).hexdigest()

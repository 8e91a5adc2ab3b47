"""Decides who controls the press: one page at a time, for as long as it shows that it is open.

Looking and aborting need no control. A page that is closed or loses its network gives control up
after `LEASE_S`; one that is loaded again within that time keeps it.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from pressloop.errors import PressloopError

LEASE_S: Final = 10.0
"""Time without a sign of life after which a page no longer holds control."""

MAX_NAME: Final = 40


class ControlHeldError(PressloopError):
    """Another page controls the press."""

    default_code = "control-held"


class NoControlError(PressloopError):
    """The page that gave a command does not control the press."""

    default_code = "no-control"


@dataclass(frozen=True)
class Holder:
    """The page that controls the press.

    Attributes:
        viewer: Secret of the page; only this page knows it.
        name: What its user is called.
        until_s: Time up to which control is held without another sign of life.
    """

    viewer: str
    name: str
    until_s: float


class ControlLease:
    """Holds at most one holder. All methods may be called from any thread."""

    def __init__(
        self, lease_s: float = LEASE_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start without a holder; `lease_s` is how long one lasts without a sign of life."""
        self.lease_s = lease_s
        self._clock = clock
        self._lock = threading.Lock()
        self._holder: Holder | None = None

    @property
    def holder(self) -> Holder | None:
        """Who holds control now; None if it is free."""
        with self._lock:
            return self._current()

    def take(self, viewer: str, name: str) -> Holder:
        """Give control to a page, or renew it.

        Raises:
            ControlHeldError: Another page holds it; the message says whose.
        """
        with self._lock:
            holder = self._current()
            if holder is not None and not _is_same(holder.viewer, viewer):
                raise ControlHeldError(
                    f"{holder.name} controls the press",
                    hint=f"ask {holder.name} to release control; it is also free "
                    f"{self.lease_s:g} s after that page is closed. Abort works without control",
                )
            self._holder = Holder(viewer, clean_name(name), self._clock() + self.lease_s)
            return self._holder

    def renew(self, viewer: str) -> None:
        """Note that a page is still open; does nothing unless it holds control."""
        with self._lock:
            holder = self._current()
            if holder is not None and _is_same(holder.viewer, viewer):
                self._holder = replace(holder, until_s=self._clock() + self.lease_s)

    def release(self, viewer: str) -> bool:
        """Free control if this page holds it; return whether it did."""
        with self._lock:
            holder = self._current()
            if holder is None or not _is_same(holder.viewer, viewer):
                return False
            self._holder = None
            return True

    def require(self, viewer: str) -> Holder:
        """Return the holder if it is this page.

        Raises:
            NoControlError: Another page holds control, or none does.
        """
        with self._lock:
            holder = self._current()
            if holder is not None and _is_same(holder.viewer, viewer):
                return holder
        if holder is None:
            raise NoControlError(
                "this page does not control the press", hint="press 'Take control' first"
            )
        raise NoControlError(
            f"{holder.name} controls the press, this page only watches",
            hint=f"ask {holder.name} to release control; abort works without it",
        )

    def _current(self) -> Holder | None:
        if self._holder is not None and self._clock() >= self._holder.until_s:
            self._holder = None
        return self._holder


def clean_name(name: object) -> str:
    """Return a user's name for other pages and for the record: one printable line."""
    text = " ".join(str(name).split()) if isinstance(name, str) else ""
    text = "".join(character for character in text if character.isprintable())[:MAX_NAME].strip()
    return text or "operator"


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())

"""Tells every page who controls the press, as soon as that changes."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

from pressloop.web.hub import Hub
from pressloop.web.lease import ControlHeldError, ControlLease, Holder, clean_name
from pressloop.web.words import outcome_sentence


def public_id(viewer: str) -> str:
    """Return by what other pages may know a page: it does not give its secret away."""
    return hashlib.sha256(f"pressloop viewer {viewer}".encode()).hexdigest()[:16]


class Control:
    """The lease of the press, with its announcements; may be used from any thread."""

    def __init__(self, hub: Hub, lease: ControlLease) -> None:
        """Announce the holder of a lease to a hub."""
        self._hub = hub
        self._lease = lease
        self._lock = threading.Lock()
        self.announce()

    def take(self, viewer: str, name: str) -> dict[str, Any]:
        """Give control to a page.

        Raises:
            ControlHeldError: Another page has it; every page is shown who asked for it.
        """
        try:
            self._lease.take(viewer, name)
        except ControlHeldError as error:
            asks = f"{clean_name(name)} asks for control. {outcome_sentence(error.message)}"
            notice = {"text": asks, "tone": "note", "at": time.time()}
            self._hub.publish("notice", notice, keep=False)
            raise
        return self.announce()

    def release(self, viewer: str) -> dict[str, Any]:
        """Free control, if this page has it."""
        self._lease.release(viewer)
        return self.announce()

    def require(self, viewer: str) -> Holder:
        """Return the holder if it is this page; see `ControlLease.require`."""
        return self._lease.require(viewer)

    def seen(self, viewer: str) -> None:
        """Note that a page is open."""
        self._lease.renew(viewer)
        self.announce()

    def announce(self) -> dict[str, Any]:
        """Tell the pages who has control now; does nothing if that has not changed."""
        with self._lock:
            holder = self._lease.holder
            state = {
                "name": None if holder is None else holder.name,
                "holder": None if holder is None else public_id(holder.viewer),
            }
            self._hub.publish("control", state)
            return state

"""Fetches two published MicroPython libraries, which our firmware's speed is compared with.

Each is one file at a fixed commit, checked by its SHA-256. It is taken from the folder named by
$PRESSLOOP_PEERS, else from build/peers, else from its repository. If it is not available, the table
has a row with the reason.
"""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER_VARIABLE: Final = "PRESSLOOP_PEERS"
_KEPT: Final = Path("build/peers")
_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True)
class Peer:
    """A published library of one file."""

    name: str
    file: str
    url: str
    sha256: str


SIMPLE_PID: Final = Peer(
    "micropython-simple-pid",
    "PID.py",
    "https://raw.githubusercontent.com/gastmaier/micropython-simple-pid/"
    "949f9e3384c4a1bff5d60c448ed68295c0fb77cf/simple_pid/PID.py",
    "0979088e5b5f49614e7e2f1f951c0b77395fe34c5ab9ee70114d84d26ef33da0",
)
CBOR2: Final = Peer(
    "micropython-lib cbor2",
    "_encoder.py",
    "https://raw.githubusercontent.com/micropython/micropython-lib/"
    "ee4bb8ff139e24c42b739935fbd8ec7c4d061e02/python-ecosys/cbor2/cbor2/_encoder.py",
    "6a50e6d005999f24c252c280d6b4ea0d584758842180336d859fdaf5df46be7c",
)


class PeerMissingError(Exception):
    """A peer is not available; the message says why."""


def source(peer: Peer) -> str:
    """Return a peer's source.

    Raises:
        PeerMissingError: It cannot be fetched, or its content is another one.
    """
    folders = [_KEPT]
    if FOLDER_VARIABLE in os.environ:
        folders.insert(0, Path(os.environ[FOLDER_VARIABLE]))
    for folder in folders:
        if (folder / peer.file).is_file():
            return _checked(peer, (folder / peer.file).read_bytes(), str(folder / peer.file))
    try:
        with urllib.request.urlopen(peer.url, timeout=_TIMEOUT_S) as reply:
            data = reply.read()
    except (OSError, urllib.error.URLError) as error:
        raise PeerMissingError(f"not fetched: {error}; put {peer.file} into build/peers") from error
    text = _checked(peer, data, peer.url)
    _KEPT.mkdir(parents=True, exist_ok=True)
    (_KEPT / peer.file).write_bytes(data)
    return text


def _checked(peer: Peer, data: bytes, place: str) -> str:
    if hashlib.sha256(data).hexdigest() != peer.sha256:
        raise PeerMissingError(f"{place} is another version than the one to compare with")
    return data.decode()

"""Writes the SHA-256 of a flash image into its UF2 file.

The digest is an extension tag of the first block (github.com/microsoft/uf2, "Extension tags"): in
the part of the block that no boot loader writes. `pressloop flash` compares it with what the blocks
hold, so that an image that was damaged on its way is refused.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

_BLOCK_BYTES = 512
_HEAD = struct.Struct("<8I")
_HAS_EXTENSION_TAGS = 0x8000
# Type of the tag: a SHA-2 digest of the firmware.
_SHA2 = 0xB46DB0


def add_digest(path: Path) -> None:
    """Add the tag to the image at `path`, which must not have one yet."""
    data = bytearray(path.read_bytes())
    program = hashlib.sha256()
    for at in range(0, len(data), _BLOCK_BYTES):
        size = _HEAD.unpack_from(data, at)[4]
        program.update(data[at + _HEAD.size : at + _HEAD.size + size])
    first = list(_HEAD.unpack_from(data))
    first[2] |= _HAS_EXTENSION_TAGS
    _HEAD.pack_into(data, 0, *first)
    digest = program.digest()
    tag = struct.pack("<I", _SHA2 << 8 | 4 + len(digest)) + digest
    start = _HEAD.size + first[4]
    data[start : start + len(tag)] = tag
    path.write_bytes(data)

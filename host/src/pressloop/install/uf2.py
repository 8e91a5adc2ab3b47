"""Reads flash images in the UF2 format, and refuses incomplete ones and those of other programs.

A UF2 file is a sequence of 512-byte blocks, each with its address, its number in the sequence and
the number of its chip family (github.com/microsoft/uf2, README). A boot loader silently ignores
blocks of another family, and writes whatever a damaged block holds, so all of it is checked before
anything is copied. Our images have the SHA-256 of their content in an extension tag.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pressloop.errors import BadInputError

RP2040: Final = 0xE48BFF56
RP2350: Final = 0xE48BFF59

CHIPS: Final = {RP2040: "Pico (RP2040)", RP2350: "Pico 2 (RP2350)"}
"""Chip families that the controller is built for, and the names of their boards."""

BLOCK_BYTES: Final = 512
_HEAD: Final = struct.Struct("<8I")
_MAGIC_START: Final = (0x0A324655, 0x9E5D5157)
_MAGIC_END: Final = 0x0AB16F30
_HAS_FAMILY: Final = 0x2000
_HAS_TAGS: Final = 0x8000
_PAYLOAD_BYTES: Final = 256
_FLASH_START: Final = 0x10000000
# Written by firmware/tools/uf2_digest.py: length and type of the tag, before the digest.
_DIGEST_TAG_BYTES: Final = 4 + 32
_DIGEST_HEAD: Final = struct.pack("<I", 0xB46DB0 << 8 | _DIGEST_TAG_BYTES)
# Family of a block for any chip, which writes nothing: a workaround for erratum E10 of the RP2350.
_ABSOLUTE: Final = 0xE48BFF57

# Written by firmware/boards_def/board.c; `picotool info` shows it too.
_BUILD: Final = re.compile(rb"pressloop build ([0-9a-f]{16})\0")


@dataclass(frozen=True)
class Image:
    """A flash image of the controller's firmware."""

    path: Path
    family: int
    build: str
    """First hex digits of the SHA-256 over the firmware's sources, as in the answer to hello."""
    data: bytes = field(repr=False)
    """The file as it was checked; these bytes are flashed, whatever the file holds by then."""

    @property
    def chip(self) -> str:
        """Name of the board that the image is for."""
        return CHIPS[self.family]


def read(path: Path) -> Image:
    """Read an image and check that it is complete and one of Pressloop's.

    Raises:
        BadInputError: `no-image-file`, `not-uf2`, `damaged-image`, `wrong-board`, `other-firmware`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(
            f"cannot read {path}: {error.strerror}",
            hint="name a UF2 file; `make firmware` builds build/pressloop-pico.uf2",
            code="no-image-file",
        ) from error
    family, program = content(path, data)
    if family not in CHIPS:
        raise BadInputError(
            f"{path} is for a chip of family {family:#010x}",
            hint="the controller runs on a Pico (RP2040) or a Pico 2 (RP2350)",
            code="wrong-board",
        )
    build = _BUILD.search(program)
    if build is None:
        raise BadInputError(
            f"{path} is no image of Pressloop's firmware",
            hint="`make firmware` builds one; copy another program onto the drive by hand",
            code="other-firmware",
        )
    return Image(path, family, build[1].decode(), data)


def content(path: Path, data: bytes) -> tuple[int, bytes]:
    """Return chip family and content of the blocks that a boot loader would write.

    Raises:
        BadInputError: `not-uf2`, `damaged-image`.
    """
    if len(data) < BLOCK_BYTES or _HEAD.unpack_from(data)[:2] != _MAGIC_START:
        raise BadInputError(
            f"{path} is not in the UF2 format",
            hint="name the .uf2 file, not the .bin or .elf beside it",
            code="not-uf2",
        )
    families: set[int] = set()
    program = b""
    digest: bytes | None = None
    expected, total = 0, None
    for at in range(0, len(data), BLOCK_BYTES):
        block = data[at : at + BLOCK_BYTES]
        if len(block) < BLOCK_BYTES:
            raise _damaged(path, "its last block is cut off")
        *magic, flags, address, size, number, count, family = _HEAD.unpack_from(block)
        (end,) = struct.unpack_from("<I", block, BLOCK_BYTES - 4)
        if tuple(magic) != _MAGIC_START or end != _MAGIC_END or size != _PAYLOAD_BYTES:
            raise _damaged(path, f"block {at // BLOCK_BYTES} is not a UF2 block")
        if family == _ABSOLUTE and flags & _HAS_FAMILY:
            continue
        total = count if total is None else total
        if number != expected or count != total:
            raise _damaged(path, f"block {number} of {count} stands where {expected} should")
        if flags != (_HAS_FAMILY | _HAS_TAGS if number == 0 else _HAS_FAMILY):
            raise _damaged(path, f"block {number} has the flags {flags:#06x}")
        if address != _FLASH_START + number * _PAYLOAD_BYTES:
            raise _damaged(path, f"block {number} is for the address {address:#010x}")
        rest = block[_HEAD.size + size : BLOCK_BYTES - 4]
        if number == 0:
            if rest[: len(_DIGEST_HEAD)] != _DIGEST_HEAD:
                raise _damaged(path, "block 0 has no SHA-256 of the image")
            digest = rest[len(_DIGEST_HEAD) : _DIGEST_TAG_BYTES]
            rest = rest[_DIGEST_TAG_BYTES:]
        if any(rest):
            raise _damaged(path, f"block {number} is not blank behind its content")
        expected += 1
        families.add(family)
        program += block[_HEAD.size : _HEAD.size + size]
    if expected != total or len(families) != 1:
        raise _damaged(path, f"it has {expected} of {total or 0} blocks")
    if hashlib.sha256(program).digest() != digest:
        raise _damaged(path, "its content is not what its SHA-256 says")
    return families.pop(), program


def _damaged(path: Path, what: str) -> BadInputError:
    return BadInputError(
        f"{path} is damaged: {what}", hint="build or download it again", code="damaged-image"
    )

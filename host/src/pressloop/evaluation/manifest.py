"""Keeps the SHA-256 of every file of a record in `manifest.json`, and compares them.

The manifest is written last. It carries a checksum of itself, so that a damaged manifest is not
mistaken for a damaged record. It finds damage and mistakes; it does not prove who wrote a file.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationError

from pressloop._version import __version__
from pressloop.record.columns import (
    INTERVALS_NAME,
    MANIFEST_NAME,
    SUMMARY_NAME,
    TELEMETRY_NAME,
    TRUTH_NAME,
)
from pressloop.record.journal import JOURNAL_NAME
from pressloop.record.model import RecordModel
from pressloop.sample import SAMPLE_NAME

RECORD_FILES: Final = (
    JOURNAL_NAME,
    SUMMARY_NAME,
    TELEMETRY_NAME,
    INTERVALS_NAME,
    SAMPLE_NAME,
    TRUTH_NAME,
)
"""Names of the files that a manifest lists, as far as a record has them."""

MANIFEST_SCHEMA: Final = "pressloop.manifest/1"

FileState = Literal["ok", "changed", "missing", "not listed"]


class ListedFile(RecordModel):
    """Size and SHA-256 of one file, the latter in hexadecimal."""

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(RecordModel):
    """The whole of `manifest.json`.

    Attributes:
        files: By name; in the folder of the record.
        written_by: Version of Pressloop that wrote the files.
        self_sha256: Of all else in here, see `content_sha256`.
    """

    schema_name: str
    run_id: str
    written_by: str
    files: dict[str, ListedFile]
    self_sha256: str

    def content_sha256(self) -> str:
        """Return the SHA-256 of everything but `self_sha256`, hexadecimal."""
        return hashlib.sha256(self.model_dump_json(exclude={"self_sha256"}).encode()).hexdigest()


def describe_files(folder: Path, run_id: str) -> Manifest:
    """Return the manifest of the files that a folder holds now."""
    manifest = Manifest(
        schema_name=MANIFEST_SCHEMA,
        run_id=run_id,
        written_by=__version__,
        files={name: _describe(folder / name) for name in RECORD_FILES if (folder / name).exists()},
        self_sha256="",
    )
    return manifest.model_copy(update={"self_sha256": manifest.content_sha256()})


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a record; None without one, as in records of older versions.

    Raises:
        ValueError: It is damaged.
    """
    try:
        text = (folder / MANIFEST_NAME).read_bytes()
    except FileNotFoundError:
        return None
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(f"{MANIFEST_NAME} is damaged") from error
    if manifest.self_sha256 != manifest.content_sha256():
        raise ValueError(f"{MANIFEST_NAME} does not match its own checksum")
    return manifest


def compare_files(
    folder: Path, manifest: Manifest, names: tuple[str, ...] = RECORD_FILES
) -> dict[str, FileState]:
    """Compare files with their manifest.

    Args:
        folder: Of the record.
        manifest: Of the record.
        names: Files to look at; one that is neither there nor listed is left out.
    """
    states: dict[str, FileState] = {}
    for name in names:
        path, listed = folder / name, manifest.files.get(name)
        if not path.exists():
            if listed is not None:
                states[name] = "missing"
        elif listed is None:
            states[name] = "not listed"
        else:
            states[name] = "ok" if _describe(path) == listed else "changed"
    return states


def _describe(path: Path) -> ListedFile:
    with path.open("rb") as file:
        digest: Any = hashlib.sha256()
        size = 0
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
    return ListedFile(bytes=size, sha256=digest.hexdigest())

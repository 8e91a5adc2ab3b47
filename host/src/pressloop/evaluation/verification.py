"""Verifies a record: whether its files are those that were written, and follow from the journal."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pressloop._version import __version__
from pressloop.arguments import path_argument
from pressloop.evaluation.evaluate import Evaluation, evaluate
from pressloop.evaluation.manifest import FileState, Manifest, compare_files, read_manifest
from pressloop.evaluation.reader import RunRecord
from pressloop.evaluation.signature import signer_of
from pressloop.evaluation.summary import read_summary
from pressloop.evaluation.truth import truth_in
from pressloop.record.columns import MANIFEST_NAME, SUMMARY_NAME, TELEMETRY_NAME, TRUTH_NAME
from pressloop.record.journal import JOURNAL_NAME
from pressloop.record.pending import read_record
from pressloop.sample import SAMPLE_NAME

_MAX_NAMED_KEYS: Final = 5

_ORIGINALS: Final = (JOURNAL_NAME, TRUTH_NAME, SAMPLE_NAME)
"""Files that nothing can make again."""


@dataclass(frozen=True)
class Verification:
    """What `verify` found in the folder of a record.

    Attributes:
        directory: The folder.
        files: State of each file by its checksum; empty without a manifest.
        problems: What is wrong, one sentence each; empty when the record is sound.
        notes: What could not be checked, or what a reader should know.
        repairable: Whether `finalise` mends what is wrong: journal, true pressure and sample are
            those that were recorded.
        signer: Who signed the record, by the list of signers, else the key; None: not signed.
    """

    directory: Path
    files: dict[str, FileState] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    repairable: bool = False
    signer: str | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(directory: str | Path, signers: str | Path | None = None) -> Verification:
    """Compare every file of a record with its checksum, and the result with its journal.

    The journal is evaluated again, and `run.json` and `telemetry.parquet` must follow from it.
    Nothing is written.

    Args:
        directory: Folder of the record.
        signers: File with the allowed signers, in OpenSSH's form; with it a record without a
            signature of one of them has a problem. Without it any signature must fit.

    Raises:
        BadInputError: `no-ssh-keygen` or `no-signers`, for a record with a signature.
        RecordError: `no-record`, when there is no journal; `record-damaged`, when its header cannot
            be read; `record-version`.
    """
    folder = path_argument(directory, "directory")
    journal = folder / JOURNAL_NAME
    contents = read_record(journal)
    result = evaluate(contents, journal, truth_in(folder))
    problems: list[str] = []
    notes: list[str] = []
    files: dict[str, FileState] = {}

    finalised = (folder / SUMMARY_NAME).exists()
    if not finalised:
        if RunRecord(folder, result.summary, result.telemetry, result.intervals).in_progress:
            notes.append("the run is still being recorded; it has no result and no checksums yet")
            return Verification(folder, notes=tuple(notes))
        problems.append(f"{SUMMARY_NAME} is missing: the run was never finalised")
    problems.extend(
        f"{part.length} bytes of {JOURNAL_NAME} at offset {part.offset} are not readable"
        for part in contents.unreadable
    )
    manifest: Manifest | None = None
    try:
        manifest = read_manifest(folder)
        if manifest is None and finalised:
            notes.append(f"there is no {MANIFEST_NAME}: checksums could not be compared")
    except ValueError as error:
        problems.append(str(error))
    if manifest is not None:
        files = compare_files(folder, manifest)
        problems.extend(_sentences(files))
        if manifest.run_id != result.summary.run_id:
            problems.append(f"{MANIFEST_NAME} belongs to another run, {manifest.run_id}")
    if finalised:
        differences = _differences(folder, result)
        if differences and manifest is not None and manifest.written_by != __version__:
            notes.append(
                f"the result was made by Pressloop {manifest.written_by}; "
                f"{__version__} computes other values: {differences}"
            )
        elif differences:
            problems.append(f"the result does not follow from the journal: {differences}")
    allowed = None if signers is None else path_argument(signers, "signers")
    signer = None
    try:
        signer = signer_of(folder, allowed)
        if signer is None and allowed is not None:
            problems.append("the record is not signed")
    except ValueError as error:
        problems.append(str(error))
    if signer is not None and allowed is None:
        notes.append(f"signed with the key {signer}, which was not compared with a list of signers")
    whole = not contents.unreadable and all(files.get(name, "ok") == "ok" for name in _ORIGINALS)
    return Verification(
        folder,
        files,
        tuple(problems),
        tuple(notes),
        repairable=whole and bool(problems),
        signer=signer,
    )


def _sentences(files: dict[str, FileState]) -> list[str]:
    texts = {
        "changed": "has changed since the record was finalised",
        "missing": "is missing",
        "not listed": f"was added after the record was finalised; {MANIFEST_NAME} does not list it",
    }
    return [f"{name} {texts[state]}" for name, state in files.items() if state != "ok"]


def _differences(folder: Path, result: Evaluation) -> str:
    """Return what in the derived files differs from the journal's evaluation; empty: nothing."""
    found: list[str] = []
    try:
        stored = read_summary(folder).model_dump(mode="json")
    except ValueError as error:
        found.append(str(error))
    else:
        found.extend(_changed_keys(stored, result.summary.model_dump(mode="json"), ""))
    try:
        telemetry = pq.read_table(folder / TELEMETRY_NAME, page_checksum_verification=True)
        names = set(telemetry.column_names)
        columns = [
            f"column {name} of {TELEMETRY_NAME}"
            for name in result.telemetry.column_names
            if name not in names or not _same_column(telemetry, result.telemetry, name)
        ]
    except (pa.ArrowException, OSError, ValueError):
        columns = [f"{TELEMETRY_NAME} cannot be read"]
    found.extend(columns)
    more = len(found) - _MAX_NAMED_KEYS
    return ", ".join(found[:_MAX_NAMED_KEYS]) + (f" and {more} more" if more > 0 else "")


def _same_column(stored: Any, computed: Any, name: str) -> bool:
    """Compare values; a dictionary column that was read back may be encoded otherwise."""
    one, other = stored[name].combine_chunks(), computed[name].combine_chunks()
    if pa.types.is_dictionary(other.type):
        one, other = one.cast(pa.string()), other.cast(pa.string())
    return bool(one.equals(other))


def _changed_keys(stored: Any, computed: Any, place: str) -> list[str]:
    """Return the places at which two JSON documents differ."""
    if isinstance(stored, dict) and isinstance(computed, dict):
        return [
            text
            for key in sorted(stored.keys() | computed.keys())
            for text in _changed_keys(
                stored.get(key), computed.get(key), f"{place}.{key}" if place else key
            )
        ]
    if isinstance(stored, list) and isinstance(computed, list) and len(stored) == len(computed):
        return [
            text
            for index, (one, other) in enumerate(zip(stored, computed, strict=True))
            for text in _changed_keys(one, other, f"{place}[{index}]")
        ]
    return [] if stored == computed else [place]

"""Read a YAML file as UTF-8, up to the size limit."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pressloop.errors import BadInputError
from pressloop.findings import Finding
from pressloop.number_types import text_of
from pressloop.yaml.parse import MAX_BYTES
from pressloop.yaml.source_map import SourceMap
from pressloop.yaml.values import YamlSource, read_yaml

_SAMPLE_BYTES: Final = 32
"""Bytes at the beginning of a file that show its encoding; the smallest protocol is longer."""

_OTHER_FORMATS: Final = (
    (b"PK\x03\x04", "a zip file, such as a document of Word or Excel"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"%PDF", "a PDF"),
    (b"{\\rtf", "a rich-text document"),
)


def read_file_bytes(path: Path | str, *, hint: str) -> bytes:
    """Read the bytes of a file, at most one more than a document may have.

    Args:
        path: Path of the file.
        hint: What the user should do if the file cannot be read.

    Raises:
        BadInputError: The file cannot be opened or read.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError, TypeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        shown = path if isinstance(path, str | Path) else text_of(path, repr)[:60]
        raise BadInputError(f"cannot read {shown}: {reason}", hint=hint) from error


def read_yaml_file(path: Path | str, *, hint: str) -> YamlSource:
    """Read a file of YAML; what is wrong inside is a finding. Arguments as `read_file_bytes`.

    Raises:
        BadInputError: The file cannot be read.
    """
    return read_yaml_bytes(read_file_bytes(path, hint=hint))


def read_yaml_bytes(data: bytes) -> YamlSource:
    """Read the bytes of a file, which may be cut at `MAX_BYTES` + 1; never raises."""
    for beginning, name in _OTHER_FORMATS:
        if data.startswith(beginning):
            return _not_utf8(
                1, 1, f"the file is {name}", "save the text alone, as a plain text file"
            )
    other = _other_encoding(data)
    if other is not None:
        return _not_utf8(1, 1, f"the file is {other}")
    try:
        return read_yaml(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        # The cut at the size limit may lie inside a character; the size is what is wrong then.
        if len(data) > MAX_BYTES and error.start > MAX_BYTES - 4:
            return read_yaml(data.decode("utf-8-sig", errors="replace"))
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before) - before.rfind(b"\n")
        return _not_utf8(line, column, f"the byte 0x{data[error.start]:02x} is not UTF-8")


def _other_encoding(data: bytes) -> str | None:
    """Return UTF-16 or UTF-32 if the first bytes show it, with or without a byte order mark."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "UTF-32"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    # Every second byte of such a text is zero, as its keys are in ASCII.
    zeros = [data[start:_SAMPLE_BYTES:2].count(0) for start in (0, 1)]
    looks_wide = max(zeros) >= _SAMPLE_BYTES // 4 and min(zeros) == 0
    return "UTF-16 without a byte order mark" if looks_wide else None


def _not_utf8(
    line: int,
    column: int,
    message: str,
    hint: str = "save the file as UTF-8; Windows editors offer it as encoding in the save dialog",
) -> YamlSource:
    finding = Finding("error", "not-utf8", ".", message, hint, line, column)
    return YamlSource(None, SourceMap(), [finding])

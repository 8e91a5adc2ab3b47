"""Read a YAML file as UTF-8, up to the size limit."""

from __future__ import annotations

from pathlib import Path

from pressloop.errors import BadInputError
from pressloop.findings import Finding
from pressloop.number_types import text_of
from pressloop.yaml.parse import MAX_BYTES
from pressloop.yaml.source_map import SourceMap
from pressloop.yaml.values import YamlSource, read_yaml


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
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _not_utf8(1, 1, "the file is UTF-16")
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


def _not_utf8(line: int, column: int, message: str) -> YamlSource:
    hint = "save the file as UTF-8; Windows editors offer it as encoding in the save dialog"
    finding = Finding("error", "not-utf8", ".", message, hint, line, column)
    return YamlSource(None, SourceMap(), [finding])

"""A protocol as file, bytes or text to a draft of it: encoding, YAML, then its keys."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Final

from pressloop.document import Protocol
from pressloop.errors import BadInputError
from pressloop.file_kinds import mistaken
from pressloop.findings import Finding
from pressloop.loading.draft import Draft
from pressloop.loading.mistakes import missing_key
from pressloop.loading.repair import fill_empty, repaired
from pressloop.yaml_source import MAX_BYTES, SourceMap, read_yaml

_WHICH_FILE: Final = "give the path of a protocol file, like examples/sodium_three_step.yaml"


def load_protocol(source: FilePath | str) -> Protocol:
    """Read a protocol from a file, or from YAML text if it has more than one line.

    Checks the form alone; whether a press can do it is the question of `validation`.

    Raises:
        BadInputError: with one finding per mistake.
    """
    if isinstance(source, str) and "\n" in source:
        name, draft = "the text", read_draft(source)
    else:
        name, draft = str(source), draft_of_bytes(read_bytes(source))
    errors = [f for f in draft.findings if f.severity == "error"]
    if errors or draft.protocol is None:
        raise BadInputError(
            f"{name} is not a protocol that can be run",
            hint="correct what is listed; docs/protocol-file.md explains every key",
            findings=errors,
        )
    return draft.protocol


def read_bytes(path: FilePath | str, *, hint: str = _WHICH_FILE) -> bytes:
    """Read a file, at most a little more than the largest document that is accepted.

    Args:
        path: Of the file.
        hint: What to do when it cannot be read.

    Raises:
        BadInputError: the file cannot be read.
    """
    try:
        with FilePath(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise BadInputError(
            f"cannot read {path}: {reason}",
            hint=hint,
        ) from error


def draft_of_bytes(data: bytes) -> Draft:
    """Understand the bytes of a file as far as possible; never raises."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _not_utf8(1, 1, "the file is UTF-16")
    try:
        return read_draft(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        # A file may be cut where reading stopped, amid a character.
        if len(data) > MAX_BYTES and error.start > MAX_BYTES - 4:
            return read_draft(data.decode("utf-8-sig", errors="replace"))
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before) - before.rfind(b"\n")
        return _not_utf8(line, column, f"the byte 0x{data[error.start]:02x} is not UTF-8")


def _not_utf8(line: int, column: int, message: str) -> Draft:
    hint = "save the file as UTF-8; in Windows editors choose it in the save dialog"
    return Draft(SourceMap(), [Finding("error", "not-utf8", ".", message, hint, line, column)])


def read_draft(text: str) -> Draft:
    """Understand a text as far as possible; never raises."""
    source = read_yaml(text)
    draft = Draft(source.marks, source.findings)
    data = source.data
    if not isinstance(data, dict):
        if data is not None:
            draft.findings.append(
                draft.marks.finding(
                    "error",
                    "not-a-mapping",
                    (),
                    "the document is not a list of 'key: value' lines",
                    "begin with 'pressloop: 1' and 'name: ...', as the examples do",
                )
            )
        return draft
    other = mistaken(data, "protocol")
    if other is not None:
        message, hint = other
        finding = draft.marks.finding("error", "not-a-protocol", (), message, hint)
        return Draft(draft.marks, [finding])
    for path in list(fill_empty(data, ())):
        draft.doubtful.add(path)
    if "pressloop" not in data:
        if ("pressloop",) not in draft.doubtful:
            draft.findings.append(missing_key(draft.marks, ("pressloop",)))
        data["pressloop"] = 1
    draft.protocol = repaired(data, draft)
    wrong = {f.path for f in draft.findings if f.severity == "error"}
    draft.findings = [f for f in draft.findings if f.severity == "error" or f.path not in wrong]
    return draft

"""Read a protocol from a file, bytes or text."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pressloop.errors import BadInputError
from pressloop.protocol import Protocol
from pressloop.protocol.loading.draft import Draft
from pressloop.protocol.loading.schema_findings import missing_key
from pressloop.protocol.loading.stand_ins import fill_empty_values, validate_with_stand_ins
from pressloop.yaml import YamlSource, read_yaml, read_yaml_bytes, read_yaml_file
from pressloop.yaml.model_file import document_problem

PROTOCOL_FILE_HINT: Final = "give the path of a protocol file; examples are in the folder examples"
"""What to do when a protocol file cannot be read."""


def load_protocol(source: Path | str) -> Protocol:
    """Read a protocol from a file, or from YAML text if it has more than one line.

    Only the form is checked here; `validation` checks whether a press can run the protocol.

    Raises:
        BadInputError: The file cannot be read, or has mistakes; `findings` lists each.
    """
    if isinstance(source, str) and "\n" in source:
        return require_form(draft_of_text(source), "the text")
    return require_form(draft_of_file(source), str(source))


def require_form(draft: Draft, name: str) -> Protocol:
    """Return the protocol of a draft.

    Args:
        draft: What was read.
        name: What the message calls it.

    Raises:
        BadInputError: It has mistakes; one finding each.
    """
    errors = [f for f in draft.findings if f.severity == "error"]
    if errors or draft.protocol is None:
        raise BadInputError(
            f"{name} is not a valid protocol",
            hint="correct the findings; docs/protocol-file.md explains every key",
            findings=errors,
        )
    return draft.protocol


def draft_of_file(path: Path | str) -> Draft:
    """Return the draft of a protocol file.

    Raises:
        BadInputError: The file cannot be read.
    """
    return _draft(read_yaml_file(path, hint=PROTOCOL_FILE_HINT))


def draft_of_bytes(data: bytes) -> Draft:
    """Return the draft of the bytes of a protocol file; never raises."""
    return _draft(read_yaml_bytes(data))


def draft_of_text(text: str) -> Draft:
    """Return the draft of a protocol text; never raises."""
    return _draft(read_yaml(text))


def _draft(source: YamlSource) -> Draft:
    problem = document_problem(source, "protocol")
    if problem is not None:
        # In a file of another kind the other findings would only distract.
        others = [] if isinstance(source.data, dict) else source.findings
        return Draft(source.marks, [*others, problem])
    draft = Draft(source.marks, source.findings)
    data = source.data
    if not isinstance(data, dict):
        return draft
    for path in list(fill_empty_values(data, ())):
        draft.unreliable.add(path)
    if "pressloop" not in data:
        if ("pressloop",) not in draft.unreliable:
            draft.findings.append(missing_key(draft.marks, ("pressloop",)))
        data["pressloop"] = 1
    draft.protocol = validate_with_stand_ins(data, draft)
    wrong = {f.path for f in draft.findings if f.severity == "error"}
    draft.findings = [f for f in draft.findings if f.severity == "error" or f.path not in wrong]
    return draft

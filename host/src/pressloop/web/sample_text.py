"""Says what the sample file of a page gives to the record of a run, and what it leaves open."""

from __future__ import annotations

from typing import Any, Final

from pressloop.errors import BadInputError
from pressloop.findings import Finding
from pressloop.protocol import Conditions
from pressloop.sample import Sample
from pressloop.web.words import outcome_sentence

_HAS_A_MEANING_WHEN_ABSENT: Final = frozenset({"until_stage"})


def sample_problem(error: BadInputError) -> str:
    """Return in sentences why a sample cannot be read, each mistake with its line."""
    if not error.findings:
        return f"{outcome_sentence(error.message)} {outcome_sentence(error.hint)}"
    said = []
    for finding in error.findings:
        line = finding.line if isinstance(finding, Finding) else None
        place = "" if line is None else f"line {line}: "
        said += [f"{place}{finding.message}", finding.hint]
    return " ".join(outcome_sentence(one) for one in said if one)


def sample_view(sample: Sample, conditions: Conditions | None) -> dict[str, Any]:
    """Return what a sample gives, and the names of the fields that the record will not have.

    Args:
        sample: The sample.
        conditions: Those of the protocol, which apply where the sample gives none.
    """
    given = {} if conditions is None else conditions.model_dump(mode="json", exclude_none=True)
    given.update(sample.model_dump(mode="json", exclude_defaults=True))
    missing = [
        name
        for name, field in Sample.model_fields.items()
        if name not in given
        and field.default in (None, "")
        and name not in _HAS_A_MEANING_WHEN_ABSENT
    ]
    return {
        "given": [[name, _text(value)] for name, value in given.items()],
        "missing": missing,
        "problem": "",
    }


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

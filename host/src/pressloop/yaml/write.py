"""Write a document as YAML text, in the layout that people use."""

from __future__ import annotations

import io
import re
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

# Texts that mean the same with and without quotes inside braces, such as numbers with units.
_BARE_IN_FLOW: Final = re.compile(r"[\w.][\w.%/+-]*( [\w.%/+-]+)*")


def yaml_text(document: dict[str, Any]) -> str:
    """Return a document of plain data as YAML text."""
    yaml = YAML()
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(_laid_out(document), out)
    return out.getvalue()


def _laid_out(value: Any) -> Any:
    """Return a copy in which each innermost mapping is written on one line."""
    if isinstance(value, list):
        return [_laid_out(item) for item in value]
    if not isinstance(value, dict):
        return value
    laid_out = CommentedMap()
    for key, item in value.items():
        laid_out[key] = _laid_out(item)
        if isinstance(item, dict):
            _put_on_one_line(laid_out[key])
    return laid_out


def _put_on_one_line(mapping: CommentedMap) -> None:
    """Set flow style; quote texts that the writer leaves bare although they do not parse: ":0"."""
    mapping.fa.set_flow_style()
    for key, item in mapping.items():
        if isinstance(item, str) and not _BARE_IN_FLOW.fullmatch(item):
            mapping[key] = DoubleQuotedScalarString(item)

"""A document as YAML text, laid out as people write it."""

from __future__ import annotations

import io
import re
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

# Texts that mean the same with and without quotes inside braces; numbers with units are such.
_BARE_IN_FLOW: Final = re.compile(r"[\w.][\w.%/+-]*( [\w.%/+-]+)*")


def yaml_text(document: dict[str, Any]) -> str:
    """Return a document of plain data as YAML."""
    yaml = YAML()
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(_laid_out(document), out)
    return out.getvalue()


def _laid_out(value: Any) -> Any:
    """Put the innermost mappings on one line each, as people write them."""
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
    """Write a mapping in flow style. The writer leaves texts bare there that do not parse: ":0"."""
    mapping.fa.set_flow_style()
    for key, item in mapping.items():
        if isinstance(item, str) and not _BARE_IN_FLOW.fullmatch(item):
            mapping[key] = DoubleQuotedScalarString(item)

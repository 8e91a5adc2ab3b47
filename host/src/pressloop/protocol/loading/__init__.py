"""A protocol file to a `Protocol`: every mistake of form becomes a finding, not only the first.

Where something is wrong, a harmless stand-in takes its place, so that the rest of the protocol can
be checked too; the places are remembered as unreliable and nothing is concluded from them.
"""

from __future__ import annotations

from pressloop.protocol.loading.draft import Draft
from pressloop.protocol.loading.load import (
    PROTOCOL_FILE_HINT,
    draft_of_bytes,
    draft_of_file,
    draft_of_text,
    load_protocol,
    require_form,
)

__all__ = [
    "PROTOCOL_FILE_HINT",
    "Draft",
    "draft_of_bytes",
    "draft_of_file",
    "draft_of_text",
    "load_protocol",
    "require_form",
]

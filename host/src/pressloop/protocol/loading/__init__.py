"""Read a protocol file into a `Protocol`; every mistake of form becomes a finding.

A harmless stand-in replaces what is wrong, so that the rest of the protocol can be checked too. The
places of stand-ins are marked as unreliable, and no check draws conclusions from them.
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

"""Keeps the profiles of tuned presses in a folder: tuning takes longer than ten runs.

A profile is used again only with the same press and the same sources of firmware, simulated press
and tuning.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import pressloop.tuning
from pressloop.emulator.locate import SIMULATOR, find_firmware, source_hash

from pressloop_bench.control.press_family import Case
from pressloop_bench.control.run_case import tuned_profile

FOLDER: Final = Path("build") / "bench-faults"


def profile_of(case: Case) -> dict[str, Any]:
    """Return the profile that tuning this press finds, by field names of the wire's `profile`.

    Raises:
        PressRunError: A tuning run ended early.
        BadInputError: The tuning found nonsense.
    """
    key = hashlib.sha256(f"{case!r} {_sources()}".encode()).hexdigest()[:24]
    path = FOLDER / f"{key}.json"
    if path.exists():
        kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return kept
    profile = tuned_profile(case)
    FOLDER.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(profile), encoding="utf-8")
    beside.replace(path)
    return profile


@cache
def _sources() -> str:
    tuning = Path(str(pressloop.tuning.__file__)).parent
    folders = (find_firmware() / "pressloop_fw", SIMULATOR, tuning)
    return " ".join(source_hash(folder) for folder in folders)

"""Flips single bits in the files of a record, and counts those that are not noticed."""

from __future__ import annotations

import shutil
from pathlib import Path

from pressloop import RunRecord, verify
from pressloop.errors import PressloopError

from tests.firmware.mutate import Mutator
from tests.unit.small_record import sound_record


def unnoticed_flips(scratch: Path, count: int, seed: int) -> dict[str, list[int]]:
    """Flip `count` bits, one at a time, in each file of a record.

    `verify` must find each, and reading the record must either refuse it, warn of it, or give what
    the sound record gives. Returns the bits that did not keep to that, by file.
    """
    sound = sound_record(scratch / "of-flips")
    folder = Path(shutil.copytree(sound, scratch / "flipped"))
    truth = RunRecord.open(sound).summary
    mutator = Mutator(seed)
    found: dict[str, list[int]] = {}
    for path in sorted(sound.iterdir()):
        content = path.read_bytes()
        for _ in range(count):
            bit = mutator.below(8 * len(content))
            data = bytearray(content)
            data[bit // 8] ^= 1 << bit % 8
            (folder / path.name).write_bytes(data)
            if not _is_noticed(folder, truth.stages):
                found.setdefault(path.name, []).append(bit)
        (folder / path.name).write_bytes(content)
    return found


def _is_noticed(folder: Path, stages: object) -> bool:
    try:
        if verify(folder).sound:
            return False
    except PressloopError:
        pass
    try:
        record = RunRecord.open(folder)
        record.table()
    except PressloopError:
        return True
    return bool(record.summary.warnings) or record.summary.stages == stages

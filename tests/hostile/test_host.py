"""Hostile bytes: what once broke the host, and a small share of `make fuzz`."""

from __future__ import annotations

from pathlib import Path

import pytest
from pressloop.errors import PressloopError

from tests.firmware.mutate import Mutator
from tests.hostile.__main__ import CORPUS
from tests.hostile.host_targets import Target, targets
from tests.hostile.record_flips import unnoticed_flips

NAMES = (
    "frames", "messages", "telemetry", "board-journal", "protocols", "presses", "samples", "images",
    "run.journal", "run.json", "telemetry.parquet", "manifest.json", "run.truth",
)  # fmt: skip
# In thousandths of the shares of a whole run; each target gets at least this many.
INPUTS = 5
MIN_INPUTS = 20


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Target]:
    return targets(tmp_path_factory.mktemp("hostile"))


def test_every_target_is_tried(known: dict[str, Target]) -> None:
    assert tuple(known) == NAMES
    assert sum(target.share for target in known.values()) == pytest.approx(1000, abs=1)


@pytest.mark.parametrize("name", NAMES)
def test_hostile_input_is_refused_by_an_error_of_ours(known: dict[str, Target], name: str) -> None:
    target = known[name]
    folder: Path = CORPUS / name
    inputs = [path.read_bytes() for path in sorted(folder.glob("*"))] if folder.exists() else []
    mutator = Mutator(41, target.tokens)
    for _ in range(max(MIN_INPUTS, INPUTS * target.share)):
        inputs.append(mutator.damaged(target.sound[mutator.below(len(target.sound))]))
    for data in [*target.sound, *inputs]:
        try:
            target.take(data)
        except PressloopError as refusal:
            assert refusal.code and str(refusal)


@pytest.mark.slow
def test_a_flipped_bit_in_any_file_of_a_record_is_noticed(tmp_path: Path) -> None:
    assert unnoticed_flips(tmp_path, 40, 41) == {}

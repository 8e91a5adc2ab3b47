"""Conditions of pressing are kept as they were given, and never made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from pressloop.errors import BadInputError
from pressloop.evaluation import finalise
from pressloop.evaluation.conditions import conditions_of
from pressloop.protocol import Conditions
from pressloop.protocol.loading import load_protocol
from pressloop.record.model import RecordedConditions
from pressloop.sample import Sample

from tests.unit import synthetic_run
from tests.unit.golden_records import write

PROTOCOL = """
pressloop: 1
name: with conditions
die: 10 mm
ceiling: 120 MPa
conditions: {CONDITIONS}
stages:
  - name: densify
    ramp: {target: 100 MPa, rate: 20 MPa/s}
"""


def test_a_protocol_keeps_its_conditions_and_changes_no_number() -> None:
    text = PROTOCOL.replace(
        "CONDITIONS", "die_material: steel, temperature_c: 23, layers: [Na3PS4, cathode]"
    )
    conditions = load_protocol(text).conditions
    assert conditions == Conditions(
        die_material="steel", temperature_c=23, layers=("Na3PS4", "cathode")
    )
    assert load_protocol(load_protocol(text).to_yaml()).conditions == conditions


@pytest.mark.parametrize(
    ("written", "code", "said"),
    [
        ("temperature_c: -300", "out-of-range", "above -273.15"),
        ("temperature_c: warm", "wrong-type", "is not a number"),
        ("plunger_diameter_mm: 0", "out-of-range", "above 0"),
        ("layers: Na3PS4", "wrong-type", "is not a list"),
        ("layers: []", "out-of-range", "1 to 20"),
        ("die_materail: steel", "unknown-key", "die_materail"),
        ("atmosphere: ''", "bad-text", "empty"),
    ],
)
def test_a_mistake_is_named_in_its_place(written: str, code: str, said: str) -> None:
    with pytest.raises(BadInputError) as refusal:
        load_protocol(PROTOCOL.replace("CONDITIONS", written))
    (finding,) = refusal.value.findings
    assert finding.code == code
    assert said in finding.message
    assert finding.path.startswith("conditions.")


def test_what_the_sample_says_wins_and_the_rest_is_of_the_protocol(tmp_path: Path) -> None:
    run = synthetic_run.run()
    run.header = synthetic_run.header(
        conditions=RecordedConditions(die_material="steel", atmosphere="argon")
    )
    write(tmp_path, run, run.end(), sample=Sample(operator="A. Kim", atmosphere="dry air"))
    summary = finalise(tmp_path)
    assert summary.sample is not None
    assert summary.sample.operator == "A. Kim"
    assert conditions_of(summary) == Conditions(die_material="steel", atmosphere="dry air")


def test_a_record_of_a_newer_version_with_more_conditions_can_be_read() -> None:
    read = RecordedConditions.model_validate({"die_material": "steel", "humidity_percent": 3})
    assert read.die_material == "steel"

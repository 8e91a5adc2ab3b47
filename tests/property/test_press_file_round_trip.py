"""A profile that a board has becomes a press file, and that file the same profile again."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pressloop.emulator import description
from pressloop.emulator.description import MeasuredSection, PressDescription
from pressloop.emulator.description.from_profile import press_data, press_text
from pressloop.emulator.description.places import DATA_SHEET
from pressloop.errors import BadInputError
from pressloop.machine.profile import MachineProfile
from pressloop.wire import schema

from tests.property.random_presses import press_files, yaml_of

CALIBRATION = {
    "calibration_result": st.integers(1, 2),
    "calibration_day": st.integers(0, 30_000),
    "calibration_due_day": st.integers(30_000, 65_535),
    "calibration_error_ppm": st.integers(0, 1_000_000),
    "calibration_uncertainty_ppm": st.integers(0, 1_000_000),
    "calibration_uncertainty_n": st.integers(0, 10_000_000),
    "calibration_reference": st.text("abcXYZ 0123-/#:", min_size=1, max_size=23),
    "calibration_up_to_n": st.integers(1, 100_000_000),
}
"""All of them or none."""
VESSEL = PressDescription.model_validate(
    {
        "vessel": {"bore_mm": 60, "volume_ml": 870, "lid_switch": True},
        "transducer": {"full_scale_bar": 4000},
        "limits": {"max_oil_bar": 3500},
        "controller": {"contact_bar": 20},
    }
)
WIRE = {
    field.name: schema.Profile.range_of(field.name)
    for field in schema.Profile.FIELDS[3:]
    # The day of commissioning belongs to the board, and is in no press file.
    if field.name not in (*CALIBRATION, "commissioned_day")
}
LISTS = ("dies_um", "compliance_curve", "die_loads_n")


@st.composite
def stored_profiles(draw: st.DrawFn) -> MachineProfile:
    """Return what a board may report: the profile of a press file with any values of the wire."""
    try:
        press = description.loads(yaml_of(draw(press_files())))
    except BadInputError:
        press = PressDescription()
    fields: dict[str, Any] = press.nominal_profile()
    for name in draw(st.sets(st.sampled_from(sorted(WIRE.keys() - set(LISTS))))):
        fields[name] = draw(st.integers(*WIRE[name]))
    if draw(st.booleans()):
        knots = st.lists(st.integers(1, 10_000_000), min_size=8, max_size=8)
        fields["compliance_curve"] = draw(knots)
    if draw(st.booleans()):
        loads = st.integers(0, 10_000_000)
        dies = len(fields["dies_um"])
        fields["die_loads_n"] = draw(st.lists(loads, min_size=dies, max_size=dies))
    if draw(st.booleans()):
        for name in [name for name in fields if name.startswith("second_")]:
            del fields[name]
    if draw(st.booleans()):
        fields |= draw(st.fixed_dictionaries(CALIBRATION))
    for name in ("return_oil_kpa", "valve_dither", "valve_lag_ms"):
        if draw(st.integers(0, 4)) == 0:
            fields.pop(name, None)
    try:
        return MachineProfile.from_fields(fields)
    except BadInputError:
        assume(False)
        raise


@settings(max_examples=80)
@given(stored_profiles(), st.sampled_from([None, "ads1115", "adc"]))
@example(MachineProfile.from_fields(PressDescription().nominal_profile()), None)
@example(MachineProfile.from_fields(VESSEL.nominal_profile()), "ads1115")
def test_shown_and_read_again_a_profile_is_the_same(
    profile: MachineProfile, converter: Any
) -> None:
    profile = profile.model_copy(update={"converter": converter})
    press = description.loads(press_text(profile, "shown"))
    # What only the board said of its converter, the file states from then on.
    stated = profile.transducer_converter or converter
    profile = profile.model_copy(update={"transducer_converter": stated, "converter": stated})
    assert press.machine_profile() == profile
    assert MachineProfile.from_fields(press.nominal_profile()).to_wire() == profile.to_wire()


@settings(max_examples=60)
@example(
    {
        "vessel": {"bore_mm": 38.33984375},
        "transducer": {"full_scale_bar": 25},
        "limits": {"max_oil_bar": 25.0},
    }
)
@given(press_files())
def test_a_press_file_written_and_shown_gives_the_profile_of_the_file(
    content: dict[str, Any],
) -> None:
    try:
        press = description.loads(yaml_of(content))
    except BadInputError:
        assume(False)
        raise
    there = MachineProfile.from_wire(schema.Profile(**press.nominal_profile()))
    again = PressDescription.model_validate(press_data(there))
    assert again.nominal_profile() == press.nominal_profile()


def test_every_value_of_a_profile_has_its_place_in_a_press_file() -> None:
    places = {*DATA_SHEET, *MeasuredSection.model_fields, "converter", "channels"}
    places |= {"reads_load_cell"}
    places |= {"load_cell_capacity_kn", "load_cell_error_percent"}
    # Of a board and its wires, not of a press.
    places |= {"commissioned_day"}
    assert places == set(MachineProfile.model_fields)


def test_what_only_a_simulation_knows_is_not_shown() -> None:
    profile = PressDescription(name="mine").machine_profile()
    shown = press_data(profile)
    assert not shown.keys() & {"powder", "individual", "simulation", "die_mm", "preset"}
    assert "measured" not in shown
    assert shown["pump"] == {"flow_ml_s": 1, "dead_band_percent": 20}

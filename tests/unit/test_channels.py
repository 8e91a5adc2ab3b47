"""The second pressure channel in the profile and in validation."""

from __future__ import annotations

from typing import Any

import pytest
from pressloop.emulator import description
from pressloop.errors import BadInputError
from pressloop.machine.blocked_line import BlockedLine
from pressloop.machine.channels import ChannelComparison
from pressloop.machine.reported_profile import channels_of, reads_load_cell
from pressloop.validation import validate_text
from pressloop.validation.check_channels import comparison_text
from pressloop.wire.schema import CapabilityBits
from pydantic import ValidationError

from tests.unit.reference_press import ONE_RAMP, REFERENCE, reference


def test_the_comparison_of_the_reference_press() -> None:
    comparison = ChannelComparison.of(REFERENCE, 10_000)
    assert comparison is not None
    # 0.1 % and 1 % of 738.4 MPa; six sigma of noise of 0.1 % in each of two means of four readings.
    assert comparison.first_error_kpa == 738
    assert comparison.second_error_kpa == 7384
    assert comparison.noise_kpa == pytest.approx(6 * 738.4 * 2**0.5 / 2, abs=5)
    assert comparison.allowed_kpa(74_000) == 738 + 7384 + comparison.noise_kpa
    assert comparison.allowed_kpa(1_000_000) == pytest.approx(20_000, rel=0.002)


def test_friction_and_noise_of_the_profile_widen_and_narrow_the_comparison() -> None:
    rubbing = ChannelComparison.of(reference(channel_friction_percent=3), 10_000)
    quiet = ChannelComparison.of(reference(channel_noise_percent=0), 10_000)
    plain = ChannelComparison.of(REFERENCE, 10_000)
    assert rubbing is not None and quiet is not None and plain is not None
    more_kpa = rubbing.allowed_kpa(500_000) - plain.allowed_kpa(500_000)
    assert more_kpa == pytest.approx(15_000, rel=0.02)
    assert quiet.allowed_kpa(0) == 738 + 7384


def test_the_noise_leaves_something_for_what_the_lags_make_of_a_movement() -> None:
    comparison = ChannelComparison.of(REFERENCE, 10_000)
    assert comparison is not None
    at_rest_kpa = comparison.allowed_kpa(74_000)
    spare_kpa = comparison.noise_kpa / 6
    # 30 ms: a sixth of the noise is enough up to 17 MPa/s.
    assert comparison.allowed_kpa(74_000, 17_000) == at_rest_kpa
    assert comparison.allowed_kpa(74_000, 100_000) - at_rest_kpa == pytest.approx(
        3000 - spare_kpa, abs=2
    )
    # Where 2 % of the reading is more than the sum, it leaves room, too.
    assert comparison.allowed_kpa(650_000, 50_000) == comparison.allowed_kpa(650_000)


def test_a_board_without_a_second_channel_makes_a_single_channel_press() -> None:
    wire = REFERENCE.to_wire()
    assert channels_of(CapabilityBits.SECOND_CHANNEL, wire) == 2
    assert channels_of(CapabilityBits(0), wire) == 1
    single = reference(channels=1)
    assert single.single_channel and not REFERENCE.single_channel
    assert ChannelComparison.of(single, 10_000) is None


def test_a_single_channel_press_may_have_a_lower_limit() -> None:
    limited = reference(channels=1, single_channel_bar=200)
    assert limited.limits(10_000).pellet_limit_kpa == pytest.approx(369_200, abs=200)
    two = reference(single_channel_bar=200)
    assert two.limits(10_000).pellet_limit_kpa == REFERENCE.limits(10_000).pellet_limit_kpa


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"second_raw_zero": None}, "second_raw_zero is missing"),
        ({"second_accuracy_percent": None}, "second_accuracy_percent is missing"),
        ({"second_full_scale_bar": 300}, "second_full_scale_bar (300) is below"),
        ({"second_raw_fault_low": 5000}, "must rise in this order"),
        ({"die_loads_kn": (20,)}, "die_loads_kn has 1 loads for 3 dies"),
        ({"accuracy_percent": 10}, "accuracy_percent"),
    ],
)
def test_a_profile_that_contradicts_itself_is_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises((BadInputError, ValidationError)) as refused:
        reference(**changes)
    assert named in str(refused.value)


def test_validation_warns_of_a_single_channel_with_its_limit() -> None:
    for changes, limit in (({}, "646.166 MPa (50.7 kN"), ({"single_channel_bar": 250}, "461.5")):
        validation = validate_text(ONE_RAMP, "test", reference(channels=1, **changes))
        (finding,) = validation.findings
        assert (finding.severity, finding.code, finding.path) == (
            "warning",
            "single-channel",
            "ceiling",
        )
        assert limit in finding.message
        assert validation.protocol is not None
        assert validation.as_dict()["channels"] is None


def test_validation_says_whether_a_hand_at_the_button_moves_the_ram() -> None:
    for holds, said in (
        (None, "only while the controller's button is held"),
        (True, "only while the controller's button is held"),
        (False, "the ram moves without a hand at the button"),
    ):
        press = reference(channels=1, hold_to_run=holds)
        (finding,) = validate_text(ONE_RAMP, "test", press).findings
        assert said in finding.message


def test_validation_prints_what_the_relief_valve_leaves_to_a_first_pressing() -> None:
    """350 bar and 15 % on a ram of 14.5 cm2 and a die of 10 mm."""
    press = reference(channels=1)
    assert (press.max_oil_bar, press.ram_area_cm2) == (350, 14.5)
    (finding,) = validate_text(ONE_RAMP, "test", press).findings
    assert "drifts down may bring a first pressing to 743 MPa" in finding.message


def test_a_load_cell_that_the_board_does_not_read_is_a_warning() -> None:
    cell = {
        "load_cell_capacity_kn": 50,
        "load_cell_error_percent": 0.05,
        "load_cell_zero": 0,
        "load_cell_full": 500_000,
    }
    for reads, codes in ((False, ["load-cell-not-read"]), (True, []), (None, [])):
        found = validate_text(ONE_RAMP, "test", reference(reads_load_cell=reads, **cell)).findings
        assert [finding.code for finding in found] == codes
    assert reads_load_cell(CapabilityBits.LOAD_CELL)
    assert not reads_load_cell(CapabilityBits.SECOND_CHANNEL)


def test_validation_states_the_comparison_at_the_press_at_hand() -> None:
    validation = validate_text(ONE_RAMP, "test", REFERENCE)
    assert validation.findings == ()
    assert validation.comparison is not None
    text = comparison_text(validation.comparison, 10_000, 74_000)
    assert "11.3 MPa on a 10 mm die, 15 % of 74 MPa" in text
    assert "in a ramp" not in text
    for rate, more in ((17_000, False), (18_000, False), (100_000, True)):
        # A difference that the digits do not show is not printed.
        text = comparison_text(validation.comparison, 10_000, 74_000, rate)
        assert ("13.7 MPa in a ramp of 100 MPa/s" in text) == more == ("in a ramp" in text)
    channels = validation.as_dict()["channels"]
    assert channels["allowed_mpa"] == pytest.approx(11.25, abs=0.01)


def test_a_ceiling_above_the_load_of_the_die_names_pressure_force_and_limit() -> None:
    limited = reference(die_loads_kn=(30, 0, 0))
    (finding,) = validate_text(ONE_RAMP, "test", limited).findings
    assert (finding.code, finding.path) == ("over-limit", "ceiling")
    assert finding.message == (
        "the ceiling of 400 MPa (31.4 kN on 10 mm) is above the greatest load of the 10 mm die, "
        "30 kN (382 MPa)"
    )
    other = ONE_RAMP.replace("10 mm", "12 mm").replace("300", "200")
    assert validate_text(other, "test", limited).errors == ()


def test_a_press_file_states_the_second_transducer() -> None:
    one = description.loads("second_transducer: {fitted: false}\n")
    assert "second_raw_zero" not in one.nominal_profile()
    assert one.plant_config()["second_sensor_full_scale_mpa"] == 0
    own = description.loads("second_transducer: {full_scale_bar: 600, accuracy_percent: 2}\n")
    assert own.nominal_profile()["second_full_scale_oil_kpa"] == 60_000
    assert own.nominal_profile()["second_accuracy_ppm"] == 20_000
    with pytest.raises(BadInputError) as refused:
        description.loads("second_transducer: {full_scale_bar: 300}\n")
    (finding,) = refused.value.findings
    assert finding.path == "second_transducer.full_scale_bar"
    assert "second channel could not see the limit" in finding.message


def test_the_figure_of_a_blocked_line_is_the_oil_beyond_the_stated_travel() -> None:
    tuned = reference(channels=1, tuning_residual_percent=0.5, approach_mm=4)
    blocked = BlockedLine.of(tuned, 10)
    assert blocked is not None
    assert blocked.beyond_mm == pytest.approx(0.832, abs=0.001)
    # The slow part of 0.25 mm and 0.75 mm, by 8.2 % more than counted: 1207 uL in 57.3 uL/MPa.
    assert blocked.pellet_mpa == pytest.approx(1207 / 57.26 * 18.46, rel=0.01)
    untuned = BlockedLine.of(reference(channels=1, approach_mm=4), 10)
    assert untuned is not None and untuned.beyond_mm == pytest.approx(1.665, abs=0.001)
    assert BlockedLine.of(reference(approach_mm=None), 10) is None


def test_air_in_the_oil_takes_up_some_of_the_figure() -> None:
    curve = (147.0, 88.0, 66.5, 59.8, 57.9, 57.4, 57.3, 57.3)
    plain = reference(channels=1, tuning_residual_percent=0.5, approach_mm=4, max_oil_bar=300)
    soft = plain.model_copy(update={"compliance_curve_ul_mpa": curve})
    least, most = BlockedLine.of(soft, 10), BlockedLine.of(plain, 10)
    assert least is not None and most is not None
    assert 0.93 < least.pellet_mpa / most.pellet_mpa < 0.98


def test_validation_prints_how_high_a_blocked_line_can_press() -> None:
    for changes, text in (
        ({"approach_mm": 4.0, "tuning_residual_percent": 0.5}, "a hard sample to 389 MPa"),
        ({"approach_mm": None}, "only after approach_timeout_s"),
    ):
        findings = validate_text(ONE_RAMP, "test", reference(channels=1, **changes)).findings
        assert any(text in finding.message for finding in findings)

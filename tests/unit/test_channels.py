"""The second pressure channel in the profile and in validation."""

from __future__ import annotations

from typing import Any

import pytest
from pressloop.emulator import description
from pressloop.emulator.description import PressDescription
from pressloop.errors import BadInputError
from pressloop.machine.channels import ChannelComparison
from pressloop.machine.profile import MachineProfile, channels_of
from pressloop.validation import validate_text
from pressloop.validation.check_channels import comparison_text
from pressloop.wire.schema import CapabilityBits
from pydantic import ValidationError

REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())
PROTOCOL = """
pressloop: 1
name: test
die: 10 mm
ceiling: 400 MPa
stages:
  - name: press
    ramp: {target: 300 MPa, rate: 20 MPa/s}
"""


def profile(**changes: Any) -> MachineProfile:
    return REFERENCE.model_copy(update=changes)


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
    rubbing = ChannelComparison.of(profile(channel_friction_percent=3), 10_000)
    quiet = ChannelComparison.of(profile(channel_noise_percent=0), 10_000)
    plain = ChannelComparison.of(REFERENCE, 10_000)
    assert rubbing is not None and quiet is not None and plain is not None
    more_kpa = rubbing.allowed_kpa(500_000) - plain.allowed_kpa(500_000)
    assert more_kpa == pytest.approx(15_000, rel=0.02)
    assert quiet.allowed_kpa(0) == 738 + 7384


def test_a_board_without_a_second_channel_makes_a_single_channel_press() -> None:
    wire = REFERENCE.to_wire()
    assert channels_of(CapabilityBits.SECOND_CHANNEL, wire) == 2
    assert channels_of(CapabilityBits(0), wire) == 1
    single = profile(channels=1)
    assert single.single_channel and not REFERENCE.single_channel
    assert ChannelComparison.of(single, 10_000) is None


def test_a_single_channel_press_may_have_a_lower_limit() -> None:
    limited = profile(channels=1, single_channel_bar=200)
    assert limited.limits(10_000).pellet_limit_kpa == pytest.approx(369_200, abs=200)
    two = profile(single_channel_bar=200)
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
        profile(**changes)
    assert named in str(refused.value)


def test_validation_warns_of_a_single_channel_with_its_limit() -> None:
    for changes, limit in (({}, "646.166 MPa (50.7 kN"), ({"single_channel_bar": 250}, "461.5")):
        validation = validate_text(PROTOCOL, "test", profile(channels=1, **changes))
        (finding,) = validation.findings
        assert (finding.severity, finding.code, finding.path) == (
            "warning",
            "single-channel",
            "ceiling",
        )
        assert limit in finding.message
        assert validation.protocol is not None
        assert validation.as_dict()["channels"] is None


def test_validation_states_the_comparison_at_the_press_at_hand() -> None:
    validation = validate_text(PROTOCOL, "test", REFERENCE)
    assert validation.findings == ()
    assert validation.comparison is not None
    text = comparison_text(validation.comparison, 10_000, 74_000)
    assert "11.3 MPa on a 10 mm die, 15 % of 74 MPa" in text
    channels = validation.as_dict()["channels"]
    assert channels["allowed_mpa"] == pytest.approx(11.25, abs=0.01)


def test_a_ceiling_above_the_load_of_the_die_names_pressure_force_and_limit() -> None:
    limited = profile(die_loads_kn=(30, 0, 0))
    (finding,) = validate_text(PROTOCOL, "test", limited).findings
    assert (finding.code, finding.path) == ("over-limit", "ceiling")
    assert finding.message == (
        "the ceiling of 400 MPa loads the 10 mm die with 31.4 kN, above its limit of 30 kN"
    )
    other = PROTOCOL.replace("10 mm", "12 mm").replace("300", "200")
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

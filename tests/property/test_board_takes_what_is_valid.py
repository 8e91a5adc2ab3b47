"""What `validate` passes is what the board takes, for any press file and any protocol.

The board's side is the firmware's own code; the press file goes the user's way, from its text.
"""

from __future__ import annotations

from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pressloop.emulator import description
from pressloop.emulator.description import PressDescription
from pressloop.errors import BadInputError
from pressloop.findings import Finding
from pressloop.machine.profile import MachineProfile
from pressloop.plan import PlanError, compile_plan, finding_of_refusal
from pressloop.protocol import Item, Prompt, Protocol, Ramp, Stage
from pressloop.validation import validate_protocol, validate_text
from pressloop.wire.schema import CLOCK_END, TICK_HZ
from pressloop.yaml import read_yaml
from pressloop_fw.loop.scaling import Scaling
from pydantic import ValidationError

from tests.property.firmware_checks import Taken, board_profile, offer_plan, offer_profile
from tests.property.protocols_for_press import protocols_for
from tests.property.random_presses import KNOWN, press_files, yaml_of

REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())


def form_of(text: str) -> PressDescription | None:
    """Return the press of a file whose form is right, whatever the board says; None without."""
    yaml = read_yaml(text)
    if any(finding.severity == "error" for finding in yaml.findings):
        return None  # such as an invisible character, which no reader of the form can see
    try:
        return PressDescription.model_validate(yaml.data)
    except ValidationError:
        return None


def check_findings(error: BadInputError) -> None:
    """Every finding names a place in the file, what is wrong and what to do."""
    assert error.findings
    for finding in error.findings:
        assert isinstance(finding, Finding)
        assert finding.path != "." and finding.line is not None
        assert finding.message and finding.hint and finding.code


@settings(max_examples=150)
@given(press_files())
@example(KNOWN)
@example({"name": "Ä" * 30})
@example({"name": "0\u00ad"})
@example({"pump": {"dead_band_percent": 45}, "controller": {"approach_opening_percent": 45.001}})
@example({"limits": {"max_oil_bar": 400.004}})
@example({"frame": {"stiffness_kn_mm": 1e-320}})
@example({"oil": {"bulk_modulus_gpa": 1e-320}})
@example({"ram": {"area_cm2": 1e-320}})
@example({"vessel": {"bore_mm": 100}, "ram": {"area_cm2": 0}})
def test_a_press_file_is_refused_exactly_when_the_board_refuses_it(content: dict[str, Any]) -> None:
    text = yaml_of(content)
    press = form_of(text)
    try:
        passed = description.loads(text)
    except BadInputError as error:
        check_findings(error)
        if press is not None:
            assert not isinstance(offer_profile(press.nominal_profile()), Taken)
        return
    assert passed == press
    assert isinstance(offer_profile(passed.nominal_profile()), Taken)
    for value in passed.plant_config().values():
        assert abs(value) < 1e300


@settings(max_examples=60)
@given(press_files())
def test_limits_with_any_die_are_those_of_the_firmware(content: dict[str, Any]) -> None:
    press = form_of(yaml_of(content))
    assume(press is not None)
    assert press is not None
    try:
        profile = MachineProfile.from_fields(press.nominal_profile())
    except BadInputError:
        assume(False)
    for die_um in profile.dies_um:
        limits, board = profile.limits(die_um), Scaling(board_profile(profile), die_um)
        assert limits.pellet_limit_kpa == board.pellet_limit_kpa
        assert limits.resolution_kpa == board.resolution_kpa
        assert limits.finest_loss_kpa_min == board.finest_loss_kpa_min
        assert limits.fastest_rise_kpa_s == board.fastest_rise_kpa_s
        assert limits.fastest_fall_kpa_s == board.fastest_fall_kpa_s
        assert limits.per_count == board.per_count


@st.composite
def presses_with_protocols(draw: st.DrawFn) -> tuple[MachineProfile, Protocol]:
    """Return the profile of a press that boards take, and a protocol for it."""
    press = form_of(yaml_of(draw(press_files())))
    assume(press is not None)
    assert press is not None
    try:
        profile = MachineProfile.from_fields(press.nominal_profile())
    except BadInputError:
        assume(False)
    if draw(st.booleans()):
        leak = draw(st.sampled_from([0.0, 1.0, 30.0, 4000.0]))
        profile = profile.model_copy(
            update={
                "leak_ul_min": leak,
                "leak_uncertainty_ul_min": leak / 10,
                "compliance_curve_ul_mpa": tuple(
                    min(9999.0, max(0.001, profile.compliance_ul_mpa) * factor)
                    for factor in (8, 5, 3, 2, 1.5, 1.2, 1, 0.9)
                ),
            }
        )
    return profile, draw(protocols_for(profile))


@settings(max_examples=150)
@given(presses_with_protocols())
def test_a_protocol_is_refused_exactly_when_the_board_refuses_it(
    case: tuple[MachineProfile, Protocol],
) -> None:
    profile, protocol = case
    result = validate_text(protocol.to_yaml(), "protocol", profile)
    for finding in result.findings:
        assert finding.line is not None and finding.message and finding.hint
    if result.protocol is not None:
        # Whatever is passed is taken by the board.
        assert offer_plan(compile_plan(result.checked(), profile), profile) is None
        return
    try:
        plan = compile_plan(protocol, profile)
    except PlanError:
        return  # it does not fit into messages to the board
    refusal = offer_plan(plan, profile)
    # How a vessel is let down protects the sample and not the press: only the host asks for it.
    assume(refusal is not None or not profile.is_vessel)
    assert refusal is not None, result.errors
    place = finding_of_refusal(plan, refusal)
    codes = {(finding.code, finding.path) for finding in result.errors}
    assert (place.code, place.path) in codes or "hold-at-zero" in {code for code, _ in codes}


@given(st.integers(1, 600) | st.sampled_from([1, 2]), st.booleans())
def test_a_run_that_outlasts_the_clock_is_refused_to_the_tick(ticks: int, late: bool) -> None:
    """The longest protocol that any board starts, some ticks shorter or longer."""
    waits = [Prompt(prompt="Wait", timeout="250 h") for _ in range(11)]
    stage = Stage(name="a", ramp=Ramp(target="100 MPa", rate="1 MPa/s"))
    vent_ticks, ramp_ticks = 200_000 // 20 * TICK_HZ // 1000, 100 * TICK_HZ
    rest = CLOCK_END - 25 * 3600 * TICK_HZ - vent_ticks - ramp_ticks - 60 * TICK_HZ
    rest -= 11 * 250 * 3600 * TICK_HZ
    rest += ticks if late else -ticks + 1
    items: list[Item] = [*waits, stage, Prompt(prompt="Wait", timeout=f"{10 * rest} ms")]
    protocol = Protocol(name="long", die="10 mm", ceiling="200 MPa", stages=items)
    codes = [error.code for error in validate_protocol(protocol, REFERENCE).errors]
    refusal = offer_plan(compile_plan(protocol, REFERENCE), REFERENCE)
    assert codes == (["clock-spent"] if late else [])
    assert (None if refusal is None else refusal.code) == ("clock-spent" if late else None)

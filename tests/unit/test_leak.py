"""The host computes the loss by a leak like the board, and validation warns of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pressloop.analysis.leak import leaked
from pressloop.emulator.description import PressDescription
from pressloop.machine.leak import leak_loss
from pressloop.machine.profile import MachineProfile
from pressloop.validation import validate_text
from pressloop_fw.loop import leak as board_leak
from pressloop_fw.loop.scaling import Scaling
from pressloop_fw.service.profile_store import Profile
from pydantic import ValidationError

REFERENCE = MachineProfile.from_fields(PressDescription().nominal_profile())
CURVE = (146.0, 87.5, 66.2, 59.7, 57.9, 57.4, 57.3, 57.2)


def leaking(ul_min: float, uncertainty: float) -> MachineProfile:
    return REFERENCE.model_copy(
        update={
            "compliance_curve_ul_mpa": CURVE,
            "leak_ul_min": ul_min,
            "leak_uncertainty_ul_min": uncertainty,
        }
    )


@given(
    curve=st.tuples(*[st.integers(1, 10_000_000)] * 8) | st.none(),
    leak=st.integers(0, 100_000_000),
    uncertainty=st.integers(0, 100_000_000),
    pressure_kpa=st.integers(1, 2_000_000),
    die_um=st.integers(2000, 20_000),
)
def test_host_and_board_compute_the_same_loss_by_a_leak(
    curve: tuple[int, ...] | None, leak: int, uncertainty: int, pressure_kpa: int, die_um: int
) -> None:
    profile = leaking(leak / 1000, uncertainty / 1000).model_copy(
        update={"compliance_curve_ul_mpa": curve and tuple(value / 1000 for value in curve)}
    )
    wire = profile.to_wire()
    values = ((field.key, getattr(wire, field.name)) for field in wire.FIELDS)
    fields = {key: value for key, value in values if value is not None}
    board = Profile(fields)
    scaling = Scaling(board, die_um)
    loss = leak_loss(profile, die_um, pressure_kpa)
    assert loss is not None
    assert loss.uncertainty_kpa_min == board_leak.uncertainty_kpa_min(board, scaling, pressure_kpa)
    share = board_leak.share_q15(board, scaling, pressure_kpa)
    if share < 32767:
        # The tick's integers are coarser: half a step of the share, 128 kPa of the pressure.
        taken = board_leak.loss_kpa_min(share, pressure_kpa)
        assert abs(taken - loss.kpa_min) <= pressure_kpa / 2**16 + 128 * share / 2**15 + 2


def test_an_unknown_leak_has_no_loss_rate() -> None:
    assert leak_loss(REFERENCE, 10_000, 250_000) is None
    assert MachineProfile.from_wire(REFERENCE.to_wire()).leak_ul_min is None


def test_a_leak_is_the_same_after_the_wire() -> None:
    profile = leaking(10.25, 1.1)
    again = MachineProfile.from_wire(profile.to_wire())
    assert (again.leak_ul_min, again.leak_uncertainty_ul_min) == (10.25, 1.1)


def test_a_leak_without_its_uncertainty_is_refused() -> None:
    half = {**leaking(10, 1).model_dump(), "leak_uncertainty_ul_min": None}
    with pytest.raises(ValidationError, match="belong together"):
        MachineProfile.model_validate(half)


def findings(profile: MachineProfile, hold: str, target: str = "250 MPa") -> list[tuple[str, ...]]:
    text = (
        "pressloop: 1\nname: test\ndie: 10 mm\nceiling: 520 MPa\nstages:\n- name: a\n"
        f"  ramp: {{target: {target}, rate: 5 MPa/s}}\n  hold: {{{hold}}}\n"
    )
    found = validate_text(text, "test", profile).findings
    return [(f.severity, f.code, str(f.path), f.message, f.hint) for f in found]


def test_a_sealed_hold_that_leaves_its_band_by_the_leak_is_a_warning_with_numbers() -> None:
    # 10 of 10 times 57.3 uL/MPa are 1.74 % a minute: 4.36 MPa/min at 250 MPa.
    sealed = "duration: 3 min, tolerance: 2 %, mode: sealed"
    ((severity, code, path, message, hint),) = findings(leaking(10, 1), sealed)
    assert (severity, code, path) == ("warning", "leak-leaves-band", "stages[0].hold.tolerance")
    for number in ("10 uL/min", "4.35", "within 68.8 s", "topped up 3 times in 3 min"):
        assert number in message
    # A band of 13 MPa or a leak of 3.8 uL/min would be enough.
    assert "loses 13.0" in message and "3.8 uL/min" in hint and "regulated" in hint
    assert findings(leaking(3.8, 1), sealed) == []
    assert findings(REFERENCE, sealed) == []
    assert findings(leaking(10, 1), "duration: 3 min, tolerance: 2 %") == []
    assert findings(leaking(10, 1), "duration: 1 min, tolerance: 2 %, mode: sealed") == []
    # How long the operator holds it is unknown.
    assert findings(leaking(10, 1), "duration: open, tolerance: 2 %, mode: sealed") == []


def test_a_rate_below_the_uncertainty_of_the_leak_is_an_error_with_numbers() -> None:
    until = "until: {{relaxation: {} MPa/min, at_most: 20 min}}, tolerance: 4 %, mode: sealed"
    hidden = findings(leaking(10, 1), until.format(0.4))
    ((severity, code, path, message, hint),) = hidden
    assert (severity, code) == ("error", "relaxation-unresolved")
    assert path == "stages[0].hold.until.relaxation"
    assert "4.35" in message and "+-0.43" in message and "above" in hint
    assert findings(leaking(10, 1), until.format(0.5)) == []
    assert findings(REFERENCE, until.format(0.4)) == []


def test_a_band_that_is_left_before_the_rate_is_measured_is_a_warning() -> None:
    until = "until: {relaxation: 1 MPa/min, at_most: 20 min}, tolerance: 0.4 %, mode: sealed"
    assert findings(REFERENCE, until) == []
    assert findings(leaking(2, 1), until) == []
    ((_, code, path, message, _hint),) = findings(leaking(30, 1), until)
    assert (code, path) == ("relaxation-late", "stages[0].hold.tolerance")
    assert "and 13.0" in message and "of leak" in message and "a tolerance of" in message


def test_the_loss_by_a_leak_during_a_dwell_is_proportional_to_the_pressure() -> None:
    assert leaked(REFERENCE, 10.0, np.zeros(3), np.zeros(3)) is None
    time_s = np.arange(0, 180, 0.01)
    per_s = 10 / (10 * 57.3 * 60)
    pressure_mpa = 250 * np.exp(-per_s * time_s)
    taken = leaked(leaking(10, 1), 10.0, time_s, pressure_mpa)
    assert taken is not None
    assert taken.mpa[0] == 0
    # The leak is the whole loss here.
    assert taken.mpa == pytest.approx(250 - pressure_mpa, rel=0.003, abs=1e-9)
    assert taken.uncertainty_mpa == pytest.approx(taken.mpa / 10)

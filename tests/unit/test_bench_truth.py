"""The bench of what is true: its definitions on made-up courses, and a family without gaps."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from pressloop.emulator.description import PressDescription
from pressloop.machine.profile import MachineProfile
from pressloop_bench.control.press_run import Trace, firmware
from pressloop_bench.truth import report
from pressloop_bench.truth.learning import learned_fields
from pressloop_bench.truth.press_truth import PressTruth, protocol
from pressloop_bench.truth.pressed_by import pressed_by
from pressloop_bench.truth.rows import ROWS
from pressloop_bench.truth.stage_truth import StageTruth, judge_stage
from pressloop_bench.truth.wide_family import WIDE, wide_family

PROFILE = MachineProfile.from_fields(
    PressDescription.model_validate(
        {"ram": {"friction_percent": 0, "friction_n": 0}}
    ).nominal_profile()
)
RAMP = {"target_kpa": 100_000, "rate_kpa_s": 10_000}
DWELL = 500


def _course(
    *, extra_ticks: int = 0, wait_ticks: int = 0, off_mpa: float = 0.0, read_off_mpa: float = 0.0
) -> Trace:
    """Return a ramp to 100 MPa in 10 s and a hold of 5 s, after an approach of a second.

    The ramp takes `extra_ticks` more, the hold begins to count after `wait_ticks`, and the pellet
    is `off_mpa` from the setpoint.
    """
    ramp = np.minimum(np.arange(1000 + extra_ticks) / 10, 100.0)
    set_mpa = np.concatenate((np.zeros(100), ramp, np.full(wait_ticks + DWELL, 100.0), [0.0]))
    steps = [0] * (100 + ramp.size) + [1] * (wait_ticks + DWELL - 1) + [2, 2]
    n = set_mpa.size
    true = set_mpa + off_mpa
    approaching = np.arange(n) < 100
    dwelling = np.zeros(n, bool)
    dwelling[100 + ramp.size + wait_ticks : 100 + ramp.size + wait_ticks + DWELL] = True
    zeros = np.zeros(n, np.int64)
    return Trace(
        true_mpa=true,
        setpoint_mpa=set_mpa,
        reading_mpa=set_mpa + read_off_mpa,
        raw=zeros,
        output=zeros,
        step=np.array(steps),
        approaching=approaching,
        dwelling=dwelling,
        dumping=np.zeros(n, bool),
        oil_derived_mpa=set_mpa.copy(),
    )


def _judged(course: Trace, *, oil: bool = False) -> StageTruth:
    return judge_stage(course, RAMP, (0, 1), DWELL / 100, PROFILE, 10.0, low=False, oil=oil)


def test_a_perfect_course_is_on_time_and_covered() -> None:
    stage = _judged(_course())
    # 0.5 % before its target a ramp of 10 s is in band.
    assert stage.lateness_s == pytest.approx(-0.05, abs=0.02)
    assert stage.over_asked_s == pytest.approx(0, abs=0.011)
    assert stage.dwell_excess_s == pytest.approx(0.05, abs=0.02)
    assert stage.in_band == 100
    assert stage.rising
    assert (stage.overshoot, stage.error) == (0, 0)
    assert stage.covered


def test_a_longer_ramp_and_a_late_count_are_told() -> None:
    stage = _judged(_course(extra_ticks=80, wait_ticks=30))
    assert stage.over_asked_s == pytest.approx(0.8, abs=0.011)
    # In band since the end of the ramp as asked, whatever the board counted.
    assert stage.dwell_excess_s == pytest.approx(0.05 + 0.8 + 0.3, abs=0.02)
    assert stage.lateness_s == pytest.approx(-0.05, abs=0.02)


def test_a_pellet_that_friction_keeps_out_of_band_is_never_in_it() -> None:
    course = _course(off_mpa=-2.0)
    stage = _judged(course)
    assert math.isinf(stage.lateness_s)
    assert stage.in_band == 0
    assert stage.dwell_excess_s == -DWELL / 100
    assert stage.error == pytest.approx(-2)
    assert stage.stated < 2
    assert not stage.covered
    # The oil is where it should be.
    assert _judged(course, oil=True).covered


def test_a_reading_off_by_less_than_its_uncertainty_is_covered() -> None:
    assert _judged(_course(read_off_mpa=0.4)).covered
    assert not _judged(_course(read_off_mpa=4.0)).covered


def test_no_press_of_the_family_is_dropped_and_a_seed_repeats_it() -> None:
    cases = wide_family(12, 3)
    assert [case.name for case in cases] == [f"press {number}" for number in range(12)]
    assert cases == wide_family(12, 3)
    assert cases != wide_family(12, 4)
    for case in cases:
        friction = case.press.simulation.friction
        assert WIDE["simulation.friction.percent"][0] <= friction.percent <= 5
        config = case.press.plant_config()
        assert config["friction_coulomb_n"] * 1.2 < config["return_force_n"]
        smaller = case.targets_mpa[1] < 500
        assert smaller == any("below 500 MPa" in change for change in case.changes)
        assert len(protocol(case)) == 16


def test_the_report_accounts_for_every_press() -> None:
    cases = wide_family(3, 3)
    good = _judged(_course())
    bad = _judged(_course(off_mpa=-2.0))
    results = [
        PressTruth(cases[0], (good, bad)),
        PressTruth(cases[1], (good,), ended="end reason 3, fault 2, step 4, at 1 MPa at most"),
        PressTruth(cases[2], (), refused="noise comes out as 0.07, expected below 0.05"),
    ]
    lines = report.counts(results)
    assert lines[0] == "3 presses drawn, 2 tuned, 1 pressed to the end"
    assert "  1 x run ended early: a run ended by the fault sensor-low" in lines
    assert "  1 x not tuned: noise comes out as ..., expected below 0.05" in lines
    assert lines[-1] == "1 of 3 stages were never truly in band"
    assert report.coverage(results).splitlines() == [
        "all stages covered on 1 of 2 presses",
        "coverage 66.7 % of 3 stages",
    ]
    table = report.table("pellet pressure", [good, bad])
    assert (
        "| lateness going up, s | <= 0.3; slow valves 3 x lag | never | never | never "
        "| no: 1 of 2, never at 100 MPa up, lag 0 ms, noise 0 % |"
    ) in table
    assert "| ramp time over asked, s | <= 0.3 | 0.00 | 0.00 | 0.00 | yes |" in table


def test_peers_stand_beside_ours_with_the_runs_that_ended_early() -> None:
    case = wide_family(1, 3)[0]
    good = PressTruth(case, (_judged(_course()),))
    early = PressTruth(case, (), ended="end reason 6, fault 6, step 1, at 1 MPa at most")
    lines = report.compare({"ours": [good], "peer": [early]}).splitlines()
    assert lines[0].endswith("| ours | peer |")
    assert lines[2].endswith("| -0.05 / -0.05 / -0.05 | - |")
    assert lines[-1] == "| pressed to the end | all | 1 of 1 | 0 of 1 |"


def test_a_press_may_be_off_by_what_its_cell_or_its_friction_leaves() -> None:
    case = wide_family(1, 3)[0]
    target = max(case.targets_mpa)
    reading = pressed_by(case, "reading")
    assert reading.case.press == case.press and not reading.fields
    assert reading.allowed_mpa(PROFILE, case.press.die_mm, target) == float("inf")
    cell = pressed_by(case, "load-cell")
    profile = cell.case.press.machine_profile()
    assert cell.fields.keys() == {
        f"load_cell_{name}" for name in ("capacity_n", "error_ppm", "zero", "full", "lag_ms")
    }
    # 0.05 % of 1.25 times the largest pressure, and 0.2 %.
    allowed = cell.allowed_mpa(profile, case.press.die_mm, target)
    assert allowed == pytest.approx((0.0005 * 1.25 + 0.002) * target, rel=1e-3)
    learned = pressed_by(case, "learned-friction")
    known = PROFILE.model_copy(update={"friction_percent": 3, "friction_n": 0})
    assert learned.allowed_mpa(known, 10.0, 100.0) == pytest.approx(0.738 + 0.2 + 0.75, abs=0.01)


def test_cells_are_wrong_both_ways_and_within_what_they_state() -> None:
    errors = []
    for case in wide_family(30, 5):
        means = pressed_by(case, "load-cell")
        capacity_mpa = (
            means.case.press.load_cell.capacity_kn
            * 1000
            / means.case.press.plant_config()["die_area_mm2"]
        )
        errors.append((means.read_mpa(capacity_mpa) - capacity_mpa) / capacity_mpa)
    assert min(errors) < -0.0001 and max(errors) > 0.0001
    assert max(map(abs, errors)) < 0.0005
    assert math.isnan(pressed_by(case, "reading").read_mpa(100.0))


def test_what_the_cell_itself_is_wrong_by_is_told_apart() -> None:
    """The pellet is 0.5 MPa low, and a cell that reads 0.4 too much leaves 0.1 to the law."""
    stage = judge_stage(
        _course(off_mpa=-0.5),
        RAMP,
        (0, 1),
        DWELL / 100,
        PROFILE,
        10.0,
        low=False,
        allowed_mpa=1.0,
        read_mpa=lambda true_mpa: true_mpa + 0.4,
    )
    assert stage.of_allowed == pytest.approx(50)
    assert stage.of_allowed_as_read == pytest.approx(10)


def test_a_dwell_that_is_truly_too_short_misses_a_row_of_its_own() -> None:
    low = _judged(_course(off_mpa=-1.0))
    (longest, shortest) = (row for row in ROWS if "dwell" in row.name or "shortest" in row.name)
    assert longest.missed([low]) == []
    assert shortest.missed([low]) == [(low.dwell_excess_s, low)]


def test_friction_is_learned_from_holds_after_rising_and_falling() -> None:
    schema = firmware("wire.schema")
    levels = ((100_000, 1.0), (400_000, 1.0), (250_000, -1.0), (100_000, -1.0))
    steps = [{"kind": schema.STEP_HOLD, "target_kpa": target} for target, _ in levels]
    course = _course()
    ticks = course.true_mpa.size // 4
    course = dataclasses.replace(
        course, **{f.name: getattr(course, f.name)[: 4 * ticks] for f in dataclasses.fields(course)}
    )
    true = np.repeat([target / 1000 for target, _ in levels], ticks)
    side = np.repeat([side for _, side in levels], ticks)
    read = (true + side * 0.5 + 0.2) / (1 - side * 0.03)
    trace = dataclasses.replace(
        course,
        true_mpa=true,
        reading_mpa=read,
        step=np.repeat(np.arange(4), ticks),
        dwelling=np.ones(true.size, np.bool_),
    )
    fields = learned_fields(trace, steps, 80.0)
    assert fields["friction_ppm"] == pytest.approx(30_000, abs=2)
    assert fields["friction_n"] == 40

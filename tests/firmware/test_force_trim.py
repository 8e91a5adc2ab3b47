"""The load cell and learned friction: the pellet gets what was asked for, not the gauge."""

from pellet_rig import CELL_ERROR_MPA, STAGES, hold_errors, make_rig, press_stages
from pressloop_fw.wire import schema
from pressloop_sim.plant.load_cell import BROKEN, OK, STUCK
from rig import RefusedError, hold, ramp, release


def _check(errors, share, error_mpa):
    for error, target in zip(errors, STAGES):  # noqa: B905 - MicroPython has no strict
        assert abs(error) <= error_mpa + share * target, errors


def test_without_a_cell_the_pellet_is_off_by_the_friction():
    errors = hold_errors(press_stages(make_rig(cell=False)))
    assert errors[0] < -0.03 * 250 and errors[1] < -0.03 * 500, errors
    assert errors[2] > 0.03 * 74, errors


def test_with_a_cell_the_pellet_is_right_from_below_and_from_above():
    for rate_hz in (10.0, 80.0, 320.0):
        for learned in (False, True):
            rig = make_rig(rate_hz=rate_hz, learned=learned)
            made = press_stages(rig)
            assert rig.controller.interlocks.fault == schema.FAULT_NONE
            _check(hold_errors(made), 0.002, CELL_ERROR_MPA)
            for press in made:
                assert press.counted >= 398 and press.with_cell == press.counted


def test_the_way_to_a_target_does_not_go_beyond_it():
    for learned in (False, True):
        made = press_stages(make_rig(learned=learned))
        for press, target in zip(made, STAGES):  # noqa: B905
            beyond = target - press.lowest if target == 74 else press.highest - target
            assert beyond <= CELL_ERROR_MPA + 0.005 * target, (target, beyond)


def test_learned_friction_alone_leaves_a_quarter_of_it():
    for seed in range(1, 7):
        rig = make_rig(cell=False, learned=True, friction_share=0.03, seed=seed)
        errors = hold_errors(press_stages(rig))
        # The transducer's own error is 0.74 MPa.
        _check(errors, 0.002 + 0.03 / 4, 0.74)


def test_a_bound_of_friction_is_not_compensated_for():
    rig = make_rig(cell=False)
    values = dict(rig.app.server.profile.values)
    values[schema.PROFILE_FRICTION_PPM] = 50000
    values[schema.PROFILE_FRICTION_N] = 100
    rig.ask(schema.CMD_PROFILE_WRITE, values)
    assert not rig.controller.force_trim.active
    values[schema.PROFILE_FRICTION_UNCERTAINTY_PPM] = 200000
    rig.ask(schema.CMD_PROFILE_WRITE, values)
    assert rig.controller.force_trim.active


def test_friction_is_no_release_that_is_stuck():
    """A slow release begins late, and the oil is above the setpoint of the pellet by friction."""
    rig = make_rig(friction_share=0.07, valve_lag_s=0.11)
    values = dict(rig.app.server.profile.values)
    values[schema.PROFILE_VALVE_LAG_MS] = 120
    values[schema.PROFILE_TUNING_RESIDUAL_PPM] = 5000
    values[schema.PROFILE_KP] = 928
    values[schema.PROFILE_KI] = 478
    rig.ask(schema.CMD_PROFILE_WRITE, values)
    rig.start([ramp(250000, 50000), hold(250000, 2000, 2000), release(0, 10000)])
    assert rig.run(30, lambda: rig.sequencer.step_index == 2)
    assert rig.controller.force_trim.trim_kpa > 0.06 * 250000
    assert rig.run(30, rig.idle_again) and rig.controller.interlocks.fault == schema.FAULT_NONE


def _bump(change):
    """Let `change(rig, tick)` happen in a hold of 250 MPa; return true pressures from there on."""
    rig = make_rig()
    rig.start([ramp(250000, 25000), hold(250000, 20000, 1250)])
    assert rig.run(30, lambda: rig.sequencer.step_index == 1)
    rig.run(4)
    change(rig)
    pellet = []
    for tick in range(800):
        rig.tick()
        if tick % 5 == 0:
            pellet.append(rig.plant.pellet_mpa)
    return rig, pellet


def test_a_cell_that_vanishes_or_freezes_makes_no_bump():
    for fault in (BROKEN, STUCK):

        def fail(rig, fault=fault):
            rig.load_cell.fault = fault

        rig, pellet = _bump(fail)
        assert max(pellet) - min(pellet) < 0.5, (fault, min(pellet), max(pellet))
        flags = rig.sequencer.run_flags
        assert not flags.is_set(schema.FLAG_LOAD_CELL)
        assert rig.controller.force_trim.trim_kpa > 5000
        rig.load_cell.fault = OK
        rig.run(2)
        assert flags.is_set(schema.FLAG_LOAD_CELL)


def test_a_cell_that_jumps_is_not_followed():
    for share in (0.05, 0.12, -0.05, -0.4):

        def jump(rig, share=share):
            rig.load_cell._zero_n += share * 250 * 78.54

        rig, pellet = _bump(jump)
        if share == -0.4:
            # Far outside: a person has to look at it.
            assert rig.controller.interlocks.fault == schema.FAULT_LOAD_CELL
            continue
        assert rig.sequencer.state == schema.STATE_RUNNING
        assert max(pellet) - min(pellet) < 0.5, (share, min(pellet), max(pellet))
        assert not rig.sequencer.run_flags.is_set(schema.FLAG_LOAD_CELL)


def test_a_cell_that_says_more_than_the_oil_of_a_rising_ram_is_not_followed():
    rig = make_rig(load_cell_gain=1.12)
    made = press_stages(rig)
    assert [press.with_cell for press in made[:2]] == [0, 0]
    assert abs(hold_errors(made)[1]) < 0.08 * 500


def test_a_cell_that_appears_moves_the_pellet_slowly():
    rig = make_rig()
    rig.load_cell.fault = BROKEN
    rig.start([ramp(250000, 25000), hold(250000, 20000, 12500)])
    assert rig.run(30, lambda: rig.sequencer.step_index == 1)
    rig.run(3)
    before = rig.plant.pellet_mpa
    assert before < 242
    rig.load_cell.fault = OK
    most = 0.0
    for _ in range(8):
        rig.run(1)
        most = max(most, rig.plant.pellet_mpa - before)
        before = rig.plant.pellet_mpa
    # 3 % of the target in a second.
    assert most < 7.5, most
    assert abs(rig.plant.pellet_mpa - 250) < CELL_ERROR_MPA + 0.5


def test_after_a_failure_a_reversal_takes_back_what_the_cell_had_added():
    def fail(rig, step):
        if step == 4:
            rig.load_cell.fault = BROKEN

    rig = make_rig()
    made = press_stages(rig, fail)
    assert rig.controller.interlocks.fault == schema.FAULT_NONE
    # As without a cell, and not on the wrong side by twice the friction.
    assert 0 < hold_errors(made)[2] < 0.08 * 74
    # With learned friction the cell had added little, and nothing is lost.
    rig = make_rig(learned=True)
    error = hold_errors(press_stages(rig, fail))[2]
    assert abs(error) < 0.03 * 74, error


def test_a_die_beside_the_cell_trips_before_it_does_harm():
    rig = make_rig()
    rig.load_cell._gain = 0.0
    rig.start([ramp(250000, 25000), hold(250000, 2000, 1250)])
    rig.run(20, lambda: rig.controller.interlocks.fault)
    assert rig.controller.interlocks.fault == schema.FAULT_LOAD_CELL
    assert rig.plant.pellet_mpa < 40, rig.plant.pellet_mpa


def test_a_pellet_above_the_ceiling_by_the_cell_trips():
    rig = make_rig()
    rig.start([ramp(250000, 25000), hold(250000, 9000, 1250)], ceiling_kpa=255000)
    assert rig.run(30, lambda: rig.sequencer.step_index == 1)
    rig.run(3)
    # The oil says more than the ceiling, the pellet bears less: no fault.
    assert rig.plant.oil_derived_mpa() > 256
    assert rig.controller.interlocks.fault == schema.FAULT_NONE
    rig.load_cell._zero_n += 7 * 78.54
    rig.run(1, lambda: rig.controller.interlocks.fault)
    assert rig.controller.interlocks.fault == schema.FAULT_OVER_PRESSURE


def test_what_the_press_bears_is_a_limit_of_the_oil():
    rig = make_rig()
    limit = rig.app.plan.scaling.pellet_limit_kpa if rig.app.plan.scaling else 553000
    rig.start([ramp(limit - 2000, 50000), hold(limit - 2000, 2000, 2500)], ceiling_kpa=limit)
    rig.run(60, lambda: rig.controller.interlocks.fault)
    assert rig.controller.interlocks.fault == schema.FAULT_OVER_PRESSURE
    assert rig.plant.pellet_mpa * 1000 < limit - 5000


def test_status_says_trim_and_cell():
    rig = make_rig()
    rig.start([ramp(250000, 25000), hold(250000, 9000, 1250)])
    assert rig.run(30, lambda: rig.sequencer.step_index == 1)
    rig.run(3)
    status = rig.status()
    trim = status[schema.STATUS_REPLY_TRIM_KPA]
    assert abs(status[schema.STATUS_REPLY_PRESSURE_KPA] - 250000) < 1000
    assert 9000 < trim < 18000
    assert abs(status[schema.STATUS_REPLY_LOAD_CELL_KPA] - 1000 * rig.plant.pellet_mpa) < 800
    assert schema.STATUS_REPLY_TRIM_KPA not in make_rig(cell=False).status()


def test_contradictions_of_cell_and_friction_are_refused_by_name():
    rig = make_rig()
    base = dict(rig.app.server.profile.values)
    for changes, field in (
        ({schema.PROFILE_LOAD_CELL_FULL: 0}, schema.PROFILE_LOAD_CELL_FULL),
        ({schema.PROFILE_LOAD_CELL_FULL: None}, schema.PROFILE_LOAD_CELL_CAPACITY_N),
        ({schema.PROFILE_LOAD_CELL_CAPACITY_N: 9000000}, schema.PROFILE_LOAD_CELL_CAPACITY_N),
        ({schema.PROFILE_FRICTION_UNCERTAINTY_PPM: 1}, schema.PROFILE_FRICTION_UNCERTAINTY_PPM),
    ):
        values = dict(base)
        values.update(changes)
        if changes.get(schema.PROFILE_LOAD_CELL_CAPACITY_N):
            values[schema.PROFILE_DIES_UM] = [2000, 10000]
        values = {key: value for key, value in values.items() if value is not None}
        try:
            rig.ask(schema.CMD_PROFILE_WRITE, values)
        except RefusedError as refusal:
            assert (refusal.code, refusal.field) == (schema.ERR_PROFILE_INVALID, field)
        else:
            raise AssertionError(field)


def test_expected_friction_changes_over_within_a_short_reversal():
    rig = make_rig(cell=False, learned=True)
    rig.start([ramp(250000, 25000), hold(250000, 1000, 1250), ramp(240000, 10000), hold(240000)])
    trim = rig.controller.force_trim
    assert rig.run(30, lambda: rig.sequencer.step_index == 2)
    rising = trim.trim_kpa
    assert rising > 0.045 * 250000
    assert rig.run(30, lambda: rig.sequencer.step_index == 3)
    rig.run(1)
    # A seal is elastic: 10 MPa are not enough for it to slide the other way.
    assert -0.5 * rising < trim.trim_kpa < 0.6 * rising
    assert abs(rig.plant.pellet_mpa - 240) < 0.03 * 240


def test_at_setpoint_zero_oil_and_pellet_are_one():
    rig = make_rig(learned=True)
    rig.start([ramp(100000, 25000), hold(100000, 1000, 1250)], vent_rate_kpa_s=50000)
    assert rig.run(30, lambda: rig.sequencer.step_index == 1)
    assert rig.controller.force_trim.trim_kpa > 3000
    assert rig.run(60, rig.idle_again)
    assert rig.controller.force_trim.trim_kpa == 0
    assert rig.status()[schema.STATUS_REPLY_PRESSURE_KPA] == rig.controller.sampler.pressure_kpa


def test_a_reversal_is_not_taken_for_a_pressure_above_the_ceiling():
    rig = make_rig(cell=False, learned=True, friction_presliding_mm=0.05)
    rig.start(
        [ramp(500000, 50000), hold(500000, 2000, 2500), ramp(74000, 100000), hold(74000)],
        ceiling_kpa=503000,
    )
    highest = 0
    while rig.sequencer.step_index < 3 and rig.controller.interlocks.fault == 0:
        rig.tick()
        highest = max(highest, rig.plant.pellet_mpa)
    # Expected friction changes over before the oil has fallen; the pellet has not risen.
    assert highest < 502, highest
    assert rig.controller.interlocks.fault == schema.FAULT_NONE


def test_a_start_is_refused_while_the_cell_reads_a_force_at_rest():
    """Three times 0.05 % of 50 kN are 0.95 MPa on a die of 10 mm, in either direction."""
    for newtons, refuses in ((100.0, True), (-100.0, True), (50.0, False), (-50.0, False)):
        rig = make_rig()
        rig.load_cell._zero_n = newtons
        rig.upload([ramp(80000, 25000)], ceiling_kpa=100000)
        rig.run(0.5)
        try:
            rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"12345678"})
        except RefusedError as refused:
            assert refuses, newtons
            assert refused.code == schema.ERR_LOAD_CELL_ZERO_OFF
            assert abs(refused.detail - abs(newtons) / 0.07854) < 200, refused.detail
        else:
            assert not refuses, newtons

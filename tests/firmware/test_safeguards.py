"""Interlocks and flash under hostile plans, profiles and power."""

from pressloop_fw.wire import schema
from rig import PROFILE, RefusedError, Rig, hold, ramp


def _profile(**changes):
    values = dict(PROFILE)
    for name, value in changes.items():
        values[getattr(schema, "PROFILE_" + name.upper())] = value
    return values


def _raw(kpa):
    return 4850 + int(kpa / 18.46 * 19200 / 40000)


def _dwelling():
    rig = Rig()
    rig.start([ramp(100000, 20000), hold(100000, 60000)])
    assert rig.run(30, lambda: rig.sequencer.hold.dwelling)
    return rig


def test_the_filter_does_not_delay_the_over_pressure_trip():
    # Time constant 2.6 s.
    rig = Rig(profile=_profile(filter_shift=8))
    rig.start([ramp(100000, 20000)], ceiling_kpa=150000)
    rig.run(0.5)
    rig.raw = _raw(200000)
    rig.run(0.05)
    assert rig.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_OVER_PRESSURE
    assert rig.pump == 0 and rig.release == schema.OUTPUT_FULL


def test_a_low_ceiling_does_not_fault_a_press_at_rest():
    rig = Rig()
    rig.raw = _raw(2000)  # the pressure that moves the ram back
    rig.upload([ramp(0)], ceiling_kpa=0)
    rig.run(1)
    assert rig.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_NONE
    # In a run the ceiling counts, and the fault can be cleared afterwards.
    rig.start()
    rig.run(0.1)
    assert rig.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_OVER_PRESSURE
    rig.ask(schema.CMD_CLEAR, {schema.CLEAR_REQUEST_FAULT: schema.FAULT_OVER_PRESSURE})
    rig.run(1)
    assert rig.status()[schema.STATUS_REPLY_STATE] == schema.STATE_IDLE


def test_ticks_missed_at_rest_are_counted_and_no_fault():
    rig = Rig()
    rig.tick()
    rig.missed = 50  # the flash was being erased
    rig.run(0.1)
    assert rig.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_NONE
    assert rig.status()[schema.STATUS_REPLY_MISSED_TICKS] == 50


def test_a_power_loss_is_reported_until_it_is_cleared():
    rig = _dwelling()
    for _ in range(3):  # power failures often come in series
        rig = Rig(stored=rig.stored)
        rig.tick()
        assert rig.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_POWER_LOSS
    clear = {schema.CLEAR_REQUEST_FAULT: schema.FAULT_POWER_LOSS}
    rig.ask(schema.CMD_CLEAR, clear)
    again = Rig(stored=rig.stored)
    again.tick()
    assert again.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_NONE


def test_a_fault_found_at_boot_is_not_cleared_under_pressure():
    rig = Rig(stored=_dwelling().stored)
    rig.raw = _raw(100000)
    rig.tick()
    clear = {schema.CLEAR_REQUEST_FAULT: schema.FAULT_POWER_LOSS}
    assert rig.code_of(schema.CMD_CLEAR, clear) == schema.ERR_PRESSURISED
    rig.raw = None
    rig.run(1)
    assert rig.code_of(schema.CMD_CLEAR, clear) == 0


def test_a_start_is_refused_when_the_transducer_reads_below_zero():
    for changes, refused_kpa, accepted_kpa in (
        # Without a stated return pressure: three times the contact pressure.
        ({}, -17000, -12000),
        ({"return_oil_kpa": 103}, -5000, -3500),
    ):
        rig = Rig(profile=_profile(**changes))
        rig.upload([ramp(80000)], ceiling_kpa=100000)
        rig.raw = _raw(refused_kpa)
        rig.run(1)
        try:
            rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"12345678"})
        except RefusedError as refused:
            assert refused.code == schema.ERR_ZERO_OFF
            assert abs(refused.detail + refused_kpa) < 100
        else:
            raise AssertionError("started")
        assert rig.idle_again()
        rig.raw = _raw(accepted_kpa)
        rig.run(1)
        rig.start()
        assert not rig.idle_again()


def test_a_reading_is_judged_by_the_scale_in_force():
    rig = Rig(profile=_profile(dies_um=[20000, 10000]))
    rig.raw = _raw(5000)
    rig.run(1)
    # Unloaded on a 20 mm die; on the 10 mm die it would not be if only the threshold changed.
    for die_um in (10000, 20000, 10000):
        rig.upload([ramp(80000)], die_um=die_um, ceiling_kpa=100000)
        lever = 1450 * 4 / (3.14159 * die_um * die_um * 1e-6)
        expected = (rig.raw - 4850) * 40000 / 19200 * lever
        assert abs(rig.status()[schema.STATUS_REPLY_PRESSURE_KPA] - expected) < 20
        start = {schema.START_REQUEST_RUN_ID: b"12345678"}
        assert rig.code_of(schema.CMD_START, start) == schema.ERR_PRESSURISED


def test_a_refused_plan_leaves_no_scale_of_its_own():
    rig = Rig(profile=_profile(release_flow_ul_s=100))
    for limits in ({"ceiling_kpa": 1000000}, {"vent_rate_kpa_s": 1000000, "ceiling_kpa": 300000}):
        try:
            rig.upload([ramp(80000)], die_um=12000, **limits)
        except RefusedError as refused:
            assert refused.code in (schema.ERR_OVER_LIMIT, schema.ERR_RATE_IMPOSSIBLE)
        else:
            raise AssertionError("accepted")
        assert rig.app.plan.scaling is rig.controller.scaling
    rig.ask(schema.CMD_PROFILE_WRITE, _profile(ram_area_mm2=900))
    assert rig.app.plan.scaling is rig.controller.scaling

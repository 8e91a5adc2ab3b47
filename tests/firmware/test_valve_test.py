"""A test of the valves without a run: bounded in time and pressure, and allowed by a person."""

from pressloop_fw.wire import schema
from rig import PRESS, RefusedError, Rig, ramp

FULL = schema.OUTPUT_FULL
PUMP = 16000


def _ask(rig, pump=0, pump_ms=0, release=FULL, duration_ms=1000, rise_kpa=2000):
    return rig.ask(
        schema.CMD_VALVE_TEST,
        {
            schema.VALVE_TEST_REQUEST_PUMP: pump,
            schema.VALVE_TEST_REQUEST_PUMP_MS: pump_ms,
            schema.VALVE_TEST_REQUEST_RELEASE: release,
            schema.VALVE_TEST_REQUEST_DURATION_MS: duration_ms,
            schema.VALVE_TEST_REQUEST_RISE_KPA: rise_kpa,
        },
    )


def _refusal(rig, **values):
    try:
        _ask(rig, **values)
    except RefusedError as refused:
        return refused.code
    return 0


def _rig(**options):
    rig = Rig(has_deadman=True, **options)
    rig.run(0.1)
    return rig


def _press_button(rig):
    rig.inputs = schema.INPUT_BUTTON
    rig.run(0.1)
    rig.inputs = 0
    rig.run(0.1)


def _is_safe(rig):
    return rig.pump == 0 and rig.release == FULL


def test_a_short_pulse_of_the_pump_with_the_release_shut_raises_the_pressure_and_ends_by_itself():
    rig = _rig()
    _ask(rig, pump=PUMP, pump_ms=150, release=0, duration_ms=600)
    rig.run(0.1)
    assert rig.pump == PUMP and rig.release == 0
    rig.run(0.3)
    assert rig.pump == 0 and rig.release == 0
    held = rig.plant.oil_mpa
    assert 0.02 < held < 0.11
    assert rig.plant.ram_mm() < 0.01
    rig.run(0.4)
    assert _is_safe(rig)
    rig.run(0.5)
    assert rig.plant.oil_mpa < held / 4
    assert rig.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_NONE
    assert rig.status()[schema.STATUS_REPLY_STATE] == schema.STATE_IDLE


def test_the_pump_with_the_release_open_raises_nothing():
    rig = _rig()
    _ask(rig, pump=PUMP, pump_ms=1000)
    rig.run(1.2)
    assert rig.plant.oil_mpa < 0.01 and _is_safe(rig)


def test_the_next_test_goes_on_without_the_release_opening():
    rig = _rig()
    for _ in range(3):
        _ask(rig, pump=PUMP, pump_ms=50, release=0, duration_ms=300)
        for _ in range(20):
            rig.tick()
            assert rig.release == 0
    assert rig.plant.oil_mpa > 0.01
    rig.run(1)
    assert _is_safe(rig)


def test_a_rise_ends_the_test():
    rig = _rig()
    _ask(rig, pump=PUMP, pump_ms=2000, release=0, duration_ms=2000, rise_kpa=400)
    rig.run(1.9)
    # 400 kPa on the pellet are 22 kPa of oil; delay and lag of the valves come on top.
    assert _is_safe(rig)
    assert rig.plant.ram_mm() < 0.2


def test_contact_ends_the_test_whatever_rise_was_allowed():
    rig = _rig(press=dict(PRESS, approach_gap_mm=0.0, powder_initial_density=0.9))
    _ask(rig, pump=FULL, pump_ms=2000, release=0, duration_ms=20000, rise_kpa=2000000)
    highest = 0.0
    for _ in range(190):
        rig.tick()
        highest = max(highest, rig.plant.oil_mpa)
    # Contact is 0.2 MPa of oil above the travel pressure; what the valves still pass comes on top.
    assert 0.3 < highest < 5
    assert _is_safe(rig)


def test_every_fault_and_the_guard_end_the_test():
    for inputs, raw, fault in (
        (schema.INPUT_EMERGENCY_STOP, None, schema.FAULT_EMERGENCY_STOP),
        (schema.INPUT_GUARD_OPEN, None, schema.FAULT_GUARD_OPEN),
        (0, 0, schema.FAULT_SENSOR_LOW),
        (0, 30000, schema.FAULT_SENSOR_HIGH),
    ):
        rig = _rig()
        _ask(rig, pump=PUMP, pump_ms=2000, release=0, duration_ms=20000)
        rig.run(0.05)
        assert rig.pump == PUMP
        rig.inputs = inputs
        rig.raw = raw
        rig.run(0.08)
        assert _is_safe(rig), fault
        assert rig.status()[schema.STATUS_REPLY_FAULT] == fault
        rig.inputs = 0
        rig.raw = None
        rig.run(1)
        assert _is_safe(rig), fault


def test_the_button_ends_the_test_and_the_series():
    rig = _rig()
    rig.simulated = False
    assert _refusal(rig, release=0) == schema.ERR_NEEDS_BUTTON
    _press_button(rig)
    assert _refusal(rig, release=0, duration_ms=20000) == 0
    rig.run(1)
    rig.inputs = schema.INPUT_BUTTON
    rig.run(0.1)
    assert _is_safe(rig)
    rig.inputs = 0
    rig.run(0.1)
    assert _refusal(rig, release=0) == schema.ERR_NEEDS_BUTTON


def test_an_abort_ends_the_test():
    rig = _rig()
    _ask(rig, release=0, duration_ms=20000)
    rig.run(0.1)
    rig.ask(schema.CMD_ABORT)
    rig.tick()
    assert _is_safe(rig)


def test_one_press_of_the_button_allows_a_series_until_a_pause_of_half_a_minute():
    rig = _rig()
    rig.simulated = False
    _press_button(rig)
    for _ in range(3):
        assert _refusal(rig, release=0, duration_ms=1000) == 0
        rig.run(25)
    rig.run(10)
    assert _refusal(rig, release=0) == schema.ERR_NEEDS_BUTTON


def test_a_test_is_refused_while_the_press_is_not_ready():
    for inputs, code in (
        (schema.INPUT_EMERGENCY_STOP, schema.ERR_FAULTED),
        (schema.INPUT_GUARD_OPEN, schema.ERR_GUARD_OPEN),
    ):
        rig = _rig()
        rig.inputs = inputs
        rig.run(0.1)
        assert _refusal(rig, release=0) == code
    rig = _rig()
    rig.start([ramp(50000, 20000)])
    assert _refusal(rig, release=0) == schema.ERR_BAD_STATE
    rig = _rig()
    rig.raw = 8000
    rig.run(0.5)
    assert _refusal(rig, release=0) == schema.ERR_PRESSURISED
    rig = _rig()
    rig.raw = 4500
    rig.run(0.5)
    assert _refusal(rig, pump=PUMP, pump_ms=10, release=0) == schema.ERR_ZERO_OFF
    assert _refusal(rig, release=0) == 0
    rig = _rig()
    assert _refusal(rig, pump=PUMP, pump_ms=20, duration_ms=10) == schema.ERR_OUT_OF_RANGE


def test_nothing_else_starts_while_the_valves_are_tested():
    rig = _rig()
    rig.upload([ramp(50000, 20000)])
    _ask(rig, release=0, duration_ms=5000)
    for command, values in (
        (schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"12345678"}),
        (schema.CMD_PROFILE_WRITE, rig.ask(schema.CMD_PROFILE_READ)),
    ):
        try:
            rig.ask(command, values)
        except RefusedError as refused:
            assert refused.code == schema.ERR_BAD_STATE
        else:
            raise AssertionError(command)

"""The deadman circuit cuts both coils when the tick that should give it edges has stopped."""

from pressloop_fw.wire import schema
from rig import PROFILE, Rig, hold, ramp

_RATE_KPA_S = 20000
# Until the watchdog resets the chip.
_HANG_TICKS = 250


def _ramping(has_deadman, kpa=400000):
    rig = Rig(has_deadman=has_deadman)
    rig.start([ramp(500000, _RATE_KPA_S), hold(500000, 1000)])
    assert rig.run(60, lambda: rig.plant.pellet_mpa * 1000 >= kpa)
    return rig


def _peak_in_hang(rig):
    peak = 0.0
    for _ in range(_HANG_TICKS):
        rig.press_on()
        peak = max(peak, rig.plant.pellet_mpa)
    return peak


def test_a_tick_that_hangs_in_a_ramp_ends_in_released_pressure():
    rig = _ramping(has_deadman=True)
    before = rig.plant.pellet_mpa
    beyond = _peak_in_hang(rig) - before
    assert beyond <= 0.02 * before + _RATE_KPA_S / 1000 * 0.06
    assert rig.plant.pellet_mpa < 1
    # The same without the circuit shows what it is for.
    bare = _ramping(has_deadman=False)
    before = bare.plant.pellet_mpa
    assert _peak_in_hang(bare) - before > 30


def test_a_sound_run_never_loses_its_supply():
    rig = Rig(has_deadman=True)
    rig.start([ramp(100000, _RATE_KPA_S), hold(100000, 1000)])
    lost = 0
    while not rig.idle_again():
        rig.tick()
        lost += rig.sequencer.active() and not rig._deadman.powered
    assert lost == 0
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_COMPLETED


def test_there_is_no_edge_at_rest_in_a_fault_after_an_exception_and_while_configuring():
    for what in ("rest", "fault", "exception", "configuring"):
        rig = _ramping(has_deadman=True, kpa=20000)
        if what == "rest":
            rig.ask(schema.CMD_ABORT)
            assert rig.run(30, rig.idle_again)
        elif what == "fault":
            rig.inputs = schema.INPUT_GUARD_OPEN
        elif what == "exception":
            rig.broken = True
        else:
            rig.controller.configuring = True
        rig.run(0.1)
        assert not rig._deadman.powered, what


def test_a_supply_that_drops_out_at_rest_is_no_fault():
    rig = Rig(has_deadman=True)
    rig.run(1)
    rig.missed = 40  # an erase
    rig.ask(schema.CMD_PROFILE_WRITE, dict(PROFILE))
    rig.run(1)
    assert rig.status()[schema.STATUS_REPLY_FAULT] == schema.FAULT_NONE
    rig.start([ramp(50000, _RATE_KPA_S)])
    assert rig.run(60, rig.idle_again)
    assert rig.status()[schema.STATUS_REPLY_END_REASON] == schema.END_COMPLETED

"""What must hold before a command is carried out. Each check raises CommandError if it does not."""

from pressloop_fw.loop.unloaded import is_unloaded
from pressloop_fw.service import parts
from pressloop_fw.wire import schema
from pressloop_fw.wire.errors import CommandError

# A press of the button counts for 30 s.
_MAX_PRESS_TICKS = 30 * schema.TICK_HZ


def require_no_fault(controller):
    """Refuse while a fault is latched."""
    fault = controller.interlocks.fault
    if fault != schema.FAULT_NONE:
        raise CommandError(schema.ERR_FAULTED, 0, fault)


def is_allowed(board, controller):
    """Return whether a person allows it by a fresh press of the board's button; use that press up.

    A simulated board has nothing that could hurt a person and needs no button.
    """
    if board.simulated:
        return True
    if not controller.button.pressed_within(_MAX_PRESS_TICKS, controller.tick_count):
        return False
    controller.button.use()
    return True


def require_button(board, controller):
    """Refuse without a fresh press of the board's button, and use that press up."""
    if not is_allowed(board, controller):
        raise CommandError(schema.ERR_NEEDS_BUTTON)


def require_state(sequencer, state):
    """Refuse in every state but `state`."""
    if sequencer.state != state:
        raise CommandError(schema.ERR_BAD_STATE, 0, sequencer.state)


def require_idle(sequencer):
    """Refuse while a run is in progress or about to start."""
    # In this order: a tick between the two checks can turn the pending start into a run.
    if sequencer.pending.start:
        raise CommandError(schema.ERR_BAD_STATE)
    require_state(sequencer, schema.STATE_IDLE)


def require_no_valve_test(controller):
    """Refuse while the valves are tested."""
    if controller.valve_test.ticks:
        raise CommandError(schema.ERR_BAD_STATE)


def require_valve_test_allowed(board, controller):
    """Refuse a test of the valves that a person has not allowed by the button.

    One press allows a series of tests: each one within 30 s of the end of the one before.
    """
    test = controller.valve_test
    if test.ticks == 0 and controller.tick_count > test.allowed_until_tick:
        require_button(board, controller)


def require_ready(controller, profile):
    """Refuse what prepares or starts a run: with a fault, during a run, or without a profile."""
    require_no_fault(controller)
    require_idle(controller.sequencer)
    require_no_valve_test(controller)
    if profile is None:
        raise CommandError(schema.ERR_NO_PROFILE)


def require_clock_left(plan, tick):
    """Refuse a run that could outlast the device clock."""
    if tick > plan.start_by_tick():
        left_s = max(0, plan.vent_by_tick() - tick) // schema.TICK_HZ
        raise CommandError(schema.ERR_CLOCK_SPENT, 0, left_s)


def require_unloaded(controller, scaling):
    """Refuse while something presses on the sample."""
    if not is_unloaded(scaling, controller.sampler.pressure_kpa):
        raise CommandError(schema.ERR_PRESSURISED)


def require_parts(board, profile):
    """Refuse while a converter that the profile names was not found: a reading would be wrong."""
    kind = parts.first_missing(board, profile.values)
    if kind:
        raise CommandError(schema.ERR_PART_MISSING, 0, kind)


def require_channels_agree(second_channel):
    """Refuse while the pressure channels disagree: the pressure is then unknown."""
    if not second_channel.compares:
        return
    if not second_channel.primed:
        raise CommandError(schema.ERR_NO_READING)
    if not second_channel.agrees():
        raise CommandError(schema.ERR_SENSORS_DISAGREE, 0, second_channel.difference_kpa)


def require_die(plan, die_um):
    """Refuse a run whose plan is for another die than the one that a person confirmed."""
    if die_um != plan.scaling.die_um:
        raise CommandError(
            schema.ERR_DIE_UNCONFIRMED, schema.START_REQUEST_DIE_UM, plan.scaling.die_um
        )


def require_zero(controller, scaling):
    """Refuse while the reading at rest is further below zero than the transducer may be wrong.

    The run would press by so much too high. A zero that is taken anew at each start would hide
    a drift, and with it a press under pressure; so this is relative to the calibrated zero.
    """
    low_kpa = 0 - controller.sampler.pressure_kpa
    if low_kpa > scaling.zero_band_kpa:
        raise CommandError(schema.ERR_ZERO_OFF, 0, low_kpa)


def require_load_cell_zero(force_trim):
    """Refuse while the load cell reads a force at rest that its error does not explain.

    The loop follows the cell, so the run would press by so much wrong, in either direction.
    """
    off_kpa = abs(force_trim.rest_kpa())
    if force_trim.has_cell and off_kpa > force_trim.zero_band_kpa:
        raise CommandError(schema.ERR_LOAD_CELL_ZERO_OFF, 0, off_kpa)


def require_emergency_stop_released(controller):
    """Refuse while the emergency stop is pressed."""
    if controller.inputs & schema.INPUT_EMERGENCY_STOP:
        raise CommandError(schema.ERR_EMERGENCY_STOP)


def require_inputs_safe(controller):
    """Refuse while the emergency stop is pressed or the guard is open."""
    require_emergency_stop_released(controller)
    if controller.inputs & schema.INPUT_GUARD_OPEN:
        raise CommandError(schema.ERR_GUARD_OPEN)

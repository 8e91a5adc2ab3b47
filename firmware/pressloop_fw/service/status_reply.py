"""Describes controller and run as they are now, for the reply to a status request."""

from pressloop_fw.loop.plan import TICK_MS
from pressloop_fw.service import progress
from pressloop_fw.wire import schema

# Limits of a status reply. An open hold may last longer; its status must not fail for that.
_MAX_KPA = 2000000
_MAX_MS = 1000000000


def status_reply(controller, ring, oil_temperature):
    """Return what controller and run say of themselves, by the keys of a status reply.

    `ring` is the ring of records, `oil_temperature` the raw reading of the thermistor, None without
    one.
    """
    sequencer = controller.sequencer
    plan = sequencer.plan
    step = sequencer.step_index
    prompting = sequencer.state == schema.STATE_PROMPTING
    reply = {
        schema.STATUS_REPLY_STATE: sequencer.state,
        schema.STATUS_REPLY_TICK: controller.tick_count,
        schema.STATUS_REPLY_PRESSURE_KPA: max(-_MAX_KPA, min(controller.pellet_kpa, _MAX_KPA)),
        schema.STATUS_REPLY_SETPOINT_KPA: sequencer.setpoint.value_kpa,
        schema.STATUS_REPLY_TARGET_KPA: progress.target_kpa(sequencer),
        schema.STATUS_REPLY_STEP: step,
        schema.STATUS_REPLY_STAGE: progress.stage(sequencer),
        schema.STATUS_REPLY_DWELL_MS: min(progress.dwell_ticks(sequencer) * TICK_MS, _MAX_MS),
        schema.STATUS_REPLY_REMAINING_MS: min(
            progress.remaining_ticks(sequencer) * TICK_MS, _MAX_MS
        ),
        schema.STATUS_REPLY_END_REASON: sequencer.end_reason,
        schema.STATUS_REPLY_FAULT: controller.interlocks.fault,
        schema.STATUS_REPLY_INPUTS: controller.inputs,
        schema.STATUS_REPLY_HOST_LOST: bool(sequencer.host.lost),
        schema.STATUS_REPLY_OLDEST: ring.oldest,
        schema.STATUS_REPLY_NEXT: ring.next,
        schema.STATUS_REPLY_MISSED_TICKS: controller.missed_ticks,
        schema.STATUS_REPLY_PROMPT: plan.text.get(step, "") if prompting else "",
        schema.STATUS_REPLY_RUN_FIRST: controller.run_first,
        schema.STATUS_REPLY_RECORD_EVERY: plan.record_every,
        schema.STATUS_REPLY_APPROACHING: sequencer.approaching,
    }
    second = controller.second_channel
    if second.compares:
        reply[schema.STATUS_REPLY_SECOND_KPA] = max(-_MAX_KPA, min(second.pressure_kpa, _MAX_KPA))
        reply[schema.STATUS_REPLY_LARGEST_DIFFERENCE_KPA] = min(second.largest_kpa, _MAX_KPA)
    if controller.interlocks.further_fault:
        reply[schema.STATUS_REPLY_FURTHER_FAULT] = controller.interlocks.further_fault
    if oil_temperature is not None:
        reply[schema.STATUS_REPLY_OIL_TEMPERATURE_RAW] = oil_temperature
    if controller.valve_observer.drift:
        reply[schema.STATUS_REPLY_RELEASE_DEAD_BAND] = controller.valve_observer.dead_band()
    running = sequencer.state == schema.STATE_RUNNING
    if running and sequencer.approaching and sequencer.approach.waits():
        reply[schema.STATUS_REPLY_WAITS_FOR_BUTTON] = True
    if sequencer.run_flags.is_set(schema.FLAG_TOPPING_UP):
        reply[schema.STATUS_REPLY_TOPPING_UP] = True
    if controller.pump_dead_band.has_moved:
        reply[schema.STATUS_REPLY_PUMP_DEAD_BAND] = controller.pump_dead_band.dead_band()
    if controller.rest_zero.correction:
        reply[schema.STATUS_REPLY_ZERO_CORRECTION_KPA] = controller.rest_zero.correction_kpa()
    force_trim = controller.force_trim
    if force_trim.active:
        reply[schema.STATUS_REPLY_TRIM_KPA] = force_trim.trim_kpa
        if force_trim.has_cell:
            reply[schema.STATUS_REPLY_LOAD_CELL_KPA] = max(
                -_MAX_KPA, min(force_trim.cell_kpa, _MAX_KPA)
            )
    return reply

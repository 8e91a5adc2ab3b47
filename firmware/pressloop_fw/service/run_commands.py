"""Takes a plan, starts its run, steers it, and says how each step went."""

from pressloop_fw.loop.scaling import Scaling
from pressloop_fw.service import preconditions, progress
from pressloop_fw.service.run_journal import NO_RUN
from pressloop_fw.wire import schema
from pressloop_fw.wire.errors import CommandError


def plan_begin(server, values, payload):
    """Begin a plan; its die and limits are in force from now on."""
    controller, plan, profile = server.controller, server.plan, server.profile
    preconditions.require_ready(controller, profile)
    die_um = values[schema.PLAN_BEGIN_REQUEST_DIE_UM]
    if die_um not in profile.dies_um:
        raise CommandError(schema.ERR_UNKNOWN_DIE, schema.PLAN_BEGIN_REQUEST_DIE_UM)
    # Even a plan that is refused replaces the one before, and its scale stays until the next.
    scaling = Scaling(profile, die_um)
    plan.adopt(profile, scaling)
    controller.configure(profile, scaling)
    server.sequencer.results.reset()
    plan.begin(values, payload, profile, scaling)
    crack_kpa = values.get(schema.PLAN_BEGIN_REQUEST_CRACK_KPA, -1)
    controller.limit_to(plan.ceiling_kpa, crack_kpa)
    server.sequencer.host.configure(plan.host_timeout_ticks, plan.host_loss_limit_ticks)
    return {}


def plan_step(server, values, payload):
    """Append a step to the plan."""
    preconditions.require_ready(server.controller, server.profile)
    server.plan.add(values, payload)
    return {}


def plan_commit(server, values):
    """Accept the plan if it has arrived as it was sent."""
    preconditions.require_ready(server.controller, server.profile)
    server.plan.commit(values[schema.PLAN_COMMIT_REQUEST_DIGEST])
    return {}


def start(server, values):
    """Start a run of the plan; return from which record on it is recorded."""
    preconditions.require_ready(server.controller, server.profile)
    plan = server.plan
    if not plan.committed or server.controller.configuring:
        raise CommandError(schema.ERR_NO_PLAN)
    run_id = values[schema.START_REQUEST_RUN_ID]
    if run_id == NO_RUN:
        raise CommandError(schema.ERR_OUT_OF_RANGE, schema.START_REQUEST_RUN_ID)
    if run_id == server.run_journal.run_id:
        # The reply to the first start was lost. A second run would press the same cell twice.
        raise CommandError(schema.ERR_RUN_REPEATED, schema.START_REQUEST_RUN_ID)
    profile_hash = values.get(schema.START_REQUEST_PROFILE_HASH)
    if profile_hash is not None and profile_hash != server.profile_store.profile_hash():
        raise CommandError(schema.ERR_PROFILE_MISMATCH, schema.START_REQUEST_PROFILE_HASH)
    controller = server.controller
    preconditions.require_clock_left(plan, controller.tick_count)
    preconditions.require_inputs_safe(controller)
    preconditions.require_parts(server.board, server.profile)
    preconditions.require_channels_agree(controller.second_channel)
    preconditions.require_unloaded(controller, plan.scaling)
    preconditions.require_zero(controller, plan.scaling)
    preconditions.require_load_cell_zero(controller.force_trim)
    preconditions.require_die(plan, values[schema.START_REQUEST_DIE_UM])
    server.run_journal.open(run_id, plan.vent_by_tick())
    controller.correct_zero()
    sequencer = server.sequencer
    sequencer.prepare_start()
    # A host takes a press that is at rest more than a tick after this one for a run that did
    # not start. So nothing slow may come in between, and a tick that did is counted.
    first, tick = server.ring.next, controller.tick_count
    sequencer.request_start()
    tick = max(tick, controller.tick_count - 1)
    return {schema.START_REPLY_RUN_FIRST: first, schema.START_REPLY_TICK: tick}


def pause(server, _values):
    """Keep the pressure and stop the clock."""
    preconditions.require_no_fault(server.controller)
    sequencer = server.sequencer
    # A run that starts with the next tick is paused in that tick. A prompt cannot be paused.
    if not sequencer.pending.start or server.plan.kind[0] == schema.STEP_PROMPT:
        preconditions.require_state(sequencer, schema.STATE_RUNNING)
    sequencer.pending.request_pause()
    return {}


def resume(server, _values):
    """Go on with a paused run."""
    preconditions.require_no_fault(server.controller)
    preconditions.require_state(server.sequencer, schema.STATE_PAUSED)
    preconditions.require_inputs_safe(server.controller)
    server.sequencer.pending.request_resume()
    return {}


def abort(server, _values):
    """End the run with a release at the vent rate."""
    if not end_run(server):
        raise CommandError(schema.ERR_BAD_STATE)
    return {}


def end_run(server):
    """End the run, if there is one, with a release at the vent rate; return whether there is.

    Changes nothing while the run is being released already. Ends a test of the valves, too.
    """
    if server.controller.valve_test.ticks:
        server.controller.valve_test.stop()
        return True
    sequencer = server.sequencer
    if not sequencer.pending.start and not sequencer.active():
        return False
    if sequencer.state != schema.STATE_VENTING:
        sequencer.pending.request_end(schema.END_ABORTED)
    return True


def dump(server, _values):
    """Open the release valve fully while a run ends."""
    sequencer = server.sequencer
    preconditions.require_state(sequencer, schema.STATE_VENTING)
    sequencer.pending.request_dump()
    return {}


def confirm(server, values):
    """Answer the prompt that the run waits at."""
    sequencer = server.sequencer
    preconditions.require_state(sequencer, schema.STATE_PROMPTING)
    step = values[schema.CONFIRM_REQUEST_STEP]
    if step != sequencer.step_index:
        raise CommandError(schema.ERR_WRONG_PROMPT, schema.CONFIRM_REQUEST_STEP)
    preconditions.require_inputs_safe(server.controller)
    sequencer.pending.request_confirm(step)
    return {}


def advance(server, values):
    """End the hold or rest in progress before its time."""
    sequencer = server.sequencer
    preconditions.require_state(sequencer, schema.STATE_RUNNING)
    step = values[schema.ADVANCE_REQUEST_STEP]
    if step != sequencer.step_index or server.plan.kind[step] not in progress.TIMED_KINDS:
        raise CommandError(schema.ERR_BAD_STATE, schema.ADVANCE_REQUEST_STEP)
    sequencer.pending.request_advance(step)
    return {}


def step_result(server, values):
    """Return how a step of the plan went."""
    step = values[schema.STEP_RESULT_REQUEST_STEP]
    results = server.sequencer.results
    if step >= server.plan.count:
        raise CommandError(schema.ERR_OUT_OF_RANGE, schema.STEP_RESULT_REQUEST_STEP)
    reply = {
        schema.STEP_RESULT_REPLY_OUTCOME: results.outcome[step],
        schema.STEP_RESULT_REPLY_TICKS: results.ticks[step],
        schema.STEP_RESULT_REPLY_DWELL_TICKS: results.dwell[step],
        schema.STEP_RESULT_REPLY_PEAK_KPA: results.peak[step],
        schema.STEP_RESULT_REPLY_LOWEST_KPA: results.lowest[step],
        schema.STEP_RESULT_REPLY_TOP_UPS: min(results.top_ups[step], 65535),
        schema.STEP_RESULT_REPLY_START_TICK: results.start_tick[step],
        schema.STEP_RESULT_REPLY_DWELL_END: results.dwell_end[step],
    }
    if server.plan.relaxation_kpa_min[step]:
        reply[schema.STEP_RESULT_REPLY_LOSS_KPA_MIN] = results.loss_kpa_min[step]
        reply[schema.STEP_RESULT_REPLY_LEAK_KPA_MIN] = results.leak_kpa_min[step]
    return reply

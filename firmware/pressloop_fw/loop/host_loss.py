"""What a run does when the host falls silent: the plan chooses, the sequencer carries it out.

When the host watchdog gives the host up, a run vents, pauses or goes on, as the plan's `host_loss`
says. If the host stays silent for the plan's limit after that, every run vents.
"""

from pressloop_fw.loop.host_watchdog import LOST_TOO_LONG, NOTHING
from pressloop_fw.wire import schema


def respond_to_host_loss(sequencer, pressure_kpa):
    """Do in this tick what the plan says about a lost host, if `check_host` has asked for it."""
    running = sequencer.active() and sequencer.state != schema.STATE_VENTING
    verdict = sequencer.host.judge(running)
    if verdict == NOTHING:
        return
    action = sequencer.plan.host_loss
    if verdict == LOST_TOO_LONG or action == schema.HOST_LOSS_VENT:
        sequencer.vent(schema.END_HOST_LOST, pressure_kpa)
    elif action == schema.HOST_LOSS_HOLD and sequencer.state == schema.STATE_RUNNING:
        sequencer.pause(pressure_kpa)

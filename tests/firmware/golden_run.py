"""The three-step run of the golden trace, shortened to 80 seconds."""

from pressloop_fw.wire import schema
from rig import hold, prompt, ramp, release

TICKS = 8000


def three_step(rig):
    """Start the run on a rig."""
    rig.start(
        [
            ramp(250000, 25000),
            hold(250000, 3000, 2500),
            release(0, 50000),
            prompt("cathode"),
            ramp(500000, 50000),
            hold(500000, 3000, 5000),
            release(0, 100000),
            prompt("anode"),
            ramp(74000, 20000),
            hold(74000, 3000, 1500, mode=schema.HOLD_SEALED),
        ],
        vent_rate_kpa_s=40000,
    )


def confirm_prompts(rig):
    """Answer a prompt after it has been open for half a second."""
    sequencer = rig.sequencer
    step = sequencer.step_index
    if sequencer.state == schema.STATE_PROMPTING and sequencer.results.ticks[step] == 50:
        rig.ask(schema.CMD_CONFIRM, {schema.CONFIRM_REQUEST_STEP: step})

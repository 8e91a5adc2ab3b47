"""Commands of the foreground that the tick has still to carry out.

A command never changes the state of a run itself, or the tick could meet it half changed. It posts
a request here, and the next tick carries the request out if it still fits the state of the run.
"""

from pressloop_fw.loop.plan import NO_STEP
from pressloop_fw.wire import schema


class PendingCommands:
    """Requests that the foreground has posted; `any` says that there is one to look at."""

    def __init__(self):
        self.clear()
        # Always written last, after the request: the tick looks at the requests only if it is set.
        self.any = False

    def clear(self):
        """Drop all requests."""
        self.start = False
        self.pause = False
        self.resume = False
        # Why the run is to end; END_NONE without a request.
        self.end = schema.END_NONE
        self.dump = False
        # Index of the prompt to confirm and of the hold or rest to end; NO_STEP without a request.
        self.confirm = NO_STEP
        self.advance = NO_STEP

    # --- the foreground

    def request_start(self):
        """Request a new run; `clear` has dropped the requests about the run before."""
        self.start = True
        self.any = True

    def request_pause(self):
        """Request a pause."""
        self.pause = True
        self.any = True

    def request_resume(self):
        """Request the end of a pause."""
        self.resume = True
        self.any = True

    def request_end(self, reason):
        """Request the end of the run for a reason, END_*, with a controlled release."""
        self.end = reason
        self.any = True

    def request_dump(self):
        """Request that the release valve opens fully during the release."""
        self.dump = True
        self.any = True

    def request_confirm(self, step):
        """Request that the prompt with this step index counts as answered."""
        self.confirm = step
        self.any = True

    def request_advance(self, step):
        """Request the end of the hold or rest with this step index."""
        self.advance = step
        self.any = True

    # --- the tick

    def serve(self, sequencer, tick, pressure_kpa):
        """Carry out the requests that fit the state of the run, in the tick; drop the others."""
        self.any = False
        if self.start:
            self.start = False
            sequencer.begin_run(tick, pressure_kpa)
        if self.end:
            reason = self.end
            self.end = schema.END_NONE
            # The run may have begun to vent by itself since then.
            if sequencer.active() and sequencer.state != schema.STATE_VENTING:
                sequencer.vent(reason, pressure_kpa)
        if self.dump:
            self.dump = False
            if sequencer.state == schema.STATE_VENTING:
                sequencer.dumping = True
        if self.pause:
            self.pause = False
            if sequencer.state == schema.STATE_RUNNING:
                sequencer.pause(pressure_kpa)
        if self.resume:
            self.resume = False
            if sequencer.state == schema.STATE_PAUSED:
                sequencer.state = schema.STATE_RUNNING
        if self.confirm != NO_STEP:
            step = self.confirm
            self.confirm = NO_STEP
            if sequencer.state == schema.STATE_PROMPTING and step == sequencer.step_index:
                sequencer.finish_step(tick, pressure_kpa, schema.OUTCOME_DONE)
        if self.advance != NO_STEP:
            step = self.advance
            self.advance = NO_STEP
            if sequencer.state == schema.STATE_RUNNING and step == sequencer.step_index:
                opened = sequencer.plan.open[step]
                outcome = schema.OUTCOME_DONE if opened else schema.OUTCOME_ADVANCED
                sequencer.results.dwell_end[step] = schema.DWELL_OPERATOR
                sequencer.finish_step(tick, pressure_kpa, outcome)

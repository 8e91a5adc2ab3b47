"""What the foreground wishes of the tick.

A command never changes the state of a run itself, or the tick might meet it half changed. It leaves
a wish; the next tick carries it out if it still fits.
"""

from pressloop_fw.loop.plan import NO_STEP
from pressloop_fw.wire import schema


class PendingCommands:
    """PendingCommands of the foreground; `raised` says that there is one to look at."""

    def __init__(self):
        self.clear()
        # Written last, behind the wish: the tick looks for wishes only then.
        self.any = False

    def clear(self):
        """Drop what has not been carried out."""
        self.start = False
        self.pause = False
        self.resume = False
        # The reason to end the run for, END_NONE without.
        self.end = schema.END_NONE
        self.dump = False
        # The step that they are about, NO_STEP without.
        self.confirm = NO_STEP
        self.advance = NO_STEP

    def request_start(self):
        """Wish for a new run; what was wished of the last one is void."""
        self.clear()
        self.start = True
        self.any = True

    def request_pause(self):
        """Wish for a pause."""
        self.pause = True
        self.any = True

    def request_resume(self):
        """Wish for the end of a pause."""
        self.resume = True
        self.any = True

    def request_end(self, reason):
        """Wish for the end of the run: a controlled release."""
        self.end = reason
        self.any = True

    def request_dump(self):
        """Wish for a release that is fully open: a second abort."""
        self.dump = True
        self.any = True

    def request_confirm(self, step):
        """Wish that a prompt be taken for answered."""
        self.confirm = step
        self.any = True

    def request_advance(self, step):
        """Wish for the end of a hold."""
        self.advance = step
        self.any = True

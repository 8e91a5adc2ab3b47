"""How fast virtual time passes. See docs/decisions/0003-virtual-time.md.

Pure decisions: the clock on the wall, what the controller does and what the host has said go in, a
number of ticks comes out.
"""

TICK_MS = 10
# While time stands still each answered request lets this many ticks pass: most requests leave a
# wish that the next tick fulfils.
_TICKS_PER_ANSWER = 2
# How far real time may be behind before it gives up catching up: a suspended process resumes
# where it was, without a burst of ticks.
_CATCH_UP_TICKS = 20
_LONGEST_WAIT_MS = 1000


class RealTime:
    """Ticks at wall-clock pace, or `factor` times faster."""

    def __init__(self, factor: float) -> None:
        """A `factor` of 2 runs twice as fast as the wall clock."""
        self._factor = factor
        self._running = False
        self._origin_ms = 0
        self._origin_tick = 0
        self.wait_ms = 0

    def stop(self) -> None:
        """Forget the origin: pacing begins anew with the next question."""
        self._running = False

    def due(self, now_ms: int, tick: int) -> int:
        """Return how many ticks are due; after a 0, `wait_ms` says until when to wait."""
        if not self._running:
            self._running = True
            self._origin_ms = now_ms
            self._origin_tick = tick
        passed = int((now_ms - self._origin_ms) * self._factor)
        ticks = self._origin_tick + passed // TICK_MS - tick
        if ticks > _CATCH_UP_TICKS:
            self._origin_ms = now_ms
            self._origin_tick = tick + _CATCH_UP_TICKS
            ticks = _CATCH_UP_TICKS
        self.wait_ms = int((TICK_MS - passed % TICK_MS) / self._factor) + 1
        return ticks if ticks > 0 else 0


class RealPacing:
    """Mode "real": the host does not matter."""

    owed = 0

    def __init__(self, factor: float) -> None:
        """As for `RealTime`."""
        self._time = RealTime(factor)
        self.wait_ms = 0

    def answered(self) -> None:
        """Take no notice: time passes anyway."""

    def heard(self, now_ms: int) -> None:
        """Take no notice: time passes anyway."""

    def due(
        self,
        now_ms: int,
        tick: int,
        host_tick: int,
        batch_ticks: int,
        active: bool,
        prompting: bool,
    ) -> int:
        """Return how many ticks are due; after a 0, `wait_ms` says until when to wait."""
        ticks = self._time.due(now_ms, tick)
        self.wait_ms = self._time.wait_ms
        return ticks


class LockstepPacing:
    """Mode "lockstep": as fast as the host follows.

    Time runs one telemetry batch ahead of what the host has acknowledged, so the host's answer to
    any telemetry lands on the tick of that telemetry, whatever the speed of either side.
    """

    def __init__(self, silence_ms: int) -> None:
        """Let an active run go on at wall-clock pace once the host was silent for `silence_ms`."""
        self._silence_ms = silence_ms
        self._time = RealTime(1)
        self._heard_ms: int | None = None
        # Ticks that must pass before the host's next word is heard.
        self.owed = 0
        self.wait_ms = 0

    def answered(self) -> None:
        """Note that a request was answered."""
        self.owed += _TICKS_PER_ANSWER

    def heard(self, now_ms: int) -> None:
        """Note that the host said anything at all."""
        self._heard_ms = now_ms

    def due(
        self,
        now_ms: int,
        tick: int,
        host_tick: int,
        batch_ticks: int,
        active: bool,
        prompting: bool,
    ) -> int:
        """Return how many ticks may pass now; after a 0, `wait_ms` says how long to wait at most.

        `host_tick` and `batch_ticks` are the server's; `active` means that the controller is not
        idle, `prompting` that it waits for the operator.
        """
        if self._heard_ms is None:
            self._heard_ms = now_ms
        silent_ms = now_ms - self._heard_ms
        owed = self.owed
        self.owed = 0
        if active and silent_ms >= self._silence_ms:
            # A killed host does not stop the world.
            ticks = self._time.due(now_ms, tick)
            self.wait_ms = self._time.wait_ms
            return ticks
        room = host_tick + batch_ticks - tick if batch_ticks else owed
        self.wait_ms = self._silence_ms - silent_ms if active else _LONGEST_WAIT_MS
        if not prompting:
            self._time.stop()
        elif batch_ticks:
            # People think in real time; an automatic answer still lands on its tick.
            paced = self._time.due(now_ms, tick)
            if paced < room:
                room = paced
                self.wait_ms = min(self.wait_ms, self._time.wait_ms)
        return room if room > 0 else 0

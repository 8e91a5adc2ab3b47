"""Decides how fast virtual time passes. See docs/decisions/0003-virtual-time.md.

The decisions are pure: wall clock, state of the controller and progress of the host go in, a number
of ticks comes out.
"""

TICK_MS = 10
# Ticks that pass for each reply while time is stopped: most requests are posted for the next tick.
_TICKS_PER_REPLY = 2
# Ticks that real time may catch up on. Beyond, the lost time is dropped, so that a suspended
# process resumes without a burst of ticks.
_MAX_CATCH_UP_TICKS = 20
_MAX_WAIT_MS = 1000
# How far accelerated time runs ahead of the host: less than the shortest host timeout.
_MAX_LEAD_TICKS = 20


class RealTime:
    """Counts due ticks at the pace of the wall clock, or `factor` times faster."""

    def __init__(self, factor: float) -> None:
        """A `factor` of 2 runs twice as fast as the wall clock."""
        self._factor = factor
        self._running = False
        self._origin_ms = 0
        self._origin_tick = 0
        self.wait_ms = 0

    def stop(self) -> None:
        """Stop the clock; the next call of `due` starts it again."""
        self._running = False

    def due(self, now_ms: int, tick: int) -> int:
        """Return the number of ticks due now; if 0, the next is due in `wait_ms`."""
        if not self._running:
            self._running = True
            self._origin_ms = now_ms
            self._origin_tick = tick
        passed = int((now_ms - self._origin_ms) * self._factor)
        ticks = self._origin_tick + passed // TICK_MS - tick
        if ticks > _MAX_CATCH_UP_TICKS:
            self._origin_ms = now_ms
            self._origin_tick = tick + _MAX_CATCH_UP_TICKS
            ticks = _MAX_CATCH_UP_TICKS
        self.wait_ms = int((TICK_MS - passed % TICK_MS) / self._factor) + 1
        return ticks if ticks > 0 else 0


class RealPacing:
    """Paces the mode "real", which ignores the host."""

    owed_ticks = 0

    def __init__(self, factor: float) -> None:
        """Run `factor` times faster than the wall clock."""
        self._time = RealTime(factor)
        self.wait_ms = 0

    def note_reply(self) -> None:
        """Do nothing: time passes without the host."""

    def note_host_bytes(self, now_ms: int) -> None:
        """Do nothing: time passes without the host."""

    def due(
        self,
        now_ms: int,
        tick: int,
        host_tick: int,
        batch_ticks: int,
        active: bool,
        prompting: bool,
        connected: bool,
    ) -> int:
        """Return the number of ticks due now; if 0, the next is due in `wait_ms`."""
        ticks = self._time.due(now_ms, tick)
        self.wait_ms = self._time.wait_ms
        return ticks


class HostSilence:
    """Knows for how long a host has sent nothing."""

    def __init__(self, limit_ms: int) -> None:
        """A host is silent once it has sent nothing for `limit_ms`."""
        self._limit_ms = limit_ms
        self._heard_ms: int | None = None

    def end(self, now_ms: int) -> None:
        """Note that the host has sent something."""
        self._heard_ms = now_ms

    def forget(self) -> None:
        """Note that there is no host: the next one has time from when it is first asked for."""
        self._heard_ms = None

    def left_ms(self, now_ms: int) -> int:
        """Return how much later the host counts as silent; 0 or less: it does."""
        if self._heard_ms is None:
            self._heard_ms = now_ms
        return self._limit_ms - (now_ms - self._heard_ms)


class AcceleratedPacing:
    """Paces the mode "real" when it is faster than the wall clock: a host is never outrun.

    Otherwise timeouts of the host, its time to read the telemetry and an operator's time to answer
    would pass faster than a busy computer can be. So time waits for a host that follows. It passes
    at the pace of the wall clock while that host is silent, and for a prompt.
    """

    owed_ticks = 0

    def __init__(self, factor: float, silence_ms: int) -> None:
        """Run at most `factor` times faster than the wall clock.

        A host is silent once it has sent nothing for `silence_ms`.
        """
        self._fast = RealTime(factor)
        self._clock = RealTime(1)
        self._silence = HostSilence(silence_ms)
        self.wait_ms = 0

    def note_reply(self) -> None:
        """Do nothing: time passes without requests, too."""

    def note_host_bytes(self, now_ms: int) -> None:
        """Note that the host has sent something."""
        self._silence.end(now_ms)

    def due(
        self,
        now_ms: int,
        tick: int,
        host_tick: int,
        batch_ticks: int,
        active: bool,
        prompting: bool,
        connected: bool,
    ) -> int:
        """Return the number of ticks that may pass now; if 0, wait at most `wait_ms`.

        The arguments are those of `LockstepPacing.due`.
        """
        if not connected:
            self._silence.forget()
        if not connected or not (active or batch_ticks):
            return self._pass(self._fast, self._clock, now_ms, tick)
        left_ms = self._silence.left_ms(now_ms)
        if prompting or not batch_ticks or left_ms <= 0:
            return self._pass(self._clock, self._fast, now_ms, tick)
        ticks = self._pass(self._fast, self._clock, now_ms, tick)
        room = host_tick + max(batch_ticks, _MAX_LEAD_TICKS) - tick
        if room <= 0:
            self.wait_ms = left_ms
            return 0
        return min(ticks, room)

    def _pass(self, paced: RealTime, other: RealTime, now_ms: int, tick: int) -> int:
        """Return the number of ticks due by the one clock, and stop the other."""
        other.stop()
        ticks = paced.due(now_ms, tick)
        self.wait_ms = paced.wait_ms
        return ticks


class LockstepPacing:
    """Paces the mode "lockstep": time runs as fast as the host can follow.

    Time runs at most one telemetry batch ahead of what the host has acknowledged. The host's
    reaction to telemetry thus takes effect at the tick of that telemetry, however fast either side
    is.
    """

    def __init__(self, silence_ms: int) -> None:
        """Continue an active run in real time once the host was silent for `silence_ms`."""
        self._silence = HostSilence(silence_ms)
        self._time = RealTime(1)
        # Ticks that must pass before the next bytes of the host are read.
        self.owed_ticks = 0
        self.wait_ms = 0

    def note_reply(self) -> None:
        """Note that the board has replied to a request."""
        self.owed_ticks += _TICKS_PER_REPLY

    def note_host_bytes(self, now_ms: int) -> None:
        """Note that the host has sent something."""
        self._silence.end(now_ms)

    def due(
        self,
        now_ms: int,
        tick: int,
        host_tick: int,
        batch_ticks: int,
        active: bool,
        prompting: bool,
        connected: bool,
    ) -> int:
        """Return the number of ticks that may pass now; if 0, wait at most `wait_ms`.

        Args:
            now_ms: Wall clock.
            tick: Device clock.
            host_tick: Tick that the host has acknowledged.
            batch_ticks: Length of a telemetry batch; 0 while nothing streams.
            active: The controller is not idle.
            prompting: The controller waits for the operator.
            connected: A host has opened the link.
        """
        left_ms = self._silence.left_ms(now_ms)
        owed_ticks = self.owed_ticks
        self.owed_ticks = 0
        if active and left_ms <= 0:
            # The press goes on without a host that was killed.
            ticks = self._time.due(now_ms, tick)
            self.wait_ms = self._time.wait_ms
            return ticks
        room = host_tick + batch_ticks - tick if batch_ticks else owed_ticks
        self.wait_ms = left_ms if active else _MAX_WAIT_MS
        if not prompting:
            self._time.stop()
        elif batch_ticks:
            # An operator thinks in real time; an automatic answer still takes effect at its tick.
            paced = self._time.due(now_ms, tick)
            if paced < room:
                room = paced
                self.wait_ms = min(self.wait_ms, self._time.wait_ms)
        return room if room > 0 else 0

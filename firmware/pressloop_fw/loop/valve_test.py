"""Opens the valves for a bounded time while no run is in progress: a test of their wires.

The commissioning of a press asks for it: one output after the other, with the pump motor off, and
later short strokes of the free ram. It ends by itself after its time, when the pressure has risen
by as much as was allowed, when the ram is in contact, with any fault, and with the board's button.
How long it may last, the wire schema says.
"""


class ValveTest:
    """The test in progress; `ticks` is how many are left, 0 without one.

    The foreground writes, and the tick counts down. `pump` and `release` are openings,
    0..OUTPUT_FULL. `allowed_until_tick` is how long a press of the button allows the next test.
    """

    def __init__(self):
        self.ticks = 0
        self.pump_ticks = 0
        self.pump = 0
        self.release = 0
        self.allowed_until_tick = -1
        self._highest_kpa = 0

    def begin(self, pump, pump_ticks, release, ticks, highest_kpa):
        """Start a test, or go on with another one. Called by the foreground.

        `highest_kpa` is the reading at which it ends.
        """
        # The pump last: a tick between two of these lines must not open it by the old numbers.
        self.pump_ticks = 0
        self._highest_kpa = highest_kpa
        self.pump = pump
        self.release = release
        self.ticks = ticks
        self.pump_ticks = pump_ticks

    def stop(self):
        """End the test; the outputs are safe in the next tick."""
        self.pump_ticks = 0
        self.ticks = 0

    def stop_by_button(self):
        """End the test, and the series that it belongs to."""
        self.stop()
        self.allowed_until_tick = -1

    def step(self, pressure_kpa, contact_kpa):
        """Count a tick; return whether the test goes on in it."""
        if pressure_kpa >= self._highest_kpa or pressure_kpa >= contact_kpa:
            self.stop()
            return False
        self.ticks -= 1
        return True

    def pump_opening(self):
        """Return the opening of the pump in this tick, and count it."""
        if not self.pump_ticks:
            return 0
        self.pump_ticks -= 1
        return self.pump

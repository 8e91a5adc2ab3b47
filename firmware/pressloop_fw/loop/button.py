"""The button on the controller: a press of it ends a run, or allows what a person must allow."""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const

# Ticks in a row that make a press: a spike on the wire is shorter, a finger is not.
_PRESS_TICKS = const(3)
_NEVER = const(-1)


class Button:
    """Finds the presses of the button: pressed for 30 ms after it was released.

    A button that is held down or stuck, also since power-on, is pressed once at most. The tick
    calls `hold` only while it is down, so that a released button costs nothing.
    """

    def __init__(self):
        self.pressed_tick = _NEVER
        # As if it was held before the first tick: what is down at power-on is no press.
        self._down_tick = _NEVER
        self._down_ticks = _PRESS_TICKS

    def hold(self, tick, missed):
        """Note that the button is down; return whether this tick makes it a press."""
        if tick - self._down_tick > 1 + missed:
            # It was up in a tick since then.
            self._down_ticks = 0
        self._down_tick = tick
        if self._down_ticks >= _PRESS_TICKS:
            return False
        self._down_ticks += 1
        if self._down_ticks < _PRESS_TICKS:
            return False
        self.pressed_tick = tick
        return True

    def pressed_within(self, ticks, tick):
        """Return whether a press is at most `ticks` old. Called by the foreground."""
        return self.pressed_tick != _NEVER and tick - self.pressed_tick <= ticks

    def use(self):
        """Take the last press as used: it allows one thing."""
        self.pressed_tick = _NEVER

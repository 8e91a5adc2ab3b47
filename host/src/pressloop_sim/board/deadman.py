"""The deadman circuit: it cuts the supply of both coils when its input has no edge for 50 ms."""

HOLD_TICKS = 5


class DeadmanCircuit:
    """A retriggerable monostable in the supply of the coils, in steps of a tick of 10 ms.

    Attributes:
        powered: Whether the coils have their supply.
        edged: Whether there was an edge since the last tick.
    """

    def __init__(self) -> None:
        """Start without an edge so far: the coils are off."""
        self.powered = False
        self.edged = False
        self._left_ticks = 0

    def edge(self) -> None:
        """Take an edge of the controller's output."""
        self._left_ticks = HOLD_TICKS
        self.powered = True
        self.edged = True

    def tick(self) -> None:
        """Let a tick pass."""
        self.edged = False
        if self._left_ticks:
            self._left_ticks -= 1
        else:
            self.powered = False

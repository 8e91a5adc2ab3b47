"""Names what a case can need of the bench, as `@pytest.mark.needs` takes it."""

from __future__ import annotations

from typing import Final

PRESSING: Final = "pressing"
SENSOR_FAULT: Final = "sensor-fault"
INPUTS: Final = "inputs"
POWER_CUT: Final = "power-cut"
TRUTH: Final = "truth"
BREAKAGE: Final = "breakage"
HANG: Final = "hang"
STALL: Final = "stall"
RESET_BUTTON: Final = "reset-button"
OUTPUTS: Final = "outputs"
WIRES: Final = "wires"

NEEDS: Final = {
    PRESSING: "the press to move; allow it with --pressloop-press-for-real",
    SENSOR_FAULT: "a transducer whose wire can be broken and shorted by the suite",
    INPUTS: "an emergency stop and a guard that the suite can operate",
    POWER_CUT: "a controller whose power the suite can cut",
    BREAKAGE: "a pellet and a die that the suite can break",
    TRUTH: "a press whose true pressure is known",
    HANG: "a chip whose program the suite can catch in an endless loop",
    STALL: "a USB host that the suite can stop from reading what the board sends",
    RESET_BUTTON: "a controller whose reset button the suite can press",
    OUTPUTS: "a contactor, a buzzer and an on/off release whose outputs the suite can see",
    WIRES: "wires at the terminals that the suite can cut",
}
"""What a case can need, and what the reason for skipping it says."""

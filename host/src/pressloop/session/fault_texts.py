"""A latched fault in words: what it means, and what to do before it is cleared."""

from __future__ import annotations

from typing import Final

# Keys are the names in the record, as in the wire reference.
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "over-pressure": (
        "the reading was above the protocol's ceiling or the press's limit",
        "look for an overshoot in the record; run `pressloop tune`, or leave more room below the "
        "ceiling",
    ),
    "sensor-low": (
        "the transducer read below its live zero",
        "check its wire and its supply",
    ),
    "sensor-high": (
        "the transducer read above its range",
        "look for a short circuit in its wiring",
    ),
    "emergency-stop": ("the emergency stop was pressed", "release it when the press is safe"),
    "guard-open": (
        "the guard was opened while the press could move",
        "close it, and open it at prompts without pressure only",
    ),
    "no-pressure-gain": (
        "the pump worked and the pressure did not rise",
        "look at the oil level, for leaks, and whether there is a sample in the die",
    ),
    "no-contact": (
        "the ram did not reach the sample in time",
        "check that the die is in place; a longer way needs a longer approach_timeout_s",
    ),
    "tick-overrun": (
        "the controller lost its beat",
        "report it with the record and the console's text",
    ),
    "watchdog": (
        "the controller was reset by its watchdog during a run",
        "report it with the record and the console's text",
    ),
    "power-loss": ("the controller lost power during a run", "check its supply"),
    "internal": (
        "an exception in the firmware",
        "report it with the traceback that the console shows",
    ),
    "sample-cracked": (
        "the force fell at once, and neither the release valve nor relaxation explains it: the "
        "sample cracked, or a punch or the die gave way",
        "look at punches and die before the next pellet; then press lower, hold longer or release "
        "more slowly; what is no crack on your press goes into 'crack_threshold'",
    ),
    "die-failure": (
        "half of the force was lost at once, or the platens closed without the pressure rising: "
        "the die or a punch gave way, or powder left it",
        "keep the guard closed until the pressure is gone, and replace what broke",
    ),
}


def explain_fault(fault: str) -> tuple[str, str]:
    """Return what a fault means and what to do; `fault` is its name in the record."""
    return _WORDS.get(fault, (f"the board reports the fault {fault}", "update this software"))

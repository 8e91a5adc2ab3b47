"""Explains each fault: what it means, and what to do before it is cleared."""

from __future__ import annotations

from typing import Final

FAULT_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "over-pressure": (
        "the pressure was above the protocol's ceiling or the press's limit",
        "look for an overshoot in the record; if there is one, run `pressloop tune`",
    ),
    "sensor-low": (
        "the transducer's signal is below its level at zero pressure",
        "check its cable and its supply",
    ),
    "sensor-high": (
        "the transducer's signal is above its range",
        "check its wiring for a short circuit",
    ),
    "emergency-stop": ("the emergency stop was pressed", "release it when the press is safe"),
    "guard-open": (
        "the guard was opened while the press could move",
        "close the guard; open it only at a prompt, without pressure",
    ),
    "no-pressure-gain": (
        "the pump delivered oil and the reading did not follow: a transducer that stands still or "
        "drifts, a pump without oil, a leak, or no sample",
        "compare the reading with a gauge first; then check the oil level, look for leaks, and "
        "check that there is a sample in the die",
    ),
    "no-contact": (
        "the ram did not reach the sample in time",
        "check that the die is in place; if the way is long, increase approach_timeout_s",
    ),
    "tick-overrun": (
        "a control tick took too long",
        "report it, with the record and the console text",
    ),
    "watchdog": (
        "the controller was reset by its watchdog during a run",
        "report it, with the record and the console text",
    ),
    "tick-hang": (
        "the control loop of the controller hung, and its watchdog reset it",
        "report it, with the record and the console text",
    ),
    "power-loss": ("the controller lost power during a run", "check its power supply"),
    "internal": (
        "the firmware raised an exception",
        "report it, with the traceback that the console shows",
    ),
    "sample-cracked": (
        "the force dropped suddenly while the platens closed a little: the sample cracked, or a "
        "punch or the die broke",
        "inspect punches and die before the next pellet; if nothing broke, set 'crack_threshold' "
        "in the protocol to what your press needs",
    ),
    "no-release": (
        "the pressure did not fall within 5 s although the release valve was open",
        "keep the guard closed and hands away: the press is under pressure. Switch off the pump, "
        "open the manual release slowly, and compare the reading with the gauge",
    ),
    "pump-stuck": (
        "the pressure rose although the pump valve was shut: it is stuck open",
        "switch off the pump; clean or replace its valve before the next run",
    ),
    "leak": (
        "a hold lost more than its stated leak and the powder's relaxation explain: oil leaks, or "
        "on one pressure channel the transducer's reading drifts down",
        "look for oil at valves, hoses and ram, and compare the reading with a gauge; run "
        "`pressloop tune`, which measures the leak",
    ),
    "sudden-loss": (
        "the pressure dropped suddenly, which neither the release valve nor relaxation explains: "
        "the sample cracked, the die or a punch broke, powder escaped, a hose burst, a relief "
        "valve opened, or the transducer's reading jumped",
        "keep the guard closed until the pressure is zero; compare the reading with a gauge, then "
        "inspect die, punches and hoses; if nothing broke, set 'crack_threshold' in the protocol "
        "to what your press needs",
    ),
    "burst": (
        "force was lost at once and the platens opened: a hose or a seal burst",
        "switch off the pump; keep away from the hoses until the pressure is zero",
    ),
    "sensor-frozen": (
        "the transducer gave the same reading for longer than its noise allows",
        "compare the reading with a gauge; restart the controller, and check the converter's cable",
    ),
    "stroke-end": (
        "the ram came close to the end of its stroke: there more oil raises the reading and not "
        "the load",
        "put more spacers under the die, and check stroke_mm in the profile",
    ),
    "zero-moved": (
        "at the end of the run or in a rest, without pressure, the transducer read too far below "
        "zero: it has drifted, and the sample had up to as much more pressure than the record says",
        "do not use the sample; compare the reading with a gauge, and replace the transducer if "
        "it drifts again",
    ),
    "load-cell": (
        "load cell and oil pressure differ by far more than friction of the ram explains",
        "see that the die stands on the load cell and that the profile has the cell's capacity, "
        "zero and full reading; compare both with a gauge",
    ),
    "die-failure": (
        "the platens closed and the pressure did not rise, or force was lost with it: the die or a "
        "punch broke, or powder escaped",
        "keep the guard closed until the pressure is zero, then replace what broke",
    ),
    "sensor-disagree": (
        "the two pressure channels differed by more than their stated errors explain, so that the "
        "pressure is not known",
        "do not trust either reading: look at a gauge, then check both transducers and the lines "
        "to them",
    ),
    "second-sensor-low": (
        "the signal of the second pressure channel is below its level at zero pressure",
        "check the cable and the supply of the second transducer",
    ),
    "second-sensor-high": (
        "the signal of the second pressure channel is above its range",
        "check the wiring of the second transducer for a short circuit",
    ),
}
"""Meaning and next step of each fault, by its name in the record."""


def explain_fault(fault: str) -> tuple[str, str]:
    """Return what a fault means and what to do about it; `fault` is its name in the record."""
    return FAULT_TEXTS.get(fault, (f"the board reports the fault {fault}", "update this software"))

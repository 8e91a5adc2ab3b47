"""The steps of the walk, in their order, with the texts that the person reads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from pressloop.commissioning.further_sensors import (
    prove_displacement,
    prove_load_cell_at_rest,
    prove_oil_temperature,
)
from pressloop.commissioning.inputs import prove_contact, prove_lid
from pressloop.commissioning.outputs import ask_pump_off, prove_cut, prove_lamp, prove_outputs
from pressloop.commissioning.pressing import prove_leak, prove_load_cell, prove_tuning
from pressloop.commissioning.readings import prove_first_channel, prove_second_channel
from pressloop.commissioning.step import CommissioningStep
from pressloop.commissioning.strokes import ask_relief, prove_dry_strokes, prove_pulses
from pressloop.commissioning.switched import (
    prove_buzzer,
    prove_contactor,
    prove_on_off_release,
)

STEPS: Final = (
    CommissioningStep(
        "pump-off",
        "The pump cannot deliver",
        "Nothing moves. The motor of the pump is switched off at its own switch, and stays off "
        "until the step `pulses` asks for it.",
        "The motor stands still, the gauge says no pressure, and no die is under the ram.",
        "wires",
        ask_pump_off,
        (
            "Nothing moves. The motor of the pump is switched off at its own switch, and stays "
            "off until the step `pulses` asks for it. The manual release is opened.",
            "The motor stands still, and the gauge says no pressure.",
        ),
    ),
    CommissioningStep(
        "button",
        "The button arrives",
        "You press the button on the controller and let it go.",
        "The input `button` follows.",
        "wires",
        partial(prove_contact, name="button"),
    ),
    CommissioningStep(
        "guard",
        "The guard switch arrives",
        "You open the guard and close it.",
        "The input `guard-open` is set while the guard is open.",
        "wires",
        partial(prove_contact, name="guard"),
    ),
    CommissioningStep(
        "emergency-stop",
        "The emergency stop arrives",
        "You press the emergency stop and release it.",
        "The input `emergency-stop` is set while it is pressed, and the board has that fault.",
        "wires",
        partial(prove_contact, name="emergency-stop"),
    ),
    CommissioningStep(
        "vessel-pressure",
        "The switch at the lid arrives",
        "On an isostatic vessel you pull the plug of the pressure switch at the lid, and plug it "
        "in again, twice.",
        "The input `vessel-pressure` is set while it is pulled, as it is under pressure, and the "
        "board then refuses to move a valve.",
        "wires",
        prove_lid,
    ),
    CommissioningStep(
        "sensor-zero",
        "The first transducer reads no pressure",
        "The reading at rest is taken for 2 s.",
        "It is at the zero of the press file, and it is quiet.",
        "wires",
        prove_first_channel,
    ),
    CommissioningStep(
        "second-channel",
        "The second transducer reads the same",
        "Both channels are compared at rest. Then you pull the plug of the first transducer, and "
        "plug it in again.",
        "They agree within what both may be wrong by, and without its plug the first one reads "
        "nothing.",
        "wires",
        prove_second_channel,
    ),
    CommissioningStep(
        "oil-temperature",
        "The thermistor reads the oil",
        "Where there is one, its reading at rest is taken for a second. Then you pull its plug, "
        "and plug it in again.",
        "It is that of a thermometer, and nothing without the plug.",
        "wires",
        prove_oil_temperature,
    ),
    CommissioningStep(
        "displacement",
        "The displacement sensor reads",
        "Where there is one, its reading at rest is taken for a second. Then you pull its plug, "
        "and plug it in again.",
        "It is quiet, and nothing without the plug. Which way it counts, the step `dry-strokes` "
        "shows.",
        "wires",
        prove_displacement,
    ),
    CommissioningStep(
        "load-cell-zero",
        "The load cell reads a hand",
        "Where there is one, its reading without load is taken for a second. Then you press on it "
        "with your hand, and let it go.",
        "It is zero within three times its error, rises under the hand, and comes back.",
        "wires",
        prove_load_cell_at_rest,
    ),
    CommissioningStep(
        "outputs",
        "Each output drives its own valve",
        "With the pump motor off, first the output of the pump valve gets current, then that of "
        "the release valve.",
        "Each time the lamp on the plug of that valve is lit, and no other.",
        "wires",
        prove_outputs,
    ),
    CommissioningStep(
        "lamp",
        "The lamp warns",
        "The release valve gets current for a moment. Then the controller is in control without "
        "current in pump and release valve.",
        "The lamp is lit while the release valve has current, and dark without.",
        "wires",
        prove_lamp,
    ),
    CommissioningStep(
        "contactor",
        "The contactor switches the motor",
        "With the motor off at its own switch, the output of its contactor is on for a moment.",
        "The contactor pulls in, and drops out afterwards.",
        "wires",
        prove_contactor,
    ),
    CommissioningStep(
        "on-off-release",
        "The on/off release valve is driven",
        "Where there is one, it gets current for a moment, and the proportional one does not.",
        "The lamp on its plug is lit, and dark afterwards.",
        "wires",
        prove_on_off_release,
    ),
    CommissioningStep(
        "buzzer",
        "The buzzer calls",
        "You pull the plug of the first transducer, listen, and plug it in again.",
        "The buzzer sounds on and off in turn, and is silent once the fault is cleared.",
        "wires",
        prove_buzzer,
    ),
    CommissioningStep(
        "stop-cuts",
        "The emergency stop takes the current away",
        "The release valve gets current, and you press the emergency stop.",
        "All valves are without current at once; the board has the fault `emergency-stop`.",
        "wires",
        partial(prove_cut, contact="emergency-stop"),
    ),
    CommissioningStep(
        "guard-cuts",
        "The guard takes the current away",
        "The release valve gets current, and you open the guard.",
        "All valves are without current at once; the board has the fault `guard-open`.",
        "wires",
        partial(prove_cut, contact="guard"),
    ),
    CommissioningStep(
        "relief",
        "The relief valve is set",
        "Nothing moves. You read off the set pressure of the relief valve.",
        "It is at the limit of the press, or not more than 15 % above.",
        "wires",
        ask_relief,
    ),
    CommissioningStep(
        "pulses",
        "What the pump delivers arrives, and goes away again",
        "The pump motor is switched on. Small pulses of oil are let in, first with the release "
        "open, then with it shut; all of them move the ram by 0.3 mm at most.",
        "The gauge rises only while the release is shut, and falls when it opens.",
        "ram",
        prove_pulses,
        (
            "You fill the vessel, let its air out, and shut lid and manual release. The pump motor "
            "is switched on. Small pulses of water are let in, first with the release open, then "
            "with it shut; the board ends them at the contact pressure of the press file.",
            "The gauge rises only while the release is shut, and falls when it opens. The input "
            "`vessel-pressure` is set while there is pressure, and clear afterwards.",
        ),
    ),
    CommissioningStep(
        "dry-strokes",
        "The ram goes out and comes back",
        "The free ram comes out by a few millimetres, twice, and goes back.",
        "It moves out without a jerk, and comes back when the release valve opens.",
        "ram",
        prove_dry_strokes,
        ("Nothing: a vessel has no ram.", "The next step."),
    ),
    CommissioningStep(
        "leak",
        "The shut press keeps its pressure",
        "A steel blank is pressed to half of your limit, and both valves shut for 20 s.",
        "The gauge stands, and no oil drips.",
        "press",
        prove_leak,
        (
            "The vessel, full of water and without a sample, is pressed to half of your limit, and "
            "both valves shut for 20 s. Then it is released in parts, the slowest at the end.",
            "The gauge stands, and no water drips. It goes to zero without a jerk.",
        ),
    ),
    CommissioningStep(
        "tune",
        "The controller knows its press",
        "Three runs on the steel blank, five to ten minutes on a real press.",
        "The pressure follows; the values that were found are stored on the board.",
        "press",
        prove_tuning,
    ),
    CommissioningStep(
        "load-cell",
        "The load cell agrees with the oil",
        "The steel blank is pressed once more, on the load cell.",
        "Cell and oil differ by less than a tenth: by the friction of the seals.",
        "press",
        prove_load_cell,
    ),
)
"""All steps. What moves comes after everything that stops it."""

BY_NAME: Final = {step.name: step for step in STEPS}


def checklist() -> str:
    """Return the steps as a table in Markdown, for the documentation."""
    return _table(STEPS)


def vessel_checklist() -> str:
    """Return the steps that are other ones on an isostatic vessel, as `checklist` does."""
    return _table([step.worded(is_vessel=True) for step in STEPS if step.in_vessel is not None])


def _table(steps: Sequence[CommissioningStep]) -> str:
    lines = ["| step | proves | what happens | what you see |", "|---|---|---|---|"]
    lines += [f"| `{s.name}` | {s.title} | {s.will} | {s.see} |" for s in steps]
    return "\n".join(lines) + "\n"

"""Proves what is switched on and off: motor contactor, on/off release valve and buzzer.

The pump motor is off at its own switch meanwhile, as for the outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pressloop.commissioning.bench import CommissioningBench
from pressloop.commissioning.operator import (
    AGAIN,
    NO,
    NONE,
    YES,
    Action,
    ChoiceQuestion,
    yes_no,
)
from pressloop.commissioning.outputs import NEITHER, ask_while
from pressloop.commissioning.step import StepFailedError, StepSkippedError
from pressloop.wire.schema import Fault

_LISTEN_S: Final = 1.0
_SETTLE_S: Final = 0.5


@dataclass(frozen=True)
class _SwitchedPart:
    """A part whose output is on while the controller controls.

    Attributes:
        name: Begin of the names of its questions and faults.
        title: How it is called in a sentence.
        is_on: Question while its output is on.
        is_off: Question while it is off, with what is right and what is wrong.
        check: What to check when it stays off.
        harm: What it means when it stays on.
    """

    name: str
    title: str
    is_on: str
    is_off: tuple[str, str, str]
    check: str
    harm: str


_CONTACTOR: Final = _SwitchedPart(
    "contactor",
    "contactor of the pump motor",
    "Has the contactor of the pump motor pulled in? You hear it, and its front shows it.",
    ("The output is off. Has the contactor dropped out?", "it has", "it is still pulled in"),
    "check that the safety relay is reset, then the wire from the terminal MOTOR to its relay, and "
    "that relay's contact in front of the contactor's coil",
    "the motor would go on after a fault",
)
_ON_OFF: Final = _SwitchedPart(
    "on-off-release",
    "on/off release valve",
    "Has the on/off release valve current? Its plug has a lamp, or it holds a steel screw at the "
    "coil.",
    ("The output is off. Is its current gone?", "it is", "it still has current"),
    "check its wire, its plug and its driver; the terminal is DUMP",
    "it would keep the pressure after a fault",
)


def prove_contactor(bench: CommissioningBench) -> dict[str, float | str]:
    """Let the person watch the motor's contactor with its output on and off.

    Raises:
        StepSkippedError: The person says that there is none.
        StepFailedError: `contactor-dead` or `contactor-stuck`.
    """
    return _prove(bench, _CONTACTOR, (NONE, "there is no contactor"))


def prove_on_off_release(bench: CommissioningBench) -> dict[str, float | str]:
    """Let the person look at the on/off release valve with its output on and off.

    Raises:
        StepSkippedError: The press has none.
        StepFailedError: `on-off-release-dead` or `on-off-release-stuck`.
    """
    if bench.profile.release_drive != "on-off+proportional":
        raise StepSkippedError("the press file says that there is no on/off release valve")
    return _prove(bench, _ON_OFF)


def prove_buzzer(bench: CommissioningBench) -> dict[str, float | str]:
    """Let the person listen: it sounds in turns while a fault hides the pressure, and ends then.

    The fault is that of the first transducer without its plug. Nothing has current meanwhile.

    Raises:
        StepSkippedError: The person says that there is no buzzer.
        StepFailedError: `buzzer-dead`, `buzzer-stuck`, `transducer-not-back`; `sensor-unnoticed`:
            the board did not take the pulled plug for a fault.
    """
    with bench.watching():
        bench.require_no_fault()
        bench.operate(Action("first-transducer", True, "Pull the plug of the first transducer."))
        bench.wait(bench.reads_nothing, bench.wait_s)
        noticed = bench.press.status().fault is not Fault.NONE
        heard = _listen(bench)
        bench.operate(Action("first-transducer", False, "Plug it in again."))
        back = bench.wait(lambda record: not bench.reads_nothing(record), bench.wait_s)
        bench.pass_time(_SETTLE_S)
        if back:
            bench.clear_fault()
        bench.operator.show("The fault is cleared.")
        bench.pass_time(_SETTLE_S)
        silent = bench.operator.ask(
            yes_no("buzzer-off", "Is the buzzer silent now?", "it is", "it still sounds")
        )
    if not back:
        raise StepFailedError(
            "transducer-not-back",
            "the first transducer was plugged in again, and its reading did not come back",
            "check the plug and its wire; then repeat this step",
        )
    if not noticed:
        raise StepFailedError(
            "sensor-unnoticed",
            "the plug of the first transducer was pulled, and the board has no fault",
            "repeat the steps `sensor-zero` and `second-channel` first",
        )
    if heard == NONE:
        raise StepSkippedError("there is no buzzer, says the person at the press")
    if heard != YES:
        raise StepFailedError(
            "buzzer-dead",
            "the buzzer is silent although the board has a fault and does not know the pressure",
            "check the buzzer, its wire and its polarity; the terminal is BUZZER",
        )
    if silent != YES:
        raise StepFailedError(
            "buzzer-stuck",
            "the buzzer sounds without a fault: its sound would mean nothing",
            "check that the buzzer is on its own output, and not on the supply",
        )
    return {}


def _prove(
    bench: CommissioningBench, part: _SwitchedPart, *more: tuple[str, str]
) -> dict[str, float | str]:
    with bench.watching():
        bench.require_no_fault()
        on = ask_while(bench, NEITHER, f"{part.name}-on", part.is_on, *more)
        bench.pass_time(_SETTLE_S)
        if on == NONE:
            raise StepSkippedError(f"there is no {part.title}, says the person at the press")
        off = bench.operator.ask(yes_no(f"{part.name}-off", *part.is_off))
    if on != YES:
        raise StepFailedError(
            f"{part.name}-dead",
            f"the {part.title} stays off while the controller controls",
            part.check,
        )
    if off != YES:
        raise StepFailedError(
            f"{part.name}-stuck",
            f"the {part.title} stays on while its output is off: {part.harm}",
            "check that it is on its own output, and not on the supply; then look at its driver",
        )
    return {}


def _listen(bench: CommissioningBench) -> str:
    """Return what the person says after a while of listening."""
    question = ChoiceQuestion(
        "buzzer-on",
        "The buzzer should sound now, on and off in turn. Do you hear it?",
        ((YES, "yes"), (NO, "no"), (NONE, "there is no buzzer"), (AGAIN, "listen once more")),
    )
    while True:
        bench.operator.show(f"Listen for {_LISTEN_S:g} s.")
        bench.pass_time(_LISTEN_S)
        said = bench.operator.ask(question)
        if said != AGAIN:
            return said

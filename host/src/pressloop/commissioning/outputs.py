"""Proves the outputs while the pump motor is off: which coil has current, and what takes it away.

Nothing can move here, whatever is wired where: without its motor the pump delivers no oil.
"""

from __future__ import annotations

from typing import Final

from pressloop.commissioning.bench import MAX_TEST_S, CommissioningBench
from pressloop.commissioning.inputs import CONTACTS
from pressloop.commissioning.operator import (
    AGAIN,
    NO,
    YES,
    Action,
    ChoiceQuestion,
    Contact,
    yes_no,
)
from pressloop.commissioning.step import StepFailedError
from pressloop.wire.names import wire_name
from pressloop.wire.schema import Fault

PUMP: Final = "pump"
RELEASE: Final = "release"
BOTH: Final = "both"
NEITHER: Final = "neither"

_LOOK: Final = (
    "Which of pump valve and release valve has current now? Its plug has a lamp, or it holds a "
    "steel screw at the coil. The on/off release valve does not count here."
)
_PUMP_PROBE: Final = 0.6
"""Opening at which the lamp of a valve's plug is clearly lit."""
_PUMP_PROBE_S: Final = 2.0
_LEAST_RISE_BAR: Final = 0.3
"""A rise that ends a test with the pump motor off: less than what moves a ram or lifts a lid."""
_NOISE_SIGMAS: Final = 5
_DEADMAN: Final = (
    "no edge reaches the deadman circuit, or the coils have no supply: check the deadman wire and "
    "the fuse of the coils"
)


def ask_pump_off(bench: CommissioningBench) -> dict[str, float | str]:
    """Let the person make the press safe: motor off, nothing under the ram, no pressure.

    Raises:
        StepFailedError: `not-ready`.
    """
    free = "Take the die out, so that the ram is free. Is the motor off and the ram free?"
    if bench.profile.is_vessel:
        free = "Open the manual release of the vessel. Is the motor off, and is there no pressure?"
    question = yes_no(
        "pump-off",
        f"Switch the pump motor off at its own switch, or unplug it. {free}",
        "it is",
        "not yet",
    )
    if bench.operator.ask(question) != YES:
        raise StepFailedError("not-ready", "the pump motor is not off", "switch it off first")
    with bench.watching():
        bench.pass_time(0.2)
    return {}


def prove_outputs(bench: CommissioningBench) -> dict[str, float | str]:
    """Put current on each output in turn and let the person say which coil has it.

    Raises:
        StepFailedError: `valves-swapped`, `output-dead`, `outputs-joined`; `pump-runs`: the reading
            rose although the motor is off.
    """
    with bench.watching():
        bench.require_no_fault()
        by_pump = _seen(bench, PUMP)
        by_release = _seen(bench, RELEASE)
    _judge(by_pump, by_release)
    return {"pump_output": by_pump, "release_output": by_release}


def prove_lamp(bench: CommissioningBench) -> dict[str, float | str]:
    """Let the person look at the lamp with and without current in pump or release valve.

    The controller has both outputs that it has on while it controls, contactor and on/off release,
    on each time: a lamp on one of them is lit without reason.

    Raises:
        StepFailedError: `lamp-dead` or `lamp-stuck`.
    """
    with bench.watching():
        bench.require_no_fault()
        lit = ask_while(bench, RELEASE, "lamp-on", "A coil has current now. Is the lamp lit?")
        bench.pass_time(0.5)
        dark = ask_while(
            bench,
            NEITHER,
            "lamp-off",
            "Neither pump valve nor release valve has current now. Is the lamp dark?",
        )
    if lit != YES:
        raise StepFailedError(
            "lamp-dead",
            "the lamp is dark while a coil has current: it would not warn of a press that may move",
            "check the lamp, its wire and its polarity",
        )
    if dark != YES:
        raise StepFailedError(
            "lamp-stuck",
            "the lamp is lit without current in pump or release valve, and without pressure",
            "check that the lamp is on its own output, and not on the supply, on that of the "
            "motor's contactor, or on that of the on/off release valve",
        )
    return {}


def prove_cut(bench: CommissioningBench, contact: Contact) -> dict[str, float | str]:
    """Let the person operate stop or guard while a coil has current: the current must go.

    Raises:
        StepFailedError: `NAME-does-not-cut`, or the firmware did not notice.
    """
    kind = next(one for one in CONTACTS if one.contact == contact)
    wanted = Fault.EMERGENCY_STOP if contact == "emergency-stop" else Fault.GUARD_OPEN
    with bench.watching():
        bench.require_no_fault()
        energise(bench, RELEASE)
        bench.operate(Action(contact, True, f"The release valve has current. {kind.operate}"))
        seen = bench.wait(lambda record: kind.bit in record.inputs, bench.wait_s)
        fault = bench.press.status().fault
        left = bench.operator.ask(
            yes_no(
                "current-gone",
                "Is the current gone from every valve?",
                "no valve has current",
                "a valve still has current",
            )
        )
        bench.operate(Action(contact, False, kind.let_go))
        bench.wait(lambda record: kind.bit not in record.inputs, bench.wait_s)
        if not seen or fault is not wanted:
            raise StepFailedError(
                f"{contact}-unnoticed",
                f"the {kind.title} was operated, and the board has the fault {wire_name(fault)}",
                f"repeat the step `{contact}` first",
            )
        if left != YES:
            raise StepFailedError(
                f"{contact}-does-not-cut",
                f"a valve still had current after the {kind.title} was operated",
                "check the safety relay and the deadman circuit; a coil must not have a supply of "
                "its own",
            )
        bench.require_no_fault()
    return {}


def _seen(bench: CommissioningBench, output: str) -> str:
    """Return which valve the person sees with current while an output is on."""
    choices = (
        (PUMP, "the pump valve"),
        (RELEASE, "the release valve"),
        (BOTH, "both"),
        (NEITHER, "neither"),
        (AGAIN, "show it once more"),
    )
    while True:
        energise(bench, output)
        said = bench.operator.ask(ChoiceQuestion("coil", _LOOK, choices))
        bench.end_test()
        bench.pass_time(0.3)
        if said != AGAIN:
            return said


def ask_while(
    bench: CommissioningBench, output: str, key: str, text: str, *more: tuple[str, str]
) -> str:
    """Return the answer to a question that is asked while an output is on; `more` are choices.

    Raises:
        StepFailedError: As `energise`.
    """
    choices = ((YES, "yes"), (NO, "no"), *more, (AGAIN, "show it once more"))
    while True:
        energise(bench, output)
        said = bench.operator.ask(ChoiceQuestion(key, text, choices))
        bench.end_test()
        if said != AGAIN:
            return said


def energise(bench: CommissioningBench, output: str) -> None:
    """Put current on the output of one valve, or on `NEITHER`, for as long as the board lets it.

    With each of them the outputs of contactor, on/off release valve and deadman circuit are on.

    Raises:
        StepFailedError: `pump-runs`, or the board refused.
    """
    before = bench.reading(0.3)
    rise_bar = max(_LEAST_RISE_BAR, bench.bar(_NOISE_SIGMAS * before.sigma))
    if output == PUMP:
        bench.operator.show("The output of the pump valve is on for 2 s.")
        bench.test_valves(
            pump=_PUMP_PROBE, pump_s=_PUMP_PROBE_S, duration_s=_PUMP_PROBE_S, rise_bar=rise_bar
        )
    else:
        on = "The output of the release valve is on"
        if output == NEITHER:
            on = "The controller is in control, without current in pump and release valve,"
        bench.operator.show(f"{on} for {MAX_TEST_S:g} s.")
        release = 1.0 if output == NEITHER else 0.0
        bench.test_valves(release=release, duration_s=MAX_TEST_S, rise_bar=rise_bar)
    bench.pass_time(0.3)
    rise = bench.bar(bench.reading(0.2).mean - before.mean)
    if rise > rise_bar / 2:
        bench.end_test()
        raise StepFailedError(
            "pump-runs",
            f"the pressure rose by {rise:.2g} bar although the pump motor should be off",
            "switch the pump motor off at its own switch, or unplug it; then repeat this step",
        )


def _judge(by_pump: str, by_release: str) -> None:
    """Name what is wrong from what the person saw.

    Raises:
        StepFailedError: Anything but each output on its own valve.
    """
    if (by_pump, by_release) == (PUMP, RELEASE):
        return
    if (by_pump, by_release) == (RELEASE, PUMP):
        raise StepFailedError(
            "valves-swapped",
            "the output of the pump valve drives the release valve, and the other way round",
            "exchange the wires of both valves",
        )
    saw = f"pump output: {by_pump}; release output: {by_release}"
    if NEITHER in (by_pump, by_release):
        raise StepFailedError(
            "output-dead",
            f"an output gives current to no valve ({saw})",
            f"check the wire of that valve and its driver; if both are right, {_DEADMAN}",
        )
    raise StepFailedError(
        "outputs-joined",
        f"an output gives current to the wrong valve, or to both ({saw})",
        "check that each valve is on the terminal of its name, and that the lamp and the deadman "
        "circuit are on theirs",
    )

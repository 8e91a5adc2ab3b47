"""Proves the inputs: each contact is operated, and the right input has to change the right way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pressloop.commissioning.bench import CommissioningBench
from pressloop.commissioning.operator import Action, Contact
from pressloop.commissioning.step import StepFailedError, StepSkippedError
from pressloop.wire.schema import InputBits


@dataclass(frozen=True)
class ContactKind:
    """A contact of the press and its input on the board.

    Attributes:
        contact: Its name.
        bit: Its input; set while it is operated.
        title: How it is called in a sentence.
        operate: What the person does.
        let_go: How the person undoes it.
        kind: Which contact belongs there.
        stays_set: What it means when the input is set all the time.
    """

    contact: Contact
    bit: InputBits
    title: str
    operate: str
    let_go: str
    kind: str
    stays_set: str


CONTACTS: Final = (
    ContactKind(
        "button",
        InputBits.BUTTON,
        "button",
        "Press the button on the controller and hold it down.",
        "Let the button go.",
        "normally open, to ground",
        "the button is stuck, or its wire touches ground",
    ),
    ContactKind(
        "guard",
        InputBits.GUARD_OPEN,
        "guard switch",
        "Open the guard.",
        "Close the guard.",
        "closed while the guard is shut, to ground",
        "its wire is cut or on another terminal, or the switch does not close",
    ),
    ContactKind(
        "emergency-stop",
        InputBits.EMERGENCY_STOP,
        "emergency stop",
        "Press the emergency stop.",
        "Release the emergency stop: turn or pull it out.",
        "normally closed, to ground",
        "its wire is cut or on another terminal, or its contact does not close",
    ),
    ContactKind(
        "vessel-pressure",
        InputBits.VESSEL_PRESSURE,
        "switch at the lid",
        "Pull the plug of the pressure switch at the lid.",
        "Plug it in again.",
        "opens above 0.1 MPa, to ground",
        "there is pressure under the lid, its wire is cut or on another terminal, or the switch is "
        "one that closes with pressure",
    ),
)
_BY_NAME: Final = {kind.contact: kind for kind in CONTACTS}


def prove_contact(bench: CommissioningBench, name: Contact) -> dict[str, float | str]:
    """Let the person operate a contact and let it go; judge which input changed, and how.

    Raises:
        StepFailedError: `NAME-inverted`, `NAME-stuck`, `NAME-not-connected`,
            `NAME-swapped-with-OTHER` or `NAME-not-back`.
    """
    kind = _BY_NAME[name]
    with bench.watching():
        at_rest = bench.inputs()
        bench.operate(Action(name, True, kind.operate))
        # Either way is a change; which one it is, is judged below.
        bench.wait(lambda record: record.inputs != at_rest, bench.wait_s)
        operated = bench.inputs()
        bench.operate(Action(name, False, kind.let_go))
        back = bench.wait(lambda record: record.inputs == at_rest, bench.wait_s)
        _judge(kind, at_rest, operated)
        if not back:
            raise StepFailedError(
                f"{name}-not-back",
                f"the {kind.title} was let go, and its input still says operated",
                f"check that the {kind.title} moves back and closes; then repeat this step",
            )
        bench.try_to_clear()
    return {}


def prove_lid(bench: CommissioningBench) -> dict[str, float | str]:
    """Let the person pull the plug of the switch at a vessel's lid: that must read as pressure.

    Meanwhile the board has to refuse whatever moves: a test of the valves, without current here.

    Raises:
        StepSkippedError: The press has no lid, or nothing watches it.
        StepFailedError: As `prove_contact`; `lid-ignored`.
    """
    if not bench.profile.is_vessel:
        raise StepSkippedError("a press with a ram has no lid")
    if not bench.profile.lid_switch:
        raise StepSkippedError("the press file says that nothing watches the lid")
    measured = prove_contact(bench, "vessel-pressure")
    lid = _BY_NAME["vessel-pressure"]
    with bench.watching():
        bench.require_no_fault()
        bench.operate(Action("vessel-pressure", True, f"{lid.operate} Leave it out for now."))
        bench.wait(lambda record: lid.bit in record.inputs, bench.wait_s)
        refusal = bench.refusal_at_rest()
        bench.operate(Action("vessel-pressure", False, lid.let_go))
        bench.wait(lambda record: lid.bit not in record.inputs, bench.wait_s)
    if refusal != "pressurised":
        raise StepFailedError(
            "lid-ignored",
            "the switch at the lid said that there is pressure, and the board would have moved "
            f"valves; it answered: {refusal or 'yes'}",
            "give the press file to the board again, pressloop machine write, and look whether "
            "vessel.lid_switch is true in it",
        )
    return measured


def _judge(kind: ContactKind, at_rest: InputBits, operated: InputBits) -> None:
    changed = at_rest ^ operated
    was, is_now = kind.bit in at_rest, kind.bit in operated
    if not was and is_now and changed == kind.bit:
        return
    others = [other for other in CONTACTS if other is not kind and other.bit in changed]
    if was and not is_now:
        raise StepFailedError(
            f"{kind.contact}-inverted",
            f"the input of the {kind.title} is set at rest and clear while it is operated: the "
            "contact is of the other kind",
            f"use the other contact of the {kind.title}: {kind.kind}. With the wrong one a cut "
            "wire goes unnoticed",
        )
    if others:
        other = others[0]
        raise StepFailedError(
            f"{kind.contact}-swapped-with-{other.contact}",
            f"the {kind.title} was operated, and the input of the {other.title} changed",
            f"exchange the wires of {kind.title} and {other.title}",
        )
    if was:
        raise StepFailedError(
            f"{kind.contact}-stuck",
            f"the input of the {kind.title} is set all the time: {kind.stays_set}",
            f"check the wire of the {kind.title} and its contact: {kind.kind}",
        )
    raise StepFailedError(
        f"{kind.contact}-not-connected",
        f"the {kind.title} was operated, and no input changed",
        f"check the wire of the {kind.title}: it belongs on the terminal of its name, and nothing "
        "else may be connected there",
    )

"""Explains a board's refusal: what its code means, and what to do about it."""

from __future__ import annotations

from typing import Final

from pressloop.errors import CommandRefusedError
from pressloop.units import LENGTH, PRESSURE, format_quantity
from pressloop.wire.names import wire_name
from pressloop.wire.schema import Converter, ErrorCode, ErrorReply

_MALFORMED_HINT: Final = (
    "host and firmware do not match: compare the versions that `pressloop info` shows, and update "
    "the older one"
)
_ORDER_HINT: Final = "start the run again; only one program may control a press at a time"

REFUSAL_TEXTS: Final[dict[ErrorCode, tuple[str, str]]] = {
    ErrorCode.UNKNOWN_COMMAND: ("this firmware does not know the command", "update the firmware"),
    ErrorCode.MALFORMED: ("the request is not valid CBOR", _MALFORMED_HINT),
    ErrorCode.MISSING_FIELD: ("a required field is missing", _MALFORMED_HINT),
    ErrorCode.UNKNOWN_FIELD: ("the command has no such field", _MALFORMED_HINT),
    ErrorCode.BAD_TYPE: ("a field has the wrong type", _MALFORMED_HINT),
    ErrorCode.OUT_OF_RANGE: (
        "a field is outside its range",
        "docs/wire-reference.md lists the ranges",
    ),
    ErrorCode.BAD_SESSION: (
        "the board no longer accepts this session",
        "the board restarted, or another program opened it: open the press again",
    ),
    ErrorCode.BAD_VERSION: (
        "the board speaks another major version of the protocol",
        "install the SDK version that belongs to the firmware, or flash newer firmware",
    ),
    ErrorCode.BAD_STATE: (
        "the press cannot do this in its present state",
        "look at status().state; if a run is active, wait for its end or abort it",
    ),
    ErrorCode.FAULTED: (
        "a fault is latched",
        "remove the cause of the fault (status().fault), then call clear_fault()",
    ),
    ErrorCode.NO_PLAN: ("there is no complete plan on the board", "upload a plan first"),
    ErrorCode.PLAN_ORDER: ("steps of the plan are missing or in the wrong order", _ORDER_HINT),
    ErrorCode.PLAN_DIGEST: (
        "the board received another plan than the one that was sent",
        _ORDER_HINT,
    ),
    ErrorCode.OVER_CEILING: (
        "a target is above the protocol's ceiling of {mpa}",
        "correct the target or the ceiling",
    ),
    ErrorCode.OVER_LIMIT: (
        "the ceiling is above the limit of this press, {mpa} with this die",
        "correct the ceiling or the die diameter",
    ),
    ErrorCode.UNKNOWN_DIE: (
        "the machine profile does not list this die",
        "correct the die diameter, or add the die to the profile",
    ),
    ErrorCode.TOLERANCE_UNRESOLVED: (
        "the tolerance is smaller than the transducer can resolve, {mpa}",
        "correct the tolerance, or set 'accept_unresolved_tolerance: true' in the protocol",
    ),
    ErrorCode.RATE_IMPOSSIBLE: (
        "the rate is higher than the press can follow, {mpa}/s",
        "correct the rate",
    ),
    ErrorCode.NO_END: (
        "a hold has no duration and is not an open hold",
        "add a duration, or write 'duration: open'",
    ),
    ErrorCode.WRONG_DIRECTION: (
        "a release leads to a higher pressure",
        "use a ramp to increase the pressure, a release to reduce it",
    ),
    ErrorCode.WRONG_PROMPT: (
        "this is not the prompt that is open",
        "answer the prompt in status().prompt",
    ),
    ErrorCode.GUARD_OPEN: ("the guard is open", "close the guard, then try again"),
    ErrorCode.EMERGENCY_STOP: (
        "the emergency stop is pressed",
        "when the press is safe, release the emergency stop and try again",
    ),
    ErrorCode.NO_PROFILE: (
        "the board has no valid machine profile",
        "describe the press in a file, `pressloop machine new my-press.yaml`, and store it: "
        "`pressloop machine write my-press.yaml`; in a script: press.write_profile(...)",
    ),
    ErrorCode.PROFILE_INVALID: (
        "a value of the machine profile is not possible",
        "correct the field that is named and write the profile again",
    ),
    ErrorCode.STORAGE: (
        "the board cannot write to its flash, so nothing would be known after a loss of power",
        "remove files of your own from the board, or flash the firmware again; if that does not "
        "help, its flash is worn: replace the board",
    ),
    ErrorCode.NOT_HELD: (
        "the board no longer holds these records, its oldest is {detail}",
        "read from the oldest on; earlier records are lost",
    ),
    ErrorCode.PRESSURISED: (
        "the press is under pressure and must be at rest for this",
        "release the pressure and wait until the gauge shows zero",
    ),
    ErrorCode.HOLD_ELSEWHERE: (
        "a hold is not at the pressure where the step before it ends, {mpa}",
        "add a ramp or a release to the pressure of the hold",
    ),
    ErrorCode.REST_ABOVE_ZERO: (
        "a rest begins under pressure: the step before it ends at {mpa}",
        "release to zero pressure before the rest",
    ),
    ErrorCode.RELAXATION_UNRESOLVED: (
        "a relaxation rate is smaller than the board can measure with this transducer and leak, "
        "{mpa}/min",
        "use a transducer with a smaller range or better accuracy, or repair the leak and tune "
        "again",
    ),
    ErrorCode.RUN_REPEATED: (
        "the last run on this board has the same run id: it was started before",
        "attach to that run, or start a new one",
    ),
    ErrorCode.CLOCK_SPENT: (
        "the controller has been on for so long that its clock could run out during the run: "
        "{detail} s are left",
        "while the press is at rest, switch the controller off and on",
    ),
    ErrorCode.SENSORS_DISAGREE: (
        "the two pressure channels differ by {mpa}, which their stated errors do not "
        "explain: the pressure is not known",
        "look at a gauge; then check both transducers, the lines to them and their zeros in the "
        "machine profile",
    ),
    ErrorCode.DIE_UNCONFIRMED: (
        "the die that was confirmed is not the die of the protocol, which is {length} wide",
        "read the diameter off the die in the press; fit the right die or correct the protocol",
    ),
    ErrorCode.PART_MISSING: (
        "the machine profile names a converter that the controller did not find at power-on: "
        "{converter}",
        "`pressloop info` shows what it found and what is missing; check that converter's cable "
        "and supply, then switch the controller off and on",
    ),
    ErrorCode.NEEDS_BUTTON: (
        "a person at the press has to allow this",
        "press the button on the controller, then repeat within 30 s",
    ),
    ErrorCode.PROFILE_MISMATCH: (
        "the board's machine profile is not the one that the run was checked against",
        "start the run again; if another program changes the profile, stop that first",
    ),
    ErrorCode.ZERO_OFF: (
        "the transducer reads {detail} kPa below zero while the press is at rest: the run would "
        "press by so much too high",
        "check the transducer and its wiring against a gauge; when it is sound, take its zero "
        "anew: `pressloop tune`",
    ),
    ErrorCode.LOAD_CELL_ZERO_OFF: (
        "the load cell reads {mpa} on the pellet while the press is at rest, more than three times "
        "its error: the run would press by so much wrong",
        "look whether something lies on the cell or presses on it; when it is free and sound, take "
        "its zero anew and write it to the machine profile as load_cell_zero",
    ),
    ErrorCode.NO_READING: (
        "the controller has not yet had a reading of both pressure channels at the same time: it "
        "cannot compare them",
        "start again; if this stays, check the cables of both transducers",
    ),
    ErrorCode.NOT_SEALED: (
        "a hold that ends on relaxation is not sealed",
        "write 'mode: sealed': in closed loop the pump replaces the pressure that relaxes",
    ),
}
"""Meaning and next step of each refusal. `{detail}` is the limit that was exceeded; `{mpa}` is the
same where it is a pressure, `{length}` where it is a diameter, `{converter}` where it is one."""


def explain_refusal(command: str, error: ErrorReply, field: str | None) -> CommandRefusedError:
    """Turn an error reply into an exception.

    Args:
        command: Name of the refused command.
        error: The reply of the board.
        field: Name of the field at fault in that command, if the board named one.
    """
    meaning, hint = REFUSAL_TEXTS[error.code]
    detail = "unknown" if error.detail is None else error.detail
    mpa = "unknown" if error.detail is None else format_quantity(error.detail, PRESSURE)
    length = "unknown" if error.detail is None else format_quantity(error.detail, LENGTH)
    where = command
    if error.step is not None:
        where += f", step {error.step}"
    if field is not None:
        where += f", field {field!r}"
    return CommandRefusedError(
        f"the board refused {where}: "
        + meaning.format(detail=detail, mpa=mpa, length=length, converter=_converter(error)),
        hint=hint,
        command=command,
        code=wire_name(error.code),
        step=error.step,
        field=field,
        detail=error.detail,
    )


def _converter(error: ErrorReply) -> str:
    """Return the name of the converter that the detail of an error stands for."""
    known = {member.value: wire_name(member) for member in Converter}
    return known.get(error.detail or 0, "unknown")

"""A board's refusal in words: what the code means, and what to do about it."""

from __future__ import annotations

from typing import Final

from pressloop.errors import CommandRefusedError
from pressloop.wire.schema import ErrorCode, ErrorReply

_MALFORMED_HINT: Final = (
    "host and board disagree on the protocol: compare `pressloop info` with the SDK's version, "
    "and update the older one"
)
_ORDER_HINT: Final = "upload the plan again; use one program per press"

# Meaning and next step of each refusal. `{detail}` is the limit that was passed.
_WORDS: Final[dict[ErrorCode, tuple[str, str]]] = {
    ErrorCode.UNKNOWN_COMMAND: ("this firmware does not know the command", "update the firmware"),
    ErrorCode.MALFORMED: ("the request is not valid CBOR of the wire's subset", _MALFORMED_HINT),
    ErrorCode.MISSING_FIELD: ("a required field is absent", _MALFORMED_HINT),
    ErrorCode.UNKNOWN_FIELD: ("the command has no such field", _MALFORMED_HINT),
    ErrorCode.BAD_TYPE: ("a field has the wrong type", _MALFORMED_HINT),
    ErrorCode.OUT_OF_RANGE: (
        "a field is outside its range",
        "look the range up in docs/wire-reference.md",
    ),
    ErrorCode.BAD_SESSION: (
        "the session is no longer the current one",
        "another program opened the board or it restarted: open the press again",
    ),
    ErrorCode.BAD_VERSION: (
        "the board speaks another major version of the protocol",
        "install the SDK version that belongs to the firmware, or flash the newer firmware",
    ),
    ErrorCode.BAD_STATE: (
        "the command does not fit what the press is doing",
        "look at `status().state`; end or abort the present run first",
    ),
    ErrorCode.FAULTED: (
        "a fault is latched",
        "find its cause (`status().fault`), remove it, then clear_fault()",
    ),
    ErrorCode.NO_PLAN: ("there is no committed plan", "upload a plan before starting"),
    ErrorCode.PLAN_ORDER: ("the steps did not arrive in order or not all of them", _ORDER_HINT),
    ErrorCode.PLAN_DIGEST: ("the received plan is not the one that was sent", _ORDER_HINT),
    ErrorCode.OVER_CEILING: (
        "a target is above the protocol's ceiling of {detail} kPa",
        "lower the target, or raise the ceiling if die and powder stand it",
    ),
    ErrorCode.OVER_LIMIT: (
        "the ceiling is above what this press may do, {detail} kPa on this die",
        "lower the ceiling, or use a smaller die",
    ),
    ErrorCode.UNKNOWN_DIE: (
        "the die is not on the machine profile's list",
        "correct the die diameter, or add the die to the profile",
    ),
    ErrorCode.TOLERANCE_UNRESOLVED: (
        "the tolerance is finer than the transducer resolves, {detail} kPa",
        "widen the tolerance, or set accept_unresolved in the protocol",
    ),
    ErrorCode.RATE_IMPOSSIBLE: (
        "the rate is faster than the press can follow, {detail} kPa/s",
        "lower the rate",
    ),
    ErrorCode.NO_END: (
        "a hold has no duration and is not declared open",
        "give it a duration, or declare it open",
    ),
    ErrorCode.WRONG_DIRECTION: (
        "a release leads to a higher pressure",
        "use a ramp to go up, a release to come down",
    ),
    ErrorCode.WRONG_PROMPT: (
        "this is not the prompt that is open",
        "read status().prompt and answer that one",
    ),
    ErrorCode.GUARD_OPEN: ("the guard is open", "close the guard, then try again"),
    ErrorCode.EMERGENCY_STOP: (
        "the emergency stop is pressed",
        "release the emergency stop when the press is safe, then try again",
    ),
    ErrorCode.NO_PROFILE: (
        "the board has no valid machine profile",
        "write one: press.write_profile(...)",
    ),
    ErrorCode.PROFILE_INVALID: (
        "the machine profile contradicts itself",
        "correct the named field and write the profile again",
    ),
    ErrorCode.STORAGE: (
        "the board's flash did not take the profile",
        "try again; if it stays, flash the board anew",
    ),
    ErrorCode.NOT_HELD: (
        "the ring does not hold those records, its oldest is {detail}",
        "read from the oldest on; what was before is lost",
    ),
    ErrorCode.PRESSURISED: (
        "the press is under pressure and must be at rest for this",
        "abort or release first and wait until the gauge shows zero",
    ),
    ErrorCode.HOLD_ELSEWHERE: (
        "a hold is at another pressure than the step before leads to, {detail} kPa",
        "hold at the pressure that the ramp or release before it leads to",
    ),
    ErrorCode.RELAXATION_UNRESOLVED: (
        "a relaxation rate is finer than what transducer and leak let the board tell, {detail} "
        "kPa/min there",
        "ask for a larger rate, use a transducer with a smaller range or better accuracy, or stop "
        "the leak and tune again",
    ),
    ErrorCode.RUN_REPEATED: (
        "the last run on this board has the same run-id: it was started before",
        "attach to it, or start anew, which gives the run an id of its own",
    ),
    ErrorCode.CLOCK_SPENT: (
        "the controller has been on for so long that the run could outlast its clock, which leaves "
        "{detail} s",
        "restart the controller: switch it off and on while the press is at rest",
    ),
    ErrorCode.NOT_SEALED: (
        "a hold that ends on relaxation is not sealed",
        "write 'mode: sealed': a closed loop pumps back what relaxes",
    ),
}


def explain_refusal(command: str, error: ErrorReply, field: str | None) -> CommandRefusedError:
    """Turn an error reply into an exception.

    Args:
        command: Name of the refused command.
        error: What the board said.
        field: Name of the field at fault in that command, if the board named one.
    """
    meaning, hint = _WORDS[error.code]
    detail = "unknown" if error.detail is None else error.detail
    where = command
    if error.step is not None:
        where += f", step {error.step}"
    if field is not None:
        where += f", field {field!r}"
    return CommandRefusedError(
        f"the board refused {where}: {meaning.format(detail=detail)}",
        hint=hint,
        command=command,
        code=error.code.name.lower().replace("_", "-"),
        step=error.step,
        field=field,
        detail=error.detail,
    )

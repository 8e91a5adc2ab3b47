"""What the board says of a profile and of a plan: the firmware's own checks, called on CPython."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cbor2
from pressloop.errors import CommandRefusedError
from pressloop.machine.profile import MachineProfile
from pressloop.plan import Plan
from pressloop.wire import schema
from pressloop.wire.codec import encode_message
from pressloop.wire.message import Message
from pressloop.wire.schema import ErrorCode
from pressloop_fw.loop import plan as board_plan
from pressloop_fw.loop.scaling import Scaling
from pressloop_fw.service import preconditions
from pressloop_fw.service.profile_store import Profile
from pressloop_fw.wire import cbor
from pressloop_fw.wire import schema as board_schema
from pressloop_fw.wire.errors import CommandError

_KEYS = {field.name: field.key for field in schema.Profile.FIELDS}
_NAMES = {key: name for name, key in _KEYS.items()}


@dataclass(frozen=True)
class Taken:
    """A profile that the board stores."""

    profile: Profile


@dataclass(frozen=True)
class Refused:
    """A profile that the board refuses, and the first field that it names."""

    field: str


def offer_profile(fields: Mapping[str, Any]) -> Taken | Refused:
    """Return what the board does with a profile, given by the field names of the wire."""
    values = {_KEYS[name]: value for name, value in fields.items() if value is not None}
    payload = cbor2.dumps(values, canonical=True)
    if len(payload) > board_schema.MAX_PAYLOAD:
        return Refused("")
    try:
        decoded = cbor.decode_map(board_schema.PROFILE_FIELDS, payload, 0, len(payload))
    except cbor.CodecError as error:
        return Refused(_NAMES.get(error.field, ""))
    profile = Profile(decoded, True)
    field = profile.contradiction()
    return Refused(_NAMES[field]) if field else Taken(profile)


def board_values(fields: object, message: Message) -> tuple[dict[int, object], bytes]:
    """Return a message as the board decodes it, and its payload."""
    payload = encode_message(message)
    return cbor.decode_map(fields, payload, 0, len(payload)), payload


def board_profile(profile: MachineProfile) -> Profile:
    """Return a profile as the board holds it, without its checks."""
    return Profile(board_values(board_schema.PROFILE_FIELDS, profile.to_wire())[0], True)


def offer_plan(plan: Plan, profile: MachineProfile) -> CommandRefusedError | None:
    """Upload a plan to a board that was just switched on, and start it.

    Returns:
        The board's refusal as `Press` would raise it; None if the run starts.
    """
    held = board_profile(profile)
    if plan.begin.die_um not in held.dies_um:
        return _refusal("unknown-die")
    board = board_plan.Plan()
    try:
        values, payload = board_values(board_schema.PLAN_BEGIN_REQUEST_FIELDS, plan.begin)
        board.begin(values, payload, held, Scaling(held, plan.begin.die_um))
        for step in plan.steps:
            board.add(*board_values(board_schema.PLAN_STEP_REQUEST_FIELDS, step))
        board.commit(plan.digest)
        preconditions.require_clock_left(board, 0)
    except CommandError as error:
        names = {f.key: f.name for f in (plan.steps[0] if error.step >= 0 else plan.begin).FIELDS}
        code = ErrorCode(error.code).name.lower().replace("_", "-")
        return _refusal(code, error.step if error.step >= 0 else None, names.get(error.field))
    return None


def _refusal(code: str, step: int | None = None, field: str | None = None) -> CommandRefusedError:
    return CommandRefusedError(
        "refused", hint="look", command="plan-step", code=code, step=step, field=field
    )

"""Shows a run and the state of the press as data for a page."""

from __future__ import annotations

from typing import Any, Final

from pressloop.analysis.force import force_kn
from pressloop.machine.profile import MachineProfile
from pressloop.record import PlannedStep, RunHeader
from pressloop.run.steering import STEERING_COMMANDS, obstacle, step_type
from pressloop.session.status import PressStatus
from pressloop.web import words
from pressloop.wire.names import wire_name
from pressloop.wire.schema import InputBits, State

_DIGITS: Final = 4


def expected_s(steps: tuple[PlannedStep, ...]) -> list[float]:
    """Return for each step the shortest time that it takes, s; waiting for a person counts as 0."""
    times = []
    setpoint_mpa = 0.0
    for step in steps:
        target_mpa = setpoint_mpa if step.target_mpa is None else step.target_mpa
        if step.rate_mpa_s:
            times.append(abs(target_mpa - setpoint_mpa) / step.rate_mpa_s)
        elif step.open or step.relaxation_mpa_min is not None:
            times.append(step.least_s or 0.0)
        else:
            times.append(step.duration_s or 0.0)
        setpoint_mpa = target_mpa
    return times


def stage_views(header: RunHeader) -> list[dict[str, Any]]:
    """Return the stages and prompts in the order of the run, each with its steps."""
    times = expected_s(header.steps)
    views = []
    for stage in header.stages:
        steps = [header.steps[index] for index in stage.steps]
        views.append(
            {
                "index": stage.index,
                "name": stage.name if stage.iteration == 1 else f"{stage.name} #{stage.iteration}",
                "target_mpa": stage.target_mpa,
                "force_kn": _rounded(force_kn(stage.target_mpa, header.die_mm)),
                "expected_s": sum(times[index] for index in stage.steps),
                "prompt": next((step.text for step in steps if step.kind == "prompt"), None),
                "open": any(step.open for step in steps),
                "steps": [
                    {
                        "index": step.index,
                        "kind": step.kind,
                        "target_mpa": step.target_mpa,
                        "rate_mpa_s": step.rate_mpa_s,
                        "tolerance_mpa": step.tolerance_mpa,
                        "expected_s": times[step.index],
                    }
                    for step in steps
                ],
            }
        )
    return views


def run_view(header: RunHeader, record: str) -> dict[str, Any]:
    """Return what does not change during a run; `record` is the name of its folder."""
    return {
        "id": header.run_id,
        "record": record,
        "protocol": header.protocol_name,
        "simulated": header.simulated,
        "die_mm": header.die_mm,
        "ceiling_mpa": header.ceiling_mpa,
        "host_loss": None if header.host_loss is None else str(header.host_loss),
        "stages": stage_views(header),
        "started": header.created_unix_time_second,
    }


def status_view(
    status: PressStatus, header: RunHeader | None, profile: MachineProfile | None
) -> dict[str, Any]:
    """Return the state of the press for a page; `header` is that of the run it belongs to."""
    step = None if header is None else _step(header, status.step)
    lefts = _times_left(status, header)
    return {
        "tick": status.tick,
        "state": wire_name(status.state),
        "word": words.state_word(status),
        "sentence": words.state_sentence(status),
        "pressure_mpa": status.pressure_mpa,
        "setpoint_mpa": status.setpoint_mpa,
        "target_mpa": status.target_mpa,
        "force_kn": _rounded(status.force_kn),
        "oil_mpa": _oil_mpa(status, header, profile),
        "second_mpa": status.second_mpa,
        "difference_mpa": status.largest_difference_mpa,
        "tolerance_mpa": None if step is None else step.tolerance_mpa,
        "step": status.step,
        "stage": status.stage,
        "stage_name": None if status.state is State.PROMPTING else status.stage_name,
        "elapsed_s": status.elapsed_s,
        "dwell_s": status.dwell_s,
        "remaining_s": status.remaining_s,
        **lefts,
        "prompt": status.prompt if status.state is State.PROMPTING else "",
        "open_hold": None if step is None or not step.open else (step.text or ""),
        "fault": words.fault_words(status.fault),
        "further_fault": words.fault_words(status.further_fault),
        "pause": words.pause_reason(status),
        "resting": status.is_resting,
        "last_end": words.last_end(status),
        "host_lost": status.host_lost,
        "emergency_stop": bool(status.inputs & InputBits.EMERGENCY_STOP),
        "guard_open": bool(status.inputs & InputBits.GUARD_OPEN),
        "button": bool(status.inputs & InputBits.BUTTON),
        "storage": [str(bit.name).lower().replace("_", " ") for bit in status.storage],
        "obstacles": _obstacles(status, header),
    }


def _step(header: RunHeader, index: int | None) -> PlannedStep | None:
    if index is None or index >= len(header.steps):
        return None
    return header.steps[index]


def _times_left(status: PressStatus, header: RunHeader | None) -> dict[str, float | None]:
    """Return the shortest times to the end of stage and run, s; None where they are not known."""
    if header is None or status.step is None or status.stage is None:
        return {"stage_left_s": None, "run_left_s": None}
    times = expected_s(header.steps)
    later = range(status.step + 1, len(times))
    in_stage = sum(times[at] for at in later if header.steps[at].stage == status.stage)
    in_run = sum(times[at] for at in later)
    # At a prompt it is the time in which a person has to answer.
    in_step = 0.0 if status.state is State.PROMPTING else status.remaining_s
    return {"stage_left_s": in_step + in_stage, "run_left_s": in_step + in_run}


def _oil_mpa(
    status: PressStatus, header: RunHeader | None, profile: MachineProfile | None
) -> float | None:
    if profile is None or header is None or header.die_mm is None:
        return None
    return _rounded(status.pressure_mpa / profile.lever(header.die_mm))


def _obstacles(status: PressStatus, header: RunHeader | None) -> dict[str, str]:
    """Return for each command that has no effect now why it has none."""
    kind = None if header is None else step_type(header, status.step)
    found: dict[str, str] = {}
    for command in STEERING_COMMANDS:
        reason = obstacle(command, status, kind)
        if reason:
            found[command] = words.outcome_sentence(reason)
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)

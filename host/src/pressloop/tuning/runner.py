"""Runs the plans of a tuning on a press, records each in a folder of its own, stores the result.

The press is given as callables, `Press.run` and `Press.write_profile`: this room is below the
press.
"""

from __future__ import annotations

import logging
import typing
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pressloop.errors import BadInputError, PressloopError, RecordError
from pressloop.extras import DataFrame
from pressloop.machine.profile import MachineProfile
from pressloop.protocol import Hold, Pid, Protocol, Ramp, Release, Stage
from pressloop.run.result import RunResult
from pressloop.session.status import PressStatus
from pressloop.tuning.first_contact import first_contact_plan, measure_first_contact
from pressloop.tuning.records import NO_STEP, TuningRecords
from pressloop.tuning.result import FirstContact, TrackingError, TuningResult
from pressloop.tuning.seat import seat_s
from pressloop.tuning.tune import HYSTERESIS_RUN, tune
from pressloop.units import LENGTH, format_quantity, pressure_text
from pressloop.wire import schema

_log = logging.getLogger(__name__)


class RunProtocol(typing.Protocol):
    """Runs a protocol on a press to its end and records it: `Press.run`."""

    def __call__(
        self,
        protocol: Protocol,
        /,
        *,
        out: Path,
        on_status: Callable[[PressStatus], None] | None,
    ) -> RunResult:
        """Return the result, also of a run that did not complete."""


class TuningRunner:
    """Runs plans on the press that is being tuned, below one limit on one die."""

    def __init__(
        self,
        run: RunProtocol,
        write_profile: Callable[[MachineProfile], None],
        folder: Path,
        *,
        die_um: int,
        limit_kpa: int,
        on_status: Callable[[PressStatus], None] | None = None,
        rest: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """Keep the calls that move the press; records are written to the empty folder `folder`.

        `rest` lets that many seconds of press time pass at rest.

        Raises:
            RecordError: The folder is not empty.
        """
        require_empty(folder, "choose another one with 'out'")
        self._run = run
        self._write_profile = write_profile
        self._folder = folder
        self._die_um = die_um
        self._limit_kpa = limit_kpa
        self._on_status = on_status
        self._rest = rest
        self._tracking: list[TrackingError] = []

    def tune(self, before: MachineProfile) -> TuningResult:
        """Tune the press, whose die holds a steel blank, and store the profile that was found.

        If a run fails or shows nonsense, `before` is written back.

        Raises:
            BadInputError: `vessel-not-tuned`, `unknown-die`, `over-limit`, `contact-pressure`: the
                press cannot do it, and nothing was pressed. `tuning-nonsense`, or a run did not
                complete. Errors of the press come through.
        """
        require_ram(before)
        self._require_die(before)
        self._require_limit(before)
        try:
            coarse, fine = tune(
                before.to_wire(), self._die_um, self._limit_kpa, self._run_with_profile
            )
        except BaseException:
            self._restore(before)
            raise
        after = MachineProfile.from_wire(fine.profile)
        self._write_profile(after)
        tracking = (self._tracking[0], self._tracking[-1])
        return TuningResult(before, after, coarse, fine, tracking, self._folder)

    def first_contact(self, profile: MachineProfile) -> FirstContact:
        """Press a sample gently and return what that shows; nothing is stored.

        Raises:
            BadInputError: `vessel-not-tuned`, `unknown-die` or `contact-pressure`, or the run did
                not complete.
        """
        require_ram(profile)
        self._require_die(profile)
        wire = profile.to_wire()
        steps = first_contact_plan(wire, self._die_um, self._limit_kpa)
        return measure_first_contact(self.run_steps("contact", steps), wire, self._die_um)

    def run_steps(self, name: str, steps: list[schema.PlanStepRequest]) -> TuningRecords:
        """Press the steps as a run called `name` and return its telemetry.

        Raises:
            BadInputError: The run did not complete.
        """
        folder = self._folder / name
        protocol = protocol_of(name, steps, self._die_um, self._limit_kpa)
        result = self._run(protocol, out=folder, on_status=self._on_status)
        if not result.completed:
            raise BadInputError(
                f"the {name} run ended by {result.end_reason}: nothing was learned",
                hint=f"the record is in {folder}; look at it with: pressloop plot {folder}",
            )
        frame = result.frame()
        if name != HYSTERESIS_RUN:
            self._tracking.append(_tracking_error(name, frame))
        output = frame.output_percent.to_numpy() / 100 * schema.OUTPUT_FULL
        return TuningRecords(
            raw=frame.raw_counts.to_numpy(np.int64),
            output=np.rint(output).astype(np.int64),
            step=frame.step_id.fillna(NO_STEP).to_numpy(np.int64),
            approaching=frame.approaching.to_numpy(np.bool_),
        )

    def _run_with_profile(
        self, name: str, profile: schema.Profile, steps: list[schema.PlanStepRequest]
    ) -> TuningRecords:
        written = MachineProfile.from_wire(profile)
        self._write_profile(written)
        if name != HYSTERESIS_RUN:
            # The run measures the way from the seat to the blank. From where the ram came off the
            # blank a moment ago it would be too short, and the next day's run would end on it.
            self._rest(seat_s(written))
        return self.run_steps(name, steps)

    def _restore(self, before: MachineProfile) -> None:
        """Write the profile from before. After a fault the board refuses it; then say so."""
        try:
            self._write_profile(before)
        except PressloopError as error:
            _log.error(
                "the board keeps the profile of the last tuning run, as it refused the one from "
                "before (%s): clear the fault, then tune again or write your profile",
                error.code,
            )

    def _require_die(self, profile: MachineProfile) -> None:
        if self._die_um not in profile.dies_um:
            dies = ", ".join(format_quantity(die, LENGTH) for die in profile.dies_um)
            raise BadInputError(
                f"the press '{profile.name}' has no die of {self._die_um / 1000:g} mm; its dies: "
                f"{dies}",
                hint="if you have this die, add it to the press's profile",
                code="unknown-die",
            )

    def _require_limit(self, profile: MachineProfile) -> None:
        ratio = profile.lever(self._die_um / 1000)
        contact_mpa, limit_mpa = ratio * profile.contact_bar / 10, self._limit_kpa / 1000
        limit = pressure_text(self._limit_kpa, self._die_um)
        highest_kpa = profile.limits(self._die_um).pellet_limit_kpa
        if _ceiling_kpa(self._limit_kpa) > highest_kpa:
            raise BadInputError(
                f"a limit of {limit} needs a ceiling a tenth higher, and this press may reach "
                f"{pressure_text(highest_kpa, self._die_um)}",
                hint="lower the limit",
                code="over-limit",
            )
        if limit_mpa <= contact_mpa:
            raise BadInputError(
                f"{limit} does not press the blank: this press detects contact at "
                f"{contact_mpa:.3g} MPa on this die",
                hint="raise the limit to a usual pressure of the press",
                code="contact-pressure",
            )


def require_ram(profile: MachineProfile) -> None:
    """Refuse to tune an isostatic vessel.

    Raises:
        BadInputError: `vessel-not-tuned`.
    """
    if profile.is_vessel:
        raise BadInputError(
            f"'{profile.name}' is an isostatic vessel, and tuning needs a ram that presses a die",
            hint="a vessel works with the valves, flows and volume of its press file: check them "
            "with pressloop machine check, write them with pressloop machine write, then compare "
            "the vessel with a gauge on its line: pressloop calibrate",
            code="vessel-not-tuned",
        )


def require_empty(folder: Path, hint: str) -> None:
    """Refuse a folder that holds anything.

    Raises:
        RecordError: `record-exists`.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RecordError(f"{folder} is not an empty folder", hint=hint, code="record-exists")


def protocol_of(
    name: str, steps: list[schema.PlanStepRequest], die_um: int, limit_kpa: int
) -> Protocol:
    """Return the protocol that compiles to `steps`, a stage for each.

    A run starts from a protocol, as its record keeps it in the words of a user, and validation
    says which part of it a press cannot do. The ceiling is a tenth above the limit.
    """
    return Protocol(
        name=f"tuning, {name}",
        die=f"{die_um} um",
        ceiling=f"{_ceiling_kpa(limit_kpa)} kPa",
        vent_rate=f"{max(1, limit_kpa // 10)} kPa/s",
        accept_unresolved_tolerance=True,
        stages=[_stage(step) for step in steps],
    )


def _ceiling_kpa(limit_kpa: int) -> int:
    return round(1.1 * limit_kpa)


def _stage(step: schema.PlanStepRequest) -> Stage:
    name = f"{step.kind.name.lower()} {step.index}"
    target, rate = f"{step.target_kpa} kPa", f"{step.rate_kpa_s} kPa/s"
    pid = None
    if step.kp is not None and step.ki is not None:
        pid = Pid(kp=f"{step.kp / 256:g} /s", ki=f"{step.ki / 655.36:.4f} /s2")
    if step.kind == schema.StepKind.RAMP:
        return Stage(name=name, pid=pid, ramp=Ramp(target=target, rate=rate))
    if step.kind == schema.StepKind.RELEASE:
        return Stage(name=name, pid=pid, release=Release(target=target, rate=rate))
    hold = Hold(
        target=target,
        duration=f"{step.duration_ms} ms",
        tolerance=f"{step.tolerance_kpa} kPa",
        timeout=f"{step.timeout_ms} ms",
        mode="sealed" if step.mode == schema.HoldMode.SEALED else "regulated",
    )
    return Stage(name=name, pid=pid, hold=hold)


def _tracking_error(name: str, frame: DataFrame) -> TrackingError:
    # The loop is not at work in the approach, and a loss in a sealed hold is no error of it.
    idle = frame.approaching.to_numpy(np.bool_) | frame.sealed.to_numpy(np.bool_)
    moving = ~idle & (frame.setpoint_mpa.to_numpy() > 0)
    off_mpa = (frame.pressure_mpa - frame.setpoint_mpa).to_numpy(np.float64)
    return TrackingError(name, frame.time_s.to_numpy(np.float64), np.where(moving, off_mpa, np.nan))

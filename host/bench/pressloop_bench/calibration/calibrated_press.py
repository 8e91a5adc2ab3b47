"""Tunes one press of the wide family, calibrates it, presses, and judges the truth.

The press is calibrated on a steel blank. The reference is the true force of the punch, with an
error that its certificate allows.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from pressloop.calibration.corrected_profile import corrected_profile
from pressloop.calibration.correction import Correction, learn_correction
from pressloop.calibration.figures import Figures, compute_figures
from pressloop.calibration.levels import (
    RISING_SERIES,
    Levels,
    choose_levels,
    hold_steps,
    series_protocol,
)
from pressloop.calibration.readings import LevelReading, level_readings, zero_kn
from pressloop.calibration.result import calibrated_profile
from pressloop.errors import BadInputError
from pressloop.machine.profile import MachineProfile
from pressloop.machine.uncertainty import READING, WITH_COMPENSATION
from pressloop.plan import compile_plan

from pressloop_bench.control.press_family import Case
from pressloop_bench.control.press_run import TICK_S, FastPress, PressRunError, Trace, firmware
from pressloop_bench.control.run_case import CEILING, RELEASE_FACTOR, tuned_profile
from pressloop_bench.control.tuned_press import fields, steel
from pressloop_bench.truth.press_truth import HOLD_S, protocol
from pressloop_bench.truth.stage_truth import StageTruth, judge_stage
from pressloop_bench.truth.wide_family import WideCase

REFERENCE_ERROR: Final = 0.001
"""Expanded uncertainty (k = 2) of the reference, of its reading."""


@dataclass(frozen=True)
class CalibratedPress:
    """One press after its calibration, or why there is none.

    Attributes:
        figures: Of the calibration.
        stages: The protocol's stages, judged by the pressure on the pellet.
        refused: Reason of a tuning or calibration that found no usable profile.
        ended: Reason of a run that did not complete.
    """

    case: WideCase
    figures: Figures | None = None
    stages: tuple[StageTruth, ...] = ()
    refused: str = ""
    ended: str = ""


def measure(case: WideCase) -> CalibratedPress:
    """Tune, calibrate and press a press of the family."""
    alike = Case(case.name, case.press, case.targets_mpa[:3], case.rates_mpa_s[:3], case.seed)
    try:
        before = MachineProfile.from_fields(tuned_profile(alike))
        figures, after, learned = calibrate(case, alike, before)
    except (PressRunError, BadInputError) as error:
        return CalibratedPress(case, refused=str(error).splitlines()[0])
    steps = protocol(case)
    ended = ""
    try:
        trace = _run(case, after, steps, case.seed + 1, case.targets_mpa[1] * 1000 * CEILING)
    except PressRunError as error:
        if error.trace is None:
            return CalibratedPress(case, figures, ended=str(error))
        trace, ended = error.trace, str(error)
    hold = firmware("wire.schema").STEP_HOLD
    begun = [int(step) for step in np.unique(trace.step) if step < len(steps)]
    stages = tuple(
        judge_stage(
            trace,
            steps[index - 1],
            (index - 1, index),
            HOLD_S,
            after,
            case.press.die_mm,
            low=step["target_kpa"] == steps[0]["target_kpa"],
            quantity=WITH_COMPENSATION if learned.friction else READING,
        )
        for index, step in enumerate(steps)
        if step["kind"] == hold and index in (begun[:-1] if ended else begun)
    )
    return CalibratedPress(case, figures, stages, ended=ended)


def calibrate(
    case: WideCase, alike: Case, before: MachineProfile
) -> tuple[Figures, MachineProfile, Correction]:
    """Calibrate a press on a steel blank; return figures, the profile after it and the correction.

    Raises:
        PressRunError: A series did not complete.
        BadInputError: The press is off by more than is corrected.
    """
    blank = steel(alike).press
    die_um = round(1000 * case.press.die_mm)
    top_kpa = round(1000 * max(case.targets_mpa))
    levels = choose_levels(before, die_um, up_to_kpa=top_kpa, falling=RISING_SERIES)
    rng = random.Random(case.seed)
    factor = 1 + rng.gauss(0, REFERENCE_ERROR / 2)
    readings: list[LevelReading] = []
    zeros_kn = {}
    for series in range(1, RISING_SERIES + 1):
        found, zero = _series(blank, before, levels, series, case.seed + 10 + series, factor)
        readings += found
        if zero is not None:
            zeros_kn[series] = zero
    correction = learn_correction(readings, reference_error=REFERENCE_ERROR, zeros_kn=zeros_kn)
    figures = compute_figures(readings, correction, reference_error=REFERENCE_ERROR)
    after = calibrated_profile(
        corrected_profile(before, correction),
        figures,
        up_to_kn=max(reading.target_kn for reading in readings),
        date="2026-11-28",
        due="2027-11-28",
        reference="bench",
    )
    return figures, after, correction


def _series(
    blank: Any,
    profile: MachineProfile,
    levels: Levels,
    series: int,
    seed: int,
    factor: float,
) -> tuple[list[LevelReading], float | None]:
    plan = compile_plan(series_protocol(levels, series, waits=False), profile)
    steps = [
        {
            name: value
            for name, value in asdict(step).items()
            if value is not None and name not in ("index", "stage")
        }
        for step in plan.steps
    ]
    trace = FastPress(blank.plant_config(), fields(profile.to_wire()), seed).run(
        steps,
        die_um=levels.die_um,
        ceiling_kpa=levels.ceiling_kpa,
        vent_kpa_s=levels.rate_kpa_s,
    )
    frame = _frame(trace, hold_steps(levels, series))
    found = level_readings(frame, levels, series, profile)
    readings = [_with_reference(reading, trace, blank.die_mm, factor) for reading in found]
    return readings, zero_kn(frame, profile)


def _with_reference(
    reading: LevelReading, trace: Trace, die_mm: float, factor: float
) -> LevelReading:
    first, last = round(reading.from_s / TICK_S), round(reading.to_s / TICK_S)
    true_kn = float(trace.true_mpa[first : last + 1].mean()) * np.pi / 4 * die_mm**2 / 1000
    return reading.model_copy(update={"reference_kn": float(true_kn * factor)})


def _frame(trace: Trace, holds: list[int]) -> pd.DataFrame:
    # In the last tick of a hold the sequencer is already at the next step.
    time_s = np.arange(trace.raw.size) * TICK_S
    return pd.DataFrame(
        {
            "step_id": trace.step,
            "dwelling": trace.dwelling & np.isin(trace.step, holds),
            "approaching": trace.approaching,
            "raw_counts": trace.raw,
            "pressure_mpa": trace.reading_mpa,
            "time_s": time_s,
            "unix_time_second": time_s,
        }
    )


def _run(
    case: WideCase,
    profile: MachineProfile,
    steps: list[dict[str, Any]],
    seed: int,
    ceiling_kpa: float,
) -> Trace:
    return FastPress(case.press.plant_config(), fields(profile.to_wire()), seed).run(
        steps,
        die_um=round(case.press.die_mm * 1000),
        ceiling_kpa=round(ceiling_kpa),
        vent_kpa_s=round(RELEASE_FACTOR * case.rates_mpa_s[0] * 1000),
    )

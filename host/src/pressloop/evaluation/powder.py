"""What the powder did in each stage: relaxation or creep, springback, thickness and density."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from pressloop.analysis.density import Anchor, Density, Thickness, thickness_at
from pressloop.analysis.leak import Leaked, leaked
from pressloop.analysis.metrics import Bools, Floats
from pressloop.analysis.relaxation import Relaxation, fit_relaxation
from pressloop.analysis.springback import Release, Springback, from_displacement, from_oil
from pressloop.evaluation.series import Series
from pressloop.evaluation.stage_uncertainty import instrument_of, profile_of
from pressloop.evaluation.summary import StageResult
from pressloop.machine.profile import MachineProfile
from pressloop.record.columns import FLAGS, NO_STEP
from pressloop.record.model import PlannedStage, RunHeader, judged_steps
from pressloop.sample import Sample
from pressloop.wire.schema import NO_DISPLACEMENT, OUTPUT_FULL, State

_NO_SENSOR: Final = "only a displacement sensor shows what the powder does while pressure is kept"


def with_powder(
    header: RunHeader,
    series: Series,
    start_tick: int,
    sample: Sample | None,
    stages: Sequence[StageResult],
) -> tuple[StageResult, ...]:
    """The stages, with what can be told of the powder."""
    return _Powder(header, series, start_tick, sample).told(stages)


def alone(header: RunHeader, sample: Sample) -> list[PlannedStage]:
    """The stages that press the sample's pellet and nothing else.

    Up to the stage that the sample names; without a name up to the first prompt, which is where
    an operator adds the next layer.
    """
    if sample.until_stage in header.pressing_stages:
        last = max(s.index for s in header.stages if s.name == sample.until_stage)
        return [s for s in header.stages if s.target_mpa is not None and s.index <= last]
    stages: list[PlannedStage] = []
    for stage in header.stages:
        if stage.target_mpa is not None:
            stages.append(stage)
        elif stages:
            break
    return stages


class _Powder:
    """The telemetry of one run, seen from the pellet."""

    def __init__(
        self, header: RunHeader, series: Series, start_tick: int, sample: Sample | None
    ) -> None:
        records = series.records
        self._header = header
        self._sample = sample
        self._behind_gap = np.zeros(series.seq.size + 1, np.bool_)
        for first, _ in series.missing:
            self._behind_gap[int(np.searchsorted(series.seq, first))] = True
        self._step = records["step"]
        self._running = records["state"] == State.RUNNING
        self._sealed = records["flags"] & FLAGS["sealed"] != 0
        self._in_band = records["flags"] & FLAGS["in_band"] != 0
        self._time_s: Floats = series.ticks_since(start_tick) / header.tick_hz
        self._pressure_mpa: Floats = records["pressure_kpa"] / 1000
        self._output_percent: Floats = 100 * (records["output"] / OUTPUT_FULL)
        read = records["displacement_um"] != NO_DISPLACEMENT
        self._closing_mm: Floats | None = None
        if read.any():
            self._closing_mm = np.where(read, records["displacement_um"] / 1000, np.nan)
        self._profile = profile_of(header)
        self._releases = {s.index: self._release(s) for s in header.stages}

    def told(self, stages: Sequence[StageResult]) -> tuple[StageResult, ...]:
        anchor = self._anchor()
        mine = [] if self._sample is None else [s.index for s in alone(self._header, self._sample)]
        told = []
        for stage in stages:
            density = self._density(stage.index, anchor) if stage.index in mine else None
            springback = self._springback(stage.index, density)
            relaxation = self._relaxation(self._header.stages[stage.index])
            told.append(
                stage.model_copy(
                    update={"relaxation": relaxation, "springback": springback, "density": density}
                )
            )
        return tuple(told)

    # --- dwell

    def _relaxation(self, stage: PlannedStage) -> Relaxation | None:
        holds, _ = judged_steps(stage, self._header)
        in_hold = np.isin(self._step, holds)
        if not in_hold.any():
            return None
        began_s = float(self._time_s[in_hold.argmax()])
        if self._header.steps[holds[0]].mode == "sealed":
            return self._fitted(in_hold & self._sealed & self._running, "pressure", began_s)
        if self._closing_mm is None:
            span = float(self._time_s[in_hold][-1]) - began_s
            return Relaxation("displacement", "mm", 0.0, span, None, False, _NO_SENSOR)
        inside = in_hold & self._running & np.isfinite(self._closing_mm)
        arrived = inside & self._in_band
        if arrived.any():
            inside &= np.arange(inside.size) >= arrived.argmax()
        return self._fitted(inside, "displacement", began_s)

    def _fitted(self, mask: Bools, quantity: str, began_s: float) -> Relaxation | None:
        stretch = _longest(mask, self._behind_gap)
        if stretch is None:
            return None
        time_s = self._time_s[stretch] - self._time_s[stretch.start]
        start_s = float(self._time_s[stretch.start]) - began_s
        if quantity == "pressure":
            pressure_mpa = self._pressure_mpa[stretch]
            return fit_relaxation(
                time_s,
                pressure_mpa,
                "pressure",
                start_s=start_s,
                leaked=self._leaked(time_s, pressure_mpa),
            )
        assert self._closing_mm is not None
        return fit_relaxation(time_s, self._closing_mm[stretch], "displacement", start_s=start_s)

    def _leaked(self, time_s: Floats, pressure_mpa: Floats) -> Leaked | None:
        if self._profile is None or self._header.die_mm is None:
            return None
        return leaked(self._profile, self._header.die_mm, time_s, pressure_mpa)

    # --- release

    def _release(self, stage: PlannedStage) -> Release | None:
        """The end of the dwell and the way down to contact; None when the record has no such."""
        holds, _ = judged_steps(stage, self._header)
        held = np.flatnonzero(np.isin(self._step, holds))
        if not held.size or self._profile is None or self._header.die_mm is None:
            return None
        last = int(held[-1])
        contact_mpa = self._contact_mpa(self._profile, self._header.die_mm)
        free = np.flatnonzero(self._pressure_mpa[last:] <= contact_mpa)
        if not free.size or not free[0]:
            return None
        stop = last + int(free[0]) + 1
        # Only a release or the vent leads down: any other step keeps pressure or raises it.
        downward = [s.index for s in self._header.steps if s.kind == "release"]
        if not np.isin(self._step[last + 1 : stop], [*downward, NO_STEP]).all():
            return None
        breaks = np.flatnonzero(self._behind_gap[held[0] + 1 : stop])
        start = int(held[0]) + (int(breaks[-1]) + 1 if breaks.size else 0)
        if start > last:
            return None
        at = slice(start, stop)
        closing = None if self._closing_mm is None else self._closing_mm[at]
        if closing is not None and not np.isfinite(closing).all():
            closing = None
        return Release(
            time_s=self._time_s[at],
            pressure_mpa=self._pressure_mpa[at],
            output_percent=self._output_percent[at],
            hold_end=last + 1 - start,
            displacement_mm=closing,
        )

    @staticmethod
    def _contact_mpa(profile: MachineProfile, die_mm: float) -> float:
        """What the controller itself takes for contact."""
        return profile.contact_bar / 10 * profile.lever(die_mm)

    def _springback(self, index: int, density: Density | None) -> Springback | None:
        release = self._releases[index]
        if release is None:
            return None
        if release.displacement_mm is None:
            assert self._profile is not None and self._header.die_mm is not None
            return from_oil(release, self._profile, self._header.die_mm)
        punches = None if self._sample is None else self._sample.punches_um_mpa
        springback = from_displacement(release, punches)
        if density is None or density.pressed is None or springback.gained_mm is None:
            return springback
        percent = 100 * springback.gained_mm / density.pressed.thickness_mm
        return replace(springback, gained_percent=percent)

    # --- thickness

    def _anchor(self) -> Anchor | None:
        sample = self._sample
        if sample is None:
            return None
        if sample.thickness_mm is not None:
            release = self._releases[alone(self._header, sample)[-1].index]
            if release is None or release.displacement_mm is None:
                return None
            _, contact_mm, standard = release.closings()
            known = sample.thickness_uncertainty_mm / np.sqrt(3)
            return Anchor(
                "measured thickness",
                contact_mm,
                sample.thickness_mm,
                float(np.hypot(known, standard)),
            )
        if sample.empty_die_mm is not None:
            known = sample.empty_die_uncertainty_mm / np.sqrt(3)
            return Anchor("empty die", sample.empty_die_mm, 0.0, float(known))
        return None

    def _density(self, index: int, anchor: Anchor | None) -> Density | None:
        release, sample, die_mm = self._releases[index], self._sample, self._header.die_mm
        instrument = instrument_of(self._header)
        if sample is None or die_mm is None or instrument is None:
            return None
        if anchor is None or release is None or release.displacement_mm is None:
            return self._by_hand(index, sample, die_mm, instrument.die_area)
        high_mpa, low_mpa = release.levels()
        loaded_mm, contact_mm, standard = release.closings()

        def at(closing_mm: float, pressure_mpa: float) -> Thickness:
            return thickness_at(
                closing_mm, pressure_mpa, standard, anchor, sample, die_mm, instrument.die_area
            )

        return Density(anchor.kind, at(loaded_mm, high_mpa), at(contact_mm, low_mpa))

    def _by_hand(
        self, index: int, sample: Sample, die_mm: float, die_area: float
    ) -> Density | None:
        """Without a displacement only the thickness measured by hand is known."""
        if sample.thickness_mm is None or alone(self._header, sample)[-1].index != index:
            return None
        known = Anchor(
            "measured thickness",
            0.0,
            sample.thickness_mm,
            float(sample.thickness_uncertainty_mm / np.sqrt(3)),
        )
        return Density(
            known.kind, None, thickness_at(0.0, 0.0, 0.0, known, sample, die_mm, die_area)
        )


def _longest(mask: Bools, behind_gap: Bools) -> slice | None:
    """The longest stretch of records that are all selected, with no gap between them."""
    joined = mask[1:] & mask[:-1] & ~behind_gap[1 : mask.size]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], joined, [False])).astype(np.int8)))
    if not edges.size:
        return None
    starts, stops = edges[::2], edges[1::2]
    best = int(np.argmax(stops - starts))
    return slice(int(starts[best]), int(stops[best]) + 1)

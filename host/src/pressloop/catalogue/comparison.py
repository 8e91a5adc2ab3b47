"""Compares runs: their spread per stage, and which are not like the others, where and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pressloop.catalogue.features import FEATURES, Feature, StageFeatures, features_of
from pressloop.catalogue.robust import Spread, capability, outlier_limit, spread_of
from pressloop.errors import BadInputError
from pressloop.evaluation import RunRecord
from pressloop.extras import DataFrame
from pressloop.record.model import PlannedStep

MIN_RUNS_FOR_FIGURES: Final = 5
"""Runs from which on a figure alone can make one odd. Fewer say too little of the usual spread."""


_RANK: Final = {feature.key: rank for rank, feature in enumerate(FEATURES)}


@dataclass(frozen=True)
class OddFinding:
    """One way in which a run is not like the others.

    Attributes:
        stage: Label of the stage; empty for what concerns the whole run.
        what: What differs, with the value and that of the others.
        cause: What usually makes it so; empty where the difference is the cause itself.
        strength: Difference over the largest that is usual; more than 1.
        feature: Key of the measure that is odd; empty for a difference of plan or end.
    """

    stage: str
    what: str
    cause: str
    strength: float
    feature: str = ""

    def __str__(self) -> str:
        where = f"{self.stage}: " if self.stage else ""
        return f"{where}{self.what}" + (f" ({self.cause})" if self.cause else "")


@dataclass(frozen=True)
class OddRun:
    """A run that is not like the others; the findings that explain most come first."""

    record: Path
    findings: tuple[OddFinding, ...]


@dataclass(frozen=True)
class FeatureSpread:
    """How one measure of a stage spreads over the runs.

    Attributes:
        cpk: Of the mean pressure, within the protocol's tolerance; None for other measures.
    """

    feature: Feature
    spread: Spread
    cpk: float | None


@dataclass(frozen=True)
class StageSpread:
    """How one stage spreads over the runs; target and tolerance are those of most of them."""

    stage: str
    target_mpa: float
    tolerance_mpa: float | None
    runs: int
    features: tuple[FeatureSpread, ...]


@dataclass(frozen=True)
class Comparison:
    """The outcome of a comparison.

    Attributes:
        records: Folders of the runs that were compared.
        stages: Spread of each stage, in the order of the runs' plan.
        odd: The runs that are not like the others, the oddest first.
        notes: What a reader should know of the comparison.
    """

    records: tuple[Path, ...]
    stages: tuple[StageSpread, ...]
    odd: tuple[OddRun, ...]
    notes: tuple[str, ...]

    def is_odd(self, record: str | Path) -> bool:
        """Return whether a run is not like the others."""
        return any(one.record == Path(record) for one in self.odd)

    def frame(self) -> DataFrame:
        """Return a data frame with one row per stage and measure."""
        import pandas as pd  # optional, and slow to import: only when a frame is asked for

        return pd.DataFrame(
            {
                "stage": stage.stage,
                "measure": one.feature.name,
                "unit": one.feature.unit,
                "runs": one.spread.count,
                "median": one.spread.median,
                "sigma": one.spread.sigma,
                "low": one.spread.low,
                "high": one.spread.high,
                "cpk": one.cpk,
            }
            for stage in self.stages
            for one in stage.features
        )

    @property
    def sentence(self) -> str:
        """How many runs are not like the others, in words."""
        count, odd = len(self.records), len(self.odd)
        if not odd:
            return f"None of {count} runs is odd."
        return f"{odd} of {count} runs {'is' if odd == 1 else 'are'} not like the others."

    def __str__(self) -> str:
        """Return the runs that are not like the others, one line per finding."""
        lines = [self.sentence]
        lines += [f"{one.record}: {finding}" for one in self.odd for finding in one.findings]
        return "\n".join(lines)


@dataclass(frozen=True)
class _Run:
    record: RunRecord
    stages: dict[str, StageFeatures]

    @property
    def path(self) -> Path:
        return self.record.directory


def compare_runs(records: Sequence[RunRecord]) -> Comparison:
    """Compare runs with each other.

    Statistics are robust: a few odd runs do not hide themselves. A run is odd where its plan is not
    that of most, or where a figure is further from the median than chance explains and by more than
    it takes to matter.

    Raises:
        BadInputError: `too-few-runs`, for less than two.
    """
    if len(records) < 2:
        raise BadInputError(
            "one run alone cannot be compared",
            hint="give two or more; five are needed to find an odd one by its figures",
            code="too-few-runs",
        )
    runs = [_Run(record, {s.stage: s for s in features_of(record)}) for record in records]
    labels = _labels(runs)
    findings: dict[Path, list[OddFinding]] = {run.path: [] for run in runs}
    explained: dict[Path, set[str]] = {run.path: set() for run in runs}
    for path, finding, features in [*_plan_differences(runs), *_unfinished(runs, labels)]:
        findings[path].append(finding)
        explained[path] |= {f"{finding.stage}.{feature}" for feature in features}
    stages = tuple(_stage_spread(label, runs) for label in labels)
    if len(runs) >= MIN_RUNS_FOR_FIGURES:
        tests = len(runs) * sum(len(stage.features) for stage in stages)
        for stage in stages:
            for path, feature, finding in _odd_figures(stage, runs, tests):
                # What follows from another plan is said once.
                if not {f"{stage.stage}.{feature}", f".{feature}"} & explained[path]:
                    findings[path].append(finding)
    odd = [
        OddRun(path, tuple(sorted(found, key=_by_explanation)))
        for path, found in findings.items()
        if found
    ]
    odd.sort(key=lambda one: -max(finding.strength for finding in one.findings))
    return Comparison(tuple(run.path for run in runs), stages, tuple(odd), tuple(_notes(runs, odd)))


def _labels(runs: Sequence[_Run]) -> list[str]:
    """Return the labels of all stages that most runs have, in the order of the first such run."""
    counts = Counter(label for run in runs for label in run.stages)
    common = {label for label, count in counts.items() if 2 * count > len(runs)}
    ordered = dict.fromkeys(label for run in runs for label in run.stages if label in common)
    return list(ordered)


def _by_explanation(finding: OddFinding) -> tuple[int, float]:
    """Sort differences of plan and end first, then figures by what they explain."""
    return _RANK.get(finding.feature, -1), -finding.strength


def _stage_spread(label: str, runs: Sequence[_Run]) -> StageSpread:
    mine = [run.stages[label] for run in runs if label in run.stages]
    target = Counter(stage.result.target_mpa for stage in mine).most_common(1)[0][0]
    tolerance = Counter(stage.result.tolerance_mpa for stage in mine).most_common(1)[0][0]
    features = []
    for feature in FEATURES:
        values = [stage.values[feature.key] for stage in mine if feature.key in stage.values]
        # A measure that half of the runs lack says nothing of the usual.
        if values and 2 * len(values) > len(mine):
            spread = spread_of(values)
            cpk = None
            if feature.key == "mean_mpa" and tolerance is not None:
                cpk = capability(spread, target - tolerance, target + tolerance)
            features.append(FeatureSpread(feature, spread, cpk))
    return StageSpread(label, target, tolerance, len(mine), tuple(features))


def _odd_figures(
    stage: StageSpread, runs: Sequence[_Run], tests: int
) -> Iterator[tuple[Path, str, OddFinding]]:
    """Yield run, key of the feature and finding of each figure that is odd."""
    for spread in stage.features:
        feature, usual = spread.feature, spread.spread
        limit = outlier_limit(usual.count, tests) * usual.sigma
        least = max(
            run.stages[stage.stage].minima.get(feature.key, 0.0)
            for run in runs
            if stage.stage in run.stages
        )
        most = max(limit, least)
        for run in runs:
            mine = run.stages.get(stage.stage)
            value = None if mine is None else mine.values.get(feature.key)
            if value is None or most <= 0:
                continue
            away = value - usual.median
            if (abs(away) if feature.direction == "both" else away) > most:
                yield (
                    run.path,
                    feature.key,
                    OddFinding(
                        stage.stage,
                        f"{feature.name} {value:.4g} {feature.unit}, the others {_about(usual)}",
                        feature.cause,
                        abs(away) / most,
                        feature.key,
                    ),
                )


def _about(usual: Spread) -> str:
    spread = f" ± {usual.sigma:.2g}" if usual.sigma else ""
    return f"{usual.median:.4g}{spread}"


_Difference = tuple[Path, OddFinding, tuple[str, ...]]
"""Run, how it differs, and the features that follow from that."""

_OIL: Final = ("ramp_oil_ml", "hold_oil_ml_min")

_PLAN: Final = (
    ("target_mpa", "target {} MPa, the others {} MPa", ("mean_mpa", "peak_mpa", *_OIL)),
    ("duration_s", "planned dwell {} s, the others {} s", ("dwell_s", "loss_mpa")),
    ("rate_mpa_s", "rate {} MPa/s, the others {} MPa/s", ("ramp_error_percent", "ramp_oil_ml")),
    ("tolerance_mpa", "tolerance {} MPa, the others {} MPa", ()),
    ("mode", "hold {}, the others {}", ("mean_mpa", "rms_error_mpa", "hold_oil_ml_min")),
)
"""Keys of a step, how a difference is told, and the features that follow from it."""


@dataclass(frozen=True)
class _PlanValues:
    """One thing that plans ask for, of each run in their order."""

    stage: str
    words: str
    features: tuple[str, ...]
    values: tuple[object, ...]

    @property
    def usual(self) -> object | None:
        """What most runs have; None where no value is that of most."""
        value, count = Counter(self.values).most_common(1)[0]
        return value if 2 * count > len(self.values) else None


def same_plan(one: RunRecord, other: RunRecord) -> bool:
    """Return whether two runs were asked for the same: die, stages, targets, rates, dwells."""
    runs = [_Run(record, {}) for record in (one, other)]
    return all(len(set(asked.values)) == 1 for asked in _asked(runs))


def _asked(runs: Sequence[_Run]) -> Iterator[_PlanValues]:
    """Yield what the plans ask for: the die, and each key of each stage."""
    dies = tuple(run.record.header.die_mm for run in runs)
    yield _PlanValues("", "die of {} mm, the others {} mm", _OIL, dies)
    names = dict.fromkeys(stage.name for run in runs for stage in run.record.header.stages)
    for name in names:
        plans = [_plan_of(run, name) for run in runs]
        if not all(plan is not None for plan in plans):
            present = tuple("yes" if plan is not None else "no" for plan in plans)
            words = "in its plan: {}, in those of the others: {}"
            yield _PlanValues(name, words, (), present)
            continue
        for key, words, features in _PLAN:
            values = tuple(tuple(getattr(step, key) for step in plan or ()) for plan in plans)
            yield _PlanValues(name, words, features, values)


def _plan_differences(runs: Sequence[_Run]) -> Iterator[_Difference]:
    """Yield what a run was asked to do differently from most."""
    for asked in _asked(runs):
        usual = asked.usual
        for run, value in zip(runs, asked.values, strict=True):
            if usual is not None and value != usual:
                what = asked.words.format(*_told_apart(value, usual))
                yield run.path, OddFinding(asked.stage, what, "", float("inf")), asked.features


def _undecided(runs: Sequence[_Run]) -> Iterator[str]:
    """Yield in what the plans differ where none is that of most runs."""
    for asked in _asked(runs):
        if asked.usual is None and len(set(asked.values)) > 1:
            first, second = list(dict.fromkeys(asked.values))[:2]
            what = asked.words.format(*_told_apart(first, second))
            where = f"{asked.stage}: " if asked.stage else ""
            yield f"The plans differ, and none is that of most runs: {where}{what}."


def _plan_of(run: _Run, name: str) -> tuple[PlannedStep, ...] | None:
    """Return the steps of all passes of a stage; None if the plan has no such stage."""
    header = run.record.header
    stages = [stage for stage in header.stages if stage.name == name and stage.target_mpa]
    if not stages:
        has_prompt = any(stage.name == name for stage in header.stages)
        return () if has_prompt else None
    return tuple(header.steps[index] for stage in stages for index in stage.steps)


def _told_apart(value: object, usual: object) -> tuple[str, str]:
    """Return two values as texts: of tuples only the elements that differ, where they match up."""
    if not isinstance(value, tuple) or not isinstance(usual, tuple):
        return _said(value), _said(usual)
    if len(value) == len(usual):
        pairs = [(a, b) for a, b in zip(value, usual, strict=True) if a != b]
        value, usual = tuple(a for a, _ in pairs), tuple(b for _, b in pairs)
    return _said(value), _said(usual)


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(dict.fromkeys(_said(one) for one in value)) or "none"
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _unfinished(runs: Sequence[_Run], labels: Sequence[str]) -> Iterator[_Difference]:
    """Yield the runs that did not complete where most did."""
    ends = [run.record.summary.end_reason for run in runs]
    if 2 * ends.count("completed") <= len(ends):
        return
    for run, end in zip(runs, ends, strict=True):
        if end != "completed":
            fault = run.record.summary.fault
            missing = [label for label in labels if label not in run.stages]
            what = f"ended as {end}" + (f" ({fault})" if fault else "")
            what += f", without {', '.join(missing)}" if missing else ""
            yield run.path, OddFinding("", what, "", float("inf")), ()


def _notes(runs: Sequence[_Run], odd: Sequence[OddRun]) -> Iterator[str]:
    if len(runs) < MIN_RUNS_FOR_FIGURES:
        yield (
            f"{len(runs)} runs are too few to tell an odd one by its figures; "
            f"{MIN_RUNS_FOR_FIGURES} are needed. Different plans are found all the same."
        )
    elif 3 * len(odd) > len(runs):
        yield (
            f"{len(odd)} of {len(runs)} runs are not like the others: there may be no usual run "
            "among them."
        )
    yield from _undecided(runs)
    kinds = {run.record.summary.simulated for run in runs}
    if len(kinds) > 1:
        yield "Simulated and real runs are compared with each other."
    elif True in kinds:
        yield "All runs are SIMULATED."
    # An emulated board gets another identity with each seed.
    boards = {run.record.header.board.unique_id for run in runs if not run.record.summary.simulated}
    for words, values in (
        ("presses", boards),
        ("machine profiles", {run.record.header.profile_hash for run in runs}),
        ("firmware builds", {run.record.header.board.build for run in runs}),
    ):
        if len(values) > 1:
            yield f"The runs are of {len(values)} {words}."

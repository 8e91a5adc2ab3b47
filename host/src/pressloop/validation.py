"""Can this press run this protocol? Every finding at once, each with its place and what to do.

The limits are those that the board enforces again, checked on the same unrolled steps in the same
integers and reported under the board's own error codes. Beyond them there are warnings for what is
allowed but probably not meant. docs/protocol-file.md lists all codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_UP, Decimal
from pathlib import Path as FilePath
from typing import Any, Final

from pressloop.document import Item, Protocol, Repeat, Stage
from pressloop.errors import BadInputError
from pressloop.findings import Finding, Path, Severity
from pressloop.loading import Draft, draft_of_bytes, load_protocol, read_bytes, read_draft
from pressloop.plan import PlanStage, PlanStep, count_steps, unroll
from pressloop.profile import DieLimits, MachineProfile
from pressloop.resolution import Resolution
from pressloop.units import LENGTH, PERCENT, PRESSURE, PRESSURE_RATE, format_quantity, parse
from pressloop.wire.schema import MAX_STEPS, TICK_HZ, HoldMode, StepKind
from pressloop.yaml_source import SourceMap

__all__ = [
    "Finding",
    "Validation",
    "load_protocol",
    "validate_file",
    "validate_protocol",
    "validate_text",
]

_ROUNDING_WORTH_A_WARNING: Final = 0.01

LEAST_WINDOW_S: Final = 5
"""The board compares pressures over this long at least (`relaxation.py`)."""

_LATE_FILTER_S: Final = 0.3
"""Longer than the landing after contact takes anyway."""

# No press is faster or stronger in the messages to the board.
_WIRE_RATE_KPA_S: Final = 1_000_000
_WIRE_PRESSURE_KPA: Final = 2_000_000


@dataclass(frozen=True)
class Validation:
    """What is to be said about a protocol on a press."""

    source_name: str
    protocol: Protocol | None
    """None if there are errors."""
    findings: tuple[Finding, ...]
    """In the order of the text."""
    marks: SourceMap = field(default_factory=SourceMap, repr=False)
    """Where each key stands in the text, to place what the board may still refuse."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What keeps the protocol from being run."""
        return tuple(f for f in self.findings if f.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What is worth a second look."""
        return tuple(f for f in self.findings if f.severity == "warning")

    def checked(self) -> Protocol:
        """Return the protocol.

        Raises:
            BadInputError: there are errors.
        """
        if self.protocol is None:
            raise BadInputError(
                f"{self.source_name} cannot be run on this press",
                hint="correct what is listed; docs/protocol-file.md explains every key and code",
                findings=self.errors,
            )
        return self.protocol

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return {
            "source": self.source_name,
            "valid": self.protocol is not None,
            "findings": [finding.as_dict() for finding in self.findings],
        }


def validate_file(path: FilePath | str, profile: MachineProfile) -> Validation:
    """Validate a protocol file for a press.

    Raises:
        BadInputError: the file cannot be read.
    """
    return _validated(draft_of_bytes(read_bytes(path)), str(path), profile)


def validate_text(text: str, source_name: str, profile: MachineProfile) -> Validation:
    """Validate a protocol's YAML text for a press; never raises, whatever the text."""
    return _validated(read_draft(text), source_name, profile)


def validate_protocol(protocol: Protocol, profile: MachineProfile) -> Validation:
    """Validate a protocol that was built in Python for a press."""
    return _validated(Draft(SourceMap(), [], protocol), f"protocol '{protocol.name}'", profile)


def _validated(draft: Draft, source_name: str, profile: MachineProfile) -> Validation:
    findings = list(draft.findings)
    if draft.protocol is not None:
        findings += _Checker(draft, draft.protocol, profile).run()
    findings.sort(key=lambda f: (f.line or 0, f.column or 0))
    sound = draft.protocol is not None and all(f.severity != "error" for f in findings)
    return Validation(source_name, draft.protocol if sound else None, tuple(findings), draft.marks)


class _Checker:
    """Walks the unrolled steps with the pressure that they lead to."""

    def __init__(self, draft: Draft, protocol: Protocol, profile: MachineProfile) -> None:
        self._draft = draft
        self._protocol = protocol
        self._profile = profile
        self._findings: list[Finding] = []
        self._said: set[tuple[str, Path]] = set()
        # What is doubtful is unknown, and nothing follows from it.
        known_die = not draft.is_doubtful(("die",))
        self._limits: DieLimits | None = None
        if known_die:
            limits = profile.limits(protocol.die_um)
            self._limits = replace(
                limits,
                pellet_limit_kpa=min(limits.pellet_limit_kpa, _WIRE_PRESSURE_KPA),
                fastest_rise_kpa_s=min(limits.fastest_rise_kpa_s, _WIRE_RATE_KPA_S),
                fastest_fall_kpa_s=min(limits.fastest_fall_kpa_s, _WIRE_RATE_KPA_S),
            )
        known_ceiling = not draft.is_doubtful(("ceiling",))
        self._ceiling_kpa: int | None = protocol.ceiling_kpa if known_ceiling else None
        self._level_kpa: int | None = 0

    def run(self) -> list[Finding]:
        self._check_press()
        self._check_names()
        steps = count_steps(self._protocol.stages)
        if steps > MAX_STEPS:
            self._add(
                "error",
                "too-many-steps",
                ("stages",),
                f"the protocol has {steps} steps when its repeats are unrolled, "
                f"{MAX_STEPS} fit the board",
                "use fewer passes, or split it into two protocols",
            )
            return self._findings
        stages, plan_steps = unroll(self._protocol)
        for step in plan_steps:
            self._check_step(step, stages[step.stage])
        self._check_filter(plan_steps)
        return self._findings

    def _add(self, severity: Severity, code: str, path: Path, message: str, hint: str) -> None:
        """Report once per place, however many passes meet it."""
        if self._draft.is_doubtful(path) or (code, path) in self._said:
            return
        self._said.add((code, path))
        self._findings.append(self._draft.marks.finding(severity, code, path, message, hint))

    def _check_press(self) -> None:
        limits, protocol = self._limits, self._protocol
        if limits is None:
            return
        if protocol.die_um not in self._profile.dies_um:
            dies = ", ".join(format_quantity(die, LENGTH) for die in self._profile.dies_um)
            self._add(
                "error",
                "unknown-die",
                ("die",),
                f"the press '{self._profile.name}' has no die of {protocol.die}",
                f"its dies: {dies}; add the die to the press's profile if it has one",
            )
        if self._ceiling_kpa is not None and self._ceiling_kpa > limits.pellet_limit_kpa:
            self._add(
                "error",
                "over-limit",
                ("ceiling",),
                f"the ceiling of {protocol.ceiling} is above what this press may do with a "
                f"{protocol.die} die: {_mpa(limits.pellet_limit_kpa)}",
                "lower the ceiling, or use a smaller die",
            )
        crack_kpa = protocol.crack_kpa
        if crack_kpa and crack_kpa < 2 * limits.resolution_kpa:
            self._add(
                "warning",
                "crack-threshold-low",
                ("crack_threshold",),
                f"{protocol.crack_threshold} is less than the {_mpa(2 * limits.resolution_kpa)} "
                "that the board itself takes for a crack on this die: noise could trip it",
                "watch a few runs before you rely on it, or leave the key out",
            )
        vent_rate = protocol.vent_rate_kpa_s
        if vent_rate is not None and vent_rate > limits.fastest_fall_kpa_s:
            self._add_impossible(("vent_rate",), vent_rate, limits.fastest_fall_kpa_s, "release")

    def _check_filter(self, steps: Sequence[PlanStep]) -> None:
        """Warn of a filter that shows contact so late that the press is far beyond it."""
        lag_s = 2**self._profile.filter_shift / TICK_HZ
        ramp = next((s for s in steps if s.kind is StepKind.RAMP and s.target_kpa), None)
        if ramp is None or lag_s < _LATE_FILTER_S:
            return
        self._add(
            "warning",
            "filter-slow",
            ramp.path,
            f"the press's profile smooths its readings over {lag_s:.2g} s (filter_shift "
            f"{self._profile.filter_shift}): the ram runs on for so long after contact, and a cell "
            "that is loaded by it has been pressed faster than the protocol says",
            "write a profile with a filter_shift of 4 or less, or a smaller approach opening",
        )

    def _check_names(self) -> None:
        first: dict[str, Path] = {}
        for stage, path in _stages_of(self._protocol.stages, ("stages",)):
            name_path = (*path, "name")
            if self._draft.is_doubtful(name_path):
                continue
            if stage.name in first:
                mark = self._draft.marks.value(first[stage.name])
                where = f" in line {mark.line}" if mark else ""
                self._add(
                    "warning",
                    "duplicate-name",
                    name_path,
                    f"another stage{where} is called '{stage.name}' too",
                    "give each stage its own name, or the report cannot be told apart",
                )
            first.setdefault(stage.name, name_path)

    def _check_step(self, step: PlanStep, stage: PlanStage) -> None:
        if step.kind is StepKind.PROMPT:
            self._check_prompt(step)
            return
        known = not self._draft.is_doubtful(step.target_path)
        if known:
            self._check_ceiling(step, stage)
        if step.kind is StepKind.HOLD:
            if known:
                self._check_hold(step, stage)
        else:
            self._check_move(step, stage, known)
        self._level_kpa = step.target_kpa if known else None

    def _check_prompt(self, step: PlanStep) -> None:
        if self._level_kpa:
            self._add(
                "warning",
                "prompt-under-pressure",
                step.path,
                f"the operator is asked while the pellet is at {_mpa(self._level_kpa)}",
                "release to '0 MPa' first if hands go near the die",
            )

    def _check_ceiling(self, step: PlanStep, stage: PlanStage) -> None:
        ceiling_kpa = self._ceiling_kpa
        if ceiling_kpa is None:
            return
        if step.target_kpa > ceiling_kpa:
            self._add(
                "error",
                "over-ceiling",
                step.target_path,
                f"the target of {_mpa(step.target_kpa)}{_in_pass(stage)} is above the ceiling of "
                f"{_mpa(ceiling_kpa)}",
                "lower the target, or raise the ceiling if sample and die stand it"
                + (", or use a smaller step or fewer passes" if stage.passes else ""),
            )
            return
        margin_kpa = step.tolerance_kpa or (self._limits.resolution_kpa if self._limits else 0)
        if step.tolerance_kpa is not None and self._draft.is_doubtful((*step.path, "tolerance")):
            return
        if step.target_kpa + margin_kpa > ceiling_kpa:
            self._add(
                "warning",
                "ceiling-close",
                step.target_path,
                f"the target of {_mpa(step.target_kpa)}{_in_pass(stage)} is within "
                f"{_mpa(margin_kpa)} of the ceiling: an ordinary reading can be a fault",
                "leave a few per cent between the highest target and the ceiling",
            )

    def _check_move(self, step: PlanStep, stage: PlanStage, known_target: bool) -> None:
        level_kpa, rate_path = self._level_kpa, (*step.path, "rate")
        if not self._draft.is_doubtful(rate_path):
            self._check_rounding(step, stage, rate_path)
        if not known_target or level_kpa is None:
            return
        if step.target_kpa == level_kpa:
            self._add(
                "warning",
                "goes-nowhere",
                step.target_path,
                f"the pressure is {_mpa(level_kpa)} already{_in_pass(stage)}",
                "remove it, or correct the target",
            )
        elif step.kind is StepKind.RELEASE and step.target_kpa > level_kpa:
            self._add(
                "error",
                "wrong-direction",
                step.target_path,
                f"a release from {_mpa(level_kpa)} cannot lead up to {_mpa(step.target_kpa)}"
                f"{_in_pass(stage)}",
                "lower the target, or write a ramp",
            )
            return
        if self._limits is None or step.rate_kpa_s is None:
            return
        rising = step.target_kpa > level_kpa
        limits = self._limits
        fastest = limits.fastest_rise_kpa_s if rising else limits.fastest_fall_kpa_s
        if step.rate_kpa_s > fastest:
            self._add_impossible(
                rate_path, step.rate_kpa_s, fastest, "rise" if rising else "release"
            )

    def _check_rounding(self, step: PlanStep, stage: PlanStage, path: Path) -> None:
        """Warn where the wire's whole kPa/s are coarse against the rate that was written."""
        item: Any = self._protocol
        for part in path:
            item = item[part] if isinstance(part, int) else getattr(item, part)
        written = parse(item, PRESSURE_RATE).value
        sent = step.rate_kpa_s or 0
        if abs(sent - written) > _ROUNDING_WORTH_A_WARNING * written:
            self._add(
                "warning",
                "rate-rounded",
                path,
                f"the board moves in whole kPa/s: {item} becomes "
                f"{format_quantity(sent, PRESSURE_RATE)}",
                "write a multiple of '0.001 MPa/s' ('0.06 MPa/min')",
            )

    def _add_impossible(self, path: Path, rate_kpa_s: int, fastest: int, way: str) -> None:
        self._add(
            "error",
            "rate-impossible",
            path,
            f"{format_quantity(rate_kpa_s, PRESSURE_RATE)} is faster than this press can {way} "
            f"with a {self._protocol.die} die",
            f"the fastest is '{format_quantity(fastest, PRESSURE_RATE)}'",
        )

    def _check_hold(self, step: PlanStep, stage: PlanStage) -> None:
        level_kpa = self._level_kpa
        if step.target_kpa == 0:
            self._add(
                "error",
                "hold-at-zero",
                step.target_path,
                "a hold at zero pressure holds nothing",
                "give it a target above zero, or use a prompt to wait for the operator",
            )
            return
        if level_kpa is not None and step.target_kpa != level_kpa:
            self._add(
                "error",
                "hold-elsewhere",
                step.target_path,
                f"the hold is at {_mpa(step.target_kpa)}, but the pressure is "
                f"{_mpa(level_kpa)} when it begins{_in_pass(stage)}",
                "add a ramp to the stage: it says how fast to get there",
            )
        path = (*step.path, "tolerance")
        if step.tolerance_kpa is None or self._draft.is_doubtful(path):
            return
        if step.tolerance_kpa >= step.target_kpa:
            self._add(
                "warning",
                "tolerance-wide",
                path,
                f"the band around {_mpa(step.target_kpa)} reaches down to zero: time without "
                "pressure would count as dwell",
                "write a tolerance well below the target",
            )
        self._check_resolution(step, stage, path)
        if step.relaxation_kpa_min is not None:
            self._check_relaxation(step, stage, step.relaxation_kpa_min)

    def _check_relaxation(self, step: PlanStep, stage: PlanStage, rate_kpa_min: int) -> None:
        path = (*step.path, "until", "relaxation")
        if self._draft.is_doubtful(path):
            return
        if step.mode is not HoldMode.SEALED:
            self._add(
                "error",
                "not-sealed",
                (*step.path, "mode"),
                "the hold ends on relaxation, but its loop pumps back what relaxes",
                "write 'mode: sealed'",
            )
        if (step.least_ms or 0) > (step.duration_ms or 0):
            self._add(
                "error",
                "out-of-range",
                (*step.path, "until", "at_least"),
                "the least time of the hold is longer than its longest",
                "write less than 'at_most'",
            )
        if self._limits is None:
            return
        finest = self._limits.finest_loss_kpa_min
        if rate_kpa_min < finest:
            profile = self._profile
            self._add(
                "error",
                "relaxation-unresolved",
                path,
                f"a loss of {_mpa(rate_kpa_min)}/min is finer than the transducer can tell: two "
                f"counts, or an eighth of {profile.accuracy_percent:g} % of "
                f"{profile.full_scale_bar:g} bar, are {_mpa(finest)} on a {self._protocol.die} "
                "die, and the board compares over a minute at most",
                f"write at least '{_mpa(finest)}/min'; what helps: a transducer with a smaller "
                "range or better accuracy, a larger die",
            )
            return
        window_s = max(LEAST_WINDOW_S, -(-60 * finest // rate_kpa_min))
        if (step.duration_ms or 0) < 1000 * (window_s + 2):
            self._add(
                "warning",
                "relaxation-late",
                (*step.path, "until", "at_most"),
                f"the hold is over before the board can tell {_mpa(rate_kpa_min)}/min on this "
                f"press, which takes {window_s} s",
                "allow a longer time, or a larger rate",
            )
        lost_kpa = rate_kpa_min * window_s // 60
        if step.tolerance_kpa is not None and 4 * lost_kpa > 3 * step.tolerance_kpa:
            self._add(
                "warning",
                "relaxation-late",
                (*step.path, "tolerance"),
                f"at {_mpa(rate_kpa_min)}/min the hold{_in_pass(stage)} leaves its band within the "
                f"{window_s} s that it takes to tell, and is topped up instead",
                f"write a tolerance of at least '{_mpa(-(-4 * lost_kpa // 3))}'",
            )

    def _check_resolution(self, step: PlanStep, stage: PlanStage, path: Path) -> None:
        if self._limits is None or step.tolerance_kpa is None:
            return
        press = Resolution(self._profile, self._protocol.die_um)
        finest = press.finest_kpa
        if step.tolerance_kpa >= finest:
            return
        accepted = self._protocol.accept_unresolved_tolerance
        self._add(
            "warning" if accepted else "error",
            "tolerance-unresolved",
            path,
            f"+-{_mpa(step.tolerance_kpa)} at {_mpa(step.target_kpa)}{_in_pass(stage)} is finer "
            f"than the transducer can tell: {press.reason}",
            f"write at least {self._least_tolerance(step, finest)}; what helps: "
            f"{press.what_helps(step.tolerance_kpa, self._ceiling_kpa or step.target_kpa)}"
            + ("" if accepted else "; 'accept_unresolved_tolerance: true' makes it a warning"),
        )

    def _least_tolerance(self, step: PlanStep, finest_kpa: int) -> str:
        """Return the finest tolerance that passes, as a pressure and in percent."""
        percent = Decimal(100 * finest_kpa) / Decimal(step.target_kpa)
        rounded = percent.quantize(Decimal("0.1"), rounding=ROUND_UP)
        pressure = f"'{_mpa(finest_kpa)}'"
        if rounded > 100:
            return pressure
        return f"'{parse(f'{rounded} %', PERCENT).text}' ({pressure})"


def _stages_of(items: Sequence[Item], path: Path) -> Iterator[tuple[Stage, Path]]:
    """Yield the stages as they are written, repeats once."""
    for index, item in enumerate(items):
        if isinstance(item, Repeat):
            yield from _stages_of(item.stages, (*path, index, "stages"))
        elif isinstance(item, Stage):
            yield item, (*path, index)


def _mpa(kpa: int) -> str:
    return format_quantity(kpa, PRESSURE)


def _in_pass(stage: PlanStage) -> str:
    """Say which pass of the repeat blocks around is meant."""
    passes = [f"pass {p.number} of {p.of}" for p in reversed(stage.passes)]
    return f" in {', '.join(passes)}" if passes else ""

"""Writes how a pellet was pressed, as the methods section of a paper has to say it.

Every parameter that a reader needs to repeat the pressing is in it, or is named as missing. Nothing
is assumed: a number that the record does not hold is never written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pressloop.analysis.force import force_kn
from pressloop.evaluation import RunSummary, StageResult
from pressloop.evaluation.conditions import conditions_of
from pressloop.evaluation.verdict_basis import basis_sentence
from pressloop.record.model import PlannedStep, RunHeader
from pressloop.sample import Sample
from pressloop.units import duration_text


@dataclass(frozen=True)
class Methods:
    """How a pellet was pressed.

    Attributes:
        sentences: What is known.
        missing: What a reader needs and the record does not say, one name each.
    """

    sentences: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def text(self) -> str:
        """The paragraph, with what is missing at its end."""
        parts = list(self.sentences)
        if self.missing:
            parts.append(f"Not recorded: {', '.join(self.missing)}.")
        return " ".join(parts)


def methods_of(summary: RunSummary) -> Methods:
    """Return how the pellet of a run was pressed, and what its record does not say of it."""
    return Methods(tuple(_sentences(summary)), tuple(_missing(summary)))


def calibration_of(header: RunHeader) -> dict[str, Any]:
    """Return what the profile says of the calibration: empty where it says nothing."""
    return {
        key.removeprefix("calibration_"): value
        for key, value in header.profile.items()
        if key.startswith("calibration_") and value not in (None, "")
    }


def _sentences(summary: RunSummary) -> Iterator[str]:
    header = summary.header
    if summary.simulated:
        yield "SIMULATED: no press moved and no pellet exists."
    yield _what(summary)
    yield from _layers(summary)
    yield from _stages(summary)
    yield from _press(summary)
    if text := basis_sentence(summary):
        yield text
    sample = summary.sample or Sample()
    who = f"Pressed by {sample.operator}" if sample.operator else "Pressed"
    version = header.host_software.get("pressloop", "")
    software = f"Pressloop {version}".strip()
    yield (
        f"{who} with {software}, firmware {header.board.firmware} ({header.board.build}), protocol "
        f"'{summary.protocol_name}' (SHA-256 {summary.hashes.protocol_sha256[:12]}...), "
        f"run {summary.run_id}."
    )


def _what(summary: RunSummary) -> str:
    sample, conditions = summary.sample or Sample(), conditions_of(summary)
    powder = sample.material or "The powder"
    about = [f"lot {sample.lot}"] if sample.lot else []
    about += [f"{sample.mass_mg:g} mg"] if sample.mass_mg is not None else []
    die = " ".join(filter(None, [_diameter(summary.header.die_mm), conditions.die_material]))
    text = f"{powder} ({', '.join(about)})" if about else powder
    text += f" was pressed uniaxially in a {die} die" if die else " was pressed uniaxially in a die"
    plungers = " ".join(
        filter(None, [_diameter(conditions.plunger_diameter_mm), conditions.plunger_material])
    )
    text += f" with {plungers} plungers" if plungers else ""
    text += f" at {conditions.temperature_c:g} °C" if conditions.temperature_c is not None else ""
    text += f" in {conditions.atmosphere}" if conditions.atmosphere else ""
    return text + "."


def _diameter(mm: float | None) -> str:
    return "" if mm is None else f"{mm:g} mm"


def _layers(summary: RunSummary) -> Iterator[str]:
    layers = conditions_of(summary).layers
    if layers:
        yield f"Layers from below: {', '.join(layers)}."


def _stages(summary: RunSummary) -> Iterator[str]:
    header = summary.header
    results = {stage.index: stage for stage in summary.stages}
    prompts: list[str] = []
    for planned in header.stages:
        steps = [header.steps[index] for index in planned.steps]
        prompts += [step.text for step in steps if step.kind == "prompt" and step.text]
        result = results.get(planned.index)
        if result is not None:
            yield _stage(steps, result, header)
    host_loss = header.host_loss
    if host_loss is not None:
        yield f"At the end the pressure was released at {host_loss.vent_rate_mpa_s:g} MPa/s."
    if prompts:
        asked = "; ".join(f"'{text}'" for text in prompts)
        yield f"Between the stages the operator was asked: {asked}."


def _stage(steps: list[PlannedStep], result: StageResult, header: RunHeader) -> str:
    parts = [_step(step, header) for step in steps if step.kind != "prompt"]
    text = f"Stage '{result.label}': {', '.join(parts)}"
    if result.outcome == "not reached":
        return f"{text} (not reached)."
    if result.mean_mpa is not None and result.dwell_s is not None:
        dwell = duration_text(result.dwell_s)
        text += f"; reached {result.mean_mpa:.4g} MPa on average for {dwell} in band"
    return f"{text}."


def _step(step: PlannedStep, header: RunHeader) -> str:
    if step.kind in ("ramp", "release"):
        verb = "ramp" if step.kind == "ramp" else "release"
        return f"{verb} at {_number(step.rate_mpa_s)} MPa/s to {_pressure(step, header)}"
    if step.kind == "rest":
        return f"rest without pressure for {duration_text(step.duration_s or 0.0)}"
    band = "" if step.tolerance_mpa is None else f" within ± {step.tolerance_mpa:.4g} MPa"
    if step.duration_s is not None:
        until = f"for {duration_text(step.duration_s)}"
    elif step.relaxation_mpa_min is not None:
        until = f"until the loss is below {step.relaxation_mpa_min:g} MPa/min"
    else:
        until = "until the operator ended it"
    if step.longest_s is not None and step.duration_s is None:
        until += f" (at most {duration_text(step.longest_s)})"
    mode = "" if step.mode in (None, "regulated") else f", {step.mode}"
    return f"hold at {_pressure(step, header)} {until}{band}{mode}"


def _pressure(step: PlannedStep, header: RunHeader) -> str:
    force = force_kn(step.target_mpa, header.die_mm)
    shown = f"{_number(step.target_mpa)} MPa"
    return shown if not force else f"{shown} ({force:.3g} kN)"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def _press(summary: RunSummary) -> Iterator[str]:
    profile, header = summary.header.profile, summary.header
    name, area = profile.get("name"), profile.get("ram_area_cm2")
    text = f"Press: {name}" if name else "Press"
    if area is not None and header.die_mm is not None:
        text += (
            f"; the pressure on the pellet is the oil pressure times ram area ({area:g} cm2) over "
            "the area of the die"
        )
    range_bar, accuracy = profile.get("full_scale_bar"), profile.get("accuracy_percent")
    if range_bar is not None and accuracy is not None:
        text += f"; transducer {range_bar:g} bar, {accuracy:g} % of full scale"
    calibration = calibration_of(header)
    if calibration.get("date"):
        text += f"; calibrated on {calibration['date']}"
        reference = calibration.get("reference")
        text += f" against {reference}" if reference else ""
        text += f" ({calibration['result']})" if calibration.get("result") else ""
        text += f", due on {calibration['due']}" if calibration.get("due") else ""
    yield text + "."


def _missing(summary: RunSummary) -> Iterator[str]:
    sample, conditions = summary.sample or Sample(), conditions_of(summary)
    known: list[tuple[str, object]] = [
        ("material of the powder", sample.material),
        ("lot", sample.lot),
        ("mass", sample.mass_mg),
        ("operator", sample.operator),
        ("die diameter", summary.header.die_mm),
        ("die material", conditions.die_material),
        ("plunger material", conditions.plunger_material),
        ("plunger diameter", conditions.plunger_diameter_mm),
        ("temperature", conditions.temperature_c),
        ("atmosphere", conditions.atmosphere),
        ("order of layers", conditions.layers),
        ("calibration date", calibration_of(summary.header).get("date")),
    ]
    for name, value in known:
        if value is None or value == "":
            yield name

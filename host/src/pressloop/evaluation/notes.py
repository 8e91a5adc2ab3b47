"""Writes notes on the result of a stage, one line each: pump, mean, relaxation, density, rest."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pressloop.analysis.density import Density, Thickness
from pressloop.analysis.relaxation import Relaxation
from pressloop.analysis.springback import Springback
from pressloop.analysis.wall_loss import wall_loss
from pressloop.evaluation.pump_limit import pump_limit_text
from pressloop.evaluation.summary import StageResult
from pressloop.units import duration_text, with_uncertainty


def stage_notes(stage: StageResult) -> tuple[str, ...]:
    """Return the notes in the order of the stage; empty for a stage in which nothing was measured.

    What the press has no sensor for is left out; `run.json` gives the reason.
    """
    return tuple(_notes(stage))


def ended_late_text(stage: StageResult) -> str:
    """Return why a hold until relaxation or the operator ended without it; empty if it did not."""
    if stage.dwell_end != "longest":
        return ""
    return "the longest time allowed for the hold was over before what it waited for"


def _notes(stage: StageResult) -> Iterator[str]:
    if ended_late := ended_late_text(stage):
        yield ended_late
    limited = pump_limit_text(stage)
    if limited:
        yield limited
    if stage.mean_mpa is not None and stage.mean_mpa_uncertainty is not None:
        yield mean_text(
            stage.mean_mpa,
            stage.mean_mpa_uncertainty,
            stage.mean_mpa_repeatability,
            stage.mean_mpa_reading_uncertainty,
        )
    if stage.relaxation is not None and stage.relaxation.change is not None:
        yield relaxation_text(stage.relaxation)
    springback = stage.springback
    if springback is not None and (springback.resolved or springback.source == "displacement"):
        yield springback_text(springback)
    if stage.density is not None:
        yield density_text(stage.density)
        yield from wall_text(stage)
    if stage.planned_rest_s is not None and stage.rest_unloaded_s is not None:
        yield (
            f"rest {duration_text(stage.rest_unloaded_s, 2)} without pressure, "
            f"{duration_text(stage.planned_rest_s)} planned"
        )


def mean_text(
    mean_mpa: float, uncertainty: float, repeatability: float | None, reading: float | None = None
) -> str:
    """Return a text like `mean 74.0 ± 0.9 MPa by the oil, ± 7 on the pellet (k=2), ± 3 ...`.

    Without friction of the ram both are the same: `mean 74.0 ± 0.9 MPa (k=2), ± 0.2 from run to
    run`.

    Args:
        mean_mpa: The mean of the reading.
        uncertainty: Of it as the pressure on the pellet (k = 2).
        repeatability: The part that changes from run to run (k = 2).
        reading: Uncertainty of the mean as the pressure of the oil (k = 2); None: not known.
    """
    if reading is None or reading == uncertainty:
        text = f"mean {with_uncertainty(mean_mpa, uncertainty)} MPa (k=2)"
    else:
        text = f"mean {with_uncertainty(mean_mpa, reading)} MPa by the oil"
        text += f", {_plus_minus(uncertainty)} on the pellet (k=2)"
    if repeatability:
        text += f", {_plus_minus(repeatability)} from run to run"
    return text


def _plus_minus(uncertainty: float) -> str:
    return f"± {with_uncertainty(0.0, uncertainty).split(' ± ')[1]}"


def relaxation_text(relaxation: Relaxation) -> str:
    """Return a text like `relaxation 13.7 MPa in 5 min; Peleg k1 613 ± 4 s, k2 ...; half in 31 s`.

    With a known leak: `relaxation 2.7 ± 2.5 MPa in 3 min plus 25 MPa of leak; ...`.
    """
    name, unit, scale = _terms(relaxation)
    change = f"{scale * (relaxation.change or 0.0):.3g}"
    leak = ""
    if relaxation.powder_change is not None and relaxation.leak_change is not None:
        change = with_uncertainty(
            relaxation.powder_change, relaxation.powder_change_uncertainty or 0.0
        )
        leak = f" plus {relaxation.leak_change:.3g} MPa of leak"
    text = f"{name} {change} {unit} in {duration_text(relaxation.duration_s, 0)}{leak}"
    if not relaxation.fitted:
        return f"{text}; no {name} fit: {relaxation.reason}"
    return f"{text}; {curve_text(relaxation)}"


def curve_text(relaxation: Relaxation) -> str:
    """Return the fitted numbers of a relaxation alone."""
    _, unit, scale = _terms(relaxation)
    k1, k2, final = (
        with_uncertainty(value or 0.0, 2 * (error or 0.0))
        for value, error in (
            (relaxation.k1, relaxation.k1_standard_error),
            (relaxation.k2, relaxation.k2_standard_error),
            (
                scale * (relaxation.change_final or 0.0),
                scale * (relaxation.change_final_standard_error or 0.0),
            ),
        )
    )
    of_k1, of_k2 = (" s", "") if relaxation.quantity == "pressure" else (" s/mm", "/mm")
    return (
        f"Peleg k1 {k1}{of_k1}, k2 {k2}{of_k2}; half in {relaxation.half_time_s:.3g} s, "
        f"{final} {unit} in the end"
    )


def springback_text(springback: Springback) -> str:
    """Return a text like `springback 21.3 ± 1.1 um on release from 499 MPa (2.1 % of the ...)`."""
    text = f"on release from {springback.from_mpa:.0f} MPa"
    if springback.gained_mm is None:
        return f"springback {text} not resolved: {springback.reason}"
    gained = with_uncertainty(1000 * springback.gained_mm, 1000 * springback.gained_mm_uncertainty)
    percent = springback.gained_percent
    share = "" if percent is None else f" ({percent:.2g} % of the thickness)"
    punches = ", including that of the punches" if springback.punches_included else ""
    return f"springback {gained} um {text}{share}{punches}"


def density_text(density: Density) -> str:
    """Return a text like `relative density 81.1 ± 1.2 % pressed; thickness 0.985 ± 0.012 mm`."""
    known = [
        (name, state)
        for name, state in (("pressed", density.pressed), ("released", density.released))
        if state is not None
    ]
    parts = []
    dense = [f"{_percent(s)} {name}" for name, s in known if s.relative_density is not None]
    if dense:
        parts.append(f"relative density {', '.join(dense)}")
    thick = [
        f"{with_uncertainty(s.thickness_mm, s.thickness_mm_uncertainty)} mm {name}"
        for name, s in known
    ]
    parts.append(f"thickness {', '.join(thick)}")
    return "; ".join(parts)


def wall_text(stage: StageResult) -> Iterator[str]:
    """Yield a text like `far end: 2.2-3.9 % less pressure than the punch by friction on the wall`.

    Without a thickness in the pressed state nothing is known.
    """
    pressed = stage.density.pressed if stage.density is not None else None
    if pressed is None or not stage.target_force_kn or stage.target_mpa <= 0:
        return
    die_mm = math.sqrt(4 / math.pi * 1000 * stage.target_force_kn / stage.target_mpa)
    low, high = wall_loss(pressed.thickness_mm, die_mm)
    yield (
        f"far end: {100 * low:.2g}-{100 * high:.2g} % less pressure than the punch by friction on "
        "the wall (assumption)"
    )


def _percent(state: Thickness) -> str:
    density, uncertainty = state.relative_density or 0.0, state.relative_density_uncertainty or 0.0
    return f"{with_uncertainty(100 * density, 100 * uncertainty)} %"


def _terms(relaxation: Relaxation) -> tuple[str, str, float]:
    """Return name and unit for the reader, and the result's own unit as a multiple of that unit."""
    return ("relaxation", "MPa", 1.0) if relaxation.quantity == "pressure" else ("creep", "um", 1e3)

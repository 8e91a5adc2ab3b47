"""The table that `pressloop tune` prints: the profile before and after, and how good it is."""

from __future__ import annotations

from typing import Final

from pressloop.cli.output import err
from pressloop.machine.profile import MachineProfile
from pressloop.tuning.result import FirstContact, TuningResult
from pressloop.units import with_uncertainty

_MIN_SAMPLE_RATIO: Final = 1.2
"""A sample that takes less than this times the oil of steel was pressed before, or is missing."""


def print_tuning(result: TuningResult) -> None:
    """Print the profile before and after, and how well it explains the runs."""
    before, after, fine = result.before, result.after, result.fine
    zeros = [profile.raw_zero + (profile.raw_zero_fraction or 0) for profile in (before, after)]
    err.print(f"{'zero':<28}{zeros[0]:>10.5g} -> {zeros[1]:<10.6g}counts")
    for name, unit in (
        ("pump_dead_band_percent", "%"),
        ("release_dead_band_percent", "%"),
        ("valve_dither_percent", "%"),
        ("valve_lag_ms", "ms"),
        ("release_flow_ml_s", "mL/s"),
        ("compliance_ul_mpa", "uL/MPa"),
        ("approach_opening_percent", "%"),
    ):
        err.print(
            f"{name:<28}{getattr(before, name):>10.5g} -> {getattr(after, name):<10.5g}{unit}"
        )
    for what, text, unit in valve_lines(result):
        err.print(f"{what:<28}{'':>14}{text} {unit}")
    err.print(leak_line(before, after))
    err.print(f"{'noise of the transducer':<28}{'':>14}{fine.noise_percent:<10.2g}% of its range")
    err.print(f"[good]stored[/good]: explains all but {fine.residual_percent:.1f} % of the volume")


def valve_lines(result: TuningResult) -> list[tuple[str, str, str]]:
    """Return what the runs say of the valves with its uncertainty (k = 2): name, text and unit."""
    pump, release = result.fine.pump_fit.valve, result.fine.release_fit.valve
    percent = "% of stroke"
    return [
        (what, with_uncertainty(scale * found.value, scale * found.expanded), unit)
        for what, found, scale, unit in (
            ("pump's dead band", pump.dead_band, 100, percent),
            ("its drift", pump.drift_per_s, 6000, f"{percent} a minute"),
            ("release's dead band", release.dead_band, 100, percent),
            ("hysteresis", pump.hystereses[-1], 100, percent),
            ("delay and lag", pump.late_ticks, 10, "ms"),
        )
    ]


def leak_line(before: MachineProfile, after: MachineProfile) -> str:
    """Return a line with the leak before and after, or with the reason why it is unknown."""
    old = "unknown" if before.leak_ul_min is None else f"{before.leak_ul_min:.3g}"
    uncertainty = after.leak_uncertainty_ul_min
    if after.leak_ul_min is None or uncertainty is None:
        new = "unknown: the press was not shut for long enough"
    elif not after.leak_ul_min:
        new = f"not distinguishable from zero, below {uncertainty:.2g} uL/min at 10 MPa of oil"
    else:
        new = f"{with_uncertainty(after.leak_ul_min, uncertainty)} uL/min at 10 MPa of oil"
    return f"{'leak_ul_min':<28}{old:>10} -> {new}"


def print_first_contact(contact: FirstContact, *, tuned: bool) -> None:
    """Print what a first contact showed; `tuned` says whether the press was tuned before."""
    err.print(f"{'contact after':<28}{contact.approach_s:>10.3g} s")
    err.print(f"{'landed at':<28}{contact.landed_mpa:>10.3g} MPa")
    if not tuned:
        err.print("how soft the sample is can be seen only on a press tuned on a steel blank")
        return
    err.print(f"{'softer than steel by':<28}{contact.sample_compliance_ratio:>10.3g} times")
    err.print(f"{'fastest rise here':<28}{contact.max_rate_mpa_s:>10.3g} MPa/s")
    if contact.sample_compliance_ratio < _MIN_SAMPLE_RATIO:
        err.print("the sample yields no more than a steel blank: is it in the die?")

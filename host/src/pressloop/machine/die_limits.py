"""Compute the limits of a press with one die, in the integers of the board.

The formulas are those of `pressloop_fw/loop/scaling.py`; every division rounds down, as there.
"""

from __future__ import annotations

from dataclasses import dataclass

from pressloop.wire import schema


@dataclass(frozen=True)
class DieLimits:
    """Limits of a press with one die; pressures are on the pellet."""

    die_um: int
    ratio_q10: int
    """Ram area over die area, times 1024."""
    pellet_limit_kpa: int
    """Highest pressure that the press may apply, kPa."""
    finest_loss_kpa_min: int
    """Slowest loss in a sealed dwell that the transducer can resolve, kPa/min."""
    resolution_kpa: int
    """The transducer's accuracy as a pressure on the pellet, kPa; no tolerance can be finer."""
    fastest_rise_kpa_s: int
    """Rate with the pump valve fully open and the press closed, kPa/s."""
    fastest_fall_kpa_s: int
    """Rate with the release valve fully open at an oil pressure of 10 MPa, kPa/s."""
    per_count: int
    """Pressure of one count of the transducer, in 1/16 kPa."""


def die_area_um2(die_um: int) -> int:
    """Return the area of a die as the board computes it: 355/452 is pi/4 to eight digits."""
    return die_um * die_um * 355 // 452


def load_n_of(pressure_kpa: int, die_um: int) -> float:
    """Return the load of a die at a pressure on the pellet, N."""
    return pressure_kpa * die_area_um2(die_um) / 1e9


def die_limits(wire: schema.Profile, die_um: int, *, single_channel: bool = False) -> DieLimits:
    """Return the limits of a press with a die.

    Args:
        wire: Machine profile, in which `raw_full` is above `raw_zero`.
        die_um: Diameter of the die, um.
        single_channel: Whether one pressure channel alone watches the press.
    """
    # In a vessel the pressure of the line is that of the sample.
    ratio_q10 = 1024
    if wire.lid_switch is None:
        ratio_q10 = wire.ram_area_mm2 * 1_000_000 * 1024 // die_area_um2(die_um)
    rise_oil_kpa_s = wire.pump_flow_ul_s * 1_000_000 // wire.compliance_nl_mpa
    fall_oil_kpa_s = wire.release_flow_ul_s * 1_000_000 // wire.compliance_nl_mpa
    resolution = wire.full_scale_oil_kpa * ratio_q10 * wire.accuracy_ppm // (1024 * 1_000_000)
    numerator = wire.full_scale_oil_kpa * ratio_q10 << 4
    denominator = 1024 * (wire.raw_full - wire.raw_zero)
    two_counts = -(-2 * numerator // (denominator << 4))
    return DieLimits(
        die_um=die_um,
        ratio_q10=ratio_q10,
        pellet_limit_kpa=_pellet_limit_kpa(wire, die_um, ratio_q10, single_channel),
        # The board's longest window is a minute.
        finest_loss_kpa_min=max(two_counts, max(1, resolution) // 8),
        resolution_kpa=max(1, resolution),
        fastest_rise_kpa_s=rise_oil_kpa_s * ratio_q10 // 1024,
        fastest_fall_kpa_s=fall_oil_kpa_s * ratio_q10 // 1024,
        per_count=numerator // denominator,
    )


def _pellet_limit_kpa(
    wire: schema.Profile, die_um: int, ratio_q10: int, single_channel: bool
) -> int:
    """Return the highest pressure that press, hoses and die may have, kPa on the pellet."""
    oil_kpa = wire.max_oil_kpa
    if single_channel and wire.single_channel_oil_kpa is not None:
        oil_kpa = min(oil_kpa, wire.single_channel_oil_kpa)
    limit_kpa = oil_kpa * ratio_q10 // 1024
    loads_n = dict(zip(wire.dies_um, wire.die_loads_n or (), strict=False))
    load_n = loads_n.get(die_um)
    return min(limit_kpa, load_n * 1_000_000_000 // die_area_um2(die_um)) if load_n else limit_kpa

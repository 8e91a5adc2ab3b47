"""Warn of a press that one pressure channel alone watches."""

from __future__ import annotations

from pressloop.machine.blocked_line import BlockedLine
from pressloop.machine.channels import ChannelComparison
from pressloop.machine.relief_valve import relief_pellet_mpa
from pressloop.units import LENGTH, duration_text, format_quantity
from pressloop.validation.context import Context


def _mpa(kpa: float) -> str:
    return f"{kpa / 1000:.3g} MPa"


def check_channels(context: Context) -> None:
    """Warn if the press has a single pressure channel, with the limits that then hold."""
    profile, limits = context.profile, context.limits
    if not profile.single_channel or limits is None:
        return
    reach = context.pressure(limits.pellet_limit_kpa)
    if profile.single_channel_bar is None:
        limit = f"the limit stays {reach}, as the profile states no lower one"
        hint = "fit a second transducer, or state single_channel_bar in the profile"
    else:
        limit = f"the limit is the profile's single_channel_bar, {reach}"
        hint = "fit a second transducer to reach the limit of the press again"
    blocked = BlockedLine.of(profile, context.protocol.die_um / 1000)
    if blocked is None:
        approach = (
            "a reading that stands still before contact is noticed only after "
            f"approach_timeout_s, {duration_text(profile.approach_timeout_s)}, as the profile "
            "states no approach_mm"
        )
        hint += "; state approach_mm in the profile"
    else:
        approach = (
            "a reading that stands still before contact may bring a hard sample to "
            f"{blocked.pellet_mpa:.0f} MPa ({blocked.beyond_mm:.2g} mm beyond approach_mm)"
        )
    said = [f"one pressure channel alone watches this press: {limit}", approach]
    if not profile.is_vessel:
        relief_mpa = relief_pellet_mpa(profile, context.protocol.die_um / 1000)
        said.append(
            f"one that drifts down may bring a first pressing to {relief_mpa:.0f} MPa, where a "
            "relief valve opens that is set as high as commissioning accepts"
        )
    if profile.hold_to_run is False:
        said.append("hold_to_run is false, so the ram moves without a hand at the button")
    elif not profile.is_vessel:
        said.append("on a real press the ram moves only while the controller's button is held")
    context.warn("single-channel", ("ceiling",), "; ".join(said), hint)


def comparison_text(
    comparison: ChannelComparison,
    die_um: int,
    lowest_kpa: int | None,
    fastest_kpa_s: int | None = None,
) -> str:
    """Return by how much the channels may differ, and what that is of the lowest target.

    Args:
        comparison: What the board allows them.
        die_um: Diameter of the die, um; 0 in a vessel.
        lowest_kpa: Lowest target, kPa; None without one.
        fastest_kpa_s: Fastest ramp, kPa/s; None without one.
    """
    where = f"on a {format_quantity(die_um, LENGTH)} die" if die_um else "in the vessel"
    allowed_kpa = comparison.allowed_kpa(lowest_kpa or 0)
    share = f", {100 * allowed_kpa / lowest_kpa:.2g} % of {_mpa(lowest_kpa)}" if lowest_kpa else ""
    moving_kpa = comparison.allowed_kpa(lowest_kpa or 0, fastest_kpa_s or 0)
    moving = (
        f", {_mpa(moving_kpa)} in a ramp of {_mpa(fastest_kpa_s)}/s"
        if fastest_kpa_s and _mpa(moving_kpa) != _mpa(allowed_kpa)
        else ""
    )
    return (
        f"two pressure channels, compared to within {_mpa(allowed_kpa)} "
        f"{where}{share}{moving} (stated errors "
        f"{_mpa(comparison.first_error_kpa)} and {_mpa(comparison.second_error_kpa)}, noise "
        f"{_mpa(comparison.noise_kpa)}; or 2 % of the reading): a smaller error is not noticed"
    )

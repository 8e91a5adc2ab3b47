"""Warn of a press that one pressure channel alone watches."""

from __future__ import annotations

from pressloop.machine.channels import ChannelComparison
from pressloop.units import LENGTH, format_quantity
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
        limit = f"the profile states no lower limit for it: the limit stays {reach}"
        hint = "fit a second transducer, or state single_channel_bar in the profile"
    else:
        limit = f"so the profile's single_channel_bar holds, {reach}"
        hint = "fit a second transducer to reach the limit of the press again"
    context.warn(
        "single-channel",
        ("ceiling",),
        f"this press has one pressure channel: no other reading shows a frozen or drifting one; "
        f"{limit}",
        hint,
    )


def comparison_text(comparison: ChannelComparison, die_um: int, lowest_kpa: int | None) -> str:
    """Return by how much the channels may differ, and what that is of the lowest target."""
    allowed_kpa = comparison.allowed_kpa(lowest_kpa or 0)
    share = f", {100 * allowed_kpa / lowest_kpa:.2g} % of {_mpa(lowest_kpa)}" if lowest_kpa else ""
    return (
        f"two pressure channels, compared to within {_mpa(allowed_kpa)} on a "
        f"{format_quantity(die_um, LENGTH)} die{share} (stated errors "
        f"{_mpa(comparison.first_error_kpa)} and {_mpa(comparison.second_error_kpa)}, noise "
        f"{_mpa(comparison.noise_kpa)}; or 2 % of the reading): a smaller error is not noticed"
    )

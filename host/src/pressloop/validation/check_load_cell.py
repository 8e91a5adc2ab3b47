"""Warn of a load cell that the profile describes and the board does not read."""

from __future__ import annotations

from pressloop.validation.context import Context


def check_load_cell(context: Context) -> None:
    """Warn if the run would be judged by the reading although the profile has a load cell."""
    profile = context.profile
    if profile.load_cell_capacity_kn is None or profile.reads_load_cell is not False:
        return
    by = (
        "the reading with friction compensation"
        if profile.friction_uncertainty_percent is not None
        else "the reading of the oil"
    )
    context.warn(
        "load-cell-not-read",
        ("ceiling",),
        f"the profile describes a load cell of {profile.load_cell_capacity_kn:g} kN, and the board "
        f"reports none: this run would be pressed and judged by {by}",
        "connect the cell's converter and start the board again, or remove the load_cell fields "
        "from the machine profile",
    )

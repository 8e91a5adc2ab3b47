"""The tables that `pressloop calibrate` prints: figures of each level, and what was learned."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from pressloop.calibration.correction import Correction
from pressloop.calibration.figures import Figures
from pressloop.cli.output import err, out


def print_figures(figures: Figures, bore_mm2: float | None = None) -> None:
    """Print the figures of each level: as found, and what is left after the correction.

    Args:
        figures: The figures.
        bore_mm2: Bore of a vessel, whose levels are pressures; None: they are forces.
    """
    table = Table(box=None, pad_edge=False)
    for heading in (
        "kN" if bore_mm2 is None else "MPa",
        "error",
        "repeat",
        "revers",
        "U k=2",
        "error left",
        "repeat left",
        "revers left",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for level in figures.levels:
        table.add_row(
            f"{level.force_kn if bore_mm2 is None else 1000 * level.force_kn / bore_mm2:.4g}",
            *(
                "-" if value is None else f"{value:+.2f}"
                for value in (
                    level.error_percent,
                    level.repeatability_percent,
                    level.reversibility_percent,
                )
            ),
            f"{level.uncertainty_percent:.2f}",
            *(
                "-" if value is None else f"{value:+.2f}"
                for value in (
                    level.error_left_percent,
                    level.repeatability_left_percent,
                    level.reversibility_left_percent,
                )
            ),
        )
    out.print(table)
    out.print(
        "[dim]In % of the level. Error: mean of the rising series; repeat: largest\n"
        "difference of them; revers: falling less rising. Left: after the correction.[/dim]"
    )
    for reason in figures.reasons:
        err.print(f"  [bad]failed[/bad] {escape(reason)}", soft_wrap=True)


def print_learned(correction: Correction, figures: Figures, bore_mm2: float | None = None) -> None:
    """Print zero, gain and friction, and the uncertainty after the correction."""
    line, friction = correction.line, correction.friction

    def absolute(newtons: float, sign: str = "") -> str:
        if bore_mm2 is None:
            return f"{newtons:{sign}.3g} N"
        return f"{newtons / bore_mm2:{sign}.2g} MPa"

    out.print(f"gain {100 * line.gain:+.3f} %, zero {absolute(line.zero_n, '+')}", soft_wrap=True)
    if friction is not None:
        out.print(
            f"friction {friction.percent:.2f} % of the oil's force and {friction.newtons:.0f} N, "
            f"known to +-{friction.uncertainty_percent:.0f} % of it",
            soft_wrap=True,
        )
    elif correction.without_friction:
        err.print(f"[note]note[/note] {escape(correction.without_friction)}", soft_wrap=True)
    if correction.unreversed:
        levels = ", ".join(map(str, sorted(correction.unreversed)))
        out.print(
            f"[dim]left out on the way down, where friction had not turned round: level {levels}"
            "[/dim]",
            soft_wrap=True,
        )
    out.print(
        f"uncertainty (k = 2) {figures.uncertainty_percent:.2g} % of the level and "
        f"{absolute(figures.uncertainty_n)}, added as squares",
        soft_wrap=True,
    )

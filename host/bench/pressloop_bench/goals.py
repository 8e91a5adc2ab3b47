"""`make bench-goals`: what the protocols by goal do to several pellets on the emulated press.

Pellets differ as in `control.repeatability`: initial density +-2 %, mass +-5 %, plasticity +-5 %
(one standard deviation), and the noise. All pressures are true pressures.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from pressloop.emulator.description import PressDescription
from pressloop.errors import required
from pressloop.evaluation import RunRecord
from pressloop.evaluation.summary import StageResult
from pressloop.extras import needs_extra
from pressloop.press import Press
from pressloop.protocol.goals import GOALS, find_goal
from pressloop.run.prompts import confirm_all

_SEED: Final = 1000
_MINUTES: Final = 60
Curve = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
_BASELINE: Final = "three steps"


@dataclass(frozen=True)
class PelletOutcome:
    """What a protocol did to one pellet.

    Attributes:
        bond_peak_mpa, bond_mean_mpa, stack_mean_mpa: True pressures of the stages bond and stack.
        density_bonded, density_after: Relative, at the end of the bonding hold, and after release.
        springback_percent: Growth of the pellet in that release, of its height under pressure.
        hold_loss_percent: Height lost in the bonding hold, while the powder still densified.
        total_s: From start to end, prompts answered at once.
        damage: What cracked or burst; empty if nothing did.
    """

    bond_peak_mpa: float
    bond_mean_mpa: float
    stack_mean_mpa: float
    density_bonded: float
    density_after: float
    springback_percent: float
    hold_loss_percent: float
    total_s: float
    damage: str


def press_pellet(job: tuple[str, str, int]) -> tuple[PelletOutcome, Curve]:
    """Press one pellet by a protocol.

    Returns the outcome, and time in minutes with true pressure in MPa, two points a second.
    """
    _, text, number = job
    machine = _press_with_pellet(number)
    with tempfile.TemporaryDirectory() as folder:
        with Press.open("emulated", press=machine, seed=_SEED + number) as opened:
            opened.run(text, out=folder, on_prompt=confirm_all).check()
        record = RunRecord.open(folder)
        frame = record.frame().iloc[::50]
        outcome = _outcome(record)
    minutes = frame["time_s"].to_numpy() / _MINUTES
    return outcome, (minutes, frame["true_pressure_mpa"].to_numpy())


def _press_with_pellet(number: int) -> PressDescription:
    """Return the reference press with one pellet of the batch; the same for every protocol."""
    rng = random.Random(number)
    reference = PressDescription()
    powder = reference.powder
    other = powder.model_copy(
        update={
            "initial_density": powder.initial_density * rng.gauss(1, 0.02),
            "mass_mg": powder.mass_mg * rng.gauss(1, 0.05),
            "panelli_a": powder.panelli_a * rng.gauss(1, 0.05),
        }
    )
    return reference.model_copy(update={"powder": other})


def _outcome(record: RunRecord) -> PelletOutcome:
    summary = record.summary
    stages = {stage.name: stage for stage in required(summary.truth, "the truth")}
    bond, stack = stages["bond cathode"], stages["stack"]
    frame = record.frame()
    mine = frame[frame["stage_id"] == bond.index]
    kinds = {step.index: step.kind for step in record.header.steps}
    kind = mine["step_id"].map(kinds)
    density = mine["relative_density"]
    held, released = density[kind == "hold"], density[kind == "release"]
    return PelletOutcome(
        bond_peak_mpa=_known(bond, "peak_mpa"),
        bond_mean_mpa=_known(bond, "mean_mpa"),
        stack_mean_mpa=_known(stack, "mean_mpa"),
        density_bonded=float(held.iloc[-1]),
        density_after=float(released.iloc[-1]),
        springback_percent=100 * float(held.iloc[-1] / released.iloc[-1] - 1),
        hold_loss_percent=100 * float(1 - held.iloc[0] / held.iloc[-1]),
        total_s=summary.duration_s,
        damage="; ".join(item.what for item in summary.damage or ()),
    )


def _known(stage: StageResult, name: str) -> float:
    value = getattr(stage, name)
    return float(required(value, name))


def table(outcomes: dict[str, list[PelletOutcome]]) -> str:
    """Return a row per protocol, in Markdown; +- is one standard deviation over the pellets."""
    lines = [
        "| protocol | press time | bonding peak, MPa | bonding mean, MPa | stack mean, MPa "
        "| density bonded, % | after release, % | springback, % | settles in hold, % | broken |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, rows in outcomes.items():

        def of(
            field: str, digits: int, scale: float = 1.0, rows: list[PelletOutcome] = rows
        ) -> str:
            values = scale * np.array([getattr(row, field) for row in rows])
            return f"{values.mean():.{digits}f} ± {values.std(ddof=1):.{digits}f}"

        minutes = np.mean([row.total_s for row in rows]) / _MINUTES
        broken = sum(bool(row.damage) for row in rows)
        lines.append(
            f"| {name} | {minutes:.1f} min | {of('bond_peak_mpa', 3)} | {of('bond_mean_mpa', 3)} "
            f"| {of('stack_mean_mpa', 3)} | {of('density_bonded', 2, 100)} "
            f"| {of('density_after', 2, 100)} | {of('springback_percent', 2)} "
            f"| {of('hold_loss_percent', 2)} | {broken} of {len(rows)} |"
        )
    return "\n".join(lines)


def plot(curves: dict[str, Curve], outcomes: dict[str, list[PelletOutcome]], path: Path) -> None:
    """Draw pressure over time of each protocol, and the densities of the pellets after bonding."""
    with needs_extra("plot"):
        from matplotlib.figure import Figure

    colours = ("#0072B2", "#D55E00", "#009E73", "#666666")
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    time, density = figure.subplots(1, 2, width_ratios=(2.4, 1))
    for (name, (minutes, pressure)), colour in zip(curves.items(), colours, strict=False):
        time.plot(minutes, pressure, color=colour, lw=1.3, label=name)
    time.set_xlabel("time since the start of the run, min")
    time.set_ylabel("true pressure on the pellet, MPa")
    time.legend(frameon=False, fontsize=9)
    for row, (rows, colour) in enumerate(zip(outcomes.values(), colours, strict=False)):
        for field, marker in (("density_bonded", "o"), ("density_after", "D")):
            values = [100 * getattr(outcome, field) for outcome in rows]
            density.plot(values, [row] * len(values), marker, color=colour, ms=5, alpha=0.6,
                         mfc="none" if marker == "D" else colour)  # fmt: skip
    density.set_yticks(range(len(outcomes)), list(outcomes))
    density.invert_yaxis()
    for marker, label in (("ko", "under pressure"), ("kD", "after release")):
        density.plot([], [], marker, ms=5, mfc="none" if marker == "kD" else "k", label=label)
    density.legend(frameon=False, fontsize=9)
    density.margins(y=0.15)
    density.set_xlabel("relative density of the pellets, %")
    for axes in (time, density):
        axes.grid(True, color="0.9", lw=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle("SIMULATED: the protocols by goal on the reference press", x=0.01, ha="left")
    figure.savefig(path, dpi=130)


def main() -> None:
    """Press all pellets, print the table and draw the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pellets", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--beside", type=Path, default=Path("examples/sodium_three_step.yaml"))
    parser.add_argument("--plot", type=Path, default=Path("docs/protocols-by-goal.png"))
    parser.add_argument("--json", type=Path, help="write the outcome of every pellet here")
    arguments = parser.parse_args()
    texts = {goal.name: find_goal(goal.name).text for goal in GOALS}
    texts[_BASELINE] = arguments.beside.read_text(encoding="utf-8")
    jobs = [(name, text, n) for name, text in texts.items() for n in range(arguments.pellets)]
    with multiprocessing.Pool(arguments.jobs) as pool:
        results = pool.map(press_pellet, jobs, chunksize=1)
    outcomes: dict[str, list[PelletOutcome]] = {name: [] for name in texts}
    curves: dict[str, Curve] = {}
    for (name, _, _), (outcome, curve) in zip(jobs, results, strict=True):
        outcomes[name].append(outcome)
        curves.setdefault(name, curve)
    print(table(outcomes))
    if arguments.json:
        rows = {name: [asdict(row) for row in rows] for name, rows in outcomes.items()}
        arguments.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    plot(curves, outcomes, arguments.plot)
    print(f"plot in {arguments.plot}")


if __name__ == "__main__":
    main()

"""Holds the result of a run."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pressloop.errors import RunFailedError
from pressloop.extras import DataFrame, needs_extra
from pressloop.session.fault_texts import explain_fault

if TYPE_CHECKING:
    from pressloop.evaluation import RunRecord, RunSummary
    from pressloop.plotting import RunPlot
else:
    # The evaluation needs the extra `data`, plots need `plot`; pressing and recording must work
    # without them.
    RunSummary = RunRecord = RunPlot = Any


@dataclass(frozen=True, repr=False)
class RunResult:
    """The result of a run that has ended, and the folder of its record."""

    directory: Path
    summary: RunSummary

    @property
    def end_reason(self) -> str:
        """Why the run ended; `completed` only if the board says so and the record agrees."""
        return self.summary.end_reason

    @property
    def completed(self) -> bool:
        """Whether the run completed all steps."""
        return self.end_reason == "completed"

    @property
    def record(self) -> RunRecord:
        """The record of the run, for `pressloop.reports` and `pressloop.catalogue`."""
        with needs_extra("data"):
            from pressloop.evaluation import RunRecord

        return RunRecord.open(self.directory)

    def plot(self) -> RunPlot:
        """Draw the run; a notebook shows the plot, its `save` writes a file.

        Raises:
            PressloopError: `missing-extra`, if the packages for it are not installed.
        """
        # By the front door, as a script does: plots are above this room.
        from pressloop import RunPlot

        return RunPlot(self.record)

    def frame(self) -> DataFrame:
        """Return the telemetry as a data frame, whose column names have units.

        It has one row per record. docs/run-record.md lists the columns.

        Raises:
            PressloopError: `missing-extra`, if the packages for it are not installed.
        """
        return frame_of(self.directory)

    def check(self) -> RunResult:
        """Return this result if the run completed.

        Raises:
            RunFailedError: The run ended for another reason.
        """
        if not self.completed:
            hint = f"see the record in {self.directory}"
            why = ""
            if self.summary.fault:
                meaning, remedy = explain_fault(self.summary.fault)
                why = f" ({self.summary.fault}: {meaning})"
                hint = f"{remedy}; {hint}"
            raise RunFailedError(
                f"the run ended: {self.end_reason}{why}",
                hint=hint,
                end_reason=self.end_reason,
                record_dir=self.directory,
            )
        return self

    def __repr__(self) -> str:
        """Return end, stages and record in one line."""
        stages = self.summary.stages
        done = sum(stage.outcome == "done" for stage in stages)
        simulated = ", simulated" if self.summary.simulated else ""
        return (
            f"<RunResult {self.end_reason}{simulated}, {done} of {len(stages)} stages done, "
            f"record in {self.directory}>"
        )

    def _repr_html_(self) -> str:
        with needs_extra("data"):
            from pressloop.evaluation.notes import stage_notes

        rows = [("end", self.end_reason), ("record", str(self.directory))]
        if self.summary.simulated:
            rows.append(("simulated", "yes, no real press"))
        for stage in self.summary.stages:
            peak = "-" if stage.peak_mpa is None else f"peak {stage.peak_mpa:.1f} MPa"
            said = "; ".join([f"{stage.outcome}, {peak}", *stage_notes(stage)])
            target = f"{stage.target_mpa:g} MPa"
            if stage.target_force_kn is not None:
                target += f", {stage.target_force_kn:.3g} kN"
            rows.append((f"{stage.name} ({target})", said))
        return html_table(rows)


def frame_of(directory: Path) -> DataFrame:
    """Return the telemetry of a record, also of one that is being written.

    Raises:
        PressloopError: `missing-extra`, if the packages for it are not installed.
    """
    # Needs numpy and pyarrow, which are optional.
    from pressloop.evaluation import RunRecord

    return RunRecord.open(directory).frame()


def html_table(rows: list[tuple[str, str]]) -> str:
    """Return a small table for notebooks."""
    cells = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in rows)
    return f"<table>{cells}</table>"

"""A batch of pellets in a notebook: press, look, compare, report.

Open it in VS Code or Jupyter, where each `# %%` begins a cell, or run it as a script. It uses the
emulated press; for a real one replace "emulated" by its port, `confirm_all` by `ask_on_terminal`,
and say which die is in the press with `die="10 mm"`.
"""

# %% The protocol: what a batch shares stands in it, with what no sensor sees.
from pathlib import Path

from pressloop import Press, RunRecord, Sample, confirm_all
from pressloop.catalogue import RunSearch, compare_runs, runs_frame, stages_frame
from pressloop.reports import methods_of, plot_comparison, write_report

PROTOCOL = """
pressloop: 1
name: Pellets of lot L-0412
die: 10 mm
ceiling: 220 MPa
conditions: {die_material: hardened steel, plunger_material: tungsten carbide, atmosphere: argon}
stages:
  - name: densify
    ramp: {target: 200 MPa, rate: 50 MPa/s}
    hold: {duration: 6 s, tolerance: 1 %}
"""
RUNS = Path("runs/batch")

# %% Press five pellets. What belongs to one pellet stands in its sample.
masses_mg = [140.1, 139.4, 140.6, 140.0, 139.8]
for number, mass_mg in enumerate(masses_mg, 1):
    sample = Sample(
        name=f"pellet {number}",
        operator="A. Kim",
        lot="L-0412",
        material="Na3PS4",
        mass_mg=mass_mg,
        true_density_g_cm3=2.2,
    )
    with Press.open("emulated", seed=number) as press:
        result = press.run(
            PROTOCOL,
            out=RUNS / f"{number:02}",
            sample=sample,
            on_prompt=confirm_all,
            overwrite=True,
        )
    print(sample.name, result.end_reason, result.summary.stages[0].verdict)

# %% The last one as a plot and as a data frame.
plot = result.plot()
plot.save(RUNS / "last.png")
frame = result.frame()
print(frame[["time_s", "pressure_mpa"]].tail(3))

# %% Rehearse a pellet with a leaking valve: its pressure looks like that of the others.
with Press.open("emulated", seed=6) as press:
    press.run(
        PROTOCOL, out=RUNS / "06", on_prompt=confirm_all, overwrite=True, faults=["leak=1.5@0"]
    )

# %% The batch as data frames; a search finds what belongs together.
print(runs_frame(RUNS)[["path", "sample", "lot", "verdict"]])
print(stages_frame(RUNS, RunSearch(lot="L-0412"))[["sample", "mean_mpa", "dwell_s", "verdict"]])

# %% Which one is not like the others, where, and why?
records = [RunRecord.open(folder) for folder in sorted(RUNS.glob("0?"))]
comparison = compare_runs(records)
print(comparison)
print(comparison.frame()[["stage", "measure", "median", "sigma"]])
plot_comparison(records, comparison, RUNS / "batch.png")

# %% A page for the lab book, and the paragraph for the paper with what is still missing.
print(write_report(records[0], RUNS / "pellet-1.html"))
print(methods_of(records[0].summary).text)

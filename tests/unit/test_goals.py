"""The protocols by goal are valid and do what their comments promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pressloop.cli.app import app
from pressloop.emulator import description
from pressloop.emulator.description import PressDescription
from pressloop.errors import BadInputError
from pressloop.machine.profile import MachineProfile
from pressloop.plan import Plan, compile_plan
from pressloop.protocol.goals import GOALS, READY, Goal, find_goal
from pressloop.units import force_text
from pressloop.validation import validate_text
from pressloop.wire.schema import HoldMode, HostLossAction, StepKind
from typer.testing import CliRunner

PROFILE = MachineProfile.from_fields(PressDescription().nominal_profile())
EACH = pytest.mark.parametrize("goal", GOALS, ids=lambda goal: goal.name)
ROOT = Path(__file__).resolve().parents[2]


def plan_of(goal: Goal) -> Plan:
    return compile_plan(validate_text(goal.text, goal.name, PROFILE).checked(), PROFILE)


PLAIN = compile_plan(
    validate_text(
        (ROOT / "examples" / "sodium_three_step.yaml").read_text(), "plain", PROFILE
    ).checked(),
    PROFILE,
)


@EACH
def test_each_is_valid_without_a_finding(goal: Goal) -> None:
    assert list(validate_text(goal.text, goal.name, PROFILE).findings) == []


@EACH
def test_each_begins_with_its_goal_and_its_reasons(goal: Goal) -> None:
    lines = goal.text.splitlines()
    assert lines[0].startswith(f"# Goal: {goal.name.replace('-', ' ')}.")
    assert "# Costs:" in goal.text
    assert sum(line.startswith("#") for line in lines) > 10


@EACH
def test_each_presses_the_same_stages(goal: Goal) -> None:
    targets = {stage.name: stage.target_mpa for stage in plan_of(goal).stages}
    assert targets["densify electrolyte"] == 250 and targets["stack"] == 74
    assert targets["bond cathode"] == (600 if goal.name == "cycle-life" else 500)


def of_kind(plan: Plan, kind: StepKind) -> list[tuple[str, int | None]]:
    names = [plan.stages[step.stage].name for step in plan.steps]
    return [
        (name, step.rate_kpa_s if kind is not StepKind.HOLD else step.duration_ms)
        for name, step in zip(names, plan.steps, strict=True)
        if step.kind is kind
    ]


def test_cycle_life_holds_longer_and_releases_more_slowly() -> None:
    plan = plan_of(find_goal("cycle-life"))
    for kind, better in ((StepKind.HOLD, 1), (StepKind.RELEASE, -1), (StepKind.RAMP, -1)):
        for (name, mine), (_, plain) in zip(of_kind(plan, kind), of_kind(PLAIN, kind), strict=True):
            assert mine is not None and plain is not None
            assert better * mine >= better * plain, (name, kind)


def test_efficiency_ramps_at_two_mpa_per_second() -> None:
    rates = [rate for _, rate in of_kind(plan_of(find_goal("efficiency")), StepKind.RAMP)]
    assert set(rates) == {2000}


def test_reproducibility_has_fixed_durations_and_regulated_holds() -> None:
    plan = plan_of(find_goal("reproducibility"))
    assert plan.begin.host_loss is HostLossAction.FINISH
    for step in plan.steps:
        if step.kind is StepKind.HOLD:
            assert step.duration_ms and not step.open and step.mode is HoldMode.REGULATED
            assert step.timeout_ms == 5000


def test_the_command_lists_the_goals_and_prints_a_protocol(tmp_path: Path) -> None:
    listed = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["protocols"])
    assert listed.exit_code == 0
    names = [goal.name for goal in GOALS + READY]
    assert [line.split()[0] for line in listed.stdout.splitlines()] == names
    printed = CliRunner().invoke(app, ["protocols", "cycle-life"])
    assert printed.stdout == find_goal("cycle-life").text
    (tmp_path / "my.yaml").write_text(printed.stdout)
    assert CliRunner().invoke(app, ["validate", str(tmp_path / "my.yaml")]).exit_code == 0


def test_an_unknown_goal_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInputError, match="did you mean 'efficiency'") as refusal:
        find_goal("eficiency")
    assert refusal.value.code == "unknown-goal"
    assert CliRunner().invoke(app, ["protocols", "speed"]).exit_code == 2


# --- by pellet

PELLET_PRESS = description.load(ROOT / "examples" / "presses" / "pellet-25t.yaml")
SMALL_DIE = PressDescription(dies_mm=(7,))
WEAK = PressDescription(dies_mm=(7,), limits=description.LimitsSection(max_oil_bar=100))
WEAK_10 = WEAK.model_copy(update={"dies_mm": (10,)})
REFERENCE = PressDescription()


@pytest.mark.parametrize(
    ("name", "press", "force", "targets_mpa"),
    [
        ("sulfide", REFERENCE, "29.5 kN", [375, 375, 125]),
        ("kbr-13mm", PELLET_PRESS, "78.5 kN", [147.8, 591.1]),
        ("kbr-7mm", SMALL_DIE, "19.6 kN", [127.4, 509.6]),
        ("xrf-32mm", PELLET_PRESS, "196 kN", [243.9]),
        ("xrf-40mm", PELLET_PRESS, "196 kN", [156.1]),
    ],
)
def test_a_ready_protocol_is_valid_on_a_press_that_can(
    name: str, press: PressDescription, force: str, targets_mpa: list[float]
) -> None:
    goal, profile = find_goal(name), press.machine_profile()
    checked = validate_text(goal.text, name, profile)
    assert list(checked.findings) == []
    plan = compile_plan(checked.checked(), profile)
    pressed = [stage.target_mpa for stage in plan.stages if stage.target_mpa is not None]
    assert pressed == pytest.approx(targets_mpa, abs=0.05)
    highest_kpa = max(step.target_kpa for step in plan.sources)
    assert force_text(highest_kpa, plan.protocol.die_um) == force
    assert goal in READY


@pytest.mark.parametrize(
    ("name", "press", "said"),
    [
        ("kbr-13mm", REFERENCE, r"613\.\d+ MPa \(81\.4 kN on 13 mm\) .* 382\.\d+ MPa \(50\.7 kN"),
        ("sulfide", WEAK_10, r"385 MPa \(30\.2 kN on 10 mm\) .* 184\.\d+ MPa \(14\.5 kN"),
        ("kbr-7mm", WEAK, r"535\.\d+ MPa \(20\.6 kN on 7 mm\) .* 376\.\d+ MPa \(14\.5 kN"),
        ("xrf-32mm", REFERENCE, r"251\.\d+ MPa \(202 kN on 32 mm\) .* 63\.\d+ MPa \(50\.7 kN"),
        ("xrf-40mm", REFERENCE, r"160\.\d+ MPa \(202 kN on 40 mm\) .* 40\.\d+ MPa \(50\.7 kN"),
    ],
)
def test_a_press_that_cannot_refuses_with_pressure_force_and_limit_in_one_sentence(
    name: str, press: PressDescription, said: str
) -> None:
    findings = validate_text(find_goal(name).text, name, press.machine_profile()).errors
    (finding,) = (each for each in findings if each.code == "over-limit")
    assert re.search(said, finding.message), finding.message

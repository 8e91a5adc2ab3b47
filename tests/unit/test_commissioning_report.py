"""The report of a commissioning: what still counts, what is kept, and what is no report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pressloop.commissioning.report import (
    CommissioningReport,
    load_report,
    markdown,
    readable_path,
    report_path,
    save_report,
)
from pressloop.commissioning.step import Outcome, StepResult
from pressloop.commissioning.steps import BY_NAME, STEPS
from pressloop.errors import RecordError

BOOT = 7


def result(name: str, outcome: Outcome = "pass", boot: int = BOOT) -> StepResult:
    return StepResult(
        name, outcome, "2026-11-28T16:00:00+0000", boot, fault="x" * (outcome == "fail")
    )


def report(*results: StepResult) -> CommissioningReport:
    return CommissioningReport("beef", "a press", simulated=False, results=list(results))


def open_names(made: CommissioningReport, boot: int = BOOT) -> list[str]:
    return [step.name for step in made.open_steps(boot)]


ALL = [result(step.name) for step in STEPS]


def test_what_stops_the_press_comes_before_what_moves_it() -> None:
    groups = [step.group for step in STEPS]
    assert groups == sorted(groups, key=["wires", "ram", "press"].index)
    names = list(BY_NAME)
    assert names.index("outputs") > names.index("emergency-stop") > names.index("button")


def test_a_whole_walk_leaves_nothing_open() -> None:
    assert open_names(report(*ALL)) == []
    assert open_names(report()) == list(BY_NAME)


def test_after_a_start_of_the_controller_the_wires_are_proved_anew_and_nothing_else() -> None:
    again = open_names(report(*ALL), boot=BOOT + 1)
    assert again == [step.name for step in STEPS if step.group == "wires"]


def test_a_failure_among_the_wires_opens_all_that_rests_on_them() -> None:
    made = report(*ALL, result("guard", "fail"))
    assert open_names(made) == list(BY_NAME)
    # A step that passed after the failure counts again.
    assert "button" not in open_names(report(*ALL, result("guard", "fail"), result("button")))


def test_a_failure_with_the_ram_opens_the_strokes_and_the_presses_but_no_wire() -> None:
    made = report(*ALL, result("dry-strokes", "fail"))
    assert open_names(made) == [step.name for step in STEPS if step.group != "wires"]


def test_a_failure_on_the_blank_opens_that_step_alone() -> None:
    assert open_names(report(*ALL, result("leak", "fail"))) == ["leak"]


def test_a_skipped_step_is_not_open() -> None:
    assert open_names(report(*ALL, result("load-cell", "skipped"))) == []


def test_the_pump_is_on_after_the_step_that_asks_for_it() -> None:
    assert not report(*ALL[:3]).pump_is_on()
    assert report(*ALL).pump_is_on()
    assert not report(*ALL, result("pump-off")).pump_is_on()


def test_a_report_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = report_path(tmp_path / "my-press.yaml")
    assert path.name == "my-press.commissioning.json"
    assert load_report(path) is None
    made = report(*ALL)
    save_report(path, made)
    assert load_report(path) == made
    assert readable_path(path).read_text() == markdown(made)


def test_a_report_for_reading_says_what_was_wrong_and_whether_it_is_finished() -> None:
    failed = StepResult(
        "outputs", "fail", "now", BOOT, "valves-swapped", "they are swapped", "exchange them"
    )
    text = markdown(report(*ALL[:6], failed))
    assert "Not finished" in text
    assert "`valves-swapped`: they are swapped.\n  To do: exchange them." in text
    assert "| lamp | The lamp warns | not made | | |" in text
    done = report(*ALL)
    done.finished_on, done.profile_hash = "2026-11-28", "7e7026c6"
    assert "Commissioned on 2026-11-28, profile 7e7026c6." in markdown(done)
    assert "SIMULATED" not in markdown(done)
    done.simulated = True
    assert "SIMULATED" in markdown(done)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pressloop_commissioning": 2}', "{nonsense"])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.commissioning.json"
    path.write_text(text)
    with pytest.raises(RecordError) as caught:
        load_report(path)
    assert caught.value.code == "bad-report"


def test_a_report_with_an_unknown_value_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.commissioning.json"
    path.write_text(json.dumps(report().as_dict() | {"more": 1}))
    with pytest.raises(RecordError, match="more"):
        load_report(path)


def test_a_folder_that_takes_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordError) as caught:
        save_report(tmp_path / "missing" / "x.commissioning.json", report())
    assert caught.value.code == "report-write"

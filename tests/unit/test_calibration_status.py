"""How a press was calibrated, in its profile, in its press file and in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from pressloop.cli.app import app
from pressloop.emulator import description
from pressloop.emulator.description import PressDescription
from pressloop.emulator.description.from_profile import press_text
from pressloop.errors import BadInputError
from pressloop.evaluation import finalise
from pressloop.evaluation.verdict_basis import calibration_sentence
from pressloop.machine.calibration import calibration_of_hello, calibration_status, outdated_by
from pressloop.machine.profile import MachineProfile
from pressloop.validation import LoadedProtocol, validate_loaded
from pressloop.wire.schema import CalibrationResult
from typer.testing import CliRunner

from tests.unit import synthetic_run
from tests.unit.golden_records import RUN, write
from tests.unit.test_record_header import HELLO

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

CALIBRATION: dict[str, Any] = {
    "calibration_result": "passed",
    "calibration_date": "2026-11-28",
    "calibration_due": "2027-11-28",
    "calibration_error_percent": 0.12,
    "calibration_uncertainty_percent": 0.35,
    "calibration_uncertainty_n": 20,
    "calibration_reference": "D-K-1234 2026-03",
    "calibration_up_to_kn": 50.0,
}


def profile(**more: Any) -> MachineProfile:
    return PressDescription().machine_profile().model_copy(update={**CALIBRATION, **more})


def test_a_calibration_passes_the_wire_and_a_press_file_unchanged() -> None:
    calibrated = profile()
    assert calibrated.to_wire().calibration_day == (date(2026, 11, 28) - date(1970, 1, 1)).days
    assert MachineProfile.from_wire(calibrated.to_wire()) == calibrated
    assert description.loads(press_text(calibrated, "shown")).machine_profile() == calibrated


@pytest.mark.parametrize(
    ("changes", "today", "state", "text"),
    [
        (
            {},
            date(2027, 11, 27),
            "calibrated",
            "calibrated on 2026-11-28, due 2027-11-28, against D-K-1234 2026-03",
        ),
        ({}, date(2027, 11, 28), "overdue", "calibration overdue since 2027-11-28"),
        (
            {"calibration_result": "failed"},
            date(2026, 11, 29),
            "failed",
            "calibration failed on 2026-11-28",
        ),
    ],
)
def test_what_a_calibration_is_on_a_day(
    changes: dict[str, Any], today: date, state: str, text: str
) -> None:
    status = calibration_status(profile(**changes), today)
    assert (status.state, status.text) == (state, text)
    assert status.counts == (state == "calibrated")


def test_a_press_that_was_never_calibrated_says_so() -> None:
    status = calibration_status(PressDescription().machine_profile(), date(2026, 11, 28))
    assert (status.state, status.text, status.due) == ("not calibrated", "not calibrated", None)


def test_a_calibration_does_not_outlive_what_it_was_made_with() -> None:
    before = profile()
    assert outdated_by(before, before) == ()
    assert outdated_by(before, profile(ram_area_cm2=14.6)) == ("ram_area_cm2",)
    assert outdated_by(before, profile(raw_full=before.raw_full + 5)) == ("raw_full",)
    # Tuning moves the zero and the loop, a new calibration anything.
    moved = {"raw_zero": before.raw_zero + 2, "raw_full": before.raw_full + 2, "kp_per_s": 10}
    assert outdated_by(before, profile(**moved)) == ()
    again = profile(ram_area_cm2=14.6, calibration_error_percent=0.2)
    assert outdated_by(before, again) == ()
    assert outdated_by(before, PressDescription().machine_profile()) == ()


def test_hello_alone_tells_the_same() -> None:
    day = (date(2026, 11, 28) - date(1970, 1, 1)).days
    told = replace(
        HELLO,
        calibration=CalibrationResult.PASSED,
        calibration_day=day,
        calibration_due_day=day + 365,
    )
    assert calibration_of_hello(HELLO, date(2026, 11, 28)) == "not calibrated"
    assert calibration_of_hello(told, date(2027, 1, 1)) == (
        "calibrated on 2026-11-28, due 2027-11-28"
    )
    assert calibration_of_hello(told, date(2027, 11, 28)) == "calibration overdue since 2027-11-28"
    failed = replace(told, calibration=CalibrationResult.FAILED)
    assert calibration_of_hello(failed, date(2027, 1, 1)) == "calibration failed on 2026-11-28"


@pytest.mark.parametrize(
    "wrong",
    [
        {"calibration_due": None},
        {"calibration_due": "2026-11-27"},
        {"calibration_date": "28.11.2026"},
        {"calibration_reference": "twenty-four bytes, äöü äö"},
    ],
)
def test_what_no_board_could_store_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInputError):
        profile(**wrong)


@pytest.mark.parametrize(
    ("changes", "state", "sentence", "warning"),
    [
        (None, "not calibrated", "The press is not calibrated.", None),
        ({}, "calibrated", "Calibrated on 2026-11-28, due 2027-11-28.", None),
        (
            {"calibration_due": "2026-11-28"},
            "overdue",
            "Calibration overdue since 2026-11-28.",
            "calibration overdue since 2026-11-28: the pressure may be off by more",
        ),
        (
            {"calibration_result": "failed"},
            "failed",
            "Calibration failed on 2026-11-28.",
            "calibration failed on 2026-11-28: the pressure may be off by more",
        ),
        (
            {"calibration_up_to_kn": 30.0},
            "calibrated",
            "Calibrated on 2026-11-28, due 2027-11-28.",
            "above 30 kN, the largest force of the calibration",
        ),
    ],
)
def test_record_and_verdict_say_what_the_calibration_was_on_the_day_of_the_run(
    tmp_path: Path,
    changes: dict[str, Any] | None,
    state: str,
    sentence: str,
    warning: str | None,
) -> None:
    base = PressDescription().machine_profile()
    pressed_with = base if changes is None else profile(**changes)
    started = datetime(2026, 12, 1, 12, tzinfo=timezone.utc).timestamp()
    written = synthetic_run.header(
        profile=pressed_with.model_dump(mode="json"), created_unix_time_second=started
    )
    write(tmp_path, replace(RUN, header=written), RUN.end())
    summary = finalise(tmp_path)
    assert summary.calibration is not None
    assert summary.calibration.state == state
    assert calibration_sentence(summary).startswith(sentence.rstrip("."))
    said = [text for text in summary.warnings if "calibration" in text]
    assert len(said) == (warning is not None)
    if warning is not None:
        assert said[0].startswith(warning)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"calibration_due": "2026-11-28"}, "calibration-overdue"),
        ({"calibration_result": "failed"}, "calibration-failed"),
        ({"calibration_up_to_kn": 30.0}, "calibration-exceeded"),
        ({}, None),
    ],
)
def test_validation_warns_of_a_calibration_that_does_not_count(
    changes: dict[str, Any], code: str | None
) -> None:
    text = (EXAMPLES / "sodium_three_step.yaml").read_text()
    source = LoadedProtocol.of_text(text, "sodium")
    result = validate_loaded(source, profile(**changes), today=date(2026, 12, 1))
    assert [finding.code for finding in result.findings] == ([] if code is None else [code])
    assert result.as_dict()["calibration"]["due"] is not None
    assert result.protocol is not None


def test_validate_says_that_a_press_is_not_calibrated() -> None:
    result = CliRunner().invoke(app, ["validate", str(EXAMPLES / "sodium_three_step.yaml")])
    assert result.exit_code == 0
    assert "The press is not calibrated." in result.stdout

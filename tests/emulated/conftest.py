"""Presses that are tuned once per session: tuning one takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pressloop import Press
from pressloop.cli.app import app
from pressloop.machine.profile import MachineProfile
from pressloop.tuning.identify import Identification
from pressloop.tuning.result import TuningResult
from pressloop_bench.control.press_family import Case
from pressloop_bench.control.tuned_press import tune_case
from typer.testing import CliRunner, Result

STEEL_BLANK = Path(__file__).resolve().parents[2] / "examples" / "presses" / "steel-blank.yaml"


@pytest.fixture(scope="session")
def tune_once() -> Callable[[Case], Identification]:
    """Return a function that tunes a press of the bench, the same press only once."""
    found: dict[str, Identification] = {}

    def tune(case: Case) -> Identification:
        key = repr(case)
        if key not in found:
            found[key] = tune_case(case)[-1]
        return found[key]

    return tune


@dataclass(frozen=True)
class SteelBlankTuning:
    """`pressloop tune` on the emulated press with a steel blank."""

    command: Result
    folder: Path
    result: TuningResult
    """What `Press.tune` returned to the command."""
    on_board: MachineProfile
    """The profile on the board afterwards."""


@pytest.fixture(scope="session")
def steel_blank_tuning(tmp_path_factory: pytest.TempPathFactory) -> SteelBlankTuning:
    """Tune the emulated press of examples/presses/steel-blank.yaml by the command."""
    folder = tmp_path_factory.mktemp("steel-blank") / "tune"
    seen: list[tuple[TuningResult, MachineProfile]] = []
    tune = Press.tune

    def spy(press: Press, *arguments: Any, **options: Any) -> TuningResult:
        result = tune(press, *arguments, **options)
        seen.append((result, press.profile()))
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Press, "tune", spy)
        command = CliRunner().invoke(
            app,
            ["tune", "300 MPa", "--port", "emulated", "--press", str(STEEL_BLANK)]
            + ["--out", str(folder), "--yes"],
        )
    assert command.exit_code == 0, command.output
    ((result, on_board),) = seen
    return SteelBlankTuning(command, folder, result, on_board)

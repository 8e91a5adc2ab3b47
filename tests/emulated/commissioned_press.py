"""A press that is commissioned in a test: its wires, the person beside it, and the results."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pressloop.commissioning.emulated_person import EmulatedPerson
from pressloop.commissioning.step import StepResult
from pressloop.commissioning.steps import BY_NAME
from pressloop.commissioning.walk import CommissioningWalk
from pressloop.connect import open_emulated_session
from pressloop.emulator.description import PressDescription, load
from pressloop.emulator.process import EmulatedBoard
from pressloop.press import Press

ROOT = Path(__file__).resolve().parents[2]
_SHIPPED = load(ROOT / "examples" / "presses" / "steel-blank.yaml")
BLANK = _SHIPPED.model_copy(
    update={"individual": _SHIPPED.individual.model_copy(update={"second_offset_percent": 0.0})}
)
"""With this offset both transducers read the same at rest, and only their plugs tell them apart."""


def _with(press: PressDescription, **parts: dict[str, Any]) -> PressDescription:
    return PressDescription.model_validate({**press.model_dump(exclude_unset=True), **parts})


_ON_OFF: dict[str, Any] = {"drive": "on-off+proportional", "flow_ml_s_at_10_mpa": 2.0}
_THERMISTOR = {"auxiliary": "oil-temperature"}
EQUIPPED = _with(
    BLANK,
    release=_ON_OFF,
    load_cell={"capacity_kn": 60, "converter": "nau7802"},
    controller=_THERMISTOR,
)
"""Every part that a press with a ram can have, with a thermistor on the third analogue input."""
MEASURED = _with(
    EQUIPPED, displacement={"resolution_um": 1.0}, controller={"auxiliary": "displacement"}
)
"""The same with a displacement sensor there."""
_ISOSTATIC = load(ROOT / "examples" / "presses" / "isostatic.yaml")
VESSEL = _with(_ISOSTATIC, release=_ON_OFF, controller={"contact_bar": 10, **_THERMISTOR})
"""Every part that an isostatic vessel can have."""
LIMIT_MPA = 300.0


class Forgetful(EmulatedPerson):
    """Says that the pump motor is off, and leaves it running."""

    def _answer(self, key: str) -> str:
        answer = super()._answer(key)
        self._control({"wiring": {"pump_motor": True}})
        return answer


@dataclass
class WalkedPress:
    """A press in its walk."""

    press: Press
    person: EmulatedPerson
    walk: CommissioningWalk
    board: EmulatedBoard
    results: list[StepResult] = field(default_factory=list)

    def control(self, command: dict[str, Any]) -> dict[str, Any]:
        return self.board.control(command)

    def make(self, *names: str) -> StepResult:
        """Make these steps alone, whatever is open, until one fails; return the last result."""
        for name in names:
            if self.walk._make(BY_NAME[name]).outcome == "fail":
                break
        return self.results[-1]

    def until(self, group: str = "press") -> StepResult:
        """Make the open steps before those of a group, until one fails; return the last result."""
        for step in self.walk.open_steps():
            if step.group == group or self.walk._make(step).outcome == "fail":
                break
        return self.results[-1]

    @property
    def farthest_mm(self) -> float:
        """How far the ram has come out over the wires as they are now."""
        return float(self.control({"get": True})["farthest_mm"])


@contextmanager
def walked(
    emulated: Callable[..., EmulatedBoard] = EmulatedBoard,
    wiring: dict[str, Any] | None = None,
    *,
    press: PressDescription = BLANK,
    person: type[EmulatedPerson] = EmulatedPerson,
    limit_mpa: float = LIMIT_MPA,
) -> Iterator[WalkedPress]:
    """Open an emulated press with these wires, and begin its walk."""
    with (
        tempfile.TemporaryDirectory() as folder,
        emulated(press, seed=1) as board,
        Press(board.url, open_emulated_session(board, host="test")) as machine,
    ):
        if wiring:
            board.control({"wiring": wiring})
        someone = person(
            board.control,
            relief_bar=machine.profile().max_oil_bar,
            die_mm=10.0,
            limit_mpa=limit_mpa,
        )
        results: list[StepResult] = []
        walk = CommissioningWalk(
            machine,
            someone,
            Path(folder) / "press.commissioning.json",
            converter=press.transducer.converter,
            on_result=results.append,
        )
        yield WalkedPress(machine, someone, walk, board, results)

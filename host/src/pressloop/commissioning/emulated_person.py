"""Stands in for the person beside an emulated press: operates contacts, looks at coils and ram."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pressloop.commissioning import outputs, strokes
from pressloop.commissioning.operator import NO, YES, Action, ChoiceQuestion, NumberQuestion

Control = Callable[[dict[str, Any]], dict[str, Any]]
"""Sends a command to the control port of an emulated board: `EmulatedBoard.control`."""

_INPUTS: Final = {"button": "button", "guard": "guard_open", "emergency-stop": "emergency_stop"}
_PLUGS: Final = {
    "vessel-pressure": "lid_plug",
    "first-transducer": "first_plug",
    "auxiliary": "auxiliary_plug",
}
_SEEN: Final = {
    "lamp": "lamp",
    "contactor": "contactor",
    "on-off-release": "on_off_release_shut",
    "buzzer": "buzzer_seen",
}
"""Parts that are on or off, by the first part of the question, with what the press says of them."""
_LEAST_CURRENT: Final = 0.05
_LEAST_TRAVEL_MM: Final = 0.05


class EmulatedPerson:
    """Does what is asked, and says what is true of the emulated press.

    Attributes:
        said: Every question and action so far with its answer, in order.
    """

    at_once = True

    def __init__(
        self,
        control: Control,
        *,
        relief_bar: float,
        die_mm: float,
        limit_mpa: float,
        show: Callable[[str], None] | None = None,
    ) -> None:
        """Keep the answers that the press itself cannot give; `show` prints what is said."""
        self.said: list[tuple[str, str]] = []
        self._control = control
        self._numbers = {"relief-bar": relief_bar, "die-mm": die_mm, "limit-mpa": limit_mpa}
        self._show = show
        self._ram_mm = 0.0

    def show(self, text: str) -> None:
        """Watch coils and buzzer from now on, and print what was said if that was asked for.

        The output of the pump valve is on for 2 s of the press. A busy machine may come to the
        question later than that; who watched the coil since it was announced has seen it.
        """
        self._control({"wiring": {"look": True}})
        if self._show is not None:
            self._show(text)

    def act(self, action: Action) -> None:
        """Operate a contact of the press, or pull a plug."""
        if action.contact in _PLUGS:
            self._control({"wiring": {_PLUGS[action.contact]: not action.operated}})
        elif action.contact == "load-cell":
            self._control({"wiring": {"hand_on_cell": action.operated}})
        else:
            self._control({"set": {_INPUTS[action.contact]: action.operated}})
        self._note(action.contact, action.text, "done")

    def ask(self, question: ChoiceQuestion) -> str:
        """Look at the press and answer."""
        answer = self._answer(question.key)
        self._note(question.key, question.text, answer)
        return answer

    def ask_number(self, question: NumberQuestion) -> float:
        """Return the number that was given at the start."""
        number = self._numbers[question.key]
        self._note(question.key, question.text, f"{number:g} {question.unit}")
        return number

    def _answer(self, key: str) -> str:
        state = self._control({"get": True})
        if key in ("pump-off", "motor-on", "blank-in"):
            self._control({"wiring": {"pump_motor": key != "pump-off"}})
            return YES
        if key == "coil":
            return _valve(state["pump_coil_seen"], state["release_coil_seen"])
        part, _, wanted = key.rpartition("-")
        if part in _SEEN and wanted in ("on", "off"):
            return YES if state[_SEEN[part]] == (wanted == "on") else NO
        if key == "current-gone":
            now = _valve(state["pump_coil"], state["release_coil"])
            gone = now == outputs.NEITHER and not state["on_off_release_shut"]
            return YES if gone else NO
        if key == "stroke-ready":
            self._ram_mm = state["ram_mm"]
            return YES
        if key == "ram-moved":
            moved_mm = state["ram_mm"] - self._ram_mm
            self._ram_mm = state["ram_mm"]
            if abs(moved_mm) < _LEAST_TRAVEL_MM:
                return strokes.STILL
            return strokes.OUT if moved_mm > 0 else strokes.IN
        if key == "ram-back":
            return YES if state["ram_mm"] < self._ram_mm else NO
        raise AssertionError(f"an emulated press has no answer to {key}")

    def _note(self, key: str, text: str, answer: str) -> None:
        self.said.append((key, answer))
        if self._show is not None:
            self._show(f"{text} -> {answer}")


def _valve(pump_current: float, release_current: float) -> str:
    """Return the answer to which valve has current, from the shares of time that it has it."""
    pump = pump_current > _LEAST_CURRENT
    release = release_current > _LEAST_CURRENT
    if pump and release:
        return outputs.BOTH
    return outputs.PUMP if pump else outputs.RELEASE if release else outputs.NEITHER

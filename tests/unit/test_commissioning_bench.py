"""Where a person must allow something by the button, the walk asks for it once, and says why."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pressloop.commissioning.bench import CommissioningBench
from pressloop.commissioning.operator import Action, ChoiceQuestion, NumberQuestion
from pressloop.commissioning.step import StepFailedError
from pressloop.emulator.description import PressDescription
from pressloop.errors import CommandRefusedError
from pressloop.wire.schema import Fault, ValveTestRequest


class Hand:
    """Operates the button of the press below."""

    at_once = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.presses = 0

    def show(self, text: str) -> None:
        self.asked.append(text)

    def act(self, action: Action) -> None:
        self.asked.append(action.text)
        self.presses += action.contact == "button" and action.operated

    def ask(self, question: ChoiceQuestion) -> str:
        raise AssertionError(question)

    def ask_number(self, question: NumberQuestion) -> float:
        raise AssertionError(question)


class ButtonPress:
    """A press whose board takes nothing without its button."""

    def __init__(self, hand: Hand, needed: int) -> None:
        self.hello = SimpleNamespace(simulated=False)
        self.session = SimpleNamespace(request=self._request)
        self.requests: list[ValveTestRequest] = []
        self._hand, self._needed = hand, needed

    def profile(self) -> Any:
        return PressDescription().machine_profile()

    def status(self) -> Any:
        return SimpleNamespace(fault=Fault.EMERGENCY_STOP)

    def clear_fault(self) -> None:
        self._require()

    def _request(self, request: ValveTestRequest) -> None:
        self._require()
        self.requests.append(request)

    def _require(self) -> None:
        if self._hand.presses < self._needed:
            raise CommandRefusedError(
                "a person has to allow this", hint="press it", command="x", code="needs-button"
            )


def _bench(needed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[CommissioningBench, ButtonPress]:
    hand = Hand()
    press = ButtonPress(hand, needed)
    bench = CommissioningBench(press, hand, folder=Path())  # type: ignore[arg-type]
    monkeypatch.setattr(bench, "wait", lambda _condition, _wait_s: True)
    return bench, press


def test_a_test_of_the_valves_asks_for_the_button_and_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, press = _bench(1, monkeypatch)
    bench.test_valves(pump=0.5, pump_s=0.25, release=0.0, duration_s=2.0, rise_bar=0.3)
    (request,) = press.requests
    assert (request.pump, request.pump_ms, request.release) == (16384, 250, 0)
    # 0.3 bar of oil on the largest die, 13 mm.
    assert request.rise_kpa == pytest.approx(30 * 1450 / 132.73, abs=1)
    assert bench.operator.asked[0].endswith("so that the valves may be tested.")  # type: ignore[attr-defined]


def test_a_fault_that_needs_the_button_is_cleared_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _press = _bench(1, monkeypatch)
    bench.clear_fault()
    assert bench.operator.presses == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("call", ["clear_fault", "test_valves"])
def test_a_button_that_does_not_help_is_asked_for_once(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, _press = _bench(9, monkeypatch)
    with pytest.raises(StepFailedError):
        if call == "clear_fault":
            bench.clear_fault()
        else:
            bench.test_valves(release=0.0, duration_s=1.0, rise_bar=0.3)
    assert bench.operator.presses == 1  # type: ignore[attr-defined]


def test_a_button_whose_input_does_not_change_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, _press = _bench(1, monkeypatch)
    monkeypatch.setattr(bench, "wait", lambda _condition, _wait_s: False)
    with pytest.raises(StepFailedError) as failed:
        bench.test_valves(release=0.0, duration_s=1.0, rise_bar=0.3)
    assert failed.value.fault == "button"

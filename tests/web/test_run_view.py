"""What a page says of a press: words, the time that is left, and why a command has no effect."""

from __future__ import annotations

from typing import Any

import pytest
from pressloop.session.fault_texts import FAULT_TEXTS
from pressloop.web.run_view import expected_s, run_view, status_view
from pressloop.web.words import fault_words, state_sentence, state_word
from pressloop.wire.schema import Fault, InputBits, State

from tests.unit.statuses import a_status
from tests.unit.synthetic_run import header

HEADER = header()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "Hold"),
        ({"dwell_s": 0.0}, "Settling"),
        ({"setpoint_mpa": 300.0, "dwell_s": 0.0}, "Ramp up"),
        ({"setpoint_mpa": 498.0, "topping_up": True}, "Top up"),
        ({"setpoint_mpa": 600.0}, "Ramp down"),
        ({"approaching": True}, "Approach"),
        ({"approaching": True, "waits_for_button": True}, "Hold the button"),
        ({"state": State.IDLE}, "At rest"),
        ({"state": State.PAUSED}, "Paused"),
        ({"state": State.PROMPTING, "prompt": "Insert it"}, "Waiting for you"),
        ({"state": State.VENTING}, "Releasing"),
        ({"state": State.FAULT, "fault": Fault.LEAK}, "Fault"),
    ],
)
def test_each_state_has_a_word_and_a_sentence_without_figures_that_run(
    changes: dict[str, Any], word: str
) -> None:
    status = a_status(**changes)
    assert state_word(status) == word
    sentence = state_sentence(status)
    assert sentence.endswith((".", "it"))
    moved = a_status(**{**changes, "pressure_mpa": 1.0, "remaining_s": 99.0, "tick": 7})
    assert state_sentence(moved) == sentence


def test_every_fault_has_a_meaning_and_a_next_step_as_sentences() -> None:
    for fault in Fault:
        found = fault_words(fault)
        if fault is Fault.NONE:
            assert found is None
            continue
        assert found is not None and found["name"] in FAULT_TEXTS
        for text in (found["meaning"], found["next"]):
            assert text[0].isupper() or text[0] == "`"
            assert text.endswith(".")


def test_the_time_left_adds_the_later_steps_and_not_the_wait_for_an_answer() -> None:
    times = expected_s(HEADER.steps)
    shown = status_view(a_status(remaining_s=1.0), HEADER, None)
    assert shown["run_left_s"] == pytest.approx(1.0 + sum(times[2:]))
    assert shown["stage_left_s"] <= shown["run_left_s"]
    waiting = a_status(state=State.PROMPTING, remaining_s=1800.0, prompt="Insert it")
    shown = status_view(waiting, HEADER, None)
    assert shown["run_left_s"] == pytest.approx(sum(times[2:]))
    assert shown["prompt"] == "Insert it"
    assert status_view(a_status(), None, None)["run_left_s"] is None


def test_commands_without_effect_say_why() -> None:
    obstacles = status_view(a_status(), HEADER, None)["obstacles"]
    assert set(obstacles) == {"resume", "end"}
    assert obstacles["resume"] == "The run is not paused."
    idle = status_view(a_status(state=State.IDLE, step=None, stage=None), None, None)["obstacles"]
    assert set(idle) == {"pause", "resume", "skip", "end", "abort"}


def test_inputs_and_stages_are_shown() -> None:
    shown = status_view(a_status(inputs=InputBits.GUARD_OPEN), HEADER, None)
    assert (shown["guard_open"], shown["emergency_stop"]) == (True, False)
    view = run_view(HEADER, "record")
    assert [stage["target_mpa"] for stage in view["stages"] if stage["target_mpa"]] == [
        250,
        500,
        74,
    ]
    assert all(stage["expected_s"] >= 0 for stage in view["stages"])

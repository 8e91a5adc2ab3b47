"""Says in plain words what a press does and what it waits for; no page makes up its own words."""

from __future__ import annotations

from typing import Any, Final

from pressloop.errors import PressloopError
from pressloop.session.fault_texts import explain_fault
from pressloop.session.status import PressStatus
from pressloop.units import duration_text
from pressloop.wire.names import wire_name
from pressloop.wire.schema import EndReason, Fault, State

_ENDS: Final = {
    "completed": "The run completed all its steps.",
    "aborted": "The run was aborted; the pressure was released.",
    "fault": "The run ended with a fault; the pressure was released.",
    "host-lost": "The board heard nothing from its program for too long and released the pressure.",
    "prompt-timeout": "No answer to the prompt came in time, so the board released the pressure.",
    "hold-timeout": "A hold was out of its tolerance for too long, so the board released the "
    "pressure.",
    "power-lost": "The controller lost its power during the run.",
    "board-reset": "The controller restarted during the run.",
    "not-started": "The board did not start the run.",
    "interrupted": "The record ends before the run: its program was cut off.",
    "unconfirmed": "The board reported the end of the run, and the record contradicts it.",
}


def state_word(status: PressStatus) -> str:
    """Return in one or two words what the press is doing."""
    state = status.state
    if state is State.IDLE:
        return "At rest"
    if state is State.PAUSED:
        return "Paused"
    if state is State.PROMPTING:
        return "Waiting for you"
    if state is State.VENTING:
        return "Releasing"
    if state is State.FAULT:
        return "Fault"
    if status.waits_for_button:
        return "Hold the button"
    if status.approaching:
        return "Approach"
    if status.topping_up:
        return "Top up"
    if status.is_resting:
        return "Rest at zero"
    if status.setpoint_moves:
        return "Ramp up" if status.target_mpa > status.setpoint_mpa else "Ramp down"
    return "Hold" if status.dwell_s else "Settling"


def state_sentence(status: PressStatus) -> str:
    """Return one sentence that says what happens and what ends it, for people and screen readers.

    It has no figure that changes all the time.
    """
    stage = f" in '{status.stage_name}'" if status.stage_name else ""
    target = f"{status.target_mpa:g} MPa"
    word = state_word(status)
    if word == "At rest":
        return "The press is at rest."
    if word == "Paused" and status.is_resting:
        return f"The run is paused{stage}; the press is without pressure. Resume it, or abort."
    if word == "Paused":
        return f"The run is paused{stage}; the pressure is held. Resume it, or abort."
    if word == "Waiting for you":
        return f"The press waits for you: {status.prompt}"
    if word == "Releasing":
        return "The press releases the pressure at its vent rate."
    if word == "Fault":
        return "The press stopped with a fault; the release valve is open."
    if word == "Hold the button":
        return (
            f"The ram stands{stage}: hold the button on the controller until it meets the sample."
        )
    if word == "Approach":
        return f"The ram approaches the sample{stage}."
    if word in ("Ramp up", "Ramp down"):
        return f"The pressure moves to {target}{stage}."
    if word == "Rest at zero":
        return (
            f"The press rests without pressure{stage}. Keep the guard closed: the ram moves when "
            "the rest ends."
        )
    if word == "Top up":
        return f"The pump brings the sealed hold back to {target}{stage}."
    if word == "Settling":
        return f"The pressure settles at {target}{stage}."
    if not status.remaining_s:
        return f"The pressure is held at {target}{stage} until you end the hold."
    return f"The pressure is held at {target}{stage}."


def pause_reason(status: PressStatus) -> str:
    """Return why the run is paused, as one sentence; empty if it is not, or if nothing is known."""
    if status.state is not State.PAUSED:
        return ""
    if status.silent_s is not None:
        silent = duration_text(status.silent_s, 0)
        return f"The board heard nothing from this program for {silent} and paused by itself."
    return f"Paused by {status.paused_by}." if status.paused_by else ""


def fault_words(fault: Fault) -> dict[str, str] | None:
    """Return name, meaning and next step of a fault; None without one."""
    if fault is Fault.NONE:
        return None
    name = wire_name(fault)
    meaning, remedy = explain_fault(name)
    return {"name": name, "meaning": _sentence(meaning), "next": _sentence(remedy)}


def end_sentence(end_reason: str) -> str:
    """Return how a run ended, as one sentence."""
    return _ENDS.get(end_reason, f"The run ended: {end_reason}.")


def last_end(status: PressStatus) -> str:
    """Return how the last run ended, as the board says; empty if there was none since boot."""
    if status.end_reason is EndReason.NONE:
        return ""
    return end_sentence(wire_name(status.end_reason))


def outcome_sentence(text: str) -> str:
    """Return a message of the SDK, which begins in lower case and has no full stop, as one."""
    return _sentence(text)


def error_words(error: Any) -> dict[str, Any]:
    """Return an error for a page: code, what failed, and what to do next."""
    return {
        "code": error.code,
        "message": _sentence(error.message),
        "hint": _sentence(error.hint),
    }


def defect(error: Exception) -> PressloopError:
    """Return an error that says that the page itself failed."""
    return PressloopError(
        f"the page failed with an error of its own: {error!r}",
        hint="report it with the lines that the server printed",
        code="internal",
    )


def _sentence(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")

"""Each state that waits for a person says once what ends it."""

from __future__ import annotations

import pytest
from pressloop.cli.waiting import BY_KEY, Controls, WaitingNotices, outcome_markup
from pressloop.run.steering import SteeringOutcome
from pressloop.wire.schema import State
from rich.text import Text

from tests.unit.statuses import a_status

OPEN = {3: "wait until the force has settled", 5: None}


class Notices:
    """Collects what is said, without its markup."""

    def __init__(self, controls: Controls, *, prompts: bool = False) -> None:
        self.said: list[str] = []
        self.notices = WaitingNotices(self._say, controls, OPEN, prompts=prompts)

    def _say(self, markup: str) -> None:
        self.said.append(Text.from_markup(markup).plain)

    def see(self, **changes: object) -> str:
        """Show a status and return what was said because of it."""
        before = len(self.said)
        self.notices.see(a_status(**changes))
        return "\n".join(self.said[before:])


AT_A_TERMINAL = Controls(keys=True)
WITHOUT = Controls(port="socket://127.0.0.1:5000")


def test_a_pause_after_silence_says_why_and_what_to_press() -> None:
    at_a_terminal = Notices(AT_A_TERMINAL)
    said = at_a_terminal.see(state=State.PAUSED, silent_s=12.3)
    assert "paused: the board heard nothing from this program for 12 s" in said
    assert "press r to resume, or a to abort" in said
    assert at_a_terminal.see(state=State.PAUSED, silent_s=12.3) == ""
    assert at_a_terminal.see() == ""
    assert "for 7 s" in at_a_terminal.see(state=State.PAUSED, silent_s=7.0)


def test_without_a_terminal_it_names_the_command_and_the_board() -> None:
    said = Notices(WITHOUT).see(state=State.PAUSED, silent_s=12.3)
    assert "in another terminal, type pressloop resume --port socket://127.0.0.1:5000 to" in said
    assert "pressloop abort --port socket://127.0.0.1:5000" in said
    assert "type resume to resume, or abort to abort" in Notices(Controls(words=True)).see(
        state=State.PAUSED, silent_s=1.0
    )


def test_a_pause_names_who_asked_for_it() -> None:
    said = Notices(AT_A_TERMINAL).see(state=State.PAUSED, paused_by="operator (another terminal)")
    assert "paused: by operator (another terminal)" in said and "press r" in said
    own = Notices(AT_A_TERMINAL).see(state=State.PAUSED, paused_by=BY_KEY)
    assert "paused:" not in own and "press r to resume" in own


def test_a_pause_without_a_reason_is_named_only_when_none_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = [100.0]
    monkeypatch.setattr("pressloop.cli.waiting.time.monotonic", lambda: now_s[0])
    notices = Notices(AT_A_TERMINAL)
    assert notices.see(state=State.PAUSED) == ""
    now_s[0] += 3.0
    assert "this program did not ask for it" in notices.see(state=State.PAUSED)
    assert "heard nothing" in notices.see(state=State.PAUSED, silent_s=4.0)


@pytest.mark.parametrize("controls", [AT_A_TERMINAL, WITHOUT, Controls(words=True)])
def test_an_open_hold_says_once_what_to_wait_for_and_what_ends_it(controls: Controls) -> None:
    notices = Notices(controls)
    said = notices.see(step=3)
    assert "wait until the force has settled" in said
    assert ("press e" if controls.keys else "pressloop end") in said
    assert notices.see(step=3) == "" and notices.see(step=4) == ""
    assert "open hold" in notices.see(step=5)


def test_the_hint_names_the_key_that_ends_the_wait() -> None:
    notices = Notices(AT_A_TERMINAL).notices
    assert notices.hint(a_status(state=State.PAUSED)) == "r resumes"
    assert notices.hint(a_status(step=3)) == "e ends it"
    assert notices.hint(a_status()) == ""
    assert Notices(WITHOUT).notices.hint(a_status(state=State.PAUSED)) == ""


def test_a_watcher_says_where_a_prompt_is_answered() -> None:
    said = Notices(WITHOUT, prompts=True).see(state=State.PROMPTING, prompt="turn [the] die")
    assert "turn [the] die" in said and "in the terminal of the run" in said
    assert Notices(WITHOUT).see(state=State.PROMPTING, prompt="turn") == ""


def test_an_outcome_is_not_said_twice() -> None:
    said = outcome_markup(SteeringOutcome(True, "paused at 60.0 MPa; [controlled]"))
    assert Text.from_markup(said).plain == "paused at 60.0 MPa; [controlled]"

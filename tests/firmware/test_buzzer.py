"""When the buzzer sounds."""

from pressloop_fw.loop.buzzer import sounds
from pressloop_fw.wire import schema
from rig import Rig, prompt, ramp


class Sounding(Rig):
    """A board that writes down what its buzzer does, every fifth of a second."""

    steps = 0
    heard = bytearray(200)

    def sound(self, on):
        # A list would grow, and the tick must not allocate.
        self.heard[self.steps] = on
        self.steps += 1


def _sounding():
    rig = Sounding()
    rig.steps, rig.heard = 0, bytearray(200)
    return rig


def test_it_is_silent_at_rest_and_in_a_run():
    rig = _sounding()
    rig.run(2)
    rig.upload([ramp(50000, 40000)])
    rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"one cell"})
    rig.run(3)
    assert rig.steps == 25 and not any(rig.heard)


def test_it_sounds_in_turn_while_a_fault_leaves_pressure():
    steps = [sounds(schema.STATE_FAULT, True, step) for step in range(10)]
    assert steps == [False, True] * 5
    assert not any(sounds(schema.STATE_FAULT, False, step) for step in range(10))


def test_it_calls_the_operator_every_four_seconds_at_a_prompt():
    rig = _sounding()
    rig.upload([prompt("Insert the cathode"), ramp(50000, 40000)])
    rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"one cell"})
    rig.run(12)
    at = [step for step, on in enumerate(rig.heard) if on]
    assert len(at) == 3
    assert (at[1] - at[0], at[2] - at[1]) == (20, 20)

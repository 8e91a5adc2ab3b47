"""What the board keeps of a calibration, who may change it, and what its hello says of it."""

from pressloop_fw.wire import schema
from rig import PROFILE, RefusedError, Rig

CALIBRATION = {
    schema.PROFILE_CALIBRATION_RESULT: schema.CALIBRATION_PASSED,
    schema.PROFILE_CALIBRATION_DAY: 20785,
    schema.PROFILE_CALIBRATION_DUE_DAY: 21150,
    schema.PROFILE_CALIBRATION_ERROR_PPM: 1200,
    schema.PROFILE_CALIBRATION_UNCERTAINTY_PPM: 3500,
    schema.PROFILE_CALIBRATION_UNCERTAINTY_N: 20,
    schema.PROFILE_CALIBRATION_REFERENCE: "D-K-1234 2026-03",
    schema.PROFILE_CALIBRATION_UP_TO_N: 50000,
}


def _with(changes):
    values = dict(PROFILE)
    values.update(changes)
    return values


def _refusal(rig, values):
    """Return (code, field) of a refused profile; (0, 0) when it is stored."""
    try:
        rig.ask(schema.CMD_PROFILE_WRITE, values)
    except RefusedError as refused:
        return refused.code, refused.field
    return 0, 0


def _hello(rig):
    return rig.ask(
        schema.CMD_HELLO,
        {
            schema.HELLO_REQUEST_NONCE: 1,
            schema.HELLO_REQUEST_MAJOR: schema.PROTOCOL_MAJOR,
            schema.HELLO_REQUEST_MINOR: 0,
            schema.HELLO_REQUEST_HOST: "test",
        },
    )


def test_hello_says_when_a_press_was_calibrated_and_when_it_is_due():
    rig = Rig()
    hello = _hello(rig)
    assert hello[schema.HELLO_REPLY_CALIBRATION] == schema.CALIBRATION_NONE
    assert schema.HELLO_REPLY_CALIBRATION_DAY not in hello
    assert _refusal(rig, _with(CALIBRATION)) == (0, 0)
    again = Rig(stored=rig.stored)
    assert again.ask(schema.CMD_PROFILE_READ) == _with(CALIBRATION)
    hello = _hello(again)
    assert hello[schema.HELLO_REPLY_CALIBRATION] == schema.CALIBRATION_PASSED
    assert hello[schema.HELLO_REPLY_CALIBRATION_DAY] == 20785
    assert hello[schema.HELLO_REPLY_CALIBRATION_DUE_DAY] == 21150
    assert hello[schema.HELLO_REPLY_CALIBRATION_ERROR_PPM] == 1200
    assert hello[schema.HELLO_REPLY_CALIBRATION_REFERENCE] == "D-K-1234 2026-03"


def test_no_value_of_a_calibration_changes_without_the_button():
    for key, value in CALIBRATION.items():
        rig = Rig(profile=_with(CALIBRATION))
        rig.simulated = False
        rig.tick()
        changed = "another" if isinstance(value, str) else value + 1
        values = _with(CALIBRATION)
        values[key] = changed
        assert _refusal(rig, values)[0] == schema.ERR_NEEDS_BUTTON, key
    rig = Rig()
    rig.simulated = False
    rig.tick()
    assert _refusal(rig, _with(CALIBRATION))[0] == schema.ERR_NEEDS_BUTTON


def test_learned_friction_changes_only_with_the_button():
    learned = {
        schema.PROFILE_FRICTION_PPM: 30000,
        schema.PROFILE_FRICTION_N: 40,
        schema.PROFILE_FRICTION_UNCERTAINTY_PPM: 200000,
    }
    for key in learned:
        rig = Rig(profile=_with(learned))
        rig.simulated = False
        rig.tick()
        values = _with(learned)
        values[key] += 1
        assert _refusal(rig, values)[0] == schema.ERR_NEEDS_BUTTON, key


def test_half_a_calibration_is_refused():
    for key in CALIBRATION:
        values = _with(CALIBRATION)
        del values[key]
        invalid = (schema.ERR_PROFILE_INVALID, schema.PROFILE_CALIBRATION_RESULT)
        assert _refusal(Rig(), values) == invalid, key
    none = _with(CALIBRATION)
    none[schema.PROFILE_CALIBRATION_RESULT] = schema.CALIBRATION_NONE
    assert _refusal(Rig(), none)[0] == schema.ERR_PROFILE_INVALID


def test_a_calibration_that_is_due_before_it_was_made_is_refused():
    values = _with(CALIBRATION)
    values[schema.PROFILE_CALIBRATION_DUE_DAY] = 20784
    invalid = (schema.ERR_PROFILE_INVALID, schema.PROFILE_CALIBRATION_DUE_DAY)
    assert _refusal(Rig(), values) == invalid

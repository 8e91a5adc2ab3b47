"""Converters that the profile names and the board has not found."""

from pressloop_fw.wire import schema
from rig import PROFILE, RefusedError, Rig, ramp

# Transducer on an ADS1115, second one on the chip's converter, load cell on an NAU7802.
PARTS = schema.CONVERTER_ADS1115 << 4 | schema.CONVERTER_ADC << 12 | schema.CONVERTER_NAU7802 << 16


def _profile(parts=PARTS):
    values = dict(PROFILE)
    values[schema.PROFILE_PARTS] = parts
    return values


def _rig(converters, parts=PARTS):
    rig = Rig(profile=_profile(parts))
    rig.converters = converters
    return rig


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


def _refusal(rig):
    rig.upload([ramp(100000)])
    rig.tick()
    try:
        rig.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: b"one cell"})
    except RefusedError as refused:
        return refused.code, refused.detail
    return None


def test_a_run_starts_with_all_converters_that_the_profile_names():
    found = (schema.CONVERTER_ADS1115, schema.CONVERTER_ADC, schema.CONVERTER_NAU7802)
    assert _refusal(_rig(found)) is None


def test_a_missing_or_other_converter_refuses_the_start_with_its_name():
    for found, missing in (
        ((schema.CONVERTER_ADC, schema.CONVERTER_ADC, 4), schema.CONVERTER_ADS1115),
        ((schema.CONVERTER_ADS1115, schema.CONVERTER_ADS1115, 3), schema.CONVERTER_ADC),
        ((schema.CONVERTER_ADS1115, schema.CONVERTER_ADC, 0), schema.CONVERTER_NAU7802),
        ((schema.CONVERTER_ADS1115, schema.CONVERTER_ADC, 4), schema.CONVERTER_NAU7802),
    ):
        assert _refusal(_rig(found)) == (schema.ERR_PART_MISSING, missing)


def test_what_the_profile_does_not_name_is_not_judged():
    assert _refusal(_rig((schema.CONVERTER_ADC, 0, 0), parts=1)) is None
    assert _refusal(_rig(())) is None


def test_hello_says_what_was_found_and_what_is_missing():
    said = _hello(_rig((schema.CONVERTER_ADC, schema.CONVERTER_ADC, 0)))
    assert said[schema.HELLO_REPLY_FOUND_PARTS] == "transducer adc, second adc"
    assert said[schema.HELLO_REPLY_MISSING_PARTS] == "transducer ads1115, load cell nau7802"
    said = _hello(_rig(()))
    assert schema.HELLO_REPLY_FOUND_PARTS not in said
    assert schema.HELLO_REPLY_MISSING_PARTS not in said


def test_another_signal_needs_the_button():
    rig = Rig(profile=_profile(1))
    rig.simulated = False
    try:
        rig.ask(schema.CMD_PROFILE_WRITE, _profile(2))
    except RefusedError as refused:
        assert refused.code == schema.ERR_NEEDS_BUTTON
    else:
        raise AssertionError("a profile with another signal was stored")
    rig.ask(schema.CMD_PROFILE_WRITE, _profile(1))


def test_the_board_is_told_the_signal_of_a_stored_and_of_a_new_profile():
    fitted = []

    class Listening(Rig):
        def fit(self, signal, _lid_switch):
            fitted.append(signal)

    rig = Listening(profile=_profile(schema.SIGNAL_RATIOMETRIC))
    assert fitted[-1] == schema.SIGNAL_RATIOMETRIC
    rig.ask(schema.CMD_PROFILE_WRITE, _profile(schema.SIGNAL_VOLTAGE))
    assert fitted[-1] == schema.SIGNAL_VOLTAGE

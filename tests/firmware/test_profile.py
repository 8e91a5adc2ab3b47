"""The stored machine profile."""

from pressloop_fw.service import profile_store
from pressloop_fw.wire import schema
from rig import PROFILE, RefusedError, Rig


def test_a_profile_survives_a_reset():
    rig = Rig()
    again = Rig(stored=rig.stored)
    assert again.ask(schema.CMD_PROFILE_READ) == PROFILE


def test_any_flipped_bit_in_the_flash_is_noticed():
    rig = Rig()
    good = rig.stored["profile"]
    for at in range(len(good)):
        torn = bytearray(good)
        torn[at] ^= 0x10
        rig.stored["profile"] = bytes(torn)
        assert profile_store.load(rig)[0] is None
    for length in range(len(good)):
        rig.stored["profile"] = good[:length]
        assert profile_store.load(rig)[0] is None
    rig.stored["profile"] = good
    assert profile_store.load(rig)[0] is not None


def test_contradictions_are_refused_by_name():
    for key, value, culprit in (
        (schema.PROFILE_RAW_FULL, 100, schema.PROFILE_RAW_FULL),
        (schema.PROFILE_RAW_FAULT_LOW, 6000, schema.PROFILE_RAW_FAULT_LOW),
        (schema.PROFILE_RAW_FAULT_HIGH, 23000, schema.PROFILE_RAW_FAULT_HIGH),
        (schema.PROFILE_MAX_OIL_KPA, 50000, schema.PROFILE_MAX_OIL_KPA),
        (schema.PROFILE_PUMP_DEAD_BAND, 20000, schema.PROFILE_PUMP_DEAD_BAND),
        (schema.PROFILE_APPROACH_OPENING, 100, schema.PROFILE_APPROACH_OPENING),
        (schema.PROFILE_KP, 0, schema.PROFILE_KP),
        # A die so small that the pellet pressure leaves the range of the arithmetic.
        (schema.PROFILE_DIES_UM, [10000, 1000], schema.PROFILE_DIES_UM),
    ):
        values = dict(PROFILE)
        values[key] = value
        rig = Rig()
        try:
            rig.ask(schema.CMD_PROFILE_WRITE, values)
        except RefusedError as refused:
            assert refused.code == schema.ERR_PROFILE_INVALID
            assert refused.field == culprit
        else:
            raise AssertionError("accepted")
        assert rig.ask(schema.CMD_PROFILE_READ) == PROFILE

"""The stored machine profile."""

import binascii

from pressloop_fw.service.profile_store import ProfileStore
from pressloop_fw.wire import schema
from rig import PROFILE, RefusedError, Rig, ramp


def _stored_profile(rig):
    store = ProfileStore(rig)
    store.load()
    return store.profile.values if store.profile else None


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
        assert _stored_profile(rig) is None
    for length in range(1, len(good)):
        rig.stored["profile"] = good[:length]
        assert _stored_profile(rig) is None
    rig.stored["profile"] = good
    assert _stored_profile(rig) == PROFILE


def test_a_write_that_a_power_cut_tears_leaves_the_profile_before():
    rig = Rig()
    other = dict(PROFILE)
    other[schema.PROFILE_MAX_OIL_KPA] -= 1000
    rig.tick()
    before = dict(rig.stored)
    journal = bytes(rig.stored["journal"])
    rig.ask(schema.CMD_PROFILE_WRITE, other)
    (slot,) = [name for name in rig.stored if rig.stored[name] != before.get(name, b"")]
    # The journal has the change only after the profile is stored.
    whole = rig.stored[slot]
    for length in range(len(whole) + 1):
        stored = dict(before)
        stored["journal"] = bytearray(journal)
        stored[slot] = whole[:length]
        again = Rig(stored=stored)
        expected = other if length == len(whole) else PROFILE
        assert again.ask(schema.CMD_PROFILE_READ) == expected, length


def test_a_damaged_profile_is_not_replaced_by_the_one_before_it():
    rig = Rig()
    lower = dict(PROFILE)
    lower[schema.PROFILE_MAX_OIL_KPA] = 10000
    rig.ask(schema.CMD_PROFILE_WRITE, lower)
    rig.stored["profile2"] = rig.stored["profile2"][:-1] + b"x"
    again = Rig(stored=rig.stored)
    try:
        again.ask(schema.CMD_PROFILE_READ)
    except RefusedError as refused:
        assert refused.code == schema.ERR_NO_PROFILE
    else:
        raise AssertionError("the profile from before the change is in use")
    assert again.status()[schema.STATUS_REPLY_STORAGE] == schema.STORAGE_PROFILE_DAMAGED
    # Nothing can be pressed without a profile.
    try:
        again.upload([ramp(50000)])
    except RefusedError as refused:
        assert refused.code == schema.ERR_NO_PROFILE
    else:
        raise AssertionError("a board without a profile has taken a plan")


def test_a_profile_of_older_firmware_is_read():
    rig = Rig()
    # Without the number, and with a CRC over the rest.
    body = rig.stored["profile"][:-8]
    rig.stored["profile"] = body + binascii.crc32(body).to_bytes(4, "little")
    assert _stored_profile(rig) == PROFILE


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

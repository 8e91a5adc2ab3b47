"""Stores the machine profile, which describes the press to its controller.

It is CBOR with a number and a CRC-32 behind it, so that damaged flash is noticed before a press
moves by a wrong ram area.
"""

import binascii

from pressloop_fw.loop import force_trim, second_transducer
from pressloop_fw.loop.scaling import Scaling, die_area_um2
from pressloop_fw.loop.stiffness import CURVE_KNOTS
from pressloop_fw.wire import cbor, schema

# What a change of makes every reading another pressure.
_MEANING = (
    schema.PROFILE_HOLD_TO_RUN,
    schema.PROFILE_RAM_AREA_MM2,
    schema.PROFILE_FULL_SCALE_OIL_KPA,
    schema.PROFILE_LOAD_CELL_CAPACITY_N,
    schema.PROFILE_LOAD_CELL_ZERO,
    schema.PROFILE_LOAD_CELL_FULL,
    schema.PROFILE_FRICTION_PPM,
    schema.PROFILE_FRICTION_N,
    schema.PROFILE_FRICTION_UNCERTAINTY_PPM,
    schema.PROFILE_PARTS,
    schema.PROFILE_LID_SWITCH,
)
# A calibration: all of these or none. What a record says of it is under key, too.
_CALIBRATION = (
    schema.PROFILE_CALIBRATION_RESULT,
    schema.PROFILE_CALIBRATION_DAY,
    schema.PROFILE_CALIBRATION_DUE_DAY,
    schema.PROFILE_CALIBRATION_ERROR_PPM,
    schema.PROFILE_CALIBRATION_UNCERTAINTY_PPM,
    schema.PROFILE_CALIBRATION_UNCERTAINTY_N,
    schema.PROFILE_CALIBRATION_REFERENCE,
    schema.PROFILE_CALIBRATION_UP_TO_N,
)
# What allows more when it is greater.
_LIMITS = (
    schema.PROFILE_MAX_OIL_KPA,
    schema.PROFILE_ACCURACY_PPM,
    schema.PROFILE_RAW_FAULT_HIGH,
    schema.PROFILE_NO_GAIN_WINDOW_MS,
)
# A zero may move by this share of the range without a person, and by the sensor's accuracy.
_MIN_ZERO_PPM = 1000
# What the profile of a vessel cannot hold, because it has no ram and no die.
_OF_A_RAM = (
    schema.PROFILE_LOAD_CELL_CAPACITY_N,
    schema.PROFILE_FRICTION_UNCERTAINTY_PPM,
    schema.PROFILE_FRICTION_PPM,
    schema.PROFILE_FRICTION_N,
    schema.PROFILE_RAM_AREA_UNCERTAINTY_PPM,
    schema.PROFILE_STROKE_UM,
    schema.PROFILE_DIE_LOADS_N,
)
# The area of a vessel's bore is whole mm2.
_BORE_UM2 = 1000000
_FILES = ("profile", "profile2")
# An unknown return pressure counts as this many times the contact pressure.
_UNKNOWN_RETURN = 3


class Profile:
    """A machine profile: `values` is the map of the wire, the attributes are for the loop.

    `second` describes the second pressure channel; it is None on a single-channel press, where the
    profile has none or the board has no place for it. Then the profile may state a lower limit.
    """

    def __init__(self, values, has_second_channel=False):
        self.values = values
        self.ram_area_mm2 = values[schema.PROFILE_RAM_AREA_MM2]
        self.full_scale_oil_kpa = values[schema.PROFILE_FULL_SCALE_OIL_KPA]
        self.raw_zero = values[schema.PROFILE_RAW_ZERO]
        self.raw_full = values[schema.PROFILE_RAW_FULL]
        self.raw_fault_low = values[schema.PROFILE_RAW_FAULT_LOW]
        self.raw_fault_high = values[schema.PROFILE_RAW_FAULT_HIGH]
        self.accuracy_ppm = values[schema.PROFILE_ACCURACY_PPM]
        self.max_oil_kpa = values[schema.PROFILE_MAX_OIL_KPA]
        self.dies_um = values[schema.PROFILE_DIES_UM]
        self.pump_dead_band = values[schema.PROFILE_PUMP_DEAD_BAND]
        self.release_dead_band = values[schema.PROFILE_RELEASE_DEAD_BAND]
        self.pump_flow_ul_s = values[schema.PROFILE_PUMP_FLOW_UL_S]
        self.release_flow_ul_s = values[schema.PROFILE_RELEASE_FLOW_UL_S]
        self.compliance_nl_mpa = values[schema.PROFILE_COMPLIANCE_NL_MPA]
        self.approach_opening = values[schema.PROFILE_APPROACH_OPENING]
        self.contact_oil_kpa = values[schema.PROFILE_CONTACT_OIL_KPA]
        self.approach_timeout_ms = values[schema.PROFILE_APPROACH_TIMEOUT_MS]
        self.no_gain_window_ms = values[schema.PROFILE_NO_GAIN_WINDOW_MS]
        self.kp = values[schema.PROFILE_KP]
        self.ki = values[schema.PROFILE_KI]
        self.kd = values[schema.PROFILE_KD]
        self.filter_shift = values[schema.PROFILE_FILTER_SHIFT]
        # Added by a tuning run. Without it the stiffness is assumed equal at all pressures.
        self.compliance_curve = values.get(
            schema.PROFILE_COMPLIANCE_CURVE, [self.compliance_nl_mpa] * CURVE_KNOTS
        )
        self.valve_dither = values.get(schema.PROFILE_VALVE_DITHER, 0)
        self.valve_lag_ms = values.get(schema.PROFILE_VALVE_LAG_MS, 0)
        # Half a count can be 0.03 % of the pressure at 74 MPa.
        self.raw_zero_fraction = values.get(schema.PROFILE_RAW_ZERO_FRACTION, 0)
        # An unknown leak counts as none: its loss is then attributed to the powder.
        self.leak_nl_min = values.get(schema.PROFILE_LEAK_NL_MIN, 0)
        self.leak_uncertainty_nl_min = values.get(schema.PROFILE_LEAK_UNCERTAINTY_NL_MIN, 0)
        # Contact is told from a moving ram, so the return pressure is of its order.
        self.return_oil_kpa = values.get(
            schema.PROFILE_RETURN_OIL_KPA, _UNKNOWN_RETURN * self.contact_oil_kpa
        )
        # Present on an isostatic vessel alone.
        self.is_vessel = schema.PROFILE_LID_SWITCH in values
        self.lid_switch = values.get(schema.PROFILE_LID_SWITCH, False)
        self._die_loads_n = values.get(schema.PROFILE_DIE_LOADS_N, ())
        self.second = None
        self.limit_oil_kpa = self.max_oil_kpa
        if has_second_channel and not second_transducer.missing(values):
            self.second = second_transducer.SecondTransducer(values)
        else:
            limit_oil_kpa = values.get(schema.PROFILE_SINGLE_CHANNEL_OIL_KPA, self.max_oil_kpa)
            self.limit_oil_kpa = min(limit_oil_kpa, self.max_oil_kpa)

    def load_n(self, die_um):
        """Return the greatest load of a die, N; 0 when the profile states none."""
        for index, um in enumerate(self.dies_um):
            if um == die_um and index < len(self._die_loads_n):
                return self._die_loads_n[index]
        return 0

    def loosens(self, before):
        """Whether it allows more than the profile `before`, or gives a reading another meaning.

        Tuning changes the loop and moves the zero by less than the sensor's error, which loosens
        nothing. The first profile of a board loosens.
        """
        if before is None:
            return True
        now, old = self.values, before.values
        for key in _MEANING + _CALIBRATION + second_transducer.KEYS:
            if now.get(key) != old.get(key):
                return True
        for key in _LIMITS:
            if now[key] > old[key]:
                return True
        if self.limit_oil_kpa > before.limit_oil_kpa:
            return True
        for die_um in self.dies_um:
            if die_um not in before.dies_um:
                return True
            load_n = before.load_n(die_um)
            if load_n and not 0 < self.load_n(die_um) <= load_n:
                return True
        span = self.raw_full - self.raw_zero
        if span != before.raw_full - before.raw_zero or self.raw_fault_low < before.raw_fault_low:
            return True
        moved = abs(self.raw_zero - before.raw_zero)
        return moved * 1000000 > span * max(self.accuracy_ppm, _MIN_ZERO_PPM)

    def contradiction(self):
        """Return the key of the first field that contradicts another one, 0 without one."""
        if self.raw_full <= self.raw_zero:
            return schema.PROFILE_RAW_FULL
        if self.raw_fault_low >= self.raw_zero:
            return schema.PROFILE_RAW_FAULT_LOW
        if self.raw_fault_high <= self.raw_full:
            return schema.PROFILE_RAW_FAULT_HIGH
        if self.max_oil_kpa > self.full_scale_oil_kpa:
            return schema.PROFILE_MAX_OIL_KPA
        if self.pump_dead_band > schema.OUTPUT_FULL // 2:
            return schema.PROFILE_PUMP_DEAD_BAND
        if self.release_dead_band > schema.OUTPUT_FULL // 2:
            return schema.PROFILE_RELEASE_DEAD_BAND
        if self.approach_opening <= self.pump_dead_band:
            return schema.PROFILE_APPROACH_OPENING
        if self.contact_oil_kpa * 4 > self.max_oil_kpa:
            return schema.PROFILE_CONTACT_OIL_KPA
        if self.kp == 0:
            return schema.PROFILE_KP
        if (schema.PROFILE_LEAK_NL_MIN in self.values) != (
            schema.PROFILE_LEAK_UNCERTAINTY_NL_MIN in self.values
        ):
            # The uncertainty decides how slow a relaxation the leak may be subtracted from.
            return schema.PROFILE_LEAK_UNCERTAINTY_NL_MIN
        if self._die_loads_n and len(self._die_loads_n) != len(self.dies_um):
            return schema.PROFILE_DIE_LOADS_N
        if schema.PROFILE_FRICTION_UNCERTAINTY_PPM in self.values and not (
            schema.PROFILE_FRICTION_PPM in self.values and schema.PROFILE_FRICTION_N in self.values
        ):
            return schema.PROFILE_FRICTION_UNCERTAINTY_PPM
        if self.is_vessel:
            # It has one bore, and neither a ram nor a die nor a place for a load cell.
            if len(self.dies_um) != 1:
                return schema.PROFILE_DIES_UM
            if abs(self.ram_area_mm2 * 1000000 - die_area_um2(self.dies_um[0])) > _BORE_UM2:
                return schema.PROFILE_RAM_AREA_MM2
            for key in _OF_A_RAM:
                if key in self.values:
                    return key
        field = _calibration_contradiction(self.values)
        if field:
            return field
        field = force_trim.contradiction(self.values, min(self.dies_um))
        if field:
            return field
        for die_um in self.dies_um:
            if not Scaling(self, die_um).fits():
                return schema.PROFILE_DIES_UM
        smallest = Scaling(self, min(self.dies_um))
        return second_transducer.contradiction(self.values, self.max_oil_kpa, smallest)


class ProfileStore:
    """The stored profile, in two slots: a write never touches the one that is in use.

    `profile` is the stored profile, None without a whole one; `crc` is its CRC-32, 0 without one.
    `damaged` says that a slot holds something else than a profile, and that no profile is used.
    """

    def __init__(self, board):
        self.profile = None
        self.crc = 0
        self.damaged = False
        self._board = board
        self._number = 0
        self._slot = 1

    def profile_hash(self):
        """Return the CRC-32 as hello and a start carry it, eight bytes; zeros without a profile."""
        return self.crc.to_bytes(4, "big") + b"\0\0\0\0"

    def load(self, known_crc=None):
        """Find the newest whole profile.

        A write that was cut off leaves the profile before it. A profile that was in use and is
        damaged now must not be replaced by an older one, which may allow more: so beside a damaged
        slot only the profile with the CRC-32 `known_crc` is used, or any if None is known.
        """
        damaged = False
        for slot, name in enumerate(_FILES):
            data = self._board.load(name)
            if not data:
                continue
            profile, crc, number = _decode(data, has_second_channel(self._board))
            if profile is None:
                damaged = True
            elif self.profile is None or number > self._number:
                self.profile, self.crc, self._number, self._slot = profile, crc, number, slot
        if damaged and known_crc and self.crc != known_crc:
            self.profile = None
            self.crc = 0
        self.damaged = damaged and self.profile is None

    def save(self, profile):
        """Store a profile. Raises OSError when the flash does not take it; the old one stays."""
        buf = bytearray(schema.MAX_PAYLOAD + 8)
        end = cbor.encode_map(schema.PROFILE_FIELDS, profile.values, buf, 0)
        crc = binascii.crc32(memoryview(buf)[:end])
        number = self._number + 1
        buf[end : end + 4] = number.to_bytes(4, "little")
        whole_crc = binascii.crc32(memoryview(buf)[: end + 4])
        buf[end + 4 : end + 8] = whole_crc.to_bytes(4, "little")
        slot = 1 - self._slot
        self._board.store(_FILES[slot], bytes(memoryview(buf)[: end + 8]))
        self.profile, self.crc, self._number, self._slot = profile, crc, number, slot
        self.damaged = False


def _calibration_contradiction(values):
    """Return the key of the first field of a calibration that contradicts another, 0 without."""
    count = 0
    for key in _CALIBRATION:
        count += key in values
    if count == 0:
        return 0
    if count < len(_CALIBRATION) or not values[schema.PROFILE_CALIBRATION_RESULT]:
        return schema.PROFILE_CALIBRATION_RESULT
    if values[schema.PROFILE_CALIBRATION_DUE_DAY] < values[schema.PROFILE_CALIBRATION_DAY]:
        return schema.PROFILE_CALIBRATION_DUE_DAY
    return 0


def _decode(data, second_fitted):
    """Return (profile, CRC-32, number) from the content of a slot, (None, 0, 0) if damaged."""
    end = len(data) - 4
    if end < 1 or binascii.crc32(data[:end]) != int.from_bytes(data[end:], "little"):
        return None, 0, 0
    # Profiles of firmware before 0.2 had one slot and no number.
    for tail in (4, 0):
        try:
            values = cbor.decode_map(schema.PROFILE_FIELDS, data, 0, end - tail)
            profile = Profile(values, second_fitted)
        except (cbor.CodecError, IndexError):
            continue
        if profile.contradiction():
            break
        number = int.from_bytes(data[end - tail : end], "little")
        return profile, binascii.crc32(data[: end - tail]), number
    return None, 0, 0


def has_second_channel(board):
    """Whether the board has a place for a second pressure transducer."""
    return bool(board.capabilities & schema.CAP_SECOND_CHANNEL)

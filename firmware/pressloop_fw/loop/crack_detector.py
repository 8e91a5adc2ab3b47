"""A sudden loss of force: the sample cracked, or a punch or the die gave way.

Nothing else in a press is that fast. Powder relaxes by a few MPa/s at most, leaks are slower, pump
ripple and dither take no pressure away. The release valve does: what it may have let go is taken
off, on the safe side, so in a release only a collapse stands out.
"""

from pressloop_fw.loop.registers import register_block

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# loop.sampler: NEWEST_KPA
# loop.split_range: RELEASE FALL_KPA_S
# wire.schema: FAULT_SAMPLE_CRACKED FAULT_DIE_FAILURE
_SIGN_SHIFT = const(0)
_NEWEST_KPA = const(4)
_RELEASE = const(2)
_FALL_KPA_S = const(4)
_FAULT_SAMPLE_CRACKED = const(12)
_FAULT_DIE_FAILURE = const(13)
# end of generated

_AT = const(1)
_HELD = const(2)
_LOST = const(3)
_EXPLAINED_KPA = const(4)
_FADE_SHIFT = const(5)
_SHUT_OPENING = const(6)
_ARMED_KPA = const(7)
_MIN_KPA = const(8)
_SHARE_SHIFT = const(9)
_LAST_KPA = const(10)
_RISE_KPA = const(11)
_NOISE = const(12)
_MAX_JITTER_KPA = const(13)
_FIRST_READING = const(14)
_REGISTERS = const(20)


# A loss is what is missing against the reading this many ticks ago ...
_SPAN = const(6)
# ... in so many readings in a row: a spike on the wire is none.
_READINGS = const(3)
# Twice what the transducer may be wrong by, or this share of the pressure (0.8 %).
_SHARE = const(7)
# Or what the readings' own noise makes of two of them now and then: 5.4 standard deviations of one.
# A reading's jitter, the bend in three of them, is 1.95 of these on average; ramps have none. The
# mean is over some 64 ticks. Three times in a row that is once in 10**12 ticks.
_NOISE_SHIFT = const(6)
_NOISE_TIMES_256 = const(11)
# A crack is no noise: more jitter than this many times the smallest loss does not count.
_MAX_JITTER = const(4)
_JITTER_LIMIT_KPA = const(1 << 20)
# Below this many times the pressure of contact loose powder may still fall into place.
_ARMED_CONTACTS = const(2)
# A dead band may be so much smaller than the profile says: a sixteenth of the stroke.
_DEAD_BAND_DOUBT = const(2047)
# What the valve let go stays an explanation for this long, as a power of two in ticks; valves that
# nobody has measured shut within 50 ms.
_FADE = const(3)
_SLOW_LAG_MS = const(60)
_MAX_FALL = const(1 << 26)
_NEVER = const(1 << 29)


@micropython.viper
def detect_crack(registers: ptr32, sampled: ptr32, valves: ptr32) -> int:
    """Take in a valid reading; return the fault that it shows, 0 for none.

    `sampled` are the sampler's words, `valves` those of the split range as they were driven last.
    """
    sign_shift = registers[_SIGN_SHIFT]
    pressure_kpa = sampled[_NEWEST_KPA] << sign_shift >> sign_shift
    fall_kpa_s = valves[_FALL_KPA_S]
    explained = registers[_EXPLAINED_KPA]
    if explained:
        explained -= (explained >> registers[_FADE_SHIFT]) + 1
    over = valves[_RELEASE] - registers[_SHUT_OPENING]
    if over > 0:
        # In the span, and twice: the flow also grows with the root of the pressure.
        if fall_kpa_s > _MAX_FALL:
            fall_kpa_s = _MAX_FALL
        opened = (fall_kpa_s >> 12) * over >> 6
        if opened > explained:
            explained = opened
    registers[_EXPLAINED_KPA] = explained
    at = registers[_AT]
    before = registers[_FIRST_READING + at] << sign_shift >> sign_shift
    registers[_FIRST_READING + at] = pressure_kpa
    at += 1
    if at == _SPAN:
        at = 0
    registers[_AT] = at
    rise = pressure_kpa - (registers[_LAST_KPA] << sign_shift >> sign_shift)
    jitter = rise - (registers[_RISE_KPA] << sign_shift >> sign_shift)
    registers[_LAST_KPA] = pressure_kpa
    registers[_RISE_KPA] = rise
    if registers[_HELD] < _SPAN:
        registers[_HELD] += 1
        return 0
    if jitter < 0:
        jitter = 0 - jitter
    if jitter > registers[_MAX_JITTER_KPA]:
        jitter = registers[_MAX_JITTER_KPA]
    noise = registers[_NOISE]
    noise += jitter - (noise >> _NOISE_SHIFT)
    registers[_NOISE] = noise
    least = before >> registers[_SHARE_SHIFT]
    if least < registers[_MIN_KPA]:
        least = registers[_MIN_KPA]
    noise = noise * _NOISE_TIMES_256 >> 8
    if least < noise:
        least = noise
    if before - pressure_kpa <= least + explained or before < registers[_ARMED_KPA]:
        registers[_LOST] = 0
        return 0
    registers[_LOST] += 1
    if registers[_LOST] < _READINGS:
        return 0
    if pressure_kpa < before >> 1:
        return _FAULT_DIE_FAILURE
    return _FAULT_SAMPLE_CRACKED


class CrackDetector:
    """Looks at every reading of a run; `loss` is its step."""

    def __init__(self):
        self.registers = register_block(_REGISTERS)
        self.registers[_MIN_KPA] = _NEVER

    def configure(self, profile, scaling, crack_kpa=-1):
        """Take over a press and a die, and the plan's own threshold: 0 is never, -1 none."""
        block = self.registers
        lag_ms = profile.valve_lag_ms
        block[_FADE_SHIFT] = _FADE + (lag_ms > _SLOW_LAG_MS) + (lag_ms > 2 * _SLOW_LAG_MS)
        block[_SHUT_OPENING] = max(0, profile.release_dead_band - _DEAD_BAND_DOUBT)
        block[_ARMED_KPA] = _ARMED_CONTACTS * scaling.contact_kpa
        block[_MIN_KPA] = 2 * scaling.resolution_kpa
        block[_SHARE_SHIFT] = _SHARE
        block[_NOISE] = 0
        block[_MAX_JITTER_KPA] = min(_MAX_JITTER * block[_MIN_KPA], _JITTER_LIMIT_KPA)
        if crack_kpa >= 0:
            block[_MAX_JITTER_KPA] = 0
            block[_MIN_KPA] = crack_kpa or _NEVER
            block[_SHARE_SHIFT] = 30
        self.restart()

    def restart(self):
        """Forget what was seen."""
        self.registers[_HELD] = 0
        self.registers[_LOST] = 0
        self.registers[_EXPLAINED_KPA] = 0

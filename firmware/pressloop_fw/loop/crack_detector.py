"""Detects a sudden loss of pressure: the sample cracked, or a punch, the die or a hose gave way.

Nothing else in a press is that fast. Powder relaxes by a few MPa/s at most, leaks are slower, pump
ripple and dither take no pressure away. The release valve does, so the most that it may have
released is subtracted: during a release only a collapse is detected.
"""

from pressloop_fw.loop.registers import register, register_block

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# loop.sampler: NEWEST_KPA
# loop.split_range: RELEASE FALL_KPA_S ROOT_Q8
# wire.schema: FAULT_SAMPLE_CRACKED FAULT_SUDDEN_LOSS
_SIGN_SHIFT = const(0)
_NEWEST_KPA = const(4)
_RELEASE = const(2)
_FALL_KPA_S = const(4)
_ROOT_Q8 = const(30)
_FAULT_SAMPLE_CRACKED = const(12)
_FAULT_SUDDEN_LOSS = const(18)
# end of generated

_AT = const(1)
_HELD = const(2)
LOST = const(3)
_EXPLAINED_KPA = const(4)
_FADE_SHIFT = const(5)
_SHUT_OPENING = const(6)
_ARMED_KPA = const(7)
_MIN_KPA = const(8)
_SHARE_SHIFT = const(9)
LAST_READING = const(10)
_RISE_KPA = const(11)
NOISE = const(12)
_MAX_JITTER_KPA = const(13)
_FIRST_READING = const(14)
# By what the noise counts here; 0 with a limit of the plan, which no noise changes.
_NOISE_TIMES = const(20)
_REGISTERS = const(21)


# A loss is the difference to the reading this many ticks ago ...
_SPAN = const(6)
# ... in this many readings in a row, so that a spike on the wire is none.
_MIN_READINGS = const(3)
# The smallest loss that counts is the largest of three: twice the transducer's error; the pressure
# shifted by this, 0.8 % of it;
_SHARE = const(7)
# and what noise alone can make of the difference of two readings, 5.4 standard deviations of one.
# Noise is measured by the jitter, the second difference of three readings, which on average is 1.95
# standard deviations and 0 in a ramp; the mean is over some 64 ticks. Noise exceeds the limit three
# times in a row once in 10**12 ticks.
_NOISE_SHIFT = const(6)
_NOISE_TIMES_256 = const(11)
# The mean is kept 64-fold in NOISE. Shifted by this it is four standard deviations of a reading.
FOUR_SIGMA_SHIFT = const(5)
# Jitter counts as noise up to this many times the smallest loss; more is a crack.
_MAX_JITTER = const(4)
_JITTER_LIMIT_KPA = const(1 << 20)
# Below this many times the contact pressure, loose powder may still settle suddenly.
_ARMED_CONTACTS = const(2)
# By how much the dead band may be smaller than the profile says: a sixteenth of the stroke.
_DEAD_BAND_DOUBT = const(2047)
# How long a release still explains a loss, as a power of two in ticks. A valve of unknown lag shuts
# within 50 ms.
_FADE = const(3)
_SLOW_LAG_MS = const(60)
_MAX_FALL = const(1 << 26)
_TWICE_UP_TO = const(192)
_NEVER = const(1 << 29)


@micropython.viper
def detect_crack(registers: ptr32, sampler: ptr32, valves: ptr32) -> int:
    """Process a valid reading; return the fault that it shows, 0 without one.

    `sampler` is the block of the sampler, `valves` that of the split range as last driven.
    """
    sign_shift = registers[_SIGN_SHIFT]
    pressure_kpa = sampler[_NEWEST_KPA] << sign_shift >> sign_shift
    fall_kpa_s = valves[_FALL_KPA_S]
    explained = registers[_EXPLAINED_KPA]
    if explained:
        explained -= (explained >> registers[_FADE_SHIFT]) + 1
    over = valves[_RELEASE] - registers[_SHUT_OPENING]
    if over > 0:
        # Twice the fall in the span, because the flow also grows with the root of the pressure, of
        # which the split range keeps the inverse. Where that alone is more than 1.3: 1.5 times it.
        if fall_kpa_s > _MAX_FALL:
            fall_kpa_s = _MAX_FALL
        opened = (fall_kpa_s >> 12) * over >> 6
        root = valves[_ROOT_Q8]
        if root > 0 and root < _TWICE_UP_TO:
            opened = opened // root * _TWICE_UP_TO
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
    rise = pressure_kpa - (registers[LAST_READING] << sign_shift >> sign_shift)
    jitter = rise - (registers[_RISE_KPA] << sign_shift >> sign_shift)
    registers[LAST_READING] = pressure_kpa
    registers[_RISE_KPA] = rise
    if registers[_HELD] < _SPAN:
        registers[_HELD] += 1
        return 0
    if jitter < 0:
        jitter = 0 - jitter
    if jitter > registers[_MAX_JITTER_KPA]:
        jitter = registers[_MAX_JITTER_KPA]
    noise = registers[NOISE]
    noise += jitter - (noise >> _NOISE_SHIFT)
    registers[NOISE] = noise
    least = before >> registers[_SHARE_SHIFT]
    if least < registers[_MIN_KPA]:
        least = registers[_MIN_KPA]
    noise = noise * registers[_NOISE_TIMES] >> 8
    if least < noise:
        least = noise
    if before - pressure_kpa <= least + explained or before < registers[_ARMED_KPA]:
        registers[LOST] = 0
        return 0
    registers[LOST] += 1
    if registers[LOST] < _MIN_READINGS:
        return 0
    if pressure_kpa < before >> 1:
        return _FAULT_SUDDEN_LOSS
    return _FAULT_SAMPLE_CRACKED


class CrackDetector:
    """Configures and restarts the detection; `detect_crack` processes every reading of a run."""

    # How many readings in a row have shown a loss.
    losing = register(LOST)

    def __init__(self):
        self.registers = register_block(_REGISTERS)
        self.registers[_MIN_KPA] = _NEVER

    def configure(self, profile, scaling, crack_kpa=-1):
        """Take over a press and a die.

        `crack_kpa` is the smallest loss that is a crack by the plan: 0 for never, -1 for the
        detector's own limit.
        """
        block = self.registers
        lag_ms = profile.valve_lag_ms
        block[_FADE_SHIFT] = _FADE + (lag_ms > _SLOW_LAG_MS) + (lag_ms > 2 * _SLOW_LAG_MS)
        block[_SHUT_OPENING] = max(0, profile.release_dead_band - _DEAD_BAND_DOUBT)
        block[_ARMED_KPA] = _ARMED_CONTACTS * scaling.contact_kpa
        block[_MIN_KPA] = 2 * scaling.resolution_kpa
        block[_SHARE_SHIFT] = _SHARE
        block[NOISE] = 0
        # Other guards use the noise, too: it is measured whatever counts as a crack.
        block[_MAX_JITTER_KPA] = min(_MAX_JITTER * block[_MIN_KPA], _JITTER_LIMIT_KPA)
        block[_NOISE_TIMES] = _NOISE_TIMES_256
        if crack_kpa >= 0:
            block[_NOISE_TIMES] = 0
            block[_MIN_KPA] = crack_kpa or _NEVER
            block[_SHARE_SHIFT] = 30
        self.restart()

    def restart(self):
        """Forget the readings before."""
        self.registers[_HELD] = 0
        self.registers[LOST] = 0
        self.registers[_EXPLAINED_KPA] = 0

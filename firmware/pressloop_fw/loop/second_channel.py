"""Compares the two pressure channels: an error of either one shows as their difference.

The second transducer has a converter and a path of its own. Its stated error is large, so that it
bounds the pressure and does not verify it: only a difference trips that neither the stated errors
of both channels nor their noise, the friction between them or the difference of their lags
explains. docs/second-channel.md derives the figure; `pressloop.machine.channels` computes the same
one on the host.

Readings are compared as means of four ticks. A difference that lasts trips within 70 ms.

A lag explains a difference only where the channel that is behind moves: the lower one up, or the
higher one down. A channel that stands or goes the other way explains nothing, and a difference that
was there before the movement is not explained by it.
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
# loop.scaling: SUB_BITS FRACTION_BITS
# loop.sampler: RAW FAULT_LOW FAULT_HIGH NEWEST_KPA
# wire.schema: FAULT_OVER_PRESSURE FAULT_SENSOR_DISAGREE
# wire.schema: FAULT_SECOND_SENSOR_LOW FAULT_SECOND_SENSOR_HIGH
_SIGN_SHIFT = const(0)
_SUB_BITS = const(4)
_FRACTION_BITS = const(12)
_RAW = const(1)
_FAULT_LOW = const(9)
_FAULT_HIGH = const(10)
_NEWEST_KPA = const(4)
_FAULT_OVER_PRESSURE = const(1)
_FAULT_SENSOR_DISAGREE = const(21)
_FAULT_SECOND_SENSOR_LOW = const(22)
_FAULT_SECOND_SENSOR_HIGH = const(23)
# end of generated

# Readings of a mean, and of the whole memory: the newest mean and the one before.
_MEAN = const(4)
_MEMORY = const(8)
# Means in a row that must differ too much, and with each the newest reading by half of that: one or
# two wrong readings stay in the mean for four ticks and are noise on the wire.
_MEANS_TO_TRIP = const(3)
_HALF_SHIFT = const(3)
# A bad reading counts this much, a good one 1 less: five bad ones in a row trip, and so does a
# channel with more bad readings than one in five.
_BAD_READING = const(4)
_BAD_TO_TRIP = const(20)
# A pressure p, shifted by the first, times the second, shifted by the third, is 2 % of it. The
# shares are in this unit of 1/2048.
_SHARE_SHIFT = const(8)
_SHARE = const(41)
_SHARE_REST = const(3)
_SHARE_UNITS = 2048
# The noise is six sigma of one mean. Three means in a row, of which each has a reading that the one
# before has not, are about as unlikely beyond five: the sixth is left for what the lag explains.
_NOISE_SIGMAS = const(6)
# So many readings beyond the figure before a movement begins: it explains none of what lasts. A
# converter that is late makes one.
_CALM_READINGS = const(3)
# A movement within 40 ms, shifted by the first, times the lag in 1/64 of 40 ms, shifted by the
# second, is what the lag makes of it in the sum of four readings.
_MOVED_SHIFT = const(2)
_MOVED_REST = const(2)
_LAG_UNITS = 64
_MEAN_MS = 40

_SCALED = const(1)
_PRIMED = const(2)
_AT = const(3)
_RAW_LOW = const(4)
_RAW_HIGH = const(5)
_ZERO = const(6)
_PER_COUNT = const(7)
_FRACTION = const(8)
FIRST = const(9)
_FIRST_BEFORE = const(10)
SECOND = const(11)
_SECOND_BEFORE = const(12)
_BASE = const(13)
_FRICTION_SHARE = const(14)
_LAG = const(15)
_SPARE = const(16)
_APART_COUNT = const(17)
_OVER_COUNT = const(18)
_OVER = const(19)
_BAD = const(20)
_LARGEST = const(21)
_FIRST_READINGS = const(22)
_SECOND_READINGS = const(30)
# What the seals carry of the oil's pressure, kPa: the ceiling is one of the pellet. And the limit
# of press and die, which is one of the oil.
CARRIED_KPA = const(38)
_PRESS_OVER = const(39)
# The second channel's newest counts, whatever the scale.
_SECOND_RAW = const(40)
_CALM = const(41)
_REGISTERS = const(42)
# Counts that no converter gives.
_NEVER_READ = const(-1)


@micropython.viper
def compare_channels(registers: ptr32, sampler: ptr32, raw: int, active: int) -> int:
    """Process the second channel's counts; return the fault that they show, 0 without one.

    `sampler` is the block of the first channel after its step. `active` says whether a run is in
    progress: without one, only a broken second channel is a fault. Sums of four readings stand for
    means, so that nothing is divided.
    """
    sign_shift = registers[_SIGN_SHIFT]
    registers[_SECOND_RAW] = raw
    if registers[_SCALED] == 0:
        return 0
    bad = registers[_BAD]
    if raw < registers[_RAW_LOW] or raw > registers[_RAW_HIGH]:
        bad += _BAD_READING
        if bad >= _BAD_TO_TRIP:
            registers[_BAD] = _BAD_TO_TRIP
            if raw < registers[_RAW_LOW]:
                return _FAULT_SECOND_SENSOR_LOW
            return _FAULT_SECOND_SENSOR_HIGH
        registers[_BAD] = bad
        return 0
    if bad:
        registers[_BAD] = bad - 1
    if sampler[_RAW] < sampler[_FAULT_LOW] or sampler[_RAW] > sampler[_FAULT_HIGH]:
        # The first channel has no reading to compare with.
        return 0
    first_kpa = sampler[_NEWEST_KPA] << sign_shift >> sign_shift
    counts = raw - registers[_ZERO]
    second_kpa = counts * registers[_PER_COUNT]
    second_kpa += counts * registers[_FRACTION] >> _FRACTION_BITS
    second_kpa >>= _SUB_BITS
    if registers[_PRIMED] == 0:
        registers[_PRIMED] = 1
        at = _MEMORY
        while at:
            at -= 1
            registers[_FIRST_READINGS + at] = first_kpa
            registers[_SECOND_READINGS + at] = second_kpa
        registers[FIRST] = first_kpa << 2
        registers[_FIRST_BEFORE] = first_kpa << 2
        registers[SECOND] = second_kpa << 2
        registers[_SECOND_BEFORE] = second_kpa << 2
    # Each reading goes from the newest sum to the one before, and from there out of the memory.
    at = registers[_AT]
    middle = (at + _MEAN) & (_MEMORY - 1)
    registers[_AT] = (at + 1) & (_MEMORY - 1)
    passed = registers[_FIRST_READINGS + middle] << sign_shift >> sign_shift
    first_moved = first_kpa - passed
    first = (registers[FIRST] << sign_shift >> sign_shift) + first_moved
    first_before = (registers[_FIRST_BEFORE] << sign_shift >> sign_shift) + passed
    first_before -= registers[_FIRST_READINGS + at] << sign_shift >> sign_shift
    registers[_FIRST_READINGS + at] = first_kpa
    registers[FIRST] = first
    registers[_FIRST_BEFORE] = first_before
    passed = registers[_SECOND_READINGS + middle] << sign_shift >> sign_shift
    second_moved = second_kpa - passed
    second = (registers[SECOND] << sign_shift >> sign_shift) + second_moved
    second_before = (registers[_SECOND_BEFORE] << sign_shift >> sign_shift) + passed
    second_before -= registers[_SECOND_READINGS + at] << sign_shift >> sign_shift
    registers[_SECOND_READINGS + at] = second_kpa
    registers[SECOND] = second
    registers[_SECOND_BEFORE] = second_before
    if active == 0:
        registers[_APART_COUNT] = 0
        registers[_OVER_COUNT] = 0
        registers[_CALM] = 0
        return 0
    # With a lag of the first order, the difference of two means is the lag times the rate at which
    # the channel that is behind has moved over the same four ticks.
    apart = second - first
    if apart < 0:
        apart = 0 - apart
        higher = first
        moved = second_moved
        fallen = 0 - first_moved
    else:
        higher = second
        moved = first_moved
        fallen = 0 - second_moved
    if moved < fallen:
        moved = fallen
    explained = 0
    if moved > 0:
        explained = (moved >> _MOVED_SHIFT) * registers[_LAG] >> _MOVED_REST
    if apart - explained > registers[_LARGEST]:
        registers[_LARGEST] = apart - explained
    if higher < 0:
        higher = 0
    higher >>= _SHARE_SHIFT
    allowed = registers[_BASE] + (higher * registers[_FRICTION_SHARE] >> _SHARE_REST)
    explained -= registers[_SPARE]
    if explained < 0:
        explained = 0
    moving = allowed + explained
    higher = higher * _SHARE >> _SHARE_REST
    if allowed < higher:
        allowed = higher
    newest = second_kpa - first_kpa
    if newest < 0:
        newest = 0 - newest
    calm = registers[_CALM]
    if newest << 2 <= allowed:
        calm = 0
    elif calm < _CALM_READINGS:
        calm = 0 if explained else calm + 1
    registers[_CALM] = calm
    if calm < _CALM_READINGS and allowed < moving:
        allowed = moving
    if apart > allowed and newest << _HALF_SHIFT > allowed:
        registers[_APART_COUNT] += 1
        if registers[_APART_COUNT] >= _MEANS_TO_TRIP:
            return _FAULT_SENSOR_DISAGREE
    else:
        registers[_APART_COUNT] = 0
    over = registers[_OVER]
    carried = registers[CARRIED_KPA] << sign_shift >> sign_shift
    if carried > 0:
        over += carried << 2
        if over > registers[_PRESS_OVER]:
            over = registers[_PRESS_OVER]
    if second > over and second_kpa << 2 > over:
        registers[_OVER_COUNT] += 1
        if registers[_OVER_COUNT] >= _MEANS_TO_TRIP:
            return _FAULT_OVER_PRESSURE
    else:
        registers[_OVER_COUNT] = 0
    return 0


@micropython.viper
def shares_loss(registers: ptr32) -> int:
    """Return whether the second channel shows the sudden loss that the first one shows.

    Without a sound second channel the loss counts as shown. A quarter of the loss is enough: the
    second channel may be slower.
    """
    sign_shift = registers[_SIGN_SHIFT]
    if registers[_SCALED] == 0 or registers[_PRIMED] == 0 or registers[_BAD]:
        return 1
    lost = registers[_FIRST_BEFORE] << sign_shift >> sign_shift
    lost -= registers[FIRST] << sign_shift >> sign_shift
    second_lost = registers[_SECOND_BEFORE] << sign_shift >> sign_shift
    second_lost -= registers[SECOND] << sign_shift >> sign_shift
    return 1 if second_lost >= lost >> 2 else 0


class SecondChannel:
    """Configures the comparison and reads it; `compare_channels` is its step."""

    def __init__(self):
        self.registers = register_block(_REGISTERS)
        self._error_kpa = 0
        self.registers[_SECOND_RAW] = _NEVER_READ

    @property
    def compares(self):
        """Whether the board has a second channel and the profile describes it."""
        return self.registers[_SCALED] != 0

    @property
    def primed(self):
        """Whether both channels have had a reading that is on the scale of the last `configure`."""
        return self.registers[_PRIMED] != 0

    def agrees(self):
        """Whether the channels agree."""
        return self.difference_kpa <= self.allowed_kpa()

    @property
    def pressure_kpa(self):
        """Mean of the second channel's last four readings, kPa."""
        return self.registers[SECOND] // _MEAN

    @property
    def difference_kpa(self):
        """By how much the means of the channels differ, kPa."""
        return abs(self.registers[SECOND] - self.registers[FIRST]) // _MEAN

    @property
    def largest_kpa(self):
        """Largest difference in the run, apart from what the lags explain, kPa."""
        return self.registers[_LARGEST] // _MEAN

    def allowed_kpa(self):
        """Return the difference that is explained at the present pressure, at rest, kPa."""
        block = self.registers
        higher = max(0, block[FIRST], block[SECOND]) >> _SHARE_SHIFT
        friction = higher * block[_FRICTION_SHARE] >> _SHARE_REST
        return max(block[_BASE] + friction, higher * _SHARE >> _SHARE_REST) // _MEAN

    def configure(self, profile, scaling, sampler):
        """Take over a press and a die; without a second channel nothing is compared.

        `sampler` is the block of the first channel, which has the new scale already. A start that
        follows at once is judged by the newest readings.
        """
        block = self.registers
        block[_SCALED] = 0
        block[_PRIMED] = 0
        block[_BAD] = 0
        block[_CALM] = 0
        second = profile.second
        if second is None:
            return
        block[_RAW_LOW] = second.raw_fault_low
        block[_RAW_HIGH] = second.raw_fault_high
        block[_ZERO] = second.raw_zero
        block[_PER_COUNT], block[_FRACTION] = second.per_count(scaling)
        error_kpa = second.error_kpa(scaling)
        noise_kpa = second.noise_kpa(scaling)
        self._error_kpa = error_kpa + noise_kpa
        block[_PRESS_OVER] = _MEAN * (scaling.pellet_limit_kpa + self._error_kpa)
        block[CARRIED_KPA] = 0
        block[_SPARE] = _MEAN * noise_kpa // _NOISE_SIGMAS
        block[_BASE] = _MEAN * (scaling.resolution_kpa + error_kpa + noise_kpa)
        block[_FRICTION_SHARE] = -(-second.friction_ppm * _SHARE_UNITS // 1000000)
        block[_LAG] = -(-second.lag_ms * _LAG_UNITS // _MEAN_MS)
        block[_SCALED] = 1
        compare_channels(block, sampler, block[_SECOND_RAW], 0)
        block[_BAD] = 0

    def limit_to(self, ceiling_kpa):
        """Set the ceiling: readings above it by more than the channel's error and noise trip."""
        self.registers[_OVER] = _MEAN * (ceiling_kpa + self._error_kpa)

    def restart(self):
        """Forget the largest difference of the run before."""
        self.registers[_LARGEST] = 0

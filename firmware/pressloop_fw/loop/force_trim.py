"""Turns the pressure of the oil into that of the pellet, by a load cell and by learned friction.

The seals of the ram carry a part of the oil's force: upwards on the way up, so that the pellet gets
less than the oil says, and downwards on the way down. The loop works on the oil, which is fast; a
trim, subtracted from it, makes it the pressure of the pellet:

- Friction that was learned is expected by the direction in which the setpoint has moved. After a
  reversal it changes over gradually, because a seal is elastic before it slides.
- The load cell corrects what remains, as a share of the oil's pressure, with a time constant of
  0.32 s. Its reading is compared with the oil of that moment, before the lag of the cell.

What is fast comes from the oil, what is slow from the cell, so a new cell reading makes no step. A
cell that gives no new reading, repeats one, or differs by more than friction explains leaves the
trim as it is. Then each reversal of the setpoint takes away what the cell had added, as that was
learned in the other direction.

Nothing is trimmed while the setpoint is zero: contact and an unloaded press are told by the oil.
"""

from pressloop_fw.loop.registers import register, register_block
from pressloop_fw.loop.scaling import FRACTION_BITS, SUB_BITS, die_area_um2
from pressloop_fw.wire import schema

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# loop.setpoint: VALUE_KPA LEAD_KPA_S DESCENDING
# loop.sampler: ALERT ALERT_KPA
# loop.scaling: SUB_BITS FRACTION_BITS
# loop.flags: FLAGS
# loop.second_channel: CARRIED_KPA
# wire.schema: FLAG_LOAD_CELL NO_FORCE TICK_HZ
_SIGN_SHIFT = const(0)
_VALUE_KPA = const(1)
_LEAD_KPA_S = const(2)
_DESCENDING = const(3)
_ALERT = const(15)
_ALERT_KPA = const(16)
_SUB_BITS = const(4)
_FRACTION_BITS = const(12)
_FLAGS = const(1)
_CARRIED_KPA = const(38)
_FLAG_LOAD_CELL = const(128)
_NO_FORCE = const(16777216)
_TICK_HZ = const(100)
# end of generated

ACTIVE = const(1)
TRIM = const(2)
_CELL_KPA = const(3)
# The smaller one of the last two readings, so that one spike trips nothing.
_SURE_KPA = const(4)
_FAR = const(5)
_SILENT = const(6)
_AGE = const(7)
_COUNTS = const(8)
_SAME = const(9)
_RATIO = const(10)
_DIRECTION = const(11)
_FROM_KPA = const(12)
_REACH_KPA = const(13)
_FRICTION_SHARE = const(14)
_FRICTION_KPA = const(15)
_IN_ZERO_KPA = const(16)
_LIMIT_SHARE = const(17)
_MARGIN_KPA = const(18)
_FLOOR_KPA = const(19)
_ZERO = const(20)
_SHIFT = const(21)
_PER_COUNT = const(22)
_FRACTION = const(23)
_MAX_COUNTS = const(24)
_LAG_TICKS = const(25)
_AT = const(26)
_FOLLOWED = const(27)
_JUMP_KPA = const(28)
# The trim that the ceiling is judged by.
_SURE_TRIM = const(29)
# The oil of the last 32 ticks, in a ring.
_HISTORY = const(30)
_HISTORY_TICKS = const(32)
_REGISTERS = const(30 + 32)

# Shares of a pressure are in 1/65536. What the cell adds has 5 bits more, which is also its time
# constant: a difference that stays is taken up over 32 ticks, whatever the rate of the readings.
_SHARE_BITS = const(16)
_FOLLOW_BITS = const(5)
_FOLLOW_TICKS = const(32)
# The largest share that the cell adds, a quarter, and friction is no more than that.
_MAX_RATIO = const(1 << 19)
_MAX_FRICTION_SHIFT = const(2)
# 1 of the direction, which goes from -1, all the way down, to 1.
_ONE = const(1 << 13)
# Seals slide after a travel in which the pressure changes by a 32nd of the press's limit.
_REACH_SHIFT = const(5)
_MAX_REACH_KPA = const(1 << 15)
_REACH_STEP_SHIFT = const(6)
# Below a 128th of the press's limit what the cell adds is a pressure and not a share.
_FLOOR_SHIFT = const(7)
# A cell without a usable reading for half a second has failed.
_MAX_SILENT_TICKS = const(50)
# One that is silent for more than two periods of the slowest converter is not trusted across a
# reversal: a ramp down may be over before the half second is.
_DOUBTED_TICKS = const(25)
# So many equal readings in a row after the first are not those of a cell under load.
_MAX_SAME = const(3)
# Far outside for this long trips.
_MAX_FAR_TICKS = const(50)
# The trim changes by at most twice the rate of the setpoint, and in a hold by 3 % a second.
_SLEW_SHIFT = const(5)
# In a hold a cell jumps by more than a 64th of the pressure. In a ram that slides friction does not
# act the wrong way; the areas of ram and die may be wrong by a 128th.
_JUMP_SHIFT = const(6)
_DOUBT_SHIFT = const(7)
_SLIDING = const(7000)
# 2 GPa: a transducer may read more than any press makes, and the products stay small.
_MAX_OIL_BITS = const(21)
# Unknown friction is taken to be up to an eighth of the pressure, and 100 N.
_UNKNOWN_SHARE = const(1 << 13)
_UNKNOWN_N = const(100)
_MAX_COUNT_BITS = const(17)
# Counts that no converter gives: the cell has not been read yet.
_NEVER_READ = const(1 << 28)
# As far from zero as a sound cell may read at rest, in its errors.
_ZERO_BAND_ERRORS = const(3)


@micropython.viper
def follow_force(
    registers: ptr32,
    counts: int,
    oil_kpa: int,
    setpoint: ptr32,
    sampler: ptr32,
    run_flags: ptr32,
    channels: ptr32,
) -> int:
    """Process a tick; return the pressure on the pellet, kPa.

    `counts` is a new reading of the load cell, NO_FORCE without one. `setpoint`, `sampler`,
    `run_flags` and `channels` are the blocks of these.
    """
    sign_shift = registers[_SIGN_SHIFT]
    at = registers[_AT]
    near = oil_kpa
    most = 1 << _MAX_OIL_BITS
    if near > most:
        near = most
    elif near < 0 - most:
        near = 0 - most
    registers[_HISTORY + at] = near
    registers[_AT] = (at + 1) & (_HISTORY_TICKS - 1)
    value = setpoint[_VALUE_KPA] << sign_shift >> sign_shift
    ratio = registers[_RATIO] << sign_shift >> sign_shift
    direction = registers[_DIRECTION] << sign_shift >> sign_shift
    if value <= 0:
        # The next run of the ram is upwards.
        direction = _ONE
        ratio = 0
        registers[_FROM_KPA] = 0
        value = 0
    reach = registers[_REACH_KPA]
    travel = value - (registers[_FROM_KPA] << sign_shift >> sign_shift)
    size = travel if travel > 0 else 0 - travel
    if size >= reach >> _REACH_STEP_SHIFT:
        registers[_FROM_KPA] = value
        if size > reach:
            size = reach
        moved = ((_ONE if travel > 0 else 0 - _ONE) - direction) * size // reach
        direction += moved
        if registers[_SILENT] >= _DOUBTED_TICKS:
            if moved < 0:
                moved = 0 - moved
            ratio -= ((ratio >> _FOLLOW_BITS) * (moved >> 3)) >> 9 - _FOLLOW_BITS
    registers[_DIRECTION] = direction

    floor = registers[_FLOOR_KPA]
    share = registers[_FRICTION_SHARE]
    friction = registers[_FRICTION_KPA]
    if registers[_SILENT] < _MAX_SILENT_TICKS:
        registers[_SILENT] += 1
    if registers[_AGE] < _FOLLOW_TICKS:
        registers[_AGE] += 1
    if counts != _NO_FORCE:
        age = registers[_AGE]
        registers[_AGE] = 0
        if counts == registers[_COUNTS] << sign_shift >> sign_shift:
            registers[_SAME] += 1
        else:
            registers[_SAME] = 0
        registers[_COUNTS] = counts
        above = counts - (registers[_ZERO] << sign_shift >> sign_shift) >> registers[_SHIFT]
        most = registers[_MAX_COUNTS]
        if registers[_SAME] < _MAX_SAME and 0 - most < above and above < most:
            cell = above * registers[_PER_COUNT]
            cell = cell + (above * registers[_FRACTION] >> _FRACTION_BITS) >> _SUB_BITS
            before = registers[_CELL_KPA] << sign_shift >> sign_shift
            registers[_CELL_KPA] = cell
            registers[_SURE_KPA] = cell if cell < before else before
            oil = registers[_HISTORY + (at - registers[_LAG_TICKS] & _HISTORY_TICKS - 1)]
            oil = oil << sign_shift >> sign_shift
            difference = oil - cell
            size = difference if difference > 0 else 0 - difference
            margin = registers[_MARGIN_KPA]
            limit = margin
            if oil > 0:
                limit += (oil >> 6) * registers[_LIMIT_SHARE] >> 10
                margin += oil >> _DOUBT_SHIFT
            # Once the ram slides one way, friction does not help the other.
            usual = 1 if size <= limit else 0
            if direction > _SLIDING:
                size = 0 - difference
            elif direction < 0 - _SLIDING:
                size = difference
            else:
                size = 0
            if size > margin:
                usual = 0
            if value == 0:
                registers[_FAR] = 0
                registers[_SILENT] = 0
                registers[_FOLLOWED] = 0
            elif usual:
                # The same as below, at the pressure of that moment.
                level = friction + ((oil >> 6) * share >> 10)
                if level > oil >> _MAX_FRICTION_SHIFT:
                    level = oil >> _MAX_FRICTION_SHIFT
                error = difference - ((level >> 3) * direction >> 10) + registers[_IN_ZERO_KPA]
                if oil < floor:
                    oil = floor
                error -= (oil >> 6) * (ratio >> _FOLLOW_BITS) >> 10
                most = 1 << 18
                if error > most:
                    error = most
                elif error < 0 - most:
                    error = 0 - most
                registers[_FAR] = 0
                # In a hold friction does not change: what jumps is the cell.
                jumped = error if error > 0 else 0 - error
                if (
                    jumped <= registers[_JUMP_KPA] + (oil >> _JUMP_SHIFT)
                    or registers[_FOLLOWED] == 0
                    or setpoint[_LEAD_KPA_S]
                ):
                    registers[_FOLLOWED] = 1
                    registers[_SILENT] = 0
                else:
                    error = 0
                error = (error << 10) // (oil >> 6)
                most = 1 << 14
                if error > most:
                    error = most
                elif error < 0 - most:
                    error = 0 - most
                ratio += error * age
                most = _MAX_RATIO
                if ratio > most:
                    ratio = most
                elif ratio < 0 - most:
                    ratio = 0 - most
            elif difference > limit << 1 or difference < 0 - (limit << 1):
                registers[_FAR] += age
            else:
                registers[_FAR] = 0
    registers[_RATIO] = ratio

    flags = run_flags[_FLAGS] & (0xFF - _FLAG_LOAD_CELL)
    trim = 0
    if value:
        if registers[_SILENT] < _MAX_SILENT_TICKS:
            flags |= _FLAG_LOAD_CELL
        oil = near if near > 0 else 0
        level = friction + ((oil >> 6) * share >> 10)
        if level > oil >> _MAX_FRICTION_SHIFT:
            level = oil >> _MAX_FRICTION_SHIFT
        wanted = ((level >> 3) * direction >> 10) - registers[_IN_ZERO_KPA]
        margin = registers[_MARGIN_KPA]
        limit = margin + ((oil >> 6) * registers[_LIMIT_SHARE] >> 10)
        margin += oil >> _DOUBT_SHIFT
        least = 0 - (margin if direction > _SLIDING else limit)
        if direction < 0 - _SLIDING:
            limit = margin
        slew = setpoint[_LEAD_KPA_S] << sign_shift >> sign_shift
        if slew < 0:
            slew = 0 - slew
        slew = ((slew << 1) + (oil >> _SLEW_SHIFT)) // _TICK_HZ + 2
        if oil < floor:
            oil = floor
        wanted += (oil >> 6) * (ratio >> _FOLLOW_BITS) >> 10
        if wanted > limit:
            wanted = limit
        elif wanted < least:
            wanted = least
        trim = registers[TRIM] << sign_shift >> sign_shift
        if wanted > trim + slew:
            trim += slew
        elif wanted < trim - slew:
            trim -= slew
        else:
            trim = wanted
    registers[TRIM] = trim
    # On the way down the expected friction changes over before the oil has fallen. The pellet does
    # not rise by that, so the trim of the way up stays in force until the setpoint has arrived.
    sure = registers[_SURE_TRIM] << sign_shift >> sign_shift
    if trim > sure or value == 0 or setpoint[_DESCENDING] == 0:
        sure = trim
        registers[_SURE_TRIM] = trim
    channels[_CARRIED_KPA] = sure
    run_flags[_FLAGS] = flags
    alert = sampler[_ALERT_KPA]
    if (
        oil_kpa - sure > alert
        or registers[_SURE_KPA] << sign_shift >> sign_shift > alert
        or registers[_FAR] > _MAX_FAR_TICKS
    ):
        # The interlocks look at `highest_kpa` and `far`.
        sampler[_ALERT] = 2
    return oil_kpa - trim


class ForceTrim:
    """Configures the trim; `follow_force` processes every tick while it is active.

    `trim_kpa` is by how much the oil exceeds the pellet, `cell_kpa` the newest good reading of the
    load cell. It is active with a load cell, and with learned friction.
    """

    # Whether there is anything to trim by, 1 or 0.
    active = register(ACTIVE)
    trim_kpa = register(TRIM)
    cell_kpa = register(_CELL_KPA)

    def __init__(self, reads_force):
        """`reads_force` says whether the board can read a load cell."""
        self.registers = register_block(_REGISTERS)
        self.registers[_COUNTS] = _NEVER_READ
        # Whether the profile describes a load cell, and the board reads it.
        self.has_cell = False
        self._reads_force = reads_force
        # By how much the cell may be wrong beyond what the transducer may.
        self._tolerance_kpa = 0
        # How far from zero a sound cell may read at rest.
        self.zero_band_kpa = 0

    def _heard(self):
        """Whether the cell has given a reading since power-on."""
        return self.registers[_COUNTS] != _NEVER_READ

    def far(self):
        """Whether cell and oil have differed for half a second by far more than friction does."""
        return self.registers[_FAR] > _MAX_FAR_TICKS

    def rest_kpa(self):
        """Return what the cell reads on the pellet, kPa, by its newest counts; 0 before the first.

        It is for a press at rest, also directly after a new die or profile.
        """
        block = self.registers
        if not self.has_cell or not self._heard():
            return 0
        above = block[_COUNTS] - block[_ZERO] >> block[_SHIFT]
        cell = above * block[_PER_COUNT] + (above * block[_FRACTION] >> FRACTION_BITS)
        return cell >> SUB_BITS

    def highest_kpa(self, newest_kpa):
        """Return the highest pressure that may be on the pellet: by the oil and by the cell.

        `newest_kpa` is the unfiltered reading of the oil.
        """
        block = self.registers
        if not block[ACTIVE]:
            return newest_kpa
        return max(newest_kpa - block[_SURE_TRIM], block[_SURE_KPA] - self._tolerance_kpa)

    def configure(self, profile, scaling):
        """Take over a press and a die."""
        block = self.registers
        values = profile.values
        kpa_per_mn = 1000000000000000 // die_area_um2(scaling.die_um)
        self.has_cell = self._reads_force and schema.PROFILE_LOAD_CELL_CAPACITY_N in values
        ppm = values.get(schema.PROFILE_FRICTION_PPM, 0)
        newtons = values.get(schema.PROFILE_FRICTION_N, _UNKNOWN_N)
        learned = schema.PROFILE_FRICTION_UNCERTAINTY_PPM in values
        block[ACTIVE] = learned or self.has_cell
        share = (ppm << _SHARE_BITS) // 1000000
        if not learned and schema.PROFILE_FRICTION_N not in values:
            newtons = _UNKNOWN_N
        friction_kpa = newtons * kpa_per_mn // 1000000
        block[_FRICTION_SHARE] = min(share, 1 << 14) if learned else 0
        block[_FRICTION_KPA] = friction_kpa if learned else 0
        # A zero that was measured is that of the ram on its way up, against this friction.
        measured_zero = schema.PROFILE_RAW_ZERO_FRACTION in values
        block[_IN_ZERO_KPA] = friction_kpa if learned and measured_zero else 0
        block[_LIMIT_SHARE] = min(2 * share, _UNKNOWN_SHARE) if share else _UNKNOWN_SHARE
        block[_REACH_KPA] = max(
            1 << _REACH_STEP_SHIFT,
            min(scaling.pellet_limit_kpa >> _REACH_SHIFT, _MAX_REACH_KPA),
        )
        block[_FLOOR_KPA] = max(1 << 6, scaling.pellet_limit_kpa >> _FLOOR_SHIFT)
        error_kpa = 0
        if self.has_cell:
            error_kpa = self._configure_cell(profile, kpa_per_mn)
        self._tolerance_kpa = max(0, error_kpa - scaling.resolution_kpa)
        self.zero_band_kpa = max(1, _ZERO_BAND_ERRORS * error_kpa)
        block[_JUMP_KPA] = 2 * scaling.resolution_kpa + error_kpa
        block[_MARGIN_KPA] = 2 * (scaling.resolution_kpa + friction_kpa) + error_kpa
        for place in (
            TRIM,
            _SURE_TRIM,
            _CELL_KPA,
            _SURE_KPA,
            _FAR,
            _SAME,
            _RATIO,
            _FROM_KPA,
            _AGE,
            _FOLLOWED,
        ):
            block[place] = 0
        block[_DIRECTION] = _ONE
        block[_SILENT] = _MAX_SILENT_TICKS
        for place in range(_HISTORY, _REGISTERS):
            block[place] = 0

    def _configure_cell(self, profile, kpa_per_mn):
        """Take over the scale of the load cell; return the half width of its error, kPa."""
        block = self.registers
        values = profile.values
        capacity_kpa = values[schema.PROFILE_LOAD_CELL_CAPACITY_N] * kpa_per_mn // 1000000
        zero = values[schema.PROFILE_LOAD_CELL_ZERO]
        span = values[schema.PROFILE_LOAD_CELL_FULL] - zero
        shift = 0
        while span * 5 // 4 >> shift >= 1 << _MAX_COUNT_BITS:
            shift += 1
        numerator = capacity_kpa << SUB_BITS + shift
        block[_ZERO] = zero
        block[_SHIFT] = shift
        block[_PER_COUNT] = numerator // span
        block[_FRACTION] = (numerator % span << FRACTION_BITS) // span
        # A converter at its end is beyond this.
        block[_MAX_COUNTS] = span * 5 // 4 >> shift
        lag_ticks = values.get(schema.PROFILE_LOAD_CELL_LAG_MS, 0) * schema.TICK_HZ // 1000
        block[_LAG_TICKS] = lag_ticks
        return capacity_kpa * values[schema.PROFILE_LOAD_CELL_ERROR_PPM] // 1000000


def contradiction(values, smallest_die_um):
    """Return the key of the first field of a load cell that contradicts another one, 0 without."""
    keys = (
        schema.PROFILE_LOAD_CELL_CAPACITY_N,
        schema.PROFILE_LOAD_CELL_ERROR_PPM,
        schema.PROFILE_LOAD_CELL_ZERO,
        schema.PROFILE_LOAD_CELL_FULL,
    )
    count = 0
    for key in keys:
        count += key in values
    if count == 0:
        return 0
    if count < len(keys):
        return keys[0]
    if values[keys[3]] <= values[keys[2]]:
        return keys[3]
    # 16 GPa: the products in the tick stay small integers.
    if values[keys[0]] * 1000 > 16 * die_area_um2(smallest_die_um):
        return keys[0]
    return 0

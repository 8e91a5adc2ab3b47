"""Models how fast the valves move the pressure now, so that the filter of the reading can be slow.

Each valve's spool follows its command after a tick, with the lag that tuning found. What it is open
beyond its dead band passes oil, and the gains of the split range turn that into a pressure rate.

Dead bands drift while a coil warms. That of the release is followed: while it passes oil by the
model, what the readings show beside is taken for an error of its dead band. The pump's is not, as a
reading that stands still would look like a pump that passes too little, and the loop would pump
without asking for it; `pump_dead_band` follows that one, in a way that the volume watch sees.
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
# loop.sampler: PREDICTED REGULATING BIAS PRESSURE_KPA
# loop.scaling: SUB_BITS
# loop.sequencer: ACT_REGULATE
# loop.split_range: PUMP RELEASE PUMP_DEAD_BAND RELEASE_DEAD_BAND PUMP_GAIN RELEASE_GAIN ROOT_Q8
# loop.stiffness: GAIN_BITS
# wire.schema: OUTPUT_FULL
_SIGN_SHIFT = const(0)
_PREDICTED = const(20)
_REGULATING = const(21)
_BIAS = const(22)
_PRESSURE_KPA = const(5)
_SUB_BITS = const(4)
_ACT_REGULATE = const(2)
_PUMP = const(1)
_RELEASE = const(2)
_PUMP_DEAD_BAND = const(12)
_RELEASE_DEAD_BAND = const(13)
_PUMP_GAIN = const(9)
_RELEASE_GAIN = const(10)
_ROOT_Q8 = const(30)
_GAIN_BITS = const(14)
_OUTPUT_FULL = const(32767)
# end of generated

_FOLLOW = const(1)
_PUMP_BEFORE = const(2)
_RELEASE_BEFORE = const(3)
PUMP_SPOOL = const(4)
RELEASE_SPOOL = const(5)
# What the pump passes now, of its full flow.
PUMP_FLOW = const(6)
# The release's dead band in the profile, and by how much it has drifted, times 256.
_NOMINAL = const(7)
_DRIFT = const(8)
_FOLLOWED_KPA = const(9)
_REGISTERS = const(10)

# The drift follows over 32 ticks, to 4 % of the stroke, above a sixteenth of the press's limit:
# below, neither the stiffness nor the flow of a release are known well enough.
_FOLLOWED_SHIFT = const(4)
_DRIFT_SHIFT = const(5)
# A drift has this many more bits than an opening, and is at most 4 % of the stroke.
DRIFT_BITS = const(8)
MAX_DRIFT = const(1311)
# From a bias to kPa/s: 25/1024.
BIAS_TO_RATE = const(25)
_MAX_BIAS_KPA_S = const(1 << 16)

# Spools have this many more bits than openings.
SPOOL_BITS = const(8)
_FOLLOW_BITS = const(8)
_TICK_MS = const(10)
_UNKNOWN_LAG_MS = const(40)
# 4 GPa/s: no press moves faster.
_MAX_RATE_KPA_S = const(1 << 22)


@micropython.viper
def predict(registers: ptr32, sampler: ptr32, valves: ptr32, action: int):
    """Follow both spools for a tick, and give the filter the change until its next reading.

    `valves` is the block of the split range as it drives in this tick, `action` is what the
    sequencer wants of the valves, ACT_*.
    """
    sign_shift = registers[_SIGN_SHIFT]
    follow = registers[_FOLLOW]
    pump = registers[PUMP_SPOOL] << sign_shift >> sign_shift
    pump += ((registers[_PUMP_BEFORE] << SPOOL_BITS) - pump >> _FOLLOW_BITS) * follow
    registers[PUMP_SPOOL] = pump
    registers[_PUMP_BEFORE] = valves[_PUMP]
    release = registers[RELEASE_SPOOL] << sign_shift >> sign_shift
    release += ((registers[_RELEASE_BEFORE] << SPOOL_BITS) - release >> _FOLLOW_BITS) * follow
    registers[RELEASE_SPOOL] = release
    registers[_RELEASE_BEFORE] = valves[_RELEASE]
    edge = valves[_PUMP_DEAD_BAND]
    over = (pump >> SPOOL_BITS) - edge
    over = (over << 15) // (_OUTPUT_FULL + 1 - edge) if over > 0 else 0
    registers[PUMP_FLOW] = over
    if action != _ACT_REGULATE:
        sampler[_REGULATING] = 0
        return
    sampler[_REGULATING] = 1
    rate = (over << _GAIN_BITS) // valves[_PUMP_GAIN]
    edge = valves[_RELEASE_DEAD_BAND]
    over = (release >> SPOOL_BITS) - edge
    if over > 0:
        over = (over << 15) // (_OUTPUT_FULL + 1 - edge)
        root = valves[_ROOT_Q8]
        over = (over << 8) // root
        if over > _OUTPUT_FULL:
            over = _OUTPUT_FULL
        gain = valves[_RELEASE_GAIN]
        rate -= (over << _GAIN_BITS) // gain
        if sampler[_PRESSURE_KPA] << sign_shift >> sign_shift >= registers[_FOLLOWED_KPA]:
            # What the release should pass and does not is an opening, too.
            bias = sampler[_BIAS] << sign_shift >> sign_shift
            sampler[_BIAS] = bias - (bias >> _DRIFT_SHIFT)
            missing = bias * BIAS_TO_RATE >> 10
            if missing > _MAX_BIAS_KPA_S:
                missing = _MAX_BIAS_KPA_S
            elif missing < 0 - _MAX_BIAS_KPA_S:
                missing = 0 - _MAX_BIAS_KPA_S
            # Within 1/8 of the stroke, so that the product stays small.
            limit = (1 << 26) // gain
            if missing > limit:
                missing = limit
            elif missing < 0 - limit:
                missing = 0 - limit
            missing = (missing * gain >> _GAIN_BITS) * root >> 8
            drift = registers[_DRIFT] << sign_shift >> sign_shift
            drift += missing << DRIFT_BITS - _DRIFT_SHIFT
            # Shifted here: machine code has no room for so wide a constant.
            most = MAX_DRIFT
            most = most << DRIFT_BITS
            if drift > most:
                drift = most
            elif drift < 0 - most:
                drift = 0 - most
            registers[_DRIFT] = drift
            edge = registers[_NOMINAL] + (drift >> DRIFT_BITS)
            if edge < 0:
                edge = 0
            valves[_RELEASE_DEAD_BAND] = edge
    if rate > _MAX_RATE_KPA_S:
        rate = _MAX_RATE_KPA_S
    elif rate < 0 - _MAX_RATE_KPA_S:
        rate = 0 - _MAX_RATE_KPA_S
    # Per tick, in sixteenths: 41/256 of the rate per second.
    sampler[_PREDICTED] = rate * 41 >> 12 - _SUB_BITS


class ValveObserver:
    """Configures the model of the spools; `predict` is its step.

    `drift` is by how much the release's dead band has moved since tuning, times 256.
    """

    drift = register(_DRIFT)

    def __init__(self):
        self.registers = register_block(_REGISTERS)
        self.registers[_FOLLOW] = 1 << _FOLLOW_BITS

    def dead_band(self):
        """Return where the release's dead band is now, of `OUTPUT_FULL`."""
        return max(0, self.registers[_NOMINAL] + (self.drift >> DRIFT_BITS))

    def configure(self, profile, scaling):
        """Take over the lag of the valves, and forget a drift."""
        self.registers[_NOMINAL] = profile.release_dead_band
        self.registers[_DRIFT] = 0
        self.registers[_FOLLOWED_KPA] = scaling.pellet_limit_kpa >> _FOLLOWED_SHIFT
        # A tick of it is the delay. 1/(lag + 1/2) is close to 1 - exp(-1/lag).
        lag_ms = max(_TICK_MS, (profile.valve_lag_ms or _UNKNOWN_LAG_MS) - _TICK_MS)
        self.registers[_FOLLOW] = (2 * _TICK_MS << _FOLLOW_BITS) // (2 * lag_ms + _TICK_MS)

"""Tests a regulated hold for a leak: shuts the pump for a moment and looks how fast it falls.

A loop that regulates pumps back what a leak takes, and its reading stays at the setpoint. What it
pumps shows the loss, but an error of the pump's dead band looks the same, and so does powder that
relaxes. So a hold whose loss is large is tested: with both valves shut only a true loss goes on.
Fresh powder loses less from second to second, a leak does not: it takes two tests to name one. When
too much of what was pumped did not answer as pressure, one test decides between a leak, with which
the reading falls, and a reading that stands.

A test lasts until the pressure has fallen by a 256th and by more than noise, and at most a quarter
of a second beyond the lag of the valve. A fall within the noise and the counts of the reading shows
nothing: at a few MPa the noise of a large transducer is as much as any leak takes in that time.
So a hold is tested only if its loss would show. A sound hold has no such loss and is not tested.
A loss that a test has explained is tested again only when it has grown by a quarter: each test
costs the hold a part of its band. A hold whose pressure has fallen in a test goes back to its
target at the rate of its ramp: a leak makes the sample look soft, and a jump would overshoot.

A drift of the only transducer that begins with a hold is learned as what a sound hold loses. But
below a pressure that the sample has seen no powder relaxes. There, and where no second channel
bounds the error, a quarter of that loss beyond the known leak is tested already.
"""

from pressloop_fw.loop.registers import register_block
from pressloop_fw.wire import schema

try:
    import micropython
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw import cpython as micropython
    from pressloop_fw.cpython import const, ptr32

# generated: numbers of other modules; edit the lists and run `make generate`.
# loop.registers: SIGN_SHIFT
# loop.crack_detector: NOISE FOUR_SIGMA_SHIFT
# loop.stiffness: EXPECTED
# wire.schema: TICK_HZ
_SIGN_SHIFT = const(0)
_NOISE = const(12)
_FOUR_SIGMA_SHIFT = const(5)
_EXPECTED = const(3)
_TICK_HZ = const(100)
# end of generated

STEP_TICKS = const(20)
# A loss of a 32nd of the pressure per second is large. No powder loses a 16th of it so late:
# one test is enough then. The test that decides takes a 64th for a leak.
_LARGE_SHIFT = const(5)
_LARGE_AGAIN_SHIFT = const(7)
_CERTAIN_SHIFT = const(4)
_DECIDING_SHIFT = const(6)
# The leak of the profile as a share of the pressure per second, times 1024: it is stated per minute
# and at 10 MPa.
_SHARE_BITS = const(10)
_LEAK_UNIT = const(600)
# The loss is smoothed over four steps.
_SMOOTH_SHIFT = const(2)
# The first test comes so many steps after the hold began to count, the second as many later.
_FIRST_STEPS = const(8)
# Three lags after its command the valve is shut; then the fall counts.
_SHUT_LAGS = const(3)
_TICK_MS = const(10)
_MAX_FALLING_TICKS = const(25)
_MIN_FALLING_TICKS = const(8)
# The test that decides waits this long for a fall that is more than noise: both valves are shut,
# and the run ends in any case.
_MAX_DECIDING_TICKS = const(100)
_FALL_SHIFT = const(8)
# A loss that is within an eighth of the one before does not come from powder.
_STEADY_SHIFT = const(3)
# A loss that no leak explained counts again when it has grown by a quarter.
_GROWN_SHIFT = const(2)
# Tests without a finding in a hold.
_MAX_TESTS = const(3)

_LARGE_KPA_S = const(1)
_STEPS = const(2)
_TESTS = const(3)
_LOSS_KPA_S = const(4)
_TESTED_KPA_S = const(5)
_EXPLAINED_KPA_S = const(6)
_LEAST_KPA = const(7)
_NOISE_SHIFT = const(8)
# The known leak as a share of the pressure.
_LEAK_SHARE = const(9)
_REGISTERS = const(10)


@micropython.viper
def consider_test(
    registers: ptr32, pressure_kpa: int, compliance: ptr32, cracks: ptr32, elastic: int
) -> int:
    """Process every twentieth tick of a dwell that regulates; return whether a test is due.

    `compliance` is the block of the compliance estimate, which knows the rise that the pump would
    cause in the press as tuned; `cracks` is the crack detector's. `elastic` says whether nothing
    but a leak explains a loss, and nothing else would show a drift.
    """
    sign_shift = registers[_SIGN_SHIFT]
    large_kpa_s = pressure_kpa >> _LARGE_SHIFT
    if elastic:
        elastic_kpa_s = pressure_kpa >> _LARGE_AGAIN_SHIFT
        elastic_kpa_s += pressure_kpa * registers[_LEAK_SHARE] >> _SHARE_BITS
        if large_kpa_s > elastic_kpa_s:
            large_kpa_s = elastic_kpa_s
    registers[_LARGE_KPA_S] = large_kpa_s
    steps = registers[_STEPS] + 1
    registers[_STEPS] = steps
    loss_kpa_s = registers[_LOSS_KPA_S] << sign_shift >> sign_shift
    loss_kpa_s += compliance[_EXPECTED] - loss_kpa_s >> _SMOOTH_SHIFT
    registers[_LOSS_KPA_S] = loss_kpa_s
    if steps < _FIRST_STEPS or registers[_TESTS] >= _MAX_TESTS or loss_kpa_s <= large_kpa_s:
        return 0
    # As `LeakTest._unseen_kpa`, a second's worth of it.
    unseen_kpa = registers[_LEAST_KPA] + (cracks[_NOISE] >> registers[_NOISE_SHIFT])
    if loss_kpa_s * _MAX_FALLING_TICKS <= unseen_kpa * _TICK_HZ:
        return 0
    if loss_kpa_s <= registers[_EXPLAINED_KPA_S]:
        return 0
    registers[_STEPS] = 0
    registers[_TESTS] += 1
    registers[_TESTED_KPA_S] = loss_kpa_s
    return 1


class LeakTest:
    """Begins a test that is due, and decides what it shows; `running` shuts both valves."""

    def __init__(self):
        self.registers = register_block(_REGISTERS)
        self.running = False
        self._shut_ticks = 0
        self._resolution_kpa = 0
        self._ticks = 0
        self._from_kpa = 0
        self._found_kpa_s = 0
        self._decides = False

    def has_fallen(self):
        """Whether a test has ended with the pressure well below where it began."""
        return not self.running and self._found_kpa_s > 0

    def configure(self, profile, scaling):
        """Take over a press and a die."""
        self._shut_ticks = 1 + _SHUT_LAGS * profile.valve_lag_ms // _TICK_MS
        self._resolution_kpa = scaling.resolution_kpa
        self.registers[_LEAST_KPA] = scaling.loss_unit_kpa
        leak = profile.leak_nl_min + profile.leak_uncertainty_nl_min
        share = (leak << _SHARE_BITS) // (_LEAK_UNIT * profile.compliance_nl_mpa)
        self.registers[_LEAK_SHARE] = 1 + share
        # A filter of 4 ticks leaves less than half of the noise, one of 16 less than a quarter.
        self.registers[_NOISE_SHIFT] = _FOUR_SIGMA_SHIFT + profile.filter_shift // 2
        self.restart()

    def restart(self):
        """Begin a new hold."""
        block = self.registers
        block[_STEPS] = 0
        block[_TESTS] = 0
        block[_LOSS_KPA_S] = 0
        block[_EXPLAINED_KPA_S] = 0
        self.running = False
        self._found_kpa_s = 0
        self._decides = False

    def begin(self):
        """Begin a test that `consider_test` has said is due."""
        self._ticks = 0
        self.running = True

    def decide(self):
        """Begin the test that decides what a pumped volume without an answer is."""
        self._ticks = 0
        self._decides = True
        self.running = True

    def step(self, pressure_kpa, noise):
        """Process a tick of a test; return the fault that it shows, FAULT_NONE without one.

        `noise` is the crack detector's.
        """
        ticks = self._ticks + 1
        self._ticks = ticks
        if ticks <= self._shut_ticks:
            self._from_kpa = pressure_kpa
            return schema.FAULT_NONE
        falling = ticks - self._shut_ticks
        fallen_kpa = self._from_kpa - pressure_kpa
        least_kpa = self._unseen_kpa(noise)
        most_kpa = (pressure_kpa >> _FALL_SHIFT) + self._resolution_kpa
        longest = _MAX_FALLING_TICKS
        if self._decides:
            longest = _MIN_FALLING_TICKS if least_kpa <= most_kpa else _MAX_DECIDING_TICKS
        shows_small_leak = most_kpa >= least_kpa
        if not shows_small_leak:
            most_kpa = least_kpa
        if falling < longest and (falling < _MIN_FALLING_TICKS or fallen_kpa < most_kpa):
            return schema.FAULT_NONE
        self.running = False
        before_kpa_s = self._found_kpa_s
        found_kpa_s = 0
        if fallen_kpa > least_kpa:
            found_kpa_s = fallen_kpa * schema.TICK_HZ // falling
        self._found_kpa_s = found_kpa_s
        if self._decides:
            if found_kpa_s > pressure_kpa >> _DECIDING_SHIFT:
                return schema.FAULT_LEAK
            return schema.FAULT_NO_PRESSURE_GAIN
        if found_kpa_s <= self.registers[_LARGE_KPA_S]:
            # A dead band that is wider than the profile says, or powder that has come to rest.
            self._found_kpa_s = 0
            if shows_small_leak:
                tested_kpa_s = self.registers[_TESTED_KPA_S]
                explained_kpa_s = tested_kpa_s + (tested_kpa_s >> _GROWN_SHIFT)
                self.registers[_EXPLAINED_KPA_S] = explained_kpa_s
            return schema.FAULT_NONE
        if found_kpa_s > pressure_kpa >> _CERTAIN_SHIFT or (
            before_kpa_s and found_kpa_s >= before_kpa_s - (before_kpa_s >> _STEADY_SHIFT)
        ):
            return schema.FAULT_LEAK
        return schema.FAULT_NONE

    def _unseen_kpa(self, noise):
        """Return the fall that noise and counts of the reading can explain, kPa."""
        block = self.registers
        return block[_LEAST_KPA] + (noise >> block[_NOISE_SHIFT])

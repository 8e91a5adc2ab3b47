"""What a movement of the pressure explains of a difference between two channels, and what not.

The comparison gets readings that are made up, without a press: each course of the true pressure is
seen by two transducers. A difference beyond the figure at rest, which validation prints, must be
told within ten readings.
"""

import math

from pressloop_fw.loop.sampler import Sampler, process_sample
from pressloop_fw.loop.scaling import Scaling
from pressloop_fw.loop.second_channel import SecondChannel, compare_channels
from pressloop_fw.service.profile_store import Profile
from pressloop_fw.wire import schema
from pressloop_sim.plant.noise import Rng
from two_channels import COUNTS_PER_MPA, FULL_SCALE_MPA, LEVER, TICK_S, TWO_CHANNELS

_FIGURE_MPA = 0.74 + 7.39 + 3.14
_FULL_MPA = FULL_SCALE_MPA * LEVER
_IN_100_MS = 10
# The lags of two sound transducers that differ by as much as the profile's default allows, s.
_LAGS_S = ((0.002, 0.032), (0.032, 0.002))


class Sensor:
    """A transducer: what it makes of the true pressure, as counts."""

    def __init__(self, lag_s=0.0, offset_mpa=0.0, noise_mpa=0.0, seed=1, late=False):
        """`late` is a converter that gives the reading of the tick before."""
        self._late = late
        self._counts = None
        self._gain = 1.0 - math.exp(-TICK_S / lag_s) if lag_s else 1.0
        self._seen_mpa = None
        self.offset_mpa = offset_mpa
        self._noise_mpa = noise_mpa
        self._rng = Rng(seed)

    def sample(self, mpa):
        """Return the counts for the next true pressure."""
        if self._seen_mpa is None:
            self._seen_mpa = mpa
        self._seen_mpa += (mpa - self._seen_mpa) * self._gain
        seen_mpa = self._seen_mpa + self.offset_mpa
        if self._noise_mpa:
            seen_mpa += self._noise_mpa * self._rng.gauss()
        before = self._counts
        self._counts = int(4850 + seen_mpa / LEVER * COUNTS_PER_MPA + 0.5)
        return before if self._late and before is not None else self._counts


class Channels:
    """The comparison of the reference press, as if a run were in progress.

    `longest` is for how many readings in a row the difference was beyond the figure, on one side.
    """

    def __init__(self):
        profile = Profile(TWO_CHANNELS, True)
        scaling = Scaling(profile, 10000)
        self._sampler = Sampler()
        self._sampler.configure(profile, scaling)
        self.channel = SecondChannel()
        self.channel.configure(profile, scaling, self._sampler.registers)
        self.channel.limit_to(700000)
        self.longest = 0
        self._side = 0
        self._beyond = 0

    def disagree(self, first, second):
        """Take a reading of each channel, counts; return whether they disagree."""
        process_sample(self._sampler.registers, first)
        fault = compare_channels(self.channel.registers, self._sampler.registers, second, 1)
        apart_mpa = (second - first) / COUNTS_PER_MPA * LEVER
        side = (apart_mpa > _FIGURE_MPA) - (apart_mpa < -_FIGURE_MPA)
        self._beyond = self._beyond + 1 if side and side == self._side else abs(side)
        self._side = side
        if not fault:
            self.longest = max(self.longest, self._beyond)
        assert fault in (0, schema.FAULT_SENSOR_DISAGREE)
        return fault != 0


def _told(course, first, second):
    """Let both transducers see a course of pressures; return whether they disagree, and the rest.

    The rest is for how many readings in a row the difference was beyond the figure before that.
    """
    channels = Channels()
    for mpa in course:
        if channels.disagree(first.sample(mpa), second.sample(mpa)):
            return True, channels.longest
    return False, channels.longest


def _sine(peak_mpa, period_s):
    """Return a course that swings, as a loop does that regulates by a slow reading."""
    ticks = int(2 * period_s / TICK_S)
    step = 2 * math.pi * TICK_S / period_s
    return [200.0] * 20 + [200 + peak_mpa * math.sin(tick * step) for tick in range(ticks)]


def _ramps(rate_mpa_s, peak_mpa, times):
    """Return a course that rises at a rate and falls at it, with half a second between."""
    ticks = int((peak_mpa - 100) / rate_mpa_s / TICK_S)
    rise = [100 + rate_mpa_s * TICK_S * tick for tick in range(ticks)]
    once = rise + [peak_mpa] * 50 + rise[::-1] + [100.0] * 50
    return [100.0] * 20 + once * times


def test_a_drift_in_a_ramp_is_told_as_soon_as_in_a_hold():
    for rate_mpa_s in (0, 10, -10, 17):
        for drift_mpa_s in (-3, -1, 1, 3):
            second = Sensor()
            channels = Channels()
            start_mpa = 100 if rate_mpa_s >= 0 else 350
            for tick in range(1600):
                mpa = start_mpa + rate_mpa_s * TICK_S * tick
                second.offset_mpa += drift_mpa_s * TICK_S
                if channels.disagree(Sensor().sample(mpa), second.sample(mpa)):
                    break
            else:
                assert abs(drift_mpa_s) < 1
            assert channels.longest < _IN_100_MS, (rate_mpa_s, drift_mpa_s, channels.longest)


def test_the_movement_of_the_channel_ahead_explains_nothing():
    # A slow transducer of a loop that swings: the other one moves, and is right.
    for peak_mpa in (14, 15, 16, 18, 25):
        for period_s in (0.4, 0.55, 0.7):
            for slow in (0, 1):
                sensors = (Sensor(0.223), Sensor())
                told, longest = _told(_sine(peak_mpa, period_s), sensors[slow], sensors[1 - slow])
                assert longest < _IN_100_MS, (peak_mpa, period_s, slow, longest)
                assert told or longest < _IN_100_MS // 2


def test_a_channel_that_stands_is_told_while_the_other_one_moves():
    for rate_mpa_s in (20, 100, 300):
        for slow in (0, 1):
            sensors = (Sensor(1000.0), Sensor())
            course = _ramps(rate_mpa_s, 160, 1)
            told, longest = _told(course, sensors[slow], sensors[1 - slow])
            assert told and longest <= 6, (rate_mpa_s, slow, longest)


def test_a_movement_that_begins_after_the_difference_explains_none_of_it():
    # The reading of the loop jumps, and some ticks later the press is driven after it.
    for jumped in (0, 1):
        for side in (-1, 1):
            for calm in (3, 4, 5):
                channels = Channels()
                sensors = (Sensor(), Sensor())
                mpa = 300
                for tick in range(60):
                    if tick == 20:
                        sensors[jumped].offset_mpa = side * (_FIGURE_MPA + 1.5)
                    if tick >= 20 + calm:
                        # Where it has jumped to low readings, up.
                        mpa += side * (-160 if jumped == 0 else 160) * TICK_S
                    if channels.disagree(sensors[0].sample(mpa), sensors[1].sample(mpa)):
                        break
                assert tick >= 20 and channels.longest < _IN_100_MS, (jumped, side, calm)


def test_lags_explain_a_difference_at_any_rate():
    for first_s, second_s in _LAGS_S:
        for rate_mpa_s in (10, 50, 300, 2000):
            channels = Channels()
            first, second = Sensor(first_s), Sensor(second_s)
            for mpa in _ramps(rate_mpa_s, 400, 1):
                assert not channels.disagree(first.sample(mpa), second.sample(mpa))
            assert channels.channel.largest_kpa < 100


def test_a_sudden_loss_that_one_channel_shows_later_is_explained():
    course = [300.0] * 20 + [50.0] * 100
    # All of the difference a lag, or a tick of it the converter's.
    for lag_s, late in ((0.03, False), (0.02, True)):
        told, _ = _told(course, Sensor(), Sensor(lag_s, late=late))
        assert not told, late
        told, _ = _told(course, Sensor(lag_s, late=late), Sensor())
        assert not told, late


def test_channels_at_the_edge_of_their_errors_never_trip():
    # Stated errors against each other, the largest noise, and lags that differ by the most.
    noise_mpa = 0.001 * _FULL_MPA
    for first_s, second_s in _LAGS_S:
        for side in (-1, 1):
            for rate_mpa_s in (10, 50, 300):
                first = Sensor(first_s, side * 0.001 * _FULL_MPA, noise_mpa, seed=3)
                second = Sensor(second_s, side * -0.01 * _FULL_MPA, noise_mpa, seed=4)
                told, _ = _told(_ramps(rate_mpa_s, 200, 1), first, second)
                assert not told, (first_s, side, rate_mpa_s)

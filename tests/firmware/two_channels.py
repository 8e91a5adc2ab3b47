"""A rig with two pressure channels, each with errors and faults that a test may choose."""

from pressloop_fw.wire import schema
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.transducer import Transducer
from rig import PRESS, PROFILE, TICK_S, Rig

FULL_SCALE_MPA = 40.0
COUNTS_PER_MPA = 19200 / FULL_SCALE_MPA
# Pellet pressure over oil pressure.
LEVER = PRESS["ram_area_mm2"] / PRESS["die_area_mm2"]

TWO_CHANNELS = dict(PROFILE)
TWO_CHANNELS.update(
    {
        schema.PROFILE_SECOND_FULL_SCALE_OIL_KPA: 40000,
        schema.PROFILE_SECOND_RAW_ZERO: 4850,
        schema.PROFILE_SECOND_RAW_FULL: 24050,
        schema.PROFILE_SECOND_RAW_FAULT_LOW: 4320,
        schema.PROFILE_SECOND_RAW_FAULT_HIGH: 25200,
        schema.PROFILE_SECOND_ACCURACY_PPM: 10000,
    }
)


def sensor(lag_s=0.002, noise_percent=0.0, offset_percent=0.0, span=1.0, seed=1):
    """Return a transducer with these errors, in percent of its full scale."""
    return Transducer(
        Rng(seed),
        FULL_SCALE_MPA,
        offset_percent / 100 * FULL_SCALE_MPA,
        span,
        noise_percent / 100 * FULL_SCALE_MPA,
        lag_s,
        TICK_S,
    )


class TwoChannelRig(Rig):
    """A rig whose `first_error` and `second_error` turn true counts into false ones."""

    capabilities = schema.CAP_SECOND_CHANNEL

    def __init__(self, press=None, profile=None, first=None, second=None):
        """`first` and `second` are the transducers; without one it is a sound one."""
        self.first = first or sensor()
        self.second = second or sensor(seed=2)
        self.first_error = None
        self.second_error = None
        self._second_reading = 0
        self.peak_mpa = 0.0
        # Fastest and newest rise of the true pressure, MPa/s.
        self.rate_mpa_s = 0.0
        self.newest_rate_mpa_s = 0.0
        self._before_mpa = 0.0
        Rig.__init__(self, press or PRESS, profile or TWO_CHANNELS)

    def sample(self):
        """Sample both channels; return the counts of the first one."""
        oil_mpa = self.plant.oil_mpa
        pellet_mpa = self.plant.pellet_mpa
        self.peak_mpa = max(self.peak_mpa, pellet_mpa)
        self.newest_rate_mpa_s = (pellet_mpa - self._before_mpa) / TICK_S
        self.rate_mpa_s = max(self.rate_mpa_s, self.newest_rate_mpa_s)
        self._before_mpa = pellet_mpa
        raw = self.second.sample(oil_mpa)
        self._second_reading = self.second_error(raw) if self.second_error else raw
        raw = self.first.sample(oil_mpa)
        return self.first_error(raw) if self.first_error else raw

    def read_second_raw(self):
        return self._second_reading

    def freeze_first(self):
        """Keep the first channel at its present reading."""
        frozen = self._reading
        self.first_error = lambda _raw: frozen

    def freeze_second(self):
        """Keep the second channel at its present reading."""
        frozen = self._second_reading
        self.second_error = lambda _raw: frozen

    def drift_first(self, mpa_s):
        """Let the first channel's reading of the pellet pressure drift."""
        rate = mpa_s * TICK_S * COUNTS_PER_MPA / LEVER
        state = [0.0]

        def drifting(raw):
            state[0] += rate
            return int(raw + state[0])

        self.first_error = drifting

    def counts(self, mpa):
        """Return a pressure on the pellet as a difference of counts."""
        return int(mpa * COUNTS_PER_MPA / LEVER)

    def reading_mpa(self):
        """Return the first channel's newest reading as a pressure on the pellet, MPa."""
        return (self._reading - PROFILE[schema.PROFILE_RAW_ZERO]) / COUNTS_PER_MPA * LEVER

    def watch(self):
        """Begin to note the highest true pressure and the fastest rise."""
        self.peak_mpa = 0.0
        self.rate_mpa_s = 0.0

"""From counts to a filtered pellet pressure, refusing readings that cannot be true."""

from pressloop_fw.scaling import SUB_BITS


class Sampler:
    """Range check, scaling and first-order filter.

    `pressure_kpa` is the filtered reading, `newest_kpa` the one before the filter. `low_count` and
    `high_count` say how many readings in a row were outside the transducer's range; such readings
    never reach the filter.
    """

    def __init__(self):
        self.raw = 0
        self.pressure_kpa = 0
        self.newest_kpa = 0
        self.low_count = 0
        self.high_count = 0
        self._scaling = None
        self._fault_low = 0
        self._fault_high = 65535
        self._shift = 0
        self._filtered = 0
        self._primed = False

    def configure(self, profile, scaling):
        """Take over a new scale. The filter starts again from the next reading."""
        self._scaling = scaling
        self._fault_low = profile.raw_fault_low
        self._fault_high = profile.raw_fault_high
        self._shift = profile.filter_shift
        self._primed = False
        if self._fault_low <= self.raw <= self._fault_high:
            # No command that follows may judge a reading by the scale before.
            self.newest_kpa = self.pressure_kpa = scaling.subkpa(self.raw) >> SUB_BITS

    def step(self, raw):
        """Take in one reading."""
        self.raw = raw
        scaling = self._scaling
        if scaling is None:
            return
        if raw < self._fault_low:
            self.low_count += 1
            return
        if raw > self._fault_high:
            self.high_count += 1
            return
        self.low_count = 0
        self.high_count = 0
        reading = scaling.subkpa(raw)
        self.newest_kpa = reading >> SUB_BITS
        if self._primed:
            self._filtered += (reading - self._filtered) >> self._shift
        else:
            self._filtered = reading
            self._primed = True
        self.pressure_kpa = self._filtered >> SUB_BITS

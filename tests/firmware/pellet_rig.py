"""A rig whose ram has friction, with a load cell under the die and with friction learned before."""

from pressloop_fw.wire import schema
from rig import PRESS, PROFILE, Rig, hold, ramp

FRICTION = {
    "friction_coulomb_n": 40.0,
    "friction_share": 0.05,
    "friction_stribeck_share": 0.005,
    "friction_stribeck_mm_s": 0.05,
    "friction_presliding_mm": 0.02,
    "friction_spread": 0.2,
    "sensor_full_scale_mpa": 40.0,
    "sensor_offset_mpa": 0.008,
    "sensor_span_factor": 0.9997,
    "sensor_noise_mpa": 0.0024,
    "sensor_lag_s": 0.002,
}
# An error of 0.05 % of 50 kN is 0.32 MPa on a die of 10 mm.
CELL = {
    "load_cell_capacity_n": 50000.0,
    "load_cell_rate_hz": 80.0,
    "load_cell_lag_s": 0.005,
    "load_cell_noise_n": 2.5,
    "load_cell_zero_n": 5.0,
    "load_cell_gain": 1.0002,
}
CELL_PROFILE = {
    schema.PROFILE_LOAD_CELL_CAPACITY_N: 50000,
    schema.PROFILE_LOAD_CELL_ERROR_PPM: 500,
    schema.PROFILE_LOAD_CELL_ZERO: 0,
    schema.PROFILE_LOAD_CELL_FULL: 500000,
}
CELL_ERROR_MPA = 0.32
# From below, from below with the loop worn in, from above, and from below again.
STAGES = (250, 500, 74, 250)


def make_rig(cell=True, learned=False, rate_hz=80.0, **press):
    """Return a rig with friction."""
    config = dict(PRESS)
    config.update(FRICTION)
    config.update(press)
    profile = dict(PROFILE)
    if cell:
        for name, value in CELL.items():
            config.setdefault(name, value)
        config["load_cell_rate_hz"] = rate_hz
        profile.update(CELL_PROFILE)
        # A reading is late by its filter; that of a slow converter by half of its period.
        profile[schema.PROFILE_LOAD_CELL_LAG_MS] = 5
    if learned:
        profile[schema.PROFILE_FRICTION_PPM] = int(1e6 * config["friction_share"])
        profile[schema.PROFILE_FRICTION_N] = 40
        profile[schema.PROFILE_FRICTION_UNCERTAINTY_PPM] = 200000
    return Rig(config, profile)


def steps(seconds=4):
    """Return the steps of the stages, each with a tolerance of 0.5 % or of the 0.74 MPa sensor."""
    made = []
    for target in STAGES:
        made.append(ramp(1000 * target, 50000 if target != 250 else 25000))
        made.append(hold(1000 * target, 1000 * seconds, max(5 * target, 1000)))
    return made


class Press:
    """What one stage was: figures of its ramp and its hold, MPa; see `press_stages`."""

    def __init__(self):
        self.lowest = 1e9
        self.highest = -1e9
        self.ticks = 0
        self.counted = 0
        self.with_cell = 0
        self._sum = 0.0
        self._held = 0

    def note(self, step, pellet_mpa, flags):
        """Process a tick."""
        self.ticks += 1
        self.lowest = min(self.lowest, pellet_mpa)
        self.highest = max(self.highest, pellet_mpa)
        if step % 2 == 0:
            return
        self._held += 1
        if self._held > 100:
            self._sum += pellet_mpa
        if flags & schema.FLAG_DWELLING:
            self.counted += 1
            self.with_cell += bool(flags & schema.FLAG_LOAD_CELL)

    def mean(self):
        """Return the mean of the hold from 1 s on."""
        return self._sum / (self._held - 100)


def press_stages(rig, at_step=None, seconds=4):
    """Run the stages; return a `Press` for each. `at_step(rig, step)` is called as one begins."""
    rig.start(steps(seconds), ceiling_kpa=540000)
    made = [Press() for _ in STAGES]
    sequencer = rig.sequencer
    before = -1
    while sequencer.state == schema.STATE_RUNNING:
        step = sequencer.step_index
        if step != before and at_step:
            at_step(rig, step)
        before = step
        rig.tick()
        made[step // 2].note(step, rig.plant.pellet_mpa, sequencer.run_flags.registers[1])
    return made


def hold_errors(made):
    """Return by how much the mean of each hold is off its target, MPa."""
    return [press.mean() - target for press, target in zip(made, STAGES)]  # noqa: B905

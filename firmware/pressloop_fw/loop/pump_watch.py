"""Watches the pressure for a rise that the pump was not told to make: its valve is stuck open.

A rise is explained by what the pump passes by the model of its valve, or by the ramp of the
setpoint, which the loop follows also where the dead band of the pump is not the profile's. While
the pump is commanded shut, only what its spool has still to run explains one. Without that a rise
has to be told at once: the release soon takes it away, by letting out what the pump should not
deliver.

Before a tuning neither the lag nor the flow is known: nothing is judged then until the pump has
been shut for a while. `watch_pump` runs every tenth tick.

The filtered reading follows a model of the valves, and is wrong while a valve does not do what it
is told: then it moves and the newest reading does not. So a rise has to be seen in both.
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
# loop.flags: FLAGS
# loop.sampler: NEWEST_KPA
# loop.setpoint: RISING
# loop.split_range: PUMP RISE_KPA_S
# loop.stiffness: PUMPED OPEN_TICKS
# wire.schema: FAULT_NONE FAULT_PUMP_STUCK FLAG_DWELLING TICK_HZ
_SIGN_SHIFT = const(0)
_NOISE = const(12)
_FOUR_SIGMA_SHIFT = const(5)
_FLAGS = const(1)
_NEWEST_KPA = const(4)
_RISING = const(4)
_PUMP = const(1)
_RISE_KPA_S = const(3)
_PUMPED = const(6)
_OPEN_TICKS = const(7)
_FAULT_NONE = const(0)
_FAULT_PUMP_STUCK = const(16)
_FLAG_DWELLING = const(2)
_TICK_HZ = const(100)
# end of generated

STEP_TICKS = const(10)
# A pressure has risen when it is above its lowest by this share and by noise and resolution.
_RISE_SHIFT = const(7)
_RESOLUTIONS = const(2)
# The lowest pressure follows up by this share in a step, 0.25 % a second: a sealed press may warm.
_CREEP_SHIFT = const(12)
# What the flow explains in the press as tuned is more by a third in the stiffest one.
_STIFFEST_DIVISOR = const(3)
# By how much the dead band of a pump may be wrong, a share of its full rate. In a hold of a tuned
# press the loop has found it after 0.5 s in band: what is left is the hysteresis, within a 146th.
_DEAD_BAND_SHIFT = const(5)
_FOUND_SHIFT = const(7)
_FOUND_STEPS = const(5)
# Without the model of the valve a pump is shut four lags and 0.2 s after its command. Without a
# tuning the lag is not known: a slow valve may lag by more than its data sheet says.
_SHUT_LAGS = const(4)
_SHUT_STEPS_AT_LEAST = const(2)
_UNTUNED_STEPS = const(6)
_TICK_MS = const(10)
_MAX_RATE_BITS = const(20)

_RESOLUTION_KPA = const(1)
_LAG_MS = const(2)
_SHUT_STEPS = const(3)
TUNED = const(4)
BLIND_STEPS = const(5)
_MODELLED = const(6)
_LOWEST_KPA = const(7)
_DWELLING_STEPS = const(8)
_REGISTERS = const(9)


@micropython.viper
def watch_pump(
    registers: ptr32,
    pressure_kpa: int,
    pump: ptr32,
    works: int,
    pressing: int,
    rate_kpa_s: int,
    sampler: ptr32,
    setpoint: ptr32,
    run_flags: ptr32,
    valves: ptr32,
    cracks: ptr32,
) -> int:
    """Process the state of a tick; return the fault that it shows, FAULT_NONE without one.

    `pressure_kpa` is the filtered reading. `pump` is the block of the compliance estimate, which
    has followed the pump valve since the step before if `works` is not 0: the valves are in use.
    `pressing` says whether something presses on the sample and no approach goes on. `rate_kpa_s`
    is that of the setpoint while it rises. The other blocks are those of the sampler, the setpoint,
    the run's flags, the split range and the crack detector.
    """
    sign_shift = registers[_SIGN_SHIFT]
    risen_kpa = pump[_PUMPED] // _TICK_HZ
    open_ms = pump[_OPEN_TICKS] * _TICK_MS
    pump[_PUMPED] = 0
    pump[_OPEN_TICKS] = 0
    rising = setpoint[_RISING]
    modelled = 1 if works and pressing and registers[TUNED] else 0
    # A hold may begin while the last of a slow ramp goes on, which the pump delivers.
    if modelled and rising == 0 and run_flags[_FLAGS] & _FLAG_DWELLING:
        registers[_DWELLING_STEPS] += 1
    else:
        registers[_DWELLING_STEPS] = 0
    if modelled:
        # The step in which the model takes over spans ticks without it.
        if registers[_MODELLED] == 0:
            registers[BLIND_STEPS] = 1
    elif pressing == 0 or valves[_PUMP] or registers[_MODELLED]:
        registers[BLIND_STEPS] = registers[_SHUT_STEPS]
    registers[_MODELLED] = modelled
    newest_kpa = sampler[_NEWEST_KPA] << sign_shift >> sign_shift
    higher_kpa = newest_kpa if newest_kpa > pressure_kpa else pressure_kpa
    if registers[BLIND_STEPS]:
        registers[BLIND_STEPS] -= 1
        registers[_LOWEST_KPA] = higher_kpa
        return _FAULT_NONE
    lowest_kpa = registers[_LOWEST_KPA] << sign_shift >> sign_shift
    lowest_kpa += pressure_kpa >> _CREEP_SHIFT
    if open_ms:
        # The command acts until a lag later.
        open_ms += registers[_LAG_MS]
        if rising:
            most = 1 << _MAX_RATE_BITS
            if rate_kpa_s > most:
                rate_kpa_s = most
            asked_kpa = rate_kpa_s * open_ms // 1000
            if asked_kpa > risen_kpa:
                risen_kpa = asked_kpa
        wrong_shift = _DEAD_BAND_SHIFT
        if registers[_DWELLING_STEPS] > _FOUND_STEPS:
            wrong_shift = _FOUND_SHIFT
        lowest_kpa += (valves[_RISE_KPA_S] >> wrong_shift) * open_ms // 1000
    lowest_kpa += risen_kpa + risen_kpa // _STIFFEST_DIVISOR
    if higher_kpa < lowest_kpa:
        registers[_LOWEST_KPA] = higher_kpa
        return _FAULT_NONE
    registers[_LOWEST_KPA] = lowest_kpa
    rose_kpa = newest_kpa if newest_kpa < pressure_kpa else pressure_kpa
    rose_kpa -= lowest_kpa
    least_kpa = _RESOLUTIONS * registers[_RESOLUTION_KPA] + (cracks[_NOISE] >> _FOUR_SIGMA_SHIFT)
    if rose_kpa > (pressure_kpa >> _RISE_SHIFT) + least_kpa:
        return _FAULT_PUMP_STUCK
    return _FAULT_NONE


class PumpWatch:
    """Configures how far a pressure may rise beyond what pump and setpoint explain."""

    def __init__(self):
        self.registers = register_block(_REGISTERS)

    def configure(self, profile, scaling):
        """Take over a press and a die."""
        block = self.registers
        block[_RESOLUTION_KPA] = scaling.resolution_kpa
        block[_LAG_MS] = profile.valve_lag_ms
        tuned = schema.PROFILE_TUNING_RESIDUAL_PPM in profile.values
        block[TUNED] = tuned
        block[_SHUT_STEPS] = _SHUT_STEPS_AT_LEAST + _SHUT_LAGS * profile.valve_lag_ms // (
            _TICK_MS * STEP_TICKS
        )
        if not tuned:
            block[_SHUT_STEPS] += _UNTUNED_STEPS
        self.forget()

    def forget(self):
        """Begin anew: ticks were missed, in which the model did not follow the pump."""
        block = self.registers
        block[BLIND_STEPS] = block[_SHUT_STEPS]
        block[_MODELLED] = 0
        block[_DWELLING_STEPS] = 0

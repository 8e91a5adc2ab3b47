"""Runs single steps of the control loop, with given numbers in the blocks of the other parts."""

from pressloop_fw.loop import (
    crack_detector,
    observer,
    pid,
    sampler,
    setpoint,
    split_range,
    stiffness,
)
from pressloop_fw.loop.registers import register_block


def _block(*places_and_values):
    block = register_block(48)
    for place, value in places_and_values:
        block[place] = value
    return block


def pid_step(loop, setpoint_kpa, pressure_kpa, rate_kpa_s, low_kpa_s, high_kpa_s, gain=1):
    """Return the wanted pressure rate of a `Pid`, kPa/s, within low..high.

    `gain` is that from rate to opening.
    """
    return pid.step(
        loop.registers,
        _block((setpoint.VALUE_KPA, setpoint_kpa), (setpoint.LEAD_KPA_S, rate_kpa_s)),
        pressure_kpa,
        _block(
            (split_range.FALL_KPA_S, -low_kpa_s),
            (split_range.RISE_KPA_S, high_kpa_s),
            (split_range.ACT_GAIN, gain),
        ),
    )


def schedule(valves, pressure_kpa, ratio):
    """Compute the gains of a `SplitRange` for a sample compliance ratio of `ratio` / 256."""
    split_range.schedule(
        valves.registers,
        pressure_kpa,
        _block((stiffness.COMPLIANCE_RATIO, ratio)),
        split_range.release_root_q8,
        _block((setpoint.DESCENDING, 0)),
    )


def drive(valves, rate_kpa_s, pressure_kpa, pump_locked, descending=False, rising=False):
    """Set the openings of a `SplitRange` for a pressure rate."""
    valves.pump_locked = pump_locked
    direction = _block((setpoint.DESCENDING, descending), (setpoint.RISING, rising))
    split_range.drive(
        valves.registers, rate_kpa_s, pressure_kpa, direction, split_range.release_root_q8
    )


def follow_compliance(compliance, opening, gain, pressure_kpa):
    """Update a `SampleCompliance` with what the pump passes above its dead band."""
    valves = _block((split_range.CURVE_GAIN, gain))
    passing = _block((observer.PUMP_FLOW, opening))
    stiffness.follow_compliance(compliance.registers, valves, pressure_kpa, passing)


def crack_check(watch, pressure_kpa, release, fall_kpa_s, root_q8=256):
    """Process a valid reading by a `CrackDetector`; return a fault or FAULT_NONE."""
    return crack_detector.detect_crack(
        watch.registers,
        _block((sampler.NEWEST_KPA, pressure_kpa)),
        _block(
            (split_range.RELEASE, release),
            (split_range.FALL_KPA_S, fall_kpa_s),
            (split_range.ROOT_Q8, root_q8),
        ),
    )

"""The same readings give the same outputs, bit for bit, on every interpreter and chip.

The trace was recorded on CPython (golden/make.py); here it is replayed without a press.
"""

import struct
import sys

from golden_run import TICKS, confirm_prompts, three_step
from pressloop_fw.loop.pid import Pid
from pressloop_fw.loop.scaling import Scaling
from pressloop_fw.loop.split_range import SplitRange
from pressloop_fw.loop.stiffness import SampleCompliance
from pressloop_fw.service.profile_store import Profile
from pressloop_fw.wire import schema
from rig import PROFILE, Rig
from steps import drive, follow_compliance, pid_step, schedule

_SIZE = struct.calcsize("<HBhiB")


def _trace():
    folder = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
    with open(folder + "/golden/three_step.trace", "rb") as file:
        return file.read()


def _replay(rig, trace, make=int):
    """Run the rig on the trace's readings; return the first tick that differs, or None."""
    rig.raw = make(struct.unpack_from("<H", trace, 0)[0])
    for tick in range(TICKS):
        raw, inputs, output, setpoint, state = struct.unpack_from("<HBhiB", trace, tick * _SIZE)
        rig.raw = make(raw)
        rig.inputs = inputs
        confirm_prompts(rig)
        rig.tick()
        controller = rig.controller
        if (
            controller.valves.output() != output
            or controller.sequencer.setpoint.value_kpa != setpoint
            or controller.sequencer.state != state
        ):
            return tick
    return None


def test_three_steps_bit_for_bit():
    trace = _trace()
    assert len(trace) == TICKS * _SIZE
    rig = Rig()
    rig.raw = struct.unpack_from("<H", trace, 0)[0]
    three_step(rig)
    assert _replay(rig, trace) is None
    assert rig.idle_again()


if sys.implementation.name == "cpython":
    from small_int import SmallInt, small_registers, small_rig

    def test_everything_that_follows_from_a_reading_stays_a_small_integer():
        trace = _trace()
        rig = small_rig(Rig)
        rig.raw = struct.unpack_from("<H", trace, 0)[0]
        three_step(rig)
        assert _replay(rig, trace, SmallInt) is None

    def test_small_integers_hold_at_the_corners_of_what_a_profile_may_say():
        """Weakest and strongest pump, every pressure and rate, softest and stiffest sample."""
        for flow, compliance, release_flow in (
            (1, 10000000, 1),
            (1000000, 20000, 10000000),
            (1000, 57000, 10000),
            (200000, 57000, 100),
        ):
            values = dict(PROFILE)
            values[schema.PROFILE_PUMP_FLOW_UL_S] = flow
            values[schema.PROFILE_RELEASE_FLOW_UL_S] = release_flow
            values[schema.PROFILE_COMPLIANCE_CURVE] = [compliance] * 8
            profile = Profile(values)
            scaling = Scaling(profile, 10000)
            with small_registers():
                valves = SplitRange()
            valves.configure(profile, scaling)
            for pressure in (-500, 0, 3, 4000, 74000, 500000, 2000000):
                for ratio in (128, 256, 4095):
                    for setpoint in (0, 80000, 2000000):
                        for lead in (-1000000, 0, 1000000):
                            _drive(valves, pressure, ratio, setpoint, lead)

    def _drive(valves, pressure, ratio, setpoint, lead):
        pressure = SmallInt(pressure)
        schedule(valves, pressure, SmallInt(ratio))
        with small_registers():
            pid = Pid()
            follower = SampleCompliance()
        pid.set_gains(SmallInt(8191), SmallInt(16383), SmallInt(4095))
        pid.restart(pressure)
        follower.restart(SmallInt(0), 0)
        for _ in range(3):
            with small_registers():
                wanted = pid_step(
                    pid,
                    SmallInt(setpoint),
                    pressure,
                    SmallInt(lead),
                    -valves.fall_kpa_s,
                    valves.rise_kpa_s,
                )
                drive(valves, wanted, pressure, False, lead < 0, lead > 0)
                follow_compliance(follower, SmallInt(valves.pumping), valves.curve_gain, pressure)
            assert 128 <= follower.ratio <= 32767

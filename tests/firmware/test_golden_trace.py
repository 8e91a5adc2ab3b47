"""The same readings give the same outputs, bit for bit, on every interpreter and chip.

The trace was recorded on CPython (golden/make.py); here it is replayed without a press.
"""

import struct
import sys

from golden_run import TICKS, confirm_prompts, three_step
from rig import Rig

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
        rig.beat()
        controller = rig.controller
        if (
            controller.valves.output() != output
            or controller.sequencer.setpoint.value_kpa != setpoint
            or controller.state != state
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
    from small_int import SmallInt

    def test_everything_that_follows_from_a_reading_stays_a_small_integer():
        trace = _trace()
        rig = Rig()
        rig.raw = struct.unpack_from("<H", trace, 0)[0]
        three_step(rig)
        assert _replay(rig, trace, SmallInt) is None

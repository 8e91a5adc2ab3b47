"""Write three_step.trace: what the transducer read and what the controller made of it.

Run it by hand, and only when the control law was changed on purpose:
`.venv/bin/python tests/firmware/golden/make.py`. Every tick is `<HBhiB`: raw counts, inputs,
split-range output, setpoint in kPa, state.
"""

import struct
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "firmware"), str(ROOT / "host/src"), str(HERE.parent)]

from golden_run import TICKS, confirm_prompts, three_step  # noqa: E402
from rig import PRESS, Rig  # noqa: E402

NOISY = dict(
    PRESS,
    valve_hysteresis=0.02,
    pump_dead_band=0.21,
    sensor_full_scale_mpa=40.0,
    sensor_offset_mpa=0.008,
    sensor_span_factor=0.9997,
    sensor_noise_mpa=0.0024,
    sensor_lag_s=0.002,
)


def main() -> None:
    """Press once and write what went in and what came out."""
    rig = Rig(NOISY)
    readings: list[int] = []
    sample = rig.sample

    def recorded() -> int:
        readings.append(sample())
        return readings[-1]

    rig.sample = recorded
    # The replay stands still on the first reading until the run has started; so does this.
    rig.raw = sample()
    three_step(rig)
    out = bytearray()
    del readings[:]
    for tick in range(TICKS):
        confirm_prompts(rig)
        rig.tick()
        if tick == 0:
            rig.raw = None
        controller = rig.controller
        out += struct.pack(
            "<HBhiB",
            readings[-1],
            rig.inputs,
            controller.valves.output(),
            controller.sequencer.setpoint.value_kpa,
            controller.sequencer.state,
        )
    if not rig.idle_again():
        raise SystemExit("the run did not end within the trace")
    (HERE / "three_step.trace").write_bytes(out)
    print(f"{TICKS} ticks, {len(out)} bytes")


if __name__ == "__main__":
    main()

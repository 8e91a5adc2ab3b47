"""Build a protocol in Python and steer the run: python examples/progressive.py [PORT] [FOLDER]

Presses in three passes, each 50 MPa higher, then holds 74 MPa until a measurement on the cell is
done. Only the script knows when it is done: the last hold is open, and the script ends it.
"""

import sys

from pressloop import FlagBits, Hold, HostLoss, Press, Protocol, Ramp, Release, Repeat, Stage
from pressloop.wire.schema import TICK_HZ

PROTOCOL = Protocol(
    name="Progressive pressing, then a measurement",
    die="10 mm",
    ceiling="220 MPa",
    on_host_loss=HostLoss(action="hold", limit="15 min"),
    stages=[
        Repeat(
            repeat=3,
            step="50 MPa",
            stages=[
                Stage(
                    name="press",
                    ramp=Ramp(target="100 MPa", rate="20 MPa/s"),
                    hold=Hold(duration="30 s", tolerance="1 %"),
                    release=Release(target="10 MPa", rate="20 MPa/s"),
                )
            ],
        ),
        Stage(
            name="measure",
            ramp=Ramp(target="74 MPa", rate="10 MPa/s"),
            hold=Hold(duration="open", tolerance="2 MPa"),
        ),
    ],
)

OPEN_HOLD = 10
"""Index of the step that the script ends: after three passes of three steps, and a ramp."""


def measurement_done(seconds_in_band: float) -> bool:
    """Replace this with your own instrument: here, 45 s at pressure are enough."""
    return seconds_in_band >= 45


def main() -> int:
    """Press, and end the open hold when the measurement is done; return the exit code."""
    port = sys.argv[1] if len(sys.argv) > 1 else "emulated"
    folder = sys.argv[2] if len(sys.argv) > 2 else "runs/progressive"
    with Press.open(port) as press:
        run = press.start(PROTOCOL, out=folder, overwrite=press.hello.simulated)
        records_in_band, ended = 0, False
        for batch in run.telemetry():
            records_in_band += sum(
                record.step == OPEN_HOLD and FlagBits.DWELLING in record.flags for record in batch
            )
            if not ended and measurement_done(records_in_band / TICK_HZ):
                ended = True
                run.advance(OPEN_HOLD)
        result = run.result()
    for stage in result.summary.stages:
        print(f"{stage.name} {stage.iteration}: {stage.outcome}, {stage.dwell_s:.1f} s in band")
    return 0 if result.completed else 1


if __name__ == "__main__":
    sys.exit(main())

"""Measures the tick on the chip: the cost of each part, the lateness, and two peers for comparison.

Ours and the peers' are measured on the shipped image on the emulated RP2040. Emulated cycles are
instructions of the core. The waits for the I2C buses and for what is not in the cache of the flash
are measured beside them, told apart.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any, Final

from pressloop.machine.profile import MachineProfile
from pressloop.plan import compile_plan
from pressloop.protocol.loading import load_protocol
from pressloop.wire.codec import encode_message
from pressloop.wire.frame import Frame, encode_frame
from pressloop.wire.message import Message
from pressloop.wire.schema import (
    AbortRequest,
    Command,
    FrameKind,
    PlanCommitRequest,
    ProfileWriteRequest,
    StartRequest,
    State,
    StreamRequest,
)

from pressloop_bench.speed.chip import CLOCK_HZ, BenchChip, ChipError
from pressloop_bench.speed.chip_peers import CBOR2, SIMPLE_PID, PeerMissingError, source

# What the press does while the tick is measured.
STATES: Final = ("at rest", "approach", "ramp", "hold", "vent")
_CYCLES_PER_US: Final = CLOCK_HZ // 1_000_000
_PROTOCOL: Final = """\
pressloop: 1
name: bench
die: 10 mm
ceiling: 250 MPa
on_host_loss: {action: hold, limit: 60 s}
host_timeout: 10 s
vent_rate: 40 MPa/s
stages:
  - name: bond
    ramp: {target: 120 MPa, rate: 40 MPa/s}
    hold: {duration: 600 s, tolerance: 3 %}
    release: {target: 0 MPa, rate: 60 MPa/s}
"""

# A stopwatch. `prepare` gives names to what the measured code works on, before the time counts.
_STOPWATCH: Final = """
import gc, time
ticks_us = time.ticks_us
prepare = ""
def feed_watchdog():
    pass
def cycles(code, n=50):
    feed_watchdog()
    names = dict(globals())
    exec("def f(n):\\n" + prepare + " t=ticks_us()\\n for i in range(n):\\n  " + code +
         "\\n return time.ticks_diff(ticks_us(),t)", names)
    return names["f"](n) * 125 // n
def allocated(code, n=50):
    names = dict(globals())
    exec("def f(n):\\n for i in range(n):\\n  " + code, names)
    f = names["f"]
    f(1)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    f(n)
    after = gc.mem_alloc()
    gc.enable()
    return (after - before) // n
"""

# The controller as the image's start-up builds it, beside the stopwatch.
_SETUP: Final = (
    _STOPWATCH
    + """
from pressloop_fw.loop import sequencer, setpoint, telemetry_ring
from pressloop_fw.loop import tick as loop
from pressloop_fw.wire import cbor, schema
from pressloop_fw.app import App
from pressloop_fw.boards import pico
board = pico.PicoBoard()
app = App(board)
app.link.open_session()
c = app.controller
s = c.sequencer
feed_watchdog = board.feed_watchdog
spent = [0, 0, 0]
def ask(command, payload):
    values = cbor.decode_map(schema.COMMANDS[command][0], payload, 0, len(payload))
    return app.server.handle(command, values, payload)
def live(ticks, litter=0):
    heard = c.tick_count
    end = heard + ticks
    s.host.heard()
    idle = 0
    start = ticks_us()
    while c.tick_count < end:
        if c.tick_count - heard >= 16:
            heard = c.tick_count
            s.host.heard()
        app.poll()
        if litter:
            [bytearray(64) for _ in range(litter)]
            gc.collect()
        t = ticks_us()
        board.idle()
        idle += time.ticks_diff(ticks_us(), t)
    return time.ticks_diff(ticks_us(), start), idle
tick = c.tick
append, recorded, records = telemetry_ring.append_record, app.ring.registers, app.ring.buf
moving, driven = s.setpoint.registers, c.valves.registers
regulated, flags = c.pid.registers, s.run_flags.registers
quiet = False
def timed_tick(missed):
    if quiet:
        return
    t = ticks_us()
    tick(missed)
    t = time.ticks_diff(ticks_us(), t)
    spent[0] += t
    spent[1] += 1
    if t > spent[2]:
        spent[2] = t
prepare = (
    " sampled=c.sampler.registers; valves=c.valves.registers; pid=c.pid\\n"
    " law=pid.law; moving=s.setpoint.registers; registers=pid.registers\\n"
    " compliance=c.sample_compliance.registers; volume=c.volume_watch.registers\\n"
    " cracks=c.crack_detector.registers; channels=c.second_channel.registers\\n"
    " observer=c.valve_observer.registers; trim=c.force_trim.registers\\n"
    " p=c.sampler.pressure_kpa; v=s.setpoint.value_kpa\\n"
)
"""
)

# Parts of the tick: name and the call, in the order of the tick.
_PARTS: Final = (
    ("contacts", "board.read_inputs()"),
    ("transducer, over I2C", "board.read_raw()"),
    ("scale, range, filter", "loop.process_sample(sampled, 5000)"),
    ("second transducer", "board.read_second_raw()"),
    ("load cell", "board.read_force()"),
    (
        "trim by the load cell",
        "loop.follow_force(trim, 1000, 5000, s.setpoint.registers, sampled, flags, channels)",
    ),
    ("comparison", "loop.compare_channels(channels, sampled, 5000, True)"),
    ("crack watch", "loop.detect_crack(cracks, sampled, valves)"),
    ("sequencer with setpoint", "s.step(c.tick_count, v)"),
    ("of it: setpoint", "sequencer.advance_setpoint(s.setpoint.registers, setpoint.RISE)"),
    ("gains of the pressure", "loop.schedule(valves, p, compliance, loop.release_root_q8, moving)"),
    ("PID", "law(registers, moving, p, valves)"),
    ("split range", "loop.drive(valves, 1000, p, moving, loop.release_root_q8)"),
    (
        "volume watch",
        "w = loop.follow_loss(volume, 1000, p, moving, valves); "
        "loop.watch_volume(volume, w, p, moving, valves, compliance, cracks)",
    ),
    ("valve observer", "loop.predict(observer, sampled, valves, 2)"),
    ("dither and valves", "loop.dither(valves); board.set_valves(0, 32767)"),
    ("sample compliance", "loop.follow_compliance(compliance, valves, p, observer)"),
)
# A step as a loop calls it: what else the loop does has filled the cache of the flash.
_BETWEEN_OTHER_WORK: Final = """
import json
def between_other_work(n=20):
    spent = 0
    for _ in range(n):
        json.dumps({"tick": n, "pressure": 1.5, "integral": 0.5})
        gc.collect()
        t = ticks_us()
        peer(1.5)
        spent += time.ticks_diff(ticks_us(), t)
    return spent / n
"""
_RECORD: Final = (
    "append(recorded, records, 1, 2, 3, moving, driven, regulated, flags, 2, 0, 1, 0, 65535)"
)
_COPY: Final = "app.ring.copy(app.ring.next - 20, 20, buf, 16)"
_HEAD: Final = "telemetry_ring.begin_event(buf, 6, 100000, 100020, 400)"
_BATCH: Final = 20

_NAIVE: Final = """
import gc, json, time
from machine import ADC, PWM, Pin, Timer
from array import array
at = array("i", [0] * 600)
n = 0
last = 0.0
total = 0.0
adc = ADC(26)
pwm = PWM(Pin(16), freq=1000, duty_u16=0)
def on_timer(timer):
    global n, last, total
    if n < len(at):
        at[n] = time.ticks_us()
    n += 1
    pressure = adc.read_u16() * 0.0123
    error = 100.0 - pressure
    total = max(-50.0, min(50.0, total + error * 0.01))
    out = 2.0 * error + 0.5 * total - 0.1 * (pressure - last)
    last = pressure
    pwm.duty_u16(int(max(0.0, min(65535.0, out * 100.0))))
    print("%d,%.3f,%.3f" % (n, pressure, out))
timer = Timer(period=10, mode=Timer.PERIODIC, callback=on_timer)
while n < len(at):
    print(json.dumps({"tick": n, "pressure": last, "integral": total}))
    gc.collect()
timer.deinit()
"""


@dataclass
class ChipFigures:
    """All that was measured; None where a peer was not available."""

    tick_us: dict[str, float] = field(default_factory=dict)
    bus_wait_us: dict[str, float] = field(default_factory=dict)
    flash_wait_us: dict[str, float] = field(default_factory=dict)
    tick_most_us: dict[str, float] = field(default_factory=dict)
    parts_us: dict[str, dict[str, float]] = field(default_factory=dict)
    tick_bytes: int = 0
    busy_us_per_tick: dict[str, float] = field(default_factory=dict)
    record_us: float = 0.0
    record_bytes: int = 0
    frame_us: float = 0.0
    request_us: float = 0.0
    request_bytes: int = 0
    late_us: dict[str, dict[str, float]] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)
    heap_free: dict[str, int] = field(default_factory=dict)
    simple_pid_us: float | None = None
    simple_pid_bytes: int | None = None
    simple_pid_tight_us: float = 0.0
    simple_pid_loop_us: float = 0.0
    simple_pid_flash_us: float = 0.0
    cbor2_us: float | None = None
    cbor2_bytes: int | None = None
    json_us: float = 0.0
    json_bytes: int = 0
    naive_late_us: dict[str, float] = field(default_factory=dict)
    naive_missed: int = 0
    excuses: dict[str, str] = field(default_factory=dict)


def measure(streaming_s: float = 60.0) -> ChipFigures:
    """Boot the image for ours, for the peers and for a naive loop, and measure; a minute or two.

    `streaming_s` is how long telemetry streams before the heap is looked at again.
    """
    figures = ChipFigures()
    with BenchChip() as chip:
        _ours(chip, figures, streaming_s)
    with BenchChip() as chip:
        _vent(chip, figures)
    with BenchChip() as chip:
        _peers(chip, figures)
    with BenchChip() as chip:
        _naive(chip, figures)
    return figures


def _ours(chip: BenchChip, figures: ChipFigures, streaming_s: float) -> None:
    fields = _set_up(chip)
    figures.heap_free["at start"] = chip.ask("gc.mem_free()")
    _with_waits(chip, figures, "at rest", 100)
    _parts(chip, figures, "at rest")
    # Until the readings that the parts were fed are out of the filter.
    chip.ask("live(100)")

    _start(chip, fields)
    _go_on_to(chip, "approach")
    _with_waits(chip, figures, "approach", 30)
    if not chip.ask("s.approaching"):
        raise ChipError("the ram has landed before the approach was measured")
    _go_on_to(chip, "ramp")
    _with_waits(chip, figures, "ramp", 30)
    _go_on_to(chip, "hold")
    _with_waits(chip, figures, "hold", 100)
    _lateness(chip, figures, "telemetry streams", "live(1000)")
    _lateness(chip, figures, "and garbage is collected", "live(1000, 8)")
    _lateness(chip, figures, "host stalls", "live(1000)", stall_s=9.8)
    chip.ask(f"live({round(streaming_s * 100)})", streaming_s * 2 + 60)
    chip.run("gc.collect()")
    figures.heap_free[f"after {streaming_s:g} s of streaming"] = chip.ask("gc.mem_free()")
    if chip.ask("(s.state, s.hold.dwelling)") != (State.RUNNING, True):
        raise ChipError("the run has left the hold that was to be measured")
    _parts(chip, figures, "hold")
    chip.run("quiet = True")
    figures.tick_bytes = chip.ask("allocated('tick(0)')")
    _codec(chip, figures)


def _whole_tick(chip: BenchChip, figures: ChipFigures, name: str, ticks: int) -> None:
    chip.run("spent[:] = [0, 0, 0]")
    total, idle = chip.ask(f"live({ticks})")
    spent, count, most = chip.ask("spent")
    figures.tick_us[name] = spent / count
    figures.tick_most_us[name] = most
    # The tick runs while the foreground waits.
    figures.busy_us_per_tick[name] = (total - idle + spent) / count


def _vent(chip: BenchChip, figures: ChipFigures) -> None:
    bring_to(chip, "vent")
    _with_waits(chip, figures, "vent", 30)
    if chip.ask("s.state") != State.VENTING:
        raise ChipError("the press was empty before the vent was measured")


def bring_to(chip: BenchChip, state: str) -> None:
    """Build the controller and bring the press to one of STATES, from a new start of the chip."""
    fields = _set_up(chip)
    if state != "at rest":
        _start(chip, fields)
        _go_on_to(chip, state)


def _go_on_to(chip: BenchChip, state: str) -> None:
    """Let the protocol that was started go on to the beginning of a state."""
    if state == "approach":
        chip.ask("live(50)")
    elif state == "ramp":
        while not 10_000 < chip.ask("s.setpoint.value_kpa") < 60_000:
            chip.ask("live(10)")
    else:
        while chip.ask("s.setpoint.value_kpa") < 120_000:
            chip.ask("live(10)")
        if state == "hold":
            chip.ask("live(50)")
        else:
            _ask(chip, Command.ABORT, AbortRequest())
            chip.ask("live(20)")


def _set_up(chip: BenchChip) -> dict[str, Any]:
    """Build the controller with a profile, and return the profile's fields."""
    chip.run(_SETUP)
    chip.run("board.start_tick(timed_tick)")
    fields = chip.press.nominal_profile()
    _ask(chip, Command.PROFILE_WRITE, ProfileWriteRequest(**fields))
    chip.run("gc.collect()")
    return fields


def _start(chip: BenchChip, fields: dict[str, Any]) -> None:
    """Start the protocol."""
    plan = compile_plan(load_protocol(_PROTOCOL), MachineProfile.from_fields(fields))
    _ask(chip, Command.PLAN_BEGIN, plan.begin)
    for step in plan.steps:
        _ask(chip, Command.PLAN_STEP, step)
    _ask(chip, Command.PLAN_COMMIT, PlanCommitRequest(plan.digest))
    _ask(chip, Command.STREAM, StreamRequest(on=True, batch_ticks=_BATCH))
    _ask(chip, Command.START, StartRequest(b"bench-01", plan.begin.die_um))


def _with_waits(chip: BenchChip, figures: ChipFigures, name: str, ticks: int) -> None:
    """Measure a tick with its waits for the flash and the buses, and last without them."""
    spent = []
    for buses, flash in ((True, True), (True, False), (False, False)):
        chip.charge(buses=buses, flash=flash)
        _whole_tick(chip, figures, name, ticks)
        spent.append(figures.tick_us[name])
    figures.flash_wait_us[name] = spent[0] - spent[1]
    figures.bus_wait_us[name] = spent[1] - spent[2]


def _parts(chip: BenchChip, figures: ChipFigures, name: str) -> None:
    chip.run("quiet = True")
    empty = chip.ask("cycles('pass')")
    figures.parts_us[name] = {
        part: (chip.ask(f"cycles({code!r})") - empty) / _CYCLES_PER_US
        for part, code in (*_PARTS, ("record", _RECORD))
    }
    chip.run("quiet = False")


def _lateness(
    chip: BenchChip, figures: ChipFigures, name: str, code: str, stall_s: float = 0.0
) -> None:
    missed = chip.ask("c.missed_ticks")
    chip.late_us = []
    chip.begin(code)
    chip.stalled = stall_s > 0
    chip.pass_time(stall_s)
    chip.stalled = False
    chip.finish(120)
    late, chip.late_us = chip.late_us, None
    figures.late_us[name] = _quantiles(late)
    figures.missed[name] = chip.ask("c.missed_ticks") - missed


def _codec(chip: BenchChip, figures: ChipFigures) -> None:
    chip.run("quiet = True")
    chip.run("buf = bytearray(600)")
    empty = chip.ask("cycles('pass')")

    def us(code: str) -> float:
        return float(chip.ask(f"cycles({code!r})") - empty) / _CYCLES_PER_US

    figures.record_us = us(_RECORD) + (us(_HEAD) + us(_COPY)) / _BATCH
    figures.record_bytes = chip.ask(f"allocated({_RECORD!r})") + round(
        chip.ask(f"allocated({_HEAD + '; ' + _COPY!r})") / _BATCH
    )
    # A collection among fifty repetitions would double what one frame costs.
    chip.run("gc.collect()")
    figures.frame_us = us("app.link._event.finish(3, 1, 1, 1, 420)")
    request = encode_frame(Frame(FrameKind.REQUEST, Command.STATUS, 1, 1, b"\xa0"))
    chip.run(f"request = bytearray({request!r})\nanswer = app.link._decoder.feed")
    chip.run("app.link._last_seq = app.link._kept_seq = -1")
    again = "app.link._last_seq = app.link._kept_seq = -1; answer(request, len(request))"
    figures.request_us = us(again)
    # With garbage collection off, fifty of them would not fit.
    figures.request_bytes = chip.ask(f"allocated({again!r}, 10)")


def _peers(chip: BenchChip, figures: ChipFigures) -> None:
    # Nothing of ours is on the heap: what allocates would have to search longer beside it.
    chip.run(_STOPWATCH)
    empty = chip.ask("cycles('pass')")

    def cost(code: str) -> tuple[float, int]:
        return (chip.ask(f"cycles({code!r})") - empty) / _CYCLES_PER_US, chip.ask(
            f"allocated({code!r})"
        )

    try:
        chip.put_file("/simple_pid.py", source(SIMPLE_PID))
        chip.run("from simple_pid import PID\npeer = PID(2.0, 0.5, 0.1, setpoint=100.0)")
        chip.run("peer.output_limits = (0.0, 100.0)\npeer(1.0)")
        figures.simple_pid_tight_us, figures.simple_pid_bytes = cost("peer(1.5)")
        # A few steps on a collected heap: what they allocate is not searched for.
        chip.run("gc.collect()")
        few = chip.ask("cycles('peer(1.5)', 5)") - chip.ask("cycles('pass', 5)")
        figures.simple_pid_us = few / _CYCLES_PER_US
        chip.run(_BETWEEN_OTHER_WORK)
        figures.simple_pid_loop_us = chip.ask("between_other_work()")
        chip.charge(buses=False, flash=True)
        waited_us = chip.ask("between_other_work()")
        figures.simple_pid_flash_us = waited_us - figures.simple_pid_loop_us
        chip.charge(buses=False, flash=False)
    except PeerMissingError as error:
        figures.excuses[SIMPLE_PID.name] = str(error)
    row = "[100000, 74000, 74012, 1234, 9876, 2, 1]"
    try:
        chip.put_file("/cbor2_encoder.py", source(CBOR2))
        chip.run(f"import cbor2_encoder\nrow = {row}")
        figures.cbor2_us, figures.cbor2_bytes = cost("cbor2_encoder.dumps(row)")
    except PeerMissingError as error:
        figures.excuses[CBOR2.name] = str(error)
    names = ("tick", "pressure", "setpoint", "output", "step", "state")
    values = (100000, 74000, 74012, 1234, 2, 1)
    chip.run(f"import json\nrow6 = {dict(zip(names, values, strict=True))!r}")
    figures.json_us, figures.json_bytes = cost("json.dumps(row6)")


def _naive(chip: BenchChip, figures: ChipFigures) -> None:
    chip.run(_NAIVE, 120)
    at = chip.ask("list(at)")
    # Late against the best line of 10 ms that no callback is before.
    steps = [b - a for a, b in itertools.pairwise(at)]
    figures.naive_missed = sum(max(0, round(step / 10_000) - 1) for step in steps)
    expected = 0
    offsets = [at[0]]
    for step in steps:
        expected += max(1, round(step / 10_000))
        offsets.append(at[len(offsets)] - 10_000 * expected)
    earliest = min(offsets)
    figures.naive_late_us = _quantiles([offset - earliest for offset in offsets])


def _quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)], 1)

    return {"p50": at(0.5), "p99": at(0.99), "p99.9": at(0.999), "max": round(ordered[-1], 1)}


def _ask(chip: BenchChip, command: Command, request: Message) -> Any:
    return chip.run(f"ask({int(command)}, {encode_message(request)!r})")

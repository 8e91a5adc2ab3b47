"""The firmware on an in-process press, for tests on either interpreter.

`Rig` is a board: requests go straight to the server's handlers, `run()` lets ticks pass. The press
is the emulated one, or readings written by hand. Every tick runs with the heap locked, so that a
tick that allocates ends the run with an internal fault.
"""

import binascii

from pressloop_fw.app import App
from pressloop_fw.hal import Board
from pressloop_fw.wire import cbor, schema
from pressloop_fw.wire.errors import CommandError
from pressloop_sim.board.deadman import DeadmanCircuit
from pressloop_sim.board.flash_area import EmulatedFlash
from pressloop_sim.plant.load_cell import LoadCell
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.plant import SUBSTEP_S
from pressloop_sim.plant.ram_with_friction import build_plant
from pressloop_sim.plant.transducer import Transducer

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython has nothing to lock

    def heap_lock():
        """Allow allocation: only MicroPython can forbid it."""

    def heap_unlock():
        """Undo heap_lock."""


TICK_S = 1 / schema.TICK_HZ

# The reference press as `pressloop.emulator.description` flattens it, without sensor errors.
PRESS = {
    "ram_area_mm2": 1450.0,
    "die_area_mm2": 78.53981633974483,
    "oil_volume_mm3": 50000.0,
    "oil_bulk_modulus_mpa": 1380.0,
    "oil_air_fraction": 0.002,
    "frame_stiffness_n_mm": 100000.0,
    "return_force_n": 150.0,
    "leak_mm3_s_mpa": 0.017,
    "approach_gap_mm": 4.0,
    "pump_flow_mm3_s": 1000.0,
    "pump_dead_band": 0.2,
    "pump_ripple": 0.02,
    "pump_ripple_hz": 24.0,
    "release_flow_10mpa_mm3_s": 10000.0,
    "release_dead_band": 0.2,
    "valve_lag_s": 0.03,
    "valve_delay_s": 0.01,
    "valve_hysteresis": 0.0,
    "powder_solid_height_mm": 0.5,
    "powder_initial_density": 0.45,
    "powder_panelli_a": 0.0471,
    "powder_modulus_mpa": 20000.0,
    "powder_heckel_k": 0.0,
    "powder_relaxation_share": 0.05,
    "powder_relaxation_half_s": 20.0,
    "powder_crack_mpa": 1e9,
    "powder_crack_release_mpa_s": 1e9,
    "powder_crack_loss": 0.03,
}

# The zero is that of the unloaded ram: its return spring costs 0.1 MPa of oil, 50 counts.
PROFILE = {
    schema.PROFILE_NAME: "rig",
    schema.PROFILE_RAM_AREA_MM2: 1450,
    schema.PROFILE_FULL_SCALE_OIL_KPA: 40000,
    schema.PROFILE_RAW_ZERO: 4850,
    schema.PROFILE_RAW_FULL: 24050,
    schema.PROFILE_RAW_FAULT_LOW: 4320,
    schema.PROFILE_RAW_FAULT_HIGH: 25200,
    schema.PROFILE_ACCURACY_PPM: 1000,
    schema.PROFILE_MAX_OIL_KPA: 30000,
    schema.PROFILE_DIES_UM: [10000, 12000],
    schema.PROFILE_PUMP_DEAD_BAND: 6553,
    schema.PROFILE_RELEASE_DEAD_BAND: 6553,
    schema.PROFILE_PUMP_FLOW_UL_S: 1000,
    schema.PROFILE_RELEASE_FLOW_UL_S: 10000,
    schema.PROFILE_COMPLIANCE_NL_MPA: 57000,
    schema.PROFILE_APPROACH_OPENING: 16000,
    schema.PROFILE_CONTACT_OIL_KPA: 200,
    schema.PROFILE_APPROACH_TIMEOUT_MS: 60000,
    schema.PROFILE_NO_GAIN_WINDOW_MS: 5000,
    schema.PROFILE_KP: 1536,
    schema.PROFILE_KI: 1966,
    schema.PROFILE_KD: 0,
    schema.PROFILE_FILTER_SHIFT: 1,
    schema.PROFILE_COMPLIANCE_CURVE: [147000, 88000, 66500, 59800, 57900, 57400, 57300, 57300],
    schema.PROFILE_VALVE_DITHER: 492,
    schema.PROFILE_VALVE_LAG_MS: 40,
}

JOURNAL_BLOCKS = 8
JOURNAL_SLOTS = 16

_RAW_ZERO = 4800
_RAW_PER_OIL_KPA = 19200 / 40000


class RefusedError(Exception):
    """The board refused a request; `code` says why."""

    def __init__(self, code, field, step, detail):
        super().__init__(code)
        self.code = code
        self.field = field
        self.step = step
        self.detail = detail


class Rig(Board):
    """A board whose time passes in `run()`."""

    name = "rig"
    simulated = True
    ring_records = 8192

    def __init__(
        self,
        press=None,
        profile=None,
        stored=None,
        reset_cause=None,
        has_displacement=False,
        kept=None,
        tick_hung=False,
        flash_full=False,
        has_journal=True,
        has_deadman=False,
    ):
        """Build press and firmware.

        `stored` is the flash of a rig before, for a reset; `has_displacement` adds a displacement
        sensor. `kept` is what the watchdog's registers kept through the reset, `tick_hung` whether
        the tick had stopped before it. With `flash_full` no file can be stored; without a journal
        nothing of a run can. With `has_deadman` a deadman circuit supplies the coils.
        """
        if has_displacement:
            self.capabilities = schema.CAP_DISPLACEMENT
        self.load_cell = None
        if press and press.get("load_cell_capacity_n"):
            self.load_cell = LoadCell(press, press.get("seed", 1))
            self.capabilities |= schema.CAP_LOAD_CELL
        self._conversions = 0
        # What that sensor reads, um; None for the true displacement.
        self.displacement_um = None
        self.stored = {} if stored is None else stored
        self.journal = None
        if has_journal:
            # A small one, so that tests can fill it.
            image = self.stored.setdefault("journal", bytearray())
            self.journal = EmulatedFlash(JOURNAL_BLOCKS, JOURNAL_SLOTS, image)
        self.kept_words = kept
        self.tick_hung = tick_hung
        self.flash_full = flash_full
        self._deadman = DeadmanCircuit() if has_deadman else None
        if reset_cause is not None:
            self.reset_cause = reset_cause
        self.plant = build_plant(press or PRESS, SUBSTEP_S, (press or PRESS).get("seed", 1))
        self.transducer = None
        if press and press.get("sensor_full_scale_mpa"):
            self.transducer = Transducer.of(press, Rng(press.get("seed", 1)), TICK_S)
        # Runs started so far: each has a run-id of its own.
        self.runs = 0
        self.raw = None
        self._reading = 0
        self._displacement = schema.NO_DISPLACEMENT
        self.inputs = 0
        # A defect of the board for tests: reading the inputs raises.
        self.broken = False
        self.pump = 0
        self.release = schema.OUTPUT_FULL
        self.missed = 0
        self.fed = 0
        self.hear_host = True
        # What a person or a program types outside a frame, and how often it has stopped the board.
        self.typed = b""
        self.interrupts = 0
        self.app = App(self)
        self.app.link.open_session()
        self.controller = self.app.controller
        self.sequencer = self.controller.sequencer
        if profile is None and "profile" not in self.stored:
            self.ask(schema.CMD_PROFILE_WRITE, dict(PROFILE))
        elif profile:
            self.ask(schema.CMD_PROFILE_WRITE, profile)

    # --- the board interface

    def read_raw(self):
        return self._reading

    def read_displacement(self):
        return self._displacement

    def read_force(self):
        cell = self.load_cell
        if cell is None or cell.conversions == self._conversions or not cell.answers:
            return schema.NO_FORCE
        self._conversions = cell.conversions
        return cell.reading

    def sample(self):
        """Return what the transducer reads now, or what was written to `raw`."""
        if self.raw is not None:
            return self.raw
        if self.transducer:
            return self.transducer.sample(self.plant.oil_mpa)
        return int(_RAW_ZERO + self.plant.oil_mpa * 1000 * _RAW_PER_OIL_KPA)

    def read_inputs(self):
        if self.broken:
            raise ValueError("the inputs cannot be read")
        return self.inputs

    def set_valves(self, pump, release):
        self.pump = pump
        self.release = release
        if self._deadman:
            self._deadman.edge()

    def safe(self):
        self.pump = 0
        self.release = schema.OUTPUT_FULL

    def receive_into(self, buf):
        n = min(len(buf), len(self.typed))
        buf[:n] = self.typed[:n]
        self.typed = self.typed[n:]
        return n

    def interrupt(self):
        self.interrupts += 1

    def send(self, view):
        return len(view)

    def load(self, name):
        return self.stored.get(name)

    def store(self, name, data):
        if self.flash_full:
            raise OSError(28)
        self.stored[name] = bytes(data)

    def open_journal(self):
        return self.journal

    def keep(self, step, tick, dwell_ticks):
        self.kept_words = (step, tick, dwell_ticks)

    def kept(self):
        return self.kept_words

    def feed_watchdog(self):
        self.fed += 1

    # --- for tests

    def ask(self, command, values=None):
        """Send a request through the codec; return the reply's values or raise RefusedError.

        A start confirms the die of the plan unless `values` has another one.
        """
        values = dict(values or {})
        if command == schema.CMD_START:
            scaling = self.app.plan.scaling
            values.setdefault(schema.START_REQUEST_DIE_UM, scaling.die_um if scaling else 10000)
        buf = bytearray(schema.MAX_PAYLOAD)
        fields = schema.COMMANDS[command][0]
        end = cbor.encode_map(fields, values, buf, 0)
        values = cbor.decode_map(fields, buf, 0, end)
        try:
            reply = self.app.server.handle(command, values, memoryview(buf)[:end])
        except CommandError as refusal:
            raise RefusedError(
                refusal.code, refusal.field, refusal.step, refusal.detail
            ) from refusal
        end = cbor.encode_map(schema.COMMANDS[command][1], reply, buf, 0)
        return cbor.decode_map(schema.COMMANDS[command][1], buf, 0, end)

    def tick(self):
        """Let one tick pass."""
        if self.hear_host:
            self.app.server.heard()
        self.press_on()
        self._reading = self.sample()
        if self.load_cell:
            self.load_cell.step(self.plant.punch_n(), TICK_S)
        if self.capabilities & schema.CAP_DISPLACEMENT:
            um = self.displacement_um
            self._displacement = round(1000 * self.plant.closing_mm()) if um is None else um
        missed, self.missed = self.missed, 0
        heap_lock()
        try:
            self.controller.tick(missed)
        finally:
            heap_unlock()
        self.app.poll()

    def press_on(self):
        """Let the press go on for a tick; without the firmware, as when its tick hangs."""
        powered = not self._deadman or self._deadman.powered
        self.plant.pump.command = self.pump / schema.OUTPUT_FULL if powered else 0.0
        self.plant.release.command = self.release / schema.OUTPUT_FULL if powered else 1.0
        self.plant.step(TICK_S)
        if self._deadman:
            self._deadman.tick()

    def run(self, seconds, until=None):
        """Let time pass, at most `seconds`, until `until()` holds; return whether it did."""
        for _ in range(int(seconds * schema.TICK_HZ)):
            if until and until():
                return True
            self.tick()
        return bool(until and until())

    def code_of(self, command, values=None):
        """Send a request; return the code with which the board refuses it, 0 if it does not."""
        try:
            self.ask(command, values)
        except RefusedError as refused:
            return refused.code
        return 0

    def upload(self, steps, **header):
        """Upload and commit a plan of steps made with ramp(), hold(), prompt() and their like."""
        for command, values in plan_messages(steps, **header):
            self.ask(command, values)

    def start(self, steps=None, **header):
        """Upload if steps are given, then start and let the first tick pass."""
        if steps is not None:
            self.upload(steps, **header)
        self.tick()
        self.runs += 1
        run_id = self.runs.to_bytes(8, "big")
        self.ask(schema.CMD_START, {schema.START_REQUEST_RUN_ID: run_id})
        self.tick()

    def plan_scaling(self):
        """Return the scale of the plan."""
        return self.app.plan.scaling

    def status(self):
        """Return the status reply's values."""
        return self.ask(schema.CMD_STATUS)

    def result(self, step):
        """Return the step result's values."""
        return self.ask(schema.CMD_STEP_RESULT, {schema.STEP_RESULT_REQUEST_STEP: step})

    def records(self, first):
        """Return the ring's records from `first` on, as tuples."""
        import struct

        ring = self.app.ring
        count = ring.next - first
        size = ring.record_size
        layout = schema.RECORD_FORMAT if size == schema.RECORD_SIZE else schema.SHORT_RECORD_FORMAT
        buf = bytearray(count * size)
        ring.copy(first, count, buf, 0)
        return [struct.unpack_from(layout, buf, i * size) for i in range(count)]

    def idle_again(self):
        """Whether the run has ended."""
        return self.sequencer.state == schema.STATE_IDLE


def encoded(fields, values):
    """Return the payload of a message."""
    buf = bytearray(schema.MAX_PAYLOAD)
    return bytes(buf[: cbor.encode_map(fields, values, buf, 0)])


def plan_messages(steps, **header):
    """Return commands and values that upload and commit a plan; `header` changes its beginning."""
    begin = {
        schema.PLAN_BEGIN_REQUEST_STEPS: len(steps),
        schema.PLAN_BEGIN_REQUEST_DIE_UM: 10000,
        schema.PLAN_BEGIN_REQUEST_CEILING_KPA: 520000,
        schema.PLAN_BEGIN_REQUEST_HOST_LOSS: schema.HOST_LOSS_VENT,
        schema.PLAN_BEGIN_REQUEST_HOST_LOSS_LIMIT_MS: 60000,
        schema.PLAN_BEGIN_REQUEST_HOST_TIMEOUT_MS: 2000,
        schema.PLAN_BEGIN_REQUEST_VENT_RATE_KPA_S: 20000,
        schema.PLAN_BEGIN_REQUEST_RECORD_EVERY: 1,
        schema.PLAN_BEGIN_REQUEST_ACCEPT_UNRESOLVED: False,
    }
    for name, value in header.items():
        begin[getattr(schema, "PLAN_BEGIN_REQUEST_" + name.upper())] = value
    digest = binascii.crc32(encoded(schema.PLAN_BEGIN_REQUEST_FIELDS, begin))
    messages = [(schema.CMD_PLAN_BEGIN, begin)]
    for index, step in enumerate(steps):
        values = dict(step)
        values[schema.PLAN_STEP_REQUEST_INDEX] = index
        values.setdefault(schema.PLAN_STEP_REQUEST_STAGE, 0)
        digest = binascii.crc32(encoded(schema.PLAN_STEP_REQUEST_FIELDS, values), digest)
        messages.append((schema.CMD_PLAN_STEP, values))
    messages.append((schema.CMD_PLAN_COMMIT, {schema.PLAN_COMMIT_REQUEST_DIGEST: digest}))
    return messages


def ramp(target_kpa, rate_kpa_s=10000, **more):
    """Return a ramp step."""
    return _step(schema.STEP_RAMP, target_kpa=target_kpa, rate_kpa_s=rate_kpa_s, **more)


def release(target_kpa, rate_kpa_s=20000, **more):
    """Return a release step."""
    return _step(schema.STEP_RELEASE, target_kpa=target_kpa, rate_kpa_s=rate_kpa_s, **more)


def hold(target_kpa, duration_ms=2000, tolerance_kpa=2500, timeout_ms=10000, mode=0, **more):
    """Return a hold step."""
    values = {
        "target_kpa": target_kpa,
        "tolerance_kpa": tolerance_kpa,
        "timeout_ms": timeout_ms,
        "mode": mode,
    }
    if duration_ms is not None:
        values["duration_ms"] = duration_ms
    values.update(more)
    return _step(schema.STEP_HOLD, **values)


def prompt(text="go on?", timeout_ms=60000):
    """Return a prompt step."""
    return _step(schema.STEP_PROMPT, text=text, timeout_ms=timeout_ms)


def rest(duration_ms=1000):
    """Return a rest step."""
    return _step(schema.STEP_REST, duration_ms=duration_ms)


def _step(kind, **values):
    step = {schema.PLAN_STEP_REQUEST_KIND: kind}
    for name, value in values.items():
        step[getattr(schema, "PLAN_STEP_REQUEST_" + name.upper())] = value
    return step

# mypy: ignore-errors
# Runs under MicroPython next to the firmware.
"""The emulated board: implements the firmware's board interface on the simulated press.

Time passes only in `idle()`. In each tick the press is stepped with the valve openings set last,
the sensors are sampled, and the firmware's tick runs with the heap locked.
"""

import os
import select
import sys
import time

import micropython
from pressloop_fw.boards import wiring as pins
from pressloop_fw.hal import Board
from pressloop_fw.wire import schema

from pressloop_sim.board.board_faults import BOOT_TICKS, BoardFaults, BoardReset
from pressloop_sim.board.contact_faults import ContactFaults
from pressloop_sim.board.deadman import DeadmanCircuit
from pressloop_sim.board.fault_port import CONTACT_BITS, ControlPort
from pressloop_sim.board.field_wiring import FieldWiring
from pressloop_sim.board.flash_area import EmulatedFlash
from pressloop_sim.board.lifetime import Lifetime, remove_folder
from pressloop_sim.board.link_faults import LinkFaults
from pressloop_sim.board.loopback import LoopbackPort
from pressloop_sim.board.pacing import AcceleratedPacing, LockstepPacing, RealPacing
from pressloop_sim.board.truth_file import TruthFile
from pressloop_sim.board.wired_board import WiredBoard
from pressloop_sim.plant import fault_kinds, oil_thermistor
from pressloop_sim.plant.displacement_sensor import DisplacementSensor
from pressloop_sim.plant.fault_schedule import FaultSchedule
from pressloop_sim.plant.hydraulic_faults import HydraulicFaults
from pressloop_sim.plant.load_cell import LoadCell
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.plant import SUBSTEP_S
from pressloop_sim.plant.ram_with_friction import build_plant
from pressloop_sim.plant.second_transducer import SecondTransducer, is_fitted
from pressloop_sim.plant.sensor_faults import SensorFaults
from pressloop_sim.plant.transducer import Transducer
from pressloop_sim.plant.valve_faults import ValveFaults
from pressloop_sim.plant.vessel_faults import VesselFaults

_TICK_S = 1 / schema.TICK_HZ
_FULL = schema.OUTPUT_FULL
_FRAME_END = 0x02
# As on the Pico: eight days of a run.
_JOURNAL_BLOCKS = 100
_JOURNAL_SLOTS = 127
# Ticks in a row, after which the foreground runs.
_MAX_TICKS = 100


class EmulatedBoard(Board):
    """Emulates one controller with its press; call `attach` once the application is built."""

    name = "emulated"
    simulated = True
    reset_cause = schema.RESET_POWER_ON
    capabilities = (
        schema.CAP_EMERGENCY_STOP
        | schema.CAP_GUARD
        | schema.CAP_PERSISTENT_PROFILE
        | schema.CAP_DEADMAN
        | schema.CAP_JOURNAL
    )

    def __init__(self, config):
        """Build board and press from `config`, which `pressloop.emulator.process` wrote."""
        version = ".".join(str(part) for part in sys.implementation[1][:3])
        self.python = "MicroPython " + version
        self.build = config["build"]
        self.unique_id = bytes.fromhex(config["unique_id"])
        self.ring_records = config["ring_records"]
        self.inputs = 0
        self.stopping = False
        self.app = None
        self.plant = build_plant(config["plant"], SUBSTEP_S, config["seed"])
        self._rng = Rng(config["seed"])
        press = config["plant"]
        self.transducer = Transducer.of(press, self._rng, _TICK_S)
        self._displacement = DisplacementSensor(
            config["seed"], press["displacement_resolution_um"], press["displacement_noise_um"]
        )
        if self._displacement.present:
            self.capabilities |= schema.CAP_DISPLACEMENT
        self._displacement_um = schema.NO_DISPLACEMENT
        self._has_thermistor = config["parts"]["auxiliary"] == "oil-temperature"
        self.load_cell = LoadCell(press, config["seed"])
        if self.load_cell.present:
            self.capabilities |= schema.CAP_LOAD_CELL
        self._force = schema.NO_FORCE
        self._raw = self.transducer.sample(0.0)
        self.second_transducer = None
        self._second_raw = 0
        if is_fitted(press):
            self.capabilities |= schema.CAP_SECOND_CHANNEL
            self.second_transducer = SecondTransducer(press, config["seed"], _TICK_S)
        self._has_lid_switch = bool(press.get("vessel_lid_switch", 0))
        if self._has_lid_switch:
            self.capabilities |= schema.CAP_LID_SWITCH
        self._pump = 0
        self._release = _FULL
        # The on/off release valve beside the proportional one, on a press that has one.
        self._on_off_open = True
        self._deadman = DeadmanCircuit()
        self.wiring = FieldWiring()
        self.wired = WiredBoard(self.wiring)
        # What the watchdog's registers keep through a reset.
        self._kept = None
        self._flash = config["flash_dir"]
        self.journal = EmulatedFlash(_JOURNAL_BLOCKS, _JOURNAL_SLOTS, path=self._flash + "/journal")
        self._truth = TruthFile(config["truth_path"]) if config["truth_path"] else None
        # Whether the device clock has begun anew since the truth file has.
        self._was_reset = False
        if config["pacing"] != "real":
            self._pacing = LockstepPacing(config["silence_ms"])
        elif config["speed"] > 1:
            self._pacing = AcceleratedPacing(config["speed"], config["silence_ms"])
        else:
            self._pacing = RealPacing(config["speed"])
        # Removed by the board itself if its owner has ended.
        self._own_folder = config["own_folder"]
        self._lifetime = Lifetime(int(config["orphan_s"] * 1000), time.ticks_ms())
        self._tick = None
        self._poller = select.poll()
        self.link = LoopbackPort(self._poller)
        self.control_port = LoopbackPort(self._poller)
        self._control = ControlPort(self.control_port, self)
        self._run_start_tick = 0
        # Ticks that were lost since the last one that ran.
        self._missed = 0
        self._board_faults = BoardFaults(config["seed"])
        self._link_faults = LinkFaults(self, config["seed"])
        self.faults = FaultSchedule(
            {
                fault_kinds.SENSOR: SensorFaults(self, "transducer", self.plant, press, _TICK_S),
                fault_kinds.SECOND: SensorFaults(
                    self, "second_transducer.transducer", self.plant, press, _TICK_S
                ),
                fault_kinds.VALVE: ValveFaults(self.plant),
                fault_kinds.HYDRAULIC: HydraulicFaults(self.plant),
                fault_kinds.VESSEL: VesselFaults(self.plant),
                fault_kinds.BOARD: self._board_faults,
                fault_kinds.CONTACT: ContactFaults(self),
                fault_kinds.LINK: self._link_faults,
            }
        )

    def attach(self, app):
        """Keep the application, whose state the pacing needs."""
        self.app = app

    @property
    def elapsed_ticks(self):
        """Ticks since the start of the run, or since that of the run before."""
        return self.app.controller.tick_count - self._run_start_tick

    def contact(self, name, active):
        """Activate or deactivate a contact of `CONTACT_BITS`, by its name on the control port."""
        bit = CONTACT_BITS[name]
        self.inputs = self.inputs | bit if active else self.inputs & ~bit

    def prepare_run(self):
        """Let the truth of the next run have its ticks for itself."""
        if self._truth and self._was_reset:
            self._truth.restart()
        self._was_reset = False

    # --- the board interface; pressloop_fw.hal documents each method

    def read_raw(self):
        return self._raw

    def read_second_raw(self):
        return self._second_raw

    def read_displacement(self):
        return self._displacement_um

    def read_force(self):
        return self._force

    def read_inputs(self):
        inputs = self.inputs if self.wiring.right else self.wired.inputs
        if self._has_lid_switch and self.wired.has_lid_pressure(self.plant.has_lid_pressure()):
            return inputs | schema.INPUT_VESSEL_PRESSURE
        return inputs

    def show_pressure(self, stands):
        self.wired.stands = stands

    def sound(self, on):
        self.wired.sound(on)

    def oil_temperature_raw(self):
        if not self._has_thermistor:
            return None
        own = oil_thermistor.counts_of(self.plant.warming.rise_k)
        return self.wired.oil_temperature_counts(own)

    def set_valves(self, pump, release):
        self._pump = pump
        self._release = release
        self._on_off_open = False
        self._deadman.edge()

    def dump(self):
        self.set_valves(0, _FULL)
        self._on_off_open = True

    def safe(self):
        self._pump = 0
        self._release = _FULL
        self._on_off_open = True

    def start_tick(self, tick):
        self._tick = tick

    def receive_into(self, buf):
        if self._pacing.owed_ticks:
            # A fast host's next request must meet the same tick as a slow host's.
            return 0
        n = self.link.read_into(buf)
        if n:
            self._pacing.note_host_bytes(time.ticks_ms())
        return n

    def send(self, view):
        if self._truth:
            # The truth of a tick is on disk before the host learns of the tick.
            self._truth.flush()
        n = self.link.write(view)
        if n == len(view) and n and view[n - 1] == _FRAME_END:
            self._pacing.note_reply()
        return n

    def load(self, name):
        try:
            with open(self._flash + "/" + name, "rb") as file:
                return file.read()
        except OSError:
            return None

    def store(self, name, data):
        self._board_faults.check_flash()
        path = self._flash + "/" + name
        with open(path + ".new", "wb") as file:
            file.write(data)
        os.rename(path + ".new", path)

    def open_journal(self):
        return self.journal

    def keep(self, step, tick, dwell_ticks):
        self._kept = (step, tick, dwell_ticks)

    def kept(self):
        return self._kept

    def idle(self):
        """Serve the sockets, then run as many ticks as the pacing allows, or wait."""
        if self._serve(0) and not self._pacing.owed_ticks and not self._link_faults.stalled:
            return  # process the host's bytes before the next tick
        if self.stopping:
            self.close()
            raise SystemExit(0)
        app = self.app
        controller = app.controller
        server = app.server
        state = controller.sequencer.state
        now = time.ticks_ms()
        # Before the ticks: with a fast pacing there is a tick due at every call.
        active = state not in (schema.STATE_IDLE, schema.STATE_FAULT)
        if self._lifetime.is_over(now, self.link.connected, active):
            self.stopping = True
            return
        ticks = self._pacing.due(
            now,
            controller.tick_count,
            server.host_tick,
            server.batch_ticks,
            state != schema.STATE_IDLE,
            state == schema.STATE_PROMPTING,
            self.link.connected,
        )
        if self._link_faults.wait_for_time:
            ticks = max(ticks, 1)
        if ticks:
            for _ in range(min(ticks, _MAX_TICKS)):
                self._run_tick()
            return
        if self._truth:
            self._truth.flush()
        self._serve(self._pacing.wait_ms)

    def close(self):
        """Write what is buffered; remove the folder of a board whose owner has ended."""
        if self._truth:
            self._truth.flush()
        if self._own_folder and self._lifetime.owner_has_ended():
            remove_folder(self._own_folder)

    def _serve(self, wait_ms):
        """Wait up to `wait_ms` for the sockets; return True when the host has sent something."""
        received = False
        for sock, _ in self._poller.poll(wait_ms):
            if self.control_port.owns(sock):
                self._control.poll()
            elif self.link.owns(sock):
                received = True
        return received

    def _run_tick(self):
        """Step the press by one tick, sample the sensors, and run the firmware's tick."""
        controller = self.app.controller
        idle = controller.sequencer.state == schema.STATE_IDLE
        if idle:
            self._fit_die()
        elif self.elapsed_ticks >= self.faults.due_tick:
            self.faults.step(self.elapsed_ticks)
        if self._board_faults.any:
            outage = self._board_faults.pending_reset()
            if outage:
                self._reset(outage)
        self._step_press(idle)
        tick = controller.tick_count
        if self._board_faults.any and self._board_faults.loses_tick():
            tick += self._missed
            self._missed += 1
        else:
            self._call_tick()
        still_idle = idle and controller.sequencer.state == schema.STATE_IDLE
        if idle and not still_idle:
            self._run_start_tick = tick
            self.plant.begin_run()
        truth = self._truth
        if truth and not still_idle:
            truth.record(tick, self.plant)

    def _step_press(self, idle):
        """Let the press go on for a tick under the openings set last, and sample the sensors."""
        plant = self.plant
        pump = plant.pump
        second = self.second_transducer
        if idle:
            # The idle time before a run must not change the run: noise and pump ripple are put
            # back after the tick.
            noise = self._rng.state
            displacement_noise = self._displacement.rng.state
            second_noise = second.rng.state if second else 0
            cell_phase = self.load_cell.phase
            phase = pump.phase
        dip = self._board_faults.supply_ticks
        powered = self._deadman.powered and not dip
        pump.command = self._pump / _FULL if powered else 0.0
        plant.release.command = self._release / _FULL if powered else 1.0
        plant.release.open_on_off(0.0 if powered and not self._on_off_open else 1.0)
        wiring = self.wiring
        wired = self.wired
        if not wiring.right or not wiring.pump_motor:
            self._set_duties()
            pump.command, plant.release.command, on_off = wired.openings(not dip)
            plant.release.open_on_off(on_off)
        self._deadman.tick()
        plant.step(_TICK_S)
        self._raw = self.transducer.sample(plant.oil_mpa + plant.warming.zero_mpa)
        if second:
            self._second_raw = second.sample(plant.oil_mpa)
        if dip:
            self._board_faults.supply_ticks = dip - 1
            self._raw = 0
            self._second_raw = 0
        if not wiring.right:
            self._raw, self._second_raw = wired.readings(self._raw, self._second_raw)
            wired.read_inputs(self.inputs)
            wiring.note_ram(plant.ram_mm())
        if self._displacement.present:
            self._displacement_um = self._displacement.sample(plant.closing_mm())
            if not wiring.right:
                self._displacement_um = wired.displacement_um(
                    self._displacement_um,
                    pins.DISPLACEMENT_LOW,
                    pins.DISPLACEMENT_SPAN_UM,
                    schema.NO_DISPLACEMENT,
                )
        if self.load_cell.present:
            self._force = self._convert_force()
        if idle:
            self._rng.state = noise
            self._displacement.rng.state = displacement_noise
            if second:
                second.rng.state = second_noise
            self.load_cell.phase = cell_phase
            pump.phase = phase
        if self._link_faults.link is not None:
            self._link_faults.link.tick()

    def _set_duties(self):
        self.wired.set_duties(
            self._pump / _FULL,
            self._release / _FULL,
            self._deadman.edged,
            not self._on_off_open,
        )

    def seen(self):
        """Return what a person at the press sees of coils and lamp, for the control port."""
        if self.wiring.right:
            self._set_duties()
            return self.wired.seen(self._deadman.powered)
        return self.wired.seen(self.wired.powered)

    def _convert_force(self):
        """Let the load cell's converter go on for a tick; return its reading if it is a new one."""
        cell = self.load_cell
        conversions = cell.conversions
        cell.step(self.plant.punch_n() + self.wiring.hand_n, _TICK_S)
        if cell.conversions == conversions or not cell.answers:
            return schema.NO_FORCE
        return cell.reading if self.wiring.right else self.wired.cell_counts(cell.reading)

    def _call_tick(self):
        """Run the firmware's tick with the heap locked."""
        missed, self._missed = self._missed, 0
        micropython.heap_lock()
        try:
            if missed:
                self._tick(missed)
            else:
                self._tick()
        finally:
            micropython.heap_unlock()

    def _reset(self, outage):
        """Let the press go on while the firmware hangs or is without power; then start it again.

        The outputs stay as they are during a hang. Without power, and in the reset, they are safe.
        """
        if outage.cause == schema.RESET_POWER_ON:
            self.safe()
            self._kept = None
        first = self.app.controller.tick_count
        for passed in range(outage.ticks + BOOT_TICKS):
            if passed == outage.ticks:
                self.safe()
            self._step_press(False)
            if outage.tick_goes_on and passed < outage.ticks:
                self._call_tick()
            if self._truth:
                self._truth.record(first + passed, self.plant)
        self._tick = None
        self._missed = 0
        self._was_reset = True
        self.reset_cause = outage.cause
        self.tick_hung = outage.tick_hung
        self.link.drop()
        self._pacing.owed_ticks = 0
        raise BoardReset(outage.cause)

    def _fit_die(self):
        """Insert the plan's die, as the operator would: with another, all pressures are wrong."""
        plan = self.app.plan
        if plan.committed:
            self.plant.change_die(plan.scaling.die_um)

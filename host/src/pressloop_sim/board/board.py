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
from pressloop_fw.hal import Board
from pressloop_fw.wire import schema

from pressloop_sim.board.fault_port import ControlPort
from pressloop_sim.board.lifetime import Lifetime, remove_folder
from pressloop_sim.board.loopback import LoopbackPort
from pressloop_sim.board.pacing import LockstepPacing, RealPacing
from pressloop_sim.board.truth_file import TruthFile
from pressloop_sim.plant.displacement_sensor import DisplacementSensor
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.plant import Plant
from pressloop_sim.plant.second_transducer import SecondTransducer, is_fitted
from pressloop_sim.plant.transducer import Transducer

_TICK_S = 1 / schema.TICK_HZ
_FULL = schema.OUTPUT_FULL
_FRAME_END = 0x02
# Ticks in a row, after which the foreground runs.
_MAX_TICKS = 100


class EmulatedBoard(Board):
    """Emulates one controller with its press; call `attach` once the application is built."""

    name = "emulated"
    simulated = True
    reset_cause = schema.RESET_POWER_ON
    capabilities = schema.CAP_EMERGENCY_STOP | schema.CAP_GUARD | schema.CAP_PERSISTENT_PROFILE

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
        self.plant = Plant(config["plant"])
        self._rng = Rng(config["seed"])
        press = config["plant"]
        self.transducer = Transducer.of(press, self._rng, _TICK_S)
        self._displacement = DisplacementSensor(
            config["seed"], press["displacement_resolution_um"], press["displacement_noise_um"]
        )
        if self._displacement.present:
            self.capabilities |= schema.CAP_DISPLACEMENT
        self._displacement_um = schema.NO_DISPLACEMENT
        self._raw = self.transducer.sample(0.0)
        self.second_transducer = None
        self._second_raw = 0
        if is_fitted(press):
            self.capabilities |= schema.CAP_SECOND_CHANNEL
            self.second_transducer = SecondTransducer(press, config["seed"], _TICK_S)
        self._pump = 0
        self._release = _FULL
        self._flash = config["flash_dir"]
        self._truth = TruthFile(config["truth_path"]) if config["truth_path"] else None
        if config["pacing"] == "real":
            self._pacing = RealPacing(config["speed"])
        else:
            self._pacing = LockstepPacing(config["silence_ms"])
        # Removed by the board itself if its owner has ended.
        self._own_folder = config["own_folder"]
        self._lifetime = Lifetime(int(config["orphan_s"] * 1000), time.ticks_ms())
        self._tick = None
        self._poller = select.poll()
        self.link = LoopbackPort(self._poller)
        self.control_port = LoopbackPort(self._poller)
        self._control = ControlPort(self.control_port, self)

    def attach(self, app):
        """Keep the application, whose state the pacing needs."""
        self.app = app

    # --- the board interface; pressloop_fw.hal documents each method

    def read_raw(self):
        return self._raw

    def read_second_raw(self):
        return self._second_raw

    def read_displacement(self):
        return self._displacement_um

    def read_inputs(self):
        return self.inputs

    def set_valves(self, pump, release):
        self._pump = pump
        self._release = release

    def safe(self):
        self._pump = 0
        self._release = _FULL

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
        path = self._flash + "/" + name
        with open(path + ".new", "wb") as file:
            file.write(data)
        os.rename(path + ".new", path)

    def idle(self):
        """Serve the sockets, then run as many ticks as the pacing allows, or wait."""
        if self._serve(0) and not self._pacing.owed_ticks:
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
        )
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
        plant = self.plant
        pump = plant.pump
        second = self.second_transducer
        idle = controller.sequencer.state == schema.STATE_IDLE
        if idle:
            self._fit_die()
            # The idle time before a run must not change the run: noise and pump ripple are put
            # back after the tick.
            noise = self._rng.state
            displacement_noise = self._displacement.rng.state
            second_noise = second.rng.state if second else 0
            phase = pump.phase
        pump.command = self._pump / _FULL
        plant.release.command = self._release / _FULL
        plant.step(_TICK_S)
        self._raw = self.transducer.sample(plant.oil_mpa)
        if second:
            self._second_raw = second.sample(plant.oil_mpa)
        if self._displacement.present:
            self._displacement_um = self._displacement.sample(plant.closing_mm())
        if idle:
            self._rng.state = noise
            self._displacement.rng.state = displacement_noise
            if second:
                second.rng.state = second_noise
            pump.phase = phase
        tick = controller.tick_count
        micropython.heap_lock()
        try:
            self._tick()
        finally:
            micropython.heap_unlock()
        truth = self._truth
        if truth and not (idle and controller.sequencer.state == schema.STATE_IDLE):
            truth.record(tick, plant)

    def _fit_die(self):
        """Insert the plan's die, as the operator would: with another, all pressures are wrong."""
        plan = self.app.plan
        if plan.committed:
            self.plant.change_die(plan.scaling.die_um)

"""The whole firmware on a simulated press, in one CPython process: run, reset, power cut.

Unlike `control.press_run` it has the command server too, so that a start can be refused, and it
survives a reset of the controller: flash and press stay, all else starts anew. Codec, link and heap
lock are left out.
"""

from __future__ import annotations

import binascii
from typing import Any, Final

from pressloop_sim.board.flash_area import EmulatedFlash
from pressloop_sim.plant import fault_kinds
from pressloop_sim.plant.fault_kinds import ScheduledFault
from pressloop_sim.plant.fault_schedule import FaultSchedule, FaultTarget
from pressloop_sim.plant.hydraulic_faults import HydraulicFaults
from pressloop_sim.plant.noise import Rng
from pressloop_sim.plant.plant import SUBSTEP_S
from pressloop_sim.plant.ram_with_friction import build_plant
from pressloop_sim.plant.second_transducer import SecondTransducer, is_fitted
from pressloop_sim.plant.sensor_faults import SensorFaults
from pressloop_sim.plant.transducer import Transducer
from pressloop_sim.plant.valve_faults import ValveFaults

from pressloop_bench.control.press_run import TICK_S, firmware

_FULL: Final = 32767
# Ticks between two turns of the foreground.
_POLL_TICKS: Final = 5
_DIP_TICKS: Final = 20
_POWER_CUT_TICKS: Final = 100
_BOOT_TICKS: Final = 50
_WATCHDOG_TICKS: Final = 250
_STALL_TICKS: Final = 3000
# Ticks without an edge after which the deadman circuit has cut both coils.
_DEADMAN_TICKS: Final = 5
_NEVER: Final = 1 << 60
_JOURNAL_BLOCKS: Final = 10
_JOURNAL_SLOTS: Final = 127
# What the firmware calls for each exception of its foreground.
_TRACEBACK_PRINTER: Final = "_print_traceback"
# The emulated flash has no types: MicroPython runs it.
_Flash: Final[Any] = EmulatedFlash


class StartRefusedError(Exception):
    """The board refused to begin a run; the message is the name of its error code."""


class ControllerFaults(FaultTarget):
    """What is wrong with controller, supply and host, as ticks that are left or as a switch."""

    def __init__(self, seed: int) -> None:
        """Start without a fault."""
        self._rng = Rng(seed)
        self.dip_ticks = 0
        self.reset_ticks = 0
        self.reset_kind = ""
        self.lost_share = 0.0
        self.flash_full = False
        self.silent_ticks = 0

    def inject(self, kind: str, value: float) -> None:
        """Begin a fault."""
        if kind == "supply-dip":
            self.dip_ticks = _DIP_TICKS
        elif kind in ("power-cut", "tick-hang", "foreground-hang"):
            self.reset_kind = kind
            self.reset_ticks = _POWER_CUT_TICKS if kind == "power-cut" else _WATCHDOG_TICKS
        elif kind == "tick-slow":
            self.lost_share = value
        elif kind == "flash-full":
            self.flash_full = True
        elif kind == "host-kill":
            self.silent_ticks = _NEVER
        elif kind == "host-stall":
            self.silent_ticks = _STALL_TICKS
        else:
            raise ValueError(f"{kind} needs a link: it is not on this bench")

    def loses_tick(self) -> bool:
        """Return whether the next tick is lost."""
        return self.lost_share > 0.0 and self._rng.bits() < self.lost_share * 2**32


class BenchBoard:
    """A controller with its press; `tick` lets time pass.

    Attributes:
        plant: The true press.
        transducer: Its transducer.
        second_transducer: Its second channel; None on a press with one.
        schema: The firmware's schema.
        app: The firmware's application; another one after a reset.
        resets: How often the controller has started again.
        tracebacks: How many the firmware has printed on its console.
    """

    def __init__(self, config: dict[str, float], profile: dict[str, Any], seed: int) -> None:
        """Build the press of `PressDescription.plant_config` and write a profile to its board.

        Args:
            config: The press.
            profile: Field names of the wire's `profile` and values.
            seed: Of all noise.
        """
        self.schema = firmware("wire.schema")
        self.plant = build_plant(config, SUBSTEP_S, seed)
        self.transducer = Transducer.of(config, Rng(seed), TICK_S)
        self._raw = self.transducer.sample(0.0)
        self.second_transducer = (
            SecondTransducer(config, seed, TICK_S) if is_fitted(config) else None
        )
        self._second_raw = 0
        self._pump = 0
        self._release = _FULL
        self._since_edge = 0
        self._missed = 0
        self._polled = 0
        self._stored: dict[str, bytes] = {}
        self._journal = _Flash(_JOURNAL_BLOCKS, _JOURNAL_SLOTS)
        self._kept: tuple[int, ...] | None = None
        self.resets = 0
        self.tracebacks = 0
        setattr(firmware("app"), _TRACEBACK_PRINTER, self._count_traceback)
        self.controller_faults = ControllerFaults(seed)
        self.faults = FaultSchedule(
            {
                fault_kinds.SENSOR: SensorFaults(self, "transducer", self.plant, config, TICK_S),
                fault_kinds.SECOND: SensorFaults(
                    self, "second_transducer.transducer", self.plant, config, TICK_S
                ),
                fault_kinds.VALVE: ValveFaults(self.plant),
                fault_kinds.HYDRAULIC: HydraulicFaults(self.plant),
                fault_kinds.BOARD: self.controller_faults,
                fault_kinds.HOST: self.controller_faults,
                fault_kinds.LINK: self.controller_faults,
            }
        )
        self.app = self._boot(self.schema.RESET_POWER_ON)
        self.ask("PROFILE_WRITE", self._keys("PROFILE", profile))

    # --- looking

    @property
    def controller(self) -> Any:
        """The firmware's controller."""
        return self.app.controller

    @property
    def fault(self) -> int:
        """The latched fault, FAULT_NONE without one."""
        return int(self.app.controller.interlocks.fault)

    @property
    def raw(self) -> int:
        """Newest counts of the transducer."""
        return self._raw

    @property
    def second_raw(self) -> int:
        """Newest counts of the second one; 0 without one."""
        return self._second_raw

    @property
    def openings(self) -> tuple[float, float]:
        """Openings of pump and release valve that reach the coils, 0..1."""
        if self.controller_faults.dip_ticks or self._since_edge > _DEADMAN_TICKS:
            return 0.0, 1.0
        return self._pump / _FULL, self._release / _FULL

    @property
    def is_resetting(self) -> bool:
        """Whether the controller hangs, is without power or boots."""
        return self.controller_faults.reset_ticks > 0

    # --- acting

    def inject(self, fault: ScheduledFault) -> None:
        """Inject a fault at once."""
        self.faults.add(fault, 0)

    def ask(self, command: str, values: dict[int, Any]) -> dict[int, Any]:
        """Send a request to the command server.

        Raises:
            StartRefusedError: The board refused it.
        """
        try:
            reply = self.app.server.handle(getattr(self.schema, f"CMD_{command}"), values, b"")
        except firmware("wire.errors").CommandError as refusal:
            raise StartRefusedError(self._error_name(refusal.code)) from None
        return dict(reply)

    def start(self, steps: list[dict[str, Any]], **header: Any) -> None:
        """Upload a plan, by field names of the wire's requests, and start it.

        Raises:
            StartRefusedError: The board refused plan or start.
        """
        schema = self.schema
        begin = self._keys("PLAN_BEGIN_REQUEST", {"steps": len(steps), **header})
        payload = self._encoded("PLAN_BEGIN_REQUEST", begin)
        digest = binascii.crc32(payload)
        self._send_plan(schema.CMD_PLAN_BEGIN, begin, payload)
        for index, step in enumerate(steps):
            values = self._keys("PLAN_STEP_REQUEST", {"index": index, "stage": 0, **step})
            payload = self._encoded("PLAN_STEP_REQUEST", values)
            digest = binascii.crc32(payload, digest)
            self._send_plan(schema.CMD_PLAN_STEP, values, payload)
        self.ask("PLAN_COMMIT", {schema.PLAN_COMMIT_REQUEST_DIGEST: digest})
        for _ in range(_POLL_TICKS):
            self.tick()
        start = {"run_id": b"\1" * 8, "die_um": header["die_um"]}
        self.ask("START", self._keys("START_REQUEST", start))

    def tick(self) -> None:
        """Let a tick pass."""
        wrong = self.controller_faults
        if wrong.silent_ticks:
            wrong.silent_ticks -= 1
        else:
            self.app.server.heard()
        self._since_edge += 1
        plant = self.plant
        pump, release = self.openings
        plant.pump.command = pump
        plant.release.command = release
        plant.step(TICK_S)
        self._raw = self.transducer.sample(plant.oil_mpa + plant.warming.zero_mpa)
        if self.second_transducer is not None:
            self._second_raw = self.second_transducer.sample(plant.oil_mpa)
        if wrong.dip_ticks:
            wrong.dip_ticks -= 1
            self._raw = self._second_raw = 0
        if wrong.reset_ticks:
            self._tick_in_reset()
        elif wrong.loses_tick():
            self._missed += 1
        else:
            self._run_firmware()

    def _run_firmware(self) -> None:
        missed, self._missed = self._missed, 0
        self.app.controller.tick(missed)
        self._polled += 1
        if self._polled >= _POLL_TICKS:
            self._polled = 0
            self.app.poll()

    def _tick_in_reset(self) -> None:
        """Hang, or be without power; at the end start the firmware again."""
        wrong = self.controller_faults
        wrong.reset_ticks -= 1
        if wrong.reset_kind == "foreground-hang" and wrong.reset_ticks >= _BOOT_TICKS:
            self.app.controller.tick(0)
        if wrong.reset_kind == "power-cut" or wrong.reset_ticks < _BOOT_TICKS:
            self._safe()
        if wrong.reset_ticks == 0:
            schema = self.schema
            power = wrong.reset_kind == "power-cut"
            self.resets += 1
            self.app = self._boot(schema.RESET_POWER_ON if power else schema.RESET_WATCHDOG)

    # --- the board interface

    def _boot(self, reset_cause: int) -> Any:
        """Return a new application on this board."""
        board = firmware("hal").Board()
        board.name = "bench"
        board.simulated = True
        board.reset_cause = reset_cause
        board.capabilities = self.schema.CAP_DEADMAN
        if self.second_transducer is not None:
            board.capabilities |= self.schema.CAP_SECOND_CHANNEL
        # As small as it may be: no host reads the records.
        board.ring_records = 2
        board.read_raw = lambda: self._raw
        board.read_second_raw = lambda: self._second_raw
        board.read_inputs = lambda: 0
        board.set_valves = self._set_valves
        board.safe = self._safe
        board.receive_into = lambda _buf: 0
        board.send = len
        board.load = self._stored.get
        board.store = self._store
        board.feed_watchdog = lambda: None
        board.open_journal = lambda: self._journal
        board.keep = self._keep
        board.kept = lambda: self._kept
        board.tick_hung = self.controller_faults.reset_kind == "tick-hang"
        if reset_cause == self.schema.RESET_POWER_ON:
            self._kept = None
        app = firmware("app").App(board)
        app.link.open_session()
        return app

    def _set_valves(self, pump: int, release: int) -> None:
        self._pump, self._release = pump, release
        self._since_edge = 0

    def _safe(self) -> None:
        self._pump, self._release = 0, _FULL

    def _keep(self, *state: int) -> None:
        self._kept = state

    def _count_traceback(self, _failure: BaseException) -> None:
        self.tracebacks += 1

    def _store(self, name: str, data: bytes) -> None:
        if self.controller_faults.flash_full:
            raise OSError(28, "no space left")
        self._stored[name] = bytes(data)

    def _send_plan(self, command: int, values: dict[int, Any], payload: bytes) -> None:
        try:
            self.app.server.handle(command, values, memoryview(payload))
        except firmware("wire.errors").CommandError as refusal:
            raise StartRefusedError(self._error_name(refusal.code)) from None

    def _encoded(self, message: str, values: dict[int, Any]) -> bytes:
        schema = self.schema
        buf = bytearray(schema.MAX_PAYLOAD)
        fields = getattr(schema, f"{message}_FIELDS")
        end = firmware("wire.cbor").encode_map(fields, values, buf, 0)
        return bytes(buf[:end])

    def _keys(self, message: str, values: dict[str, Any]) -> dict[int, Any]:
        return {getattr(self.schema, f"{message}_{name.upper()}"): v for name, v in values.items()}

    def _error_name(self, code: int) -> str:
        for name in dir(self.schema):
            if name.startswith("ERR_") and getattr(self.schema, name) == code:
                return name[4:].lower().replace("_", "-")
        return f"error {code}"

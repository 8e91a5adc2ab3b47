"""Enumerations and messages of the wire protocol.

Generated from protocol/pressloop.cddl by protocol/generate.py: do not edit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any, ClassVar, Final

from pressloop.wire.message import CodedMessage, Field, FieldKind, Message, Request

PROTOCOL_MAJOR: Final = 1
PROTOCOL_MINOR: Final = 0
MAX_PAYLOAD: Final = 512
"""Largest CBOR payload of one frame, bytes."""
MAX_STEPS: Final = 200
"""Largest number of steps of a plan, after the host has unrolled its repeat blocks."""
TICK_HZ: Final = 100
"""Ticks of the control loop per second."""
CLOCK_END: Final = 1073741824
"""Tick at which the device clock ends: 124 days after the controller's start. A larger count is not
a small integer on a 32-bit chip. Record numbers and step counts never exceed the clock."""
NO_DISPLACEMENT: Final = 65535
"""Displacement in a record when the sensor gives no reading."""
NO_FORCE: Final = 16777216
"""Stands for a load cell that has no new reading. Converters have 24 bits, so no reading is as
large."""
OUTPUT_FULL: Final = 32767
"""Full opening of a valve; also the largest split-range output, positive or negative."""
SCHEMA_HASH: Final = b"\x21\x9a\xd7\xd7\x6d\x23\xce\x08"
"""First bytes of the SHA-256 of the schema."""
RECORD_FORMAT: Final = "<IiihHBBBBH"
"""Struct format of a packed telemetry record."""
RECORD_SIZE: Final = 22
"""Bytes of a packed telemetry record."""
SHORT_RECORD_FORMAT: Final = "<IiihHBBBB"
"""Struct format of a record without its optional last column."""
SHORT_RECORD_SIZE: Final = 20
"""Bytes of a record without its optional last column."""
RECORD_FIELDS: Final = (
    "tick",  # device clock, ticks since boot
    "pressure_kpa",  # what the loop controls: on the pellet by the load cell, else by the oil
    "setpoint_kpa",  # from the setpoint generator
    "output",  # split range: positive pump, negative release, of output-full
    "raw",  # transducer counts before filter and scaling
    "step",  # index of the plan step, 255 without
    "state",  # state
    "flags",  # flag-bits
    "inputs",  # input-bits
    "displacement_um",  # closing of the platens from the sensor's zero; 65535 without a reading
)
"""Columns of a telemetry record, in the order of `RECORD_FORMAT`."""


class FrameKind(IntEnum):
    """Kind of a frame. A reply or an error repeats the sequence number of its request."""

    REQUEST = 1
    """Host to board, answered by exactly one reply or error."""
    REPLY = 2
    """Board to host."""
    ERROR = 3
    """Board to host, payload error-reply."""
    NOTICE = 4
    """Host to board, never answered."""
    EVENT = 5
    """Board to host, without a request."""


class Command(IntEnum):
    """Commands that a host can send."""

    HELLO = 1
    STATUS = 2
    ECHO = 3
    STREAM = 4
    BACKFILL = 5
    PLAN_BEGIN = 6
    PLAN_STEP = 7
    PLAN_COMMIT = 8
    START = 9
    PAUSE = 10
    RESUME = 11
    ABORT = 12
    CONFIRM = 13
    ADVANCE = 14
    CLEAR = 15
    PROFILE_READ = 16
    PROFILE_WRITE = 17
    STEP_RESULT = 18
    INTERRUPTED_RUN = 19
    JOURNAL_READ = 20
    DUMP = 21
    VALVE_TEST = 22


class Notice(IntEnum):
    """Messages of a host that the board does not answer."""

    ALIVE = 1
    ABORT = 2


class Event(IntEnum):
    """Messages that a board sends without a request."""

    TELEMETRY = 1


class ErrorCode(IntEnum):
    """Why a request was refused. The press is not affected by a refused request."""

    UNKNOWN_COMMAND = 1
    """This firmware does not know the command."""
    MALFORMED = 2
    """The payload is not CBOR of the subset (definite lengths, deterministic, not nested)."""
    MISSING_FIELD = 3
    """A required key is absent; `field` has it."""
    UNKNOWN_FIELD = 4
    """A key that the command does not have; `field` has it."""
    BAD_TYPE = 5
    """A value of the wrong CBOR type; `field` has its key."""
    OUT_OF_RANGE = 6
    """A value outside the schema's range; `field` has its key."""
    BAD_SESSION = 7
    """The session is not the current one: send hello again."""
    BAD_VERSION = 8
    """The host's major protocol version is not the board's."""
    BAD_STATE = 9
    """The command does not fit what the press is doing."""
    FAULTED = 10
    """A fault is latched: clear it first."""
    NO_PLAN = 11
    """There is no committed plan."""
    PLAN_ORDER = 12
    """Steps must arrive in order, all of them, before the commit."""
    PLAN_DIGEST = 13
    """The CRC-32 of the received steps is not the announced one."""
    OVER_CEILING = 14
    """A target above the plan's own ceiling; `detail` is the ceiling, kPa."""
    OVER_LIMIT = 15
    """The ceiling is above the limit of this press on the die; `detail` is the limit, kPa."""
    UNKNOWN_DIE = 16
    """The die is not on the profile's list."""
    TOLERANCE_UNRESOLVED = 17
    """The tolerance is finer than the transducer resolves; `detail` is the finest, kPa."""
    RATE_IMPOSSIBLE = 18
    """The rate is faster than pump or valve allow; `detail` is the fastest, kPa/s."""
    NO_END = 19
    """A hold without a duration that is not declared open."""
    WRONG_DIRECTION = 20
    """A release to a higher pressure."""
    WRONG_PROMPT = 21
    """The step to confirm is not the open prompt."""
    GUARD_OPEN = 22
    """The guard must be closed first."""
    EMERGENCY_STOP = 23
    """The emergency stop is pressed."""
    NO_PROFILE = 24
    """The machine profile is absent or corrupt: write one."""
    PROFILE_INVALID = 25
    """The profile contradicts itself; `field` has the first key at fault."""
    STORAGE = 26
    """The flash took neither the profile nor the journal of the run: full, worn, or without a file
    system."""
    NOT_HELD = 27
    """The ring no longer or not yet holds those records; `detail` is the oldest."""
    PRESSURISED = 28
    """The press is under pressure and must be unloaded for this."""
    HOLD_ELSEWHERE = 29
    """The hold's target is not where the step before ends; `detail` is where it ends, kPa."""
    RELAXATION_UNRESOLVED = 30
    """The relaxation rate is finer than transducer and leak allow; `detail` is the finest,
    kPa/min."""
    NOT_SEALED = 31
    """A hold that ends on relaxation must be sealed."""
    RUN_REPEATED = 32
    """The run-id is that of the last run, which may have pressed already."""
    CLOCK_SPENT = 33
    """The run could outlast the device clock: restart the controller; `detail` is how long a run
    may take, s."""
    NEEDS_BUTTON = 34
    """A person must press the board's button first, at most 30 s before."""
    PROFILE_MISMATCH = 35
    """The run is bound to another machine profile than the board has."""
    ZERO_OFF = 36
    """At rest the transducer reads too far below zero; `detail` is by how much it does, kPa."""
    SENSORS_DISAGREE = 37
    """The two pressure channels disagree; `detail` is by how much, kPa."""
    DIE_UNCONFIRMED = 38
    """The die that a person confirmed is not the die of the plan; `detail` is the die of the plan,
    um."""
    PART_MISSING = 39
    """The profile names a converter that the board did not find at power-on; `detail` is the
    converter."""
    LOAD_CELL_ZERO_OFF = 40
    """At rest the load cell reads further from zero than three times its error; `detail` is by how
    much it does, kPa."""
    NO_READING = 41
    """Not yet has each of the two pressure channels given a reading in its range."""
    REST_ABOVE_ZERO = 42
    """A rest does not begin at zero pressure; `detail` is where the step before ends, kPa."""


class State(IntEnum):
    """What the press is doing."""

    IDLE = 0
    """No run, outputs safe."""
    RUNNING = 1
    """A plan step is in progress."""
    PAUSED = 2
    """Setpoint and clocks frozen, pressure regulated."""
    PROMPTING = 3
    """Waiting for the operator."""
    VENTING = 4
    """Controlled release to zero that ends the run."""
    FAULT = 5
    """Outputs safe, reason latched."""


class StepKind(IntEnum):
    """Kind of a plan step."""

    RAMP = 1
    """Move the setpoint to the target at the rate, up or down."""
    HOLD = 2
    """Keep the target; the dwell clock counts only time in band."""
    RELEASE = 3
    """Lower the pressure to the target at the rate, with the pump off."""
    PROMPT = 4
    """Wait for the operator."""
    REST = 5
    """Keep the release open after a release to zero; its clock counts only time without
    pressure."""


class HoldMode(IntEnum):
    """How a hold keeps its pressure."""

    REGULATED = 0
    """The loop stays closed."""
    SEALED = 1
    """Both valves shut; topped up when the pressure leaves the band."""


class HostLossAction(IntEnum):
    """What the board does when it has not heard its host for the plan's host timeout."""

    HOLD = 1
    """Pause with the pressure regulated until a host resumes or the limit has passed; then vent."""
    FINISH = 2
    """Continue the plan to its end or until the limit has passed; then vent."""
    VENT = 3
    """Release at the vent rate and end the run."""


class EndReason(IntEnum):
    """Why a run ended."""

    NONE = 0
    """No run yet, or one still in progress."""
    COMPLETED = 1
    """Every step done and the pressure released."""
    ABORTED = 2
    """The operator ended it."""
    HOST_LOST = 3
    """The host was lost, and the plan says vent or its limit has passed."""
    PROMPT_TIMEOUT = 4
    """A prompt was not answered in time."""
    HOLD_TIMEOUT = 5
    """A hold was out of band for longer than its timeout."""
    FAULT = 6
    """A fault latched; `fault` has it."""
    CLOCK_SPENT = 7
    """The device clock was about to end, 124 days after the controller's start."""


class Fault(IntEnum):
    """Why the outputs were made safe. The first fault is latched and stays until `clear`."""

    NONE = 0
    OVER_PRESSURE = 1
    """Reading above the plan's ceiling or the press's limit."""
    SENSOR_LOW = 2
    """Transducer below its live zero: wire broken or supply lost."""
    SENSOR_HIGH = 3
    """Transducer above its range: short circuit."""
    EMERGENCY_STOP = 4
    """Emergency stop input."""
    GUARD_OPEN = 5
    """Guard opened while the press could move."""
    NO_PRESSURE_GAIN = 6
    """Pumping without the reading following: sensor frozen or drifting, no oil, leak, no sample."""
    NO_CONTACT = 7
    """The ram did not reach the sample within the approach timeout."""
    TICK_OVERRUN = 8
    """The control loop missed too many ticks."""
    WATCHDOG = 9
    """The controller was reset by its watchdog during a run: its foreground program hung."""
    POWER_LOSS = 10
    """The controller lost power during a run."""
    INTERNAL = 11
    """An exception in the firmware; the console has the traceback."""
    SAMPLE_CRACKED = 12
    """A sudden loss of force while the platens closed a little."""
    DIE_FAILURE = 13
    """The platens closed without the pressure rising, or while most of the force was lost at
    once."""
    TICK_HANG = 14
    """The control loop hung, and the watchdog reset the controller."""
    NO_RELEASE = 15
    """The pressure did not fall within 5 s though the release valve was open."""
    PUMP_STUCK = 16
    """The pressure rose though the pump valve was shut."""
    LEAK = 17
    """A hold lost more than its stated leak and relaxation explain."""
    SUDDEN_LOSS = 18
    """A sudden loss of force or of its reading, which nothing more can be said of: sample, die,
    punch, hose, relief valve or transducer."""
    BURST = 19
    """Force lost at once while the platens opened: a hose or a seal."""
    SENSOR_FROZEN = 20
    """The transducer gave the same count for longer than its noise allows."""
    SENSOR_DISAGREE = 21
    """The two pressure channels differ by more than their stated errors."""
    SECOND_SENSOR_LOW = 22
    """Second channel below its live zero: wire broken or supply lost."""
    SECOND_SENSOR_HIGH = 23
    """Second channel above its range: short circuit."""
    LOAD_CELL = 24
    """Load cell and oil differ by far more than friction of the ram explains."""
    STROKE_END = 25
    """The ram was within 1 mm of the end of its stroke: there the oil no longer loads the
    sample."""
    ZERO_MOVED = 26
    """At the end of the run or in a rest, without pressure, the transducer read too far below zero:
    it drifted meanwhile."""


class ResetCause(IntEnum):
    """Why the controller last started."""

    POWER_ON = 1
    HARD = 2
    WATCHDOG = 3
    DEEP_SLEEP = 4
    SOFT = 5


class StepOutcome(IntEnum):
    """How a step ended."""

    PENDING = 0
    """Not reached."""
    ACTIVE = 1
    """In progress."""
    DONE = 2
    """Ended as planned."""
    ADVANCED = 3
    """Ended early by the operator."""
    CUT = 4
    """Ended early because the run ended."""


class DwellEnd(IntEnum):
    """Why a dwell ended."""

    NONE = 0
    """Neither a hold nor a rest, or it has not ended."""
    DURATION = 1
    """Its duration in band has passed; of a rest: its duration without pressure."""
    RELAXATION = 2
    """The pressure loss fell below the rate that was asked for."""
    OPERATOR = 3
    """The operator ended it."""
    LONGEST = 4
    """Its longest time in band has passed before relaxation or the operator ended it."""
    RUN = 5
    """The run ended first."""


class InputBits(IntFlag):
    """Bits of the board's digital inputs."""

    EMERGENCY_STOP = 1
    GUARD_OPEN = 2
    BUTTON = 4
    VESSEL_PRESSURE = 8
    """A switch or low-range sensor shows more than 0.1 MPa in an isostatic vessel."""


class FlagBits(IntFlag):
    """Bits of a telemetry record's flags."""

    IN_BAND = 1
    """Within the tolerance of the hold in progress."""
    DWELLING = 2
    """The dwell clock, or that of a rest, counted this tick."""
    APPROACHING = 4
    """The ram moves without load, no ramp yet."""
    SATURATED = 8
    """The output is at a limit."""
    SEALED = 16
    """Both valves are shut to seal the hold."""
    HOST_LOST = 32
    """The board considers its host lost."""
    TOPPING_UP = 64
    """The pump re-pressurises a sealed hold."""
    LOAD_CELL = 128
    """Pressure-kpa is the pellet's by the load cell; clear while the cell has failed."""


class CapabilityBits(IntFlag):
    """What a board has: the bits of `capabilities` in hello-reply."""

    EMERGENCY_STOP = 1
    GUARD = 2
    WATCHDOG = 4
    PERSISTENT_PROFILE = 8
    DISPLACEMENT = 16
    """Its telemetry records have their last column, displacement-um."""
    SECOND_CHANNEL = 32
    """A second pressure transducer on another converter; compared if the profile describes it."""
    LOAD_CELL = 64
    """It reads a load cell under the die; used if the profile describes it."""
    DEADMAN = 256
    """Each healthy tick of a run gives the deadman circuit an edge; without one for 50 ms that
    circuit cuts both coils."""
    JOURNAL = 512
    """It keeps a journal that survives power."""
    LID_SWITCH = 2048
    """It has the input vessel-pressure."""


class TransducerSignal(IntEnum):
    """How a pressure transducer signals."""

    NOT_STATED = 0
    """As a current loop."""
    CURRENT_LOOP = 1
    """4-20 mA."""
    VOLTAGE = 2
    """0-10 V."""
    RATIOMETRIC = 3
    """0.5-4.5 V of a supply of 5 V, which the board measures."""


class Converter(IntEnum):
    """What converts a signal to counts."""

    NOT_STATED = 0
    ADS1115 = 1
    ADC = 2
    """The chip's own."""
    NAU7802 = 3
    HX711 = 4


class PumpDrive(IntEnum):
    """How the controller sets the flow of the pump."""

    NOT_STATED = 0
    PWM = 1
    """Proportional valve, coil on PWM."""
    VOLTAGE = 2
    """Proportional valve, 0-10 V from a filtered PWM."""
    CURRENT = 3
    """Proportional valve, 4-20 mA from a filtered PWM."""
    MOTOR_SPEED = 4
    """Speed of the pump motor."""


class ReleaseDrive(IntEnum):
    """How the controller lets oil out."""

    NOT_STATED = 0
    PROPORTIONAL = 1
    ON_OFF_AND_PROPORTIONAL = 2
    """A normally open on/off valve beside a small proportional one."""


class AuxiliarySensor(IntEnum):
    """What the board's third analogue input reads."""

    NOT_STATED = 0
    """Nothing."""
    DISPLACEMENT = 1
    """Of the platens."""
    OIL_TEMPERATURE = 2
    """A thermistor."""


class StorageBits(IntFlag):
    """What is wrong with a board's flash."""

    UNAVAILABLE = 1
    """It cannot be written: no run starts, and no profile is stored."""
    JOURNAL_FULL = 2
    """No record is written until the run has ended."""
    PROFILE_DAMAGED = 4
    """The stored profile is damaged, and none is used."""


class JournalKind(IntEnum):
    """What a record of the journal reports."""

    BOOT = 1
    """The controller started; detail is the reset cause, dwell-ms the profile's CRC-32, run-id the
    boot-id."""
    START = 2
    """A run was accepted."""
    STEP = 3
    """A step began, or the run began to vent."""
    PAUSE = 4
    RESUME = 5
    FAULT = 6
    """A fault latched."""
    CLEAR = 7
    """A person cleared the fault."""
    END = 8
    """The run ended; detail is the end reason."""
    PROGRESS = 9
    """A run goes on: 1, 2, 4 ... 32 s after the record before, then every minute."""
    PROFILE = 10
    """The profile was changed; run-id holds the CRC-32 before and after."""
    FULL = 11
    """The journal was full and recorded no more."""


class CalibrationResult(IntEnum):
    """How the last calibration of a press ended."""

    NONE = 0
    """Never calibrated."""
    PASSED = 1
    """Calibrated; how well is in the profile."""
    FAILED = 2
    """A calibration was made, and the press did not meet what was asked of it."""


@dataclass(frozen=True, slots=True)
class AliveNotice(CodedMessage):
    """Reports that the host is present and has received all telemetry up to a tick.

    It restarts the board's host watchdog. An emulated board in lock-step runs at most one telemetry
    batch past this tick.
    """

    CODE: ClassVar[Notice] = Notice.ALIVE
    FIELDS: ClassVar[tuple[Field, ...]] = (Field(1, "tick", FieldKind.INT, 0, 4294967295),)

    tick: int
    """Newest device clock that the host has seen. Unit: ticks."""


@dataclass(frozen=True, slots=True)
class AbortNotice(CodedMessage):
    """Ends the run as `abort` does.

    The board takes it with session 0, from any program that can write to the port, also beside a
    host that hangs, and the session of that host goes on. It has no reply: the state in telemetry
    and status shows the release.
    """

    CODE: ClassVar[Notice] = Notice.ABORT
    FIELDS: ClassVar[tuple[Field, ...]] = ()


@dataclass(frozen=True, slots=True)
class TelemetryEvent(CodedMessage):
    """Carries live records, and the device clock also when there is no record."""

    CODE: ClassVar[Event] = Event.TELEMETRY
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "first", FieldKind.INT, 0, 4294967295),
        Field(2, "tick", FieldKind.INT, 0, 4294967295),
        Field(3, "records", FieldKind.BYTES, 0, 480),
    )

    first: int
    """Sequence number of the first record."""
    tick: int
    """Device clock when the event was built. Unit: ticks."""
    records: bytes
    """Packed, see telemetry-record."""


@dataclass(frozen=True, slots=True)
class Profile(Message):
    """Describes the press to its controller. The board stores it with a CRC."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "name", FieldKind.TEXT, 1, 40),
        Field(2, "ram_area_mm2", FieldKind.INT, 50, 100000),
        Field(3, "full_scale_oil_kpa", FieldKind.INT, 1000, 600000),
        Field(4, "raw_zero", FieldKind.INT, 0, 65535),
        Field(5, "raw_full", FieldKind.INT, 0, 65535),
        Field(6, "raw_fault_low", FieldKind.INT, 0, 65535),
        Field(7, "raw_fault_high", FieldKind.INT, 0, 65535),
        Field(8, "accuracy_ppm", FieldKind.INT, 1, 20000),
        Field(9, "max_oil_kpa", FieldKind.INT, 100, 600000),
        Field(10, "dies_um", FieldKind.INTS, 1, 16, element_low=1000, element_high=100000),
        Field(11, "pump_dead_band", FieldKind.INT, 0, 32767),
        Field(12, "release_dead_band", FieldKind.INT, 0, 32767),
        Field(13, "pump_flow_ul_s", FieldKind.INT, 1, 1000000),
        Field(14, "release_flow_ul_s", FieldKind.INT, 1, 10000000),
        Field(15, "compliance_nl_mpa", FieldKind.INT, 1, 10000000),
        Field(16, "approach_opening", FieldKind.INT, 0, 32767),
        Field(17, "contact_oil_kpa", FieldKind.INT, 1, 20000),
        Field(18, "approach_timeout_ms", FieldKind.INT, 100, 600000),
        Field(19, "no_gain_window_ms", FieldKind.INT, 100, 60000),
        Field(20, "kp", FieldKind.INT, 0, 8191),
        Field(21, "ki", FieldKind.INT, 0, 16383),
        Field(22, "kd", FieldKind.INT, 0, 4095),
        Field(23, "filter_shift", FieldKind.INT, 0, 8),
        Field(
            24,
            "compliance_curve",
            FieldKind.INTS,
            8,
            8,
            required=False,
            element_low=1,
            element_high=10000000,
        ),
        Field(25, "valve_dither", FieldKind.INT, 0, 3276, required=False),
        Field(26, "valve_lag_ms", FieldKind.INT, 0, 200, required=False),
        Field(27, "leak_nl_min", FieldKind.INT, 0, 100000000, required=False),
        Field(28, "leak_uncertainty_nl_min", FieldKind.INT, 0, 100000000, required=False),
        Field(29, "raw_zero_fraction", FieldKind.INT, 0, 255, required=False),
        Field(40, "ram_area_uncertainty_ppm", FieldKind.INT, 0, 100000, required=False),
        Field(41, "die_uncertainty_um", FieldKind.INT, 0, 10000, required=False),
        Field(42, "repeatability_ppm", FieldKind.INT, 0, 100000, required=False),
        Field(43, "tuning_residual_ppm", FieldKind.INT, 0, 1000000, required=False),
        Field(44, "second_full_scale_oil_kpa", FieldKind.INT, 1000, 600000, required=False),
        Field(45, "second_raw_zero", FieldKind.INT, 0, 65535, required=False),
        Field(46, "second_raw_full", FieldKind.INT, 0, 65535, required=False),
        Field(47, "second_raw_fault_low", FieldKind.INT, 0, 65535, required=False),
        Field(48, "second_raw_fault_high", FieldKind.INT, 0, 65535, required=False),
        Field(49, "second_accuracy_ppm", FieldKind.INT, 1, 50000, required=False),
        Field(50, "channel_lag_ms", FieldKind.INT, 0, 100, required=False),
        Field(51, "channel_friction_ppm", FieldKind.INT, 0, 100000, required=False),
        Field(52, "channel_noise_ppm", FieldKind.INT, 0, 10000, required=False),
        Field(53, "single_channel_oil_kpa", FieldKind.INT, 200, 600000, required=False),
        Field(
            54,
            "die_loads_n",
            FieldKind.INTS,
            1,
            16,
            required=False,
            element_low=0,
            element_high=10000000,
        ),
        Field(60, "return_oil_kpa", FieldKind.INT, 0, 20000, required=False),
        Field(61, "friction_ppm", FieldKind.INT, 0, 500000, required=False),
        Field(62, "friction_n", FieldKind.INT, 0, 100000, required=False),
        Field(63, "zero_drift_ppm", FieldKind.INT, 0, 100000, required=False),
        Field(70, "load_cell_capacity_n", FieldKind.INT, 1, 10000000, required=False),
        Field(71, "load_cell_error_ppm", FieldKind.INT, 1, 100000, required=False),
        Field(72, "load_cell_zero", FieldKind.INT, -16000000, 16000000, required=False),
        Field(73, "load_cell_full", FieldKind.INT, -16000000, 16000000, required=False),
        Field(74, "load_cell_lag_ms", FieldKind.INT, 0, 300, required=False),
        Field(75, "friction_uncertainty_ppm", FieldKind.INT, 0, 1000000, required=False),
        Field(76, "approach_um", FieldKind.INT, 100, 500000, required=False),
        Field(77, "stroke_um", FieldKind.INT, 2000, 1000000, required=False),
        Field(78, "hold_to_run", FieldKind.BOOL, 0, 1, required=False),
        Field(80, "parts", FieldKind.INT, 0, 4294967295, required=False),
        Field(
            90,
            "calibration_result",
            FieldKind.INT,
            0,
            2,
            required=False,
            enum=CalibrationResult,
        ),
        Field(91, "calibration_day", FieldKind.INT, 0, 65535, required=False),
        Field(92, "calibration_due_day", FieldKind.INT, 0, 65535, required=False),
        Field(93, "calibration_error_ppm", FieldKind.INT, 0, 1000000, required=False),
        Field(94, "calibration_uncertainty_ppm", FieldKind.INT, 0, 1000000, required=False),
        Field(95, "calibration_uncertainty_n", FieldKind.INT, 0, 10000000, required=False),
        Field(96, "calibration_reference", FieldKind.TEXT, 1, 23, required=False),
        Field(97, "calibration_up_to_n", FieldKind.INT, 1, 100000000, required=False),
        Field(100, "lid_switch", FieldKind.BOOL, 0, 1, required=False),
        Field(110, "commissioned_day", FieldKind.INT, 0, 65535, required=False),
    )

    name: str
    ram_area_mm2: int
    """Unit: mm2."""
    full_scale_oil_kpa: int
    """Range of the transducer. Unit: kPa oil."""
    raw_zero: int
    """Reading at zero pressure. Unit: counts."""
    raw_full: int
    """Reading at full scale. Unit: counts."""
    raw_fault_low: int
    """A reading below it means a broken wire. Unit: counts."""
    raw_fault_high: int
    """A reading above it means a short circuit. Unit: counts."""
    accuracy_ppm: int
    """A reading may exceed a ceiling by this much. Unit: ppm of full scale."""
    max_oil_kpa: int
    """Highest pressure allowed for press and hoses. Unit: kPa oil."""
    dies_um: tuple[int, ...]
    """Diameters that may be used. Unit: um."""
    pump_dead_band: int
    """Unit: 1/32767."""
    release_dead_band: int
    """Unit: 1/32767."""
    pump_flow_ul_s: int
    """Flow of the pump valve when fully open. Unit: uL/s."""
    release_flow_ul_s: int
    """Flow of the release valve when fully open, at 10 MPa of oil. Unit: uL/s."""
    compliance_nl_mpa: int
    """Oil that raises the closed press by 1 MPa of oil. Unit: nL/MPa."""
    approach_opening: int
    """Opening of the pump valve while the ram moves without load. Unit: 1/32767."""
    contact_oil_kpa: int
    """Reading from which on the ram touches the sample. Unit: kPa oil."""
    approach_timeout_ms: int
    """Unit: ms."""
    no_gain_window_ms: int
    """Platens that close for this long must raise the pressure. Unit: ms."""
    kp: int
    """Unit: 1/s, 1/256."""
    ki: int
    """Unit: 1/s per tick, 1/65536."""
    kd: int
    """Unit: 1, 1/256."""
    filter_shift: int
    """Smoothing of the reading with a time constant of 2^n ticks."""
    compliance_curve: tuple[int, ...] | None = None
    """Compliance at 1/128, 1/64, ... 1/1 of max-oil-kpa. Unit: nL/MPa."""
    valve_dither: int | None = None
    """Half the valves' hysteresis. Unit: 1/32767."""
    valve_lag_ms: int | None = None
    """From a command to the flow: delay and lag together. Unit: ms."""
    leak_nl_min: int | None = None
    """Oil that the shut press loses at 10 MPa of oil, in proportion at other pressures; absent:
    unknown. Unit: nL/min."""
    leak_uncertainty_nl_min: int | None = None
    """Half width (k = 2) of leak-nl-min; present if and only if leak-nl-min is. Unit: nL/min."""
    raw_zero_fraction: int | None = None
    """How far zero pressure lies above raw-zero. Unit: 1/256 count."""
    ram_area_uncertainty_ppm: int | None = None
    """Half width of ram-area-mm2; stored for the host. Unit: ppm."""
    die_uncertainty_um: int | None = None
    """Half width of dies-um; stored for the host. Unit: um."""
    repeatability_ppm: int | None = None
    """Half width; stored for the host. Unit: ppm of full scale."""
    tuning_residual_ppm: int | None = None
    """Share of the pumped volume that the tuning could not explain; absent: never tuned; stored for
    the host. Unit: ppm."""
    second_full_scale_oil_kpa: int | None = None
    """Range of the second transducer; all of 44 to 49 or none. Unit: kPa oil."""
    second_raw_zero: int | None = None
    """Unit: counts."""
    second_raw_full: int | None = None
    """Unit: counts."""
    second_raw_fault_low: int | None = None
    """A reading below it means a broken wire. Unit: counts."""
    second_raw_fault_high: int | None = None
    """A reading above it means a short circuit. Unit: counts."""
    second_accuracy_ppm: int | None = None
    """Unit: ppm of its full scale."""
    channel_lag_ms: int | None = None
    """By how much the lags of the channels may differ; absent: 30. Unit: ms."""
    channel_friction_ppm: int | None = None
    """Friction between the places where the channels measure, not that of the ram; absent: 0, both
    are on the same oil. Unit: ppm of the reading."""
    channel_noise_ppm: int | None = None
    """Standard deviation of a reading of either channel; absent: 1000. Unit: ppm of full scale."""
    single_channel_oil_kpa: int | None = None
    """Highest pressure allowed with one channel; absent: max-oil-kpa. Unit: kPa oil."""
    die_loads_n: tuple[int, ...] | None = None
    """Greatest load of each of dies-um in its order; 0: not stated. Unit: N."""
    return_oil_kpa: int | None = None
    """Pressure that carries ram and return spring; with the ram at its seat the reading is as far
    below zero; absent: unknown. Unit: kPa oil."""
    friction_ppm: int | None = None
    """Most that the seals of the ram carry in proportion to the pressure; absent: unknown; the
    board compensates for it if 75 is present. Unit: ppm of the oil's force."""
    friction_n: int | None = None
    """Most that they carry without pressure; absent: unknown; used like friction-ppm. Unit: N."""
    zero_drift_ppm: int | None = None
    """Half width of the transducer's zero by temperature; absent: unknown; stored for the host.
    Unit: ppm of full scale."""
    load_cell_capacity_n: int | None = None
    """Of the load cell under the die; all of 70 to 73 or none. Unit: N."""
    load_cell_error_ppm: int | None = None
    """Half width. Unit: ppm of its capacity."""
    load_cell_zero: int | None = None
    """Its reading without load. Unit: counts."""
    load_cell_full: int | None = None
    """Its reading at its capacity. Unit: counts."""
    load_cell_lag_ms: int | None = None
    """From a force to its reading, filter included; absent: 0. Unit: ms."""
    friction_uncertainty_ppm: int | None = None
    """Half width of friction-ppm and friction-n as learned; absent: they are bounds, and not
    compensated for. Unit: ppm of the friction."""
    approach_um: int | None = None
    """Travel of the ram from its seat to the sample; absent: unknown, and the approach is slow.
    Unit: um."""
    stroke_um: int | None = None
    """Travel of the ram from its seat to the end of its stroke; absent: unknown, and not watched.
    Unit: um."""
    hold_to_run: bool | None = None
    """Whether the ram approaches the sample only while the button is held; absent: if one pressure
    channel alone watches it, and the board is not simulated."""
    parts: int | None = None
    """Kinds of the press's parts, 4 bits each from the lowest on: transducer-signal, its converter,
    second transducer-signal, its converter, converter of the load cell, pump-drive, release-drive,
    auxiliary-sensor; absent: not stated."""
    calibration_result: CalibrationResult | None = None
    """Of the last calibration; all of 90 to 97 or none."""
    calibration_day: int | None = None
    """Day of it, from 1970-01-01. Unit: d."""
    calibration_due_day: int | None = None
    """Day from which on it is overdue, not before calibration-day. Unit: d."""
    calibration_error_ppm: int | None = None
    """Largest error that was left; stored for the host. Unit: ppm of the reading."""
    calibration_uncertainty_ppm: int | None = None
    """Expanded uncertainty (k = 2); stored for the host. Unit: ppm of the reading."""
    calibration_uncertainty_n: int | None = None
    """The same without load, added as squares; stored for the host. Unit: N."""
    calibration_reference: str | None = None
    """Certificate of the reference; stored for the host."""
    calibration_up_to_n: int | None = None
    """Largest force of the calibration; stored for the host. Unit: N."""
    lid_switch: bool | None = None
    """Present on an isostatic vessel, which has no ram: the pressure of the line is that of the
    sample, ram-area-mm2 and the only one of dies-um are its bore; true: the input vessel-pressure
    watches its lid."""
    commissioned_day: int | None = None
    """Day on which the wiring of this board was proved on its press, from 1970-01-01; absent:
    never; stored for the host. Unit: d."""


@dataclass(frozen=True, slots=True)
class ErrorReply(Message):
    """Refuses a request. The code decides which other keys are present."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "code", FieldKind.INT, 1, 42, enum=ErrorCode),
        Field(2, "step", FieldKind.INT, 0, 255, required=False),
        Field(3, "field", FieldKind.INT, 0, 255, required=False),
        Field(4, "detail", FieldKind.INT, 0, 2147483647, required=False),
    )

    code: ErrorCode
    """Why the request was refused."""
    step: int | None = None
    """Index of the plan step at fault."""
    field: int | None = None
    """Map key at fault."""
    detail: int | None = None
    """The limit that was exceeded, in the unit that the code states."""


@dataclass(frozen=True, slots=True)
class HelloReply(Message):
    """Answers `hello`."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "nonce", FieldKind.INT, 0, 4294967295),
        Field(2, "major", FieldKind.INT, 0, 255),
        Field(3, "minor", FieldKind.INT, 0, 255),
        Field(4, "session", FieldKind.INT, 0, 65535),
        Field(5, "firmware", FieldKind.TEXT, 1, 40),
        Field(6, "board", FieldKind.TEXT, 1, 40),
        Field(7, "unique_id", FieldKind.BYTES, 1, 16),
        Field(8, "capabilities", FieldKind.INT, 0, 4294967295, enum=CapabilityBits),
        Field(9, "schema_hash", FieldKind.BYTES, 8, 8),
        Field(10, "boot_id", FieldKind.INT, 0, 4294967295),
        Field(11, "reset_cause", FieldKind.INT, 1, 5, enum=ResetCause),
        Field(12, "last_fault", FieldKind.INT, 0, 26, enum=Fault),
        Field(13, "simulated", FieldKind.BOOL, 0, 1),
        Field(14, "ring_records", FieldKind.INT, 0, 65535),
        Field(15, "python", FieldKind.TEXT, 0, 40),
        Field(16, "profile_hash", FieldKind.BYTES, 8, 8),
        Field(17, "build", FieldKind.TEXT, 1, 16),
        Field(18, "channels", FieldKind.INT, 1, 2),
        Field(19, "calibration", FieldKind.INT, 0, 2, required=False, enum=CalibrationResult),
        Field(20, "calibration_day", FieldKind.INT, 0, 65535, required=False),
        Field(21, "calibration_due_day", FieldKind.INT, 0, 65535, required=False),
        Field(22, "calibration_error_ppm", FieldKind.INT, 0, 1000000, required=False),
        Field(23, "calibration_reference", FieldKind.TEXT, 1, 23, required=False),
        Field(30, "found_parts", FieldKind.TEXT, 0, 60, required=False),
        Field(31, "missing_parts", FieldKind.TEXT, 1, 60, required=False),
    )

    nonce: int
    """The nonce of the request."""
    major: int
    """The board's protocol version."""
    minor: int
    """The board's protocol version."""
    session: int
    """To be carried by every later frame."""
    firmware: str
    """Firmware version."""
    board: str
    """Board name."""
    unique_id: bytes
    """Identity of this controller."""
    capabilities: CapabilityBits
    schema_hash: bytes
    """First bytes of the SHA-256 of the schema."""
    boot_id: int
    """Differs from boot to boot."""
    reset_cause: ResetCause
    """Why the controller last started."""
    last_fault: Fault
    """The latched fault, which may be from before the start."""
    simulated: bool
    """True when no real press is attached."""
    ring_records: int
    """Capacity of the telemetry ring."""
    python: str
    """Interpreter and its version, and the variants of hardware that the board found."""
    profile_hash: bytes
    """CRC-32 of the profile, then zeros; all zeros without a profile."""
    build: str
    """First hex digits of the firmware source's SHA-256."""
    channels: int
    """Pressure channels that the board compares; 1: single-channel."""
    calibration: CalibrationResult | None = None
    """Of the press, by its profile; absent without a profile."""
    calibration_day: int | None = None
    """Day of the calibration, from 1970-01-01; absent: never calibrated. Unit: d."""
    calibration_due_day: int | None = None
    """Day from which on it is overdue; the board has no calendar, the host compares. Unit: d."""
    calibration_error_ppm: int | None = None
    """Largest error that it left. Unit: ppm of the reading."""
    calibration_reference: str | None = None
    """Certificate of the reference."""
    found_parts: str | None = None
    """Converters that the board found at power-on, with what each is for; absent: it has none to
    look for."""
    missing_parts: str | None = None
    """Those that its profile names and that it did not find; absent: none."""


@dataclass(frozen=True, slots=True)
class StatusReply(Message):
    """Answers `status`."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "state", FieldKind.INT, 0, 5, enum=State),
        Field(2, "tick", FieldKind.INT, 0, 4294967295),
        Field(3, "pressure_kpa", FieldKind.INT, -2000000, 2000000),
        Field(4, "setpoint_kpa", FieldKind.INT, 0, 2000000),
        Field(5, "target_kpa", FieldKind.INT, 0, 2000000),
        Field(6, "step", FieldKind.INT, 0, 255),
        Field(7, "stage", FieldKind.INT, 0, 255),
        Field(8, "dwell_ms", FieldKind.INT, 0, 1000000000),
        Field(9, "remaining_ms", FieldKind.INT, 0, 1000000000),
        Field(10, "run_id", FieldKind.BYTES, 8, 8),
        Field(11, "end_reason", FieldKind.INT, 0, 7, enum=EndReason),
        Field(12, "fault", FieldKind.INT, 0, 26, enum=Fault),
        Field(13, "inputs", FieldKind.INT, 0, 255, enum=InputBits),
        Field(14, "host_lost", FieldKind.BOOL, 0, 1),
        Field(15, "oldest", FieldKind.INT, 0, 4294967295),
        Field(16, "next", FieldKind.INT, 0, 4294967295),
        Field(17, "missed_ticks", FieldKind.INT, 0, 4294967295),
        Field(18, "frame_errors", FieldKind.INT, 0, 4294967295),
        Field(19, "prompt", FieldKind.TEXT, 0, 120),
        Field(20, "run_first", FieldKind.INT, 0, 4294967295),
        Field(21, "record_every", FieldKind.INT, 0, 65535),
        Field(22, "approaching", FieldKind.BOOL, 0, 1),
        Field(23, "second_kpa", FieldKind.INT, -2000000, 2000000, required=False),
        Field(24, "largest_difference_kpa", FieldKind.INT, 0, 2000000, required=False),
        Field(40, "storage", FieldKind.INT, 0, 255, required=False),
        Field(41, "further_fault", FieldKind.INT, 0, 26, required=False, enum=Fault),
        Field(50, "trim_kpa", FieldKind.INT, -2000000, 2000000, required=False),
        Field(51, "load_cell_kpa", FieldKind.INT, -2000000, 2000000, required=False),
        Field(60, "oil_temperature_raw", FieldKind.INT, 0, 4095, required=False),
        Field(61, "release_dead_band", FieldKind.INT, 0, 32767, required=False),
        Field(62, "zero_correction_kpa", FieldKind.INT, -2000000, 2000000, required=False),
        Field(63, "waits_for_button", FieldKind.BOOL, 0, 1, required=False),
        Field(64, "pump_dead_band", FieldKind.INT, 0, 32767, required=False),
        Field(65, "topping_up", FieldKind.BOOL, 0, 1, required=False),
    )

    state: State
    tick: int
    """Device clock, ticks since boot, below clock-end. Unit: ticks."""
    pressure_kpa: int
    """What the loop controls: the filtered reading less trim-kpa. Unit: kPa."""
    setpoint_kpa: int
    """Unit: kPa."""
    target_kpa: int
    """Target of the step in progress. Unit: kPa."""
    step: int
    """Index of the step in progress, 255 without."""
    stage: int
    """Stage of the step in progress, 255 without."""
    dwell_ms: int
    """In-band time of the hold in progress, time without pressure of a rest. Unit: ms."""
    remaining_ms: int
    """Least time to the end of the step, 0 when open. Unit: ms."""
    run_id: bytes
    """Of the current or the last run, zeros without."""
    end_reason: EndReason
    """Of the last run, none while it runs."""
    fault: Fault
    """Latched fault."""
    inputs: InputBits
    host_lost: bool
    """The board considers its host lost."""
    oldest: int
    """Sequence number of the oldest record in the ring."""
    next: int
    """Sequence number of the next record."""
    missed_ticks: int
    """Since boot. Unit: ticks."""
    frame_errors: int
    """Frames dropped since boot: CRC, length, stuffing."""
    prompt: str
    """Text of the open prompt."""
    run_first: int
    """Sequence number of the run's first record."""
    record_every: int
    """Ticks per record."""
    approaching: bool
    """The ram moves without load."""
    second_kpa: int | None = None
    """Mean reading of the second channel over 40 ms; absent on a single-channel press. Unit:
    kPa."""
    largest_difference_kpa: int | None = None
    """Largest difference between the channels in the current or last run; absent on a
    single-channel press. Unit: kPa."""
    storage: int | None = None
    """Storage-bits; absent: all is well."""
    further_fault: Fault | None = None
    """What the pressure has shown since the first fault: no-release or pump-stuck; absent:
    nothing."""
    trim_kpa: int | None = None
    """By how much the pressure of the oil exceeds the pellet's, by load cell or learned friction;
    absent: neither. Unit: kPa."""
    load_cell_kpa: int | None = None
    """Newest reading of the load cell; absent without one. Unit: kPa."""
    oil_temperature_raw: int | None = None
    """Of the chip's own converter: a thermistor of 10 kOhm to ground, 10 kOhm to its reference;
    absent without one. Unit: counts."""
    release_dead_band: int | None = None
    """Where the board finds the release's dead band in the current or last run; absent: where the
    profile has it. Unit: 1/32767."""
    zero_correction_kpa: int | None = None
    """What the readings of the current or last run have too much, as found at rest before it, and
    what is taken off; absent: nothing. Unit: kPa."""
    waits_for_button: bool | None = None
    """True: the approach stands until the button is held; absent: it does not."""
    pump_dead_band: int | None = None
    """The same of the pump, as the board found it in all runs since it has this profile; absent:
    where the profile has it. Unit: 1/32767."""
    topping_up: bool | None = None
    """True: the pump brings a sealed hold that has left its band back; absent: it does not."""


@dataclass(frozen=True, slots=True)
class EchoReply(Message):
    """Answers `echo`."""

    FIELDS: ClassVar[tuple[Field, ...]] = (Field(1, "data", FieldKind.BYTES, 0, 500),)

    data: bytes


@dataclass(frozen=True, slots=True)
class StreamReply(Message):
    """Answers `stream`."""

    FIELDS: ClassVar[tuple[Field, ...]] = (Field(1, "next", FieldKind.INT, 0, 4294967295),)

    next: int
    """Sequence number of the next record."""


@dataclass(frozen=True, slots=True)
class BackfillReply(Message):
    """Answers `backfill`."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "first", FieldKind.INT, 0, 4294967295),
        Field(2, "records", FieldKind.BYTES, 0, 400),
    )

    first: int
    """Sequence number of the first record returned."""
    records: bytes
    """Packed, see telemetry-record."""


@dataclass(frozen=True, slots=True)
class PlanBeginReply(Message):
    """Answers `plan-begin`."""

    FIELDS: ClassVar[tuple[Field, ...]] = ()


@dataclass(frozen=True, slots=True)
class PlanStepReply(Message):
    """Answers `plan-step`."""

    FIELDS: ClassVar[tuple[Field, ...]] = ()


@dataclass(frozen=True, slots=True)
class PlanCommitReply(Message):
    """Answers `plan-commit`."""

    FIELDS: ClassVar[tuple[Field, ...]] = ()


@dataclass(frozen=True, slots=True)
class StartReply(Message):
    """Answers `start`."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "run_first", FieldKind.INT, 0, 4294967295),
        Field(2, "tick", FieldKind.INT, 0, 4294967295),
    )

    run_first: int
    """Sequence number of the run's first record."""
    tick: int
    """Device clock at the start. Unit: ticks."""


@dataclass(frozen=True, slots=True)
class PauseReply(Message):
    """Answers `pause`."""

    FIELDS: ClassVar[tuple[Field, ...]] = ()


@dataclass(frozen=True, slots=True)
class ResumeReply(Message):
    """Answers `resume`."""

    FIELDS: ClassVar[tuple[Field, ...]] = ()


@dataclass(frozen=True, slots=True)
class AbortReply(Message):
    """Answers `abort`."""

    FIELDS: ClassVar[tuple[Field, ...]] = ()


@dataclass(frozen=True, slots=True)
class DumpReply(Message):
    """Answers `dump`."""

    FIELDS: ClassVar[tuple[Field, ...]] = ()


@dataclass(frozen=True, slots=True)
class ConfirmReply(Message):
    """Answers `confirm`."""

    FIELDS: ClassVar[tuple[Field, ...]] = ()


@dataclass(frozen=True, slots=True)
class AdvanceReply(Message):
    """Answers `advance`."""

    FIELDS: ClassVar[tuple[Field, ...]] = ()


@dataclass(frozen=True, slots=True)
class ClearReply(Message):
    """Answers `clear`."""

    FIELDS: ClassVar[tuple[Field, ...]] = ()


@dataclass(frozen=True, slots=True)
class StepResultReply(Message):
    """Answers `step-result`."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "outcome", FieldKind.INT, 0, 4, enum=StepOutcome),
        Field(2, "ticks", FieldKind.INT, 0, 4294967295),
        Field(3, "dwell_ticks", FieldKind.INT, 0, 4294967295),
        Field(4, "peak_kpa", FieldKind.INT, -2147483648, 2147483647),
        Field(5, "lowest_kpa", FieldKind.INT, -2147483648, 2147483647),
        Field(6, "top_ups", FieldKind.INT, 0, 65535),
        Field(7, "start_tick", FieldKind.INT, 0, 4294967295),
        Field(8, "dwell_end", FieldKind.INT, 0, 5, enum=DwellEnd),
        Field(9, "loss_kpa_min", FieldKind.INT, -2147483648, 2147483647, required=False),
        Field(10, "leak_kpa_min", FieldKind.INT, -2147483648, 2147483647, required=False),
    )

    outcome: StepOutcome
    ticks: int
    """Time spent in the step. Unit: ticks."""
    dwell_ticks: int
    """Time in band; of a rest: time without pressure. Unit: ticks."""
    peak_kpa: int
    """Highest reading. Unit: kPa."""
    lowest_kpa: int
    """Lowest reading. Unit: kPa."""
    top_ups: int
    """How often a sealed hold fell out of its band and was pumped up again."""
    start_tick: int
    """Device clock at the step's start. Unit: ticks."""
    dwell_end: DwellEnd
    """Why the dwell ended."""
    loss_kpa_min: int | None = None
    """Last measured pressure loss, the leak's part included; in holds that end on relaxation. Unit:
    kPa/min."""
    leak_kpa_min: int | None = None
    """The leak's part of loss-kpa-min by the profile; the hold ends when the difference is small
    enough. Unit: kPa/min."""


@dataclass(frozen=True, slots=True)
class InterruptedRunReply(Message):
    """Answers `interrupted-run`."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "run_id", FieldKind.BYTES, 8, 8),
        Field(2, "step", FieldKind.INT, 0, 255),
        Field(3, "dwell_ms", FieldKind.INT, 0, 1000000000),
        Field(4, "pressure_kpa", FieldKind.INT, -2000000, 2000000),
        Field(5, "tick", FieldKind.INT, 0, 4294967295),
        Field(6, "start_tick", FieldKind.INT, 0, 4294967295),
        Field(7, "fault", FieldKind.INT, 0, 26, enum=Fault),
        Field(8, "reset_cause", FieldKind.INT, 1, 5, enum=ResetCause),
        Field(9, "inputs", FieldKind.INT, 0, 255),
    )

    run_id: bytes
    """Zeros: none was cut off."""
    step: int
    """Index of its step, 255 without."""
    dwell_ms: int
    """In-band time of the hold, or time without pressure of the rest, in progress, at least. Unit:
    ms."""
    pressure_kpa: int
    """Reading, the last one that was stored. Unit: kPa."""
    tick: int
    """Device clock of the last record, in ticks since that start of the controller. Unit: ticks."""
    start_tick: int
    """Device clock at the start of the run; 0 when unknown. Unit: ticks."""
    fault: Fault
    """Power-loss, watchdog or tick-hang; none without a run."""
    reset_cause: ResetCause
    """Why the controller started after it."""
    inputs: int
    """Input-bits of the last record."""


@dataclass(frozen=True, slots=True)
class JournalReadReply(Message):
    """Answers `journal-read`."""

    FIELDS: ClassVar[tuple[Field, ...]] = (Field(1, "records", FieldKind.BYTES, 0, 480),)

    records: bytes
    """Packed, the newest first."""


@dataclass(frozen=True, slots=True)
class ValveTestReply(Message):
    """Answers `valve-test`."""

    FIELDS: ClassVar[tuple[Field, ...]] = (Field(1, "tick", FieldKind.INT, 0, 4294967295),)

    tick: int
    """Device clock at the start. Unit: ticks."""


@dataclass(frozen=True, slots=True)
class ProfileWriteReply(Message):
    """Answers `profile-write`."""

    FIELDS: ClassVar[tuple[Field, ...]] = (Field(1, "crc", FieldKind.INT, 0, 4294967295),)

    crc: int
    """CRC-32 of the stored profile."""


@dataclass(frozen=True, slots=True)
class ProfileReadReply(Profile):
    """Answers `profile-read`."""


@dataclass(frozen=True, slots=True)
class HelloRequest(Request[HelloReply]):
    """Opens a session and ends the one before.

    From then on the board accepts only frames that carry the new session number. It is sent with
    session 0 and does not disturb a run.
    """

    CODE: ClassVar[Command] = Command.HELLO
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "nonce", FieldKind.INT, 0, 4294967295),
        Field(2, "major", FieldKind.INT, 0, 255),
        Field(3, "minor", FieldKind.INT, 0, 255),
        Field(4, "host", FieldKind.TEXT, 1, 40),
    )

    nonce: int
    """Random; repeated in the reply so that an old reply cannot match."""
    major: int
    """The host's protocol version."""
    minor: int
    """The host's protocol version."""
    host: str
    """Name and version of the host software."""

    @classmethod
    def reply_type(cls) -> type[HelloReply]:
        """Return the class of the reply."""
        return HelloReply


@dataclass(frozen=True, slots=True)
class StatusRequest(Request[StatusReply]):
    """Reads the state of the press, the run and the ring. Allowed at any time."""

    CODE: ClassVar[Command] = Command.STATUS
    FIELDS: ClassVar[tuple[Field, ...]] = ()

    @classmethod
    def reply_type(cls) -> type[StatusReply]:
        """Return the class of the reply."""
        return StatusReply


@dataclass(frozen=True, slots=True)
class EchoRequest(Request[EchoReply]):
    """Returns the data unchanged, for tests of the link."""

    CODE: ClassVar[Command] = Command.ECHO
    FIELDS: ClassVar[tuple[Field, ...]] = (Field(1, "data", FieldKind.BYTES, 0, 500),)

    data: bytes

    @classmethod
    def reply_type(cls) -> type[EchoReply]:
        """Return the class of the reply."""
        return EchoReply


@dataclass(frozen=True, slots=True)
class StreamRequest(Request[StreamReply]):
    """Turns live telemetry on or off for this session.

    Records that the link has no room for are not sent; they stay in the ring for backfill.
    """

    CODE: ClassVar[Command] = Command.STREAM
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "on", FieldKind.BOOL, 0, 1),
        Field(2, "batch_ticks", FieldKind.INT, 1, 100),
    )

    on: bool
    batch_ticks: int
    """Ticks per telemetry event. Unit: ticks."""

    @classmethod
    def reply_type(cls) -> type[StreamReply]:
        """Return the class of the reply."""
        return StreamReply


@dataclass(frozen=True, slots=True)
class BackfillRequest(Request[BackfillReply]):
    """Reads records from the ring, from `first` on and as many as fit one frame."""

    CODE: ClassVar[Command] = Command.BACKFILL
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "first", FieldKind.INT, 0, 4294967295),
        Field(2, "count", FieldKind.INT, 1, 20),
    )

    first: int
    """Sequence number of the first record wanted."""
    count: int
    """Largest number of records wanted."""

    @classmethod
    def reply_type(cls) -> type[BackfillReply]:
        """Return the class of the reply."""
        return BackfillReply


@dataclass(frozen=True, slots=True)
class PlanBeginRequest(Request[PlanBeginReply]):
    """Starts the upload of a plan and discards the plan before.

    Limits that need no step are checked here.
    """

    CODE: ClassVar[Command] = Command.PLAN_BEGIN
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "steps", FieldKind.INT, 1, 200),
        Field(2, "die_um", FieldKind.INT, 1000, 100000),
        Field(3, "ceiling_kpa", FieldKind.INT, 0, 2000000),
        Field(4, "host_loss", FieldKind.INT, 1, 3, enum=HostLossAction),
        Field(5, "host_loss_limit_ms", FieldKind.INT, 0, 1000000000),
        Field(6, "host_timeout_ms", FieldKind.INT, 500, 60000),
        Field(7, "vent_rate_kpa_s", FieldKind.INT, 1, 1000000),
        Field(8, "record_every", FieldKind.INT, 1, 1000),
        Field(9, "accept_unresolved", FieldKind.BOOL, 0, 1),
        Field(10, "crack_kpa", FieldKind.INT, 0, 2000000, required=False),
    )

    steps: int
    """Number of steps that follow."""
    die_um: int
    """Die diameter. Unit: um."""
    ceiling_kpa: int
    """No target may be above it; a reading above it is a fault. Unit: kPa."""
    host_loss: HostLossAction
    host_loss_limit_ms: int
    """How long hold or finish may last without a host. Unit: ms."""
    host_timeout_ms: int
    """Silence after which the host is lost. Unit: ms."""
    vent_rate_kpa_s: int
    """Of the release that ends every run. Unit: kPa/s."""
    record_every: int
    """Ticks per telemetry record."""
    accept_unresolved: bool
    """The user accepts tolerances finer than the transducer."""
    crack_kpa: int | None = None
    """Sudden loss of pressure that counts as a crack; 0: no loss does; absent: the board's own
    threshold. Unit: kPa."""

    @classmethod
    def reply_type(cls) -> type[PlanBeginReply]:
        """Return the class of the reply."""
        return PlanBeginReply


@dataclass(frozen=True, slots=True)
class PlanStepRequest(Request[PlanStepReply]):
    """Adds the next step.

    The board checks it by the same rules as the host. Which keys are needed depends on the kind:
    ramp and release need target and rate; hold needs target, tolerance, timeout, mode, and a
    duration or open; prompt needs text and timeout. A hold with a relaxation rate, and one that is
    open, ends after its duration at the latest.
    """

    CODE: ClassVar[Command] = Command.PLAN_STEP
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "index", FieldKind.INT, 0, 199),
        Field(2, "kind", FieldKind.INT, 1, 5, enum=StepKind),
        Field(3, "stage", FieldKind.INT, 0, 199),
        Field(4, "target_kpa", FieldKind.INT, 0, 2000000, required=False),
        Field(5, "rate_kpa_s", FieldKind.INT, 1, 1000000, required=False),
        Field(6, "tolerance_kpa", FieldKind.INT, 1, 1000000, required=False),
        Field(7, "duration_ms", FieldKind.INT, 10, 1000000000, required=False),
        Field(8, "timeout_ms", FieldKind.INT, 10, 1000000000, required=False),
        Field(9, "mode", FieldKind.INT, 0, 1, required=False, enum=HoldMode),
        Field(10, "open", FieldKind.BOOL, 0, 1, required=False),
        Field(11, "text", FieldKind.TEXT, 1, 120, required=False),
        Field(12, "kp", FieldKind.INT, 0, 8191, required=False),
        Field(13, "ki", FieldKind.INT, 0, 16383, required=False),
        Field(14, "kd", FieldKind.INT, 0, 4095, required=False),
        Field(15, "relaxation_kpa_min", FieldKind.INT, 1, 1000000, required=False),
        Field(16, "least_ms", FieldKind.INT, 10, 1000000000, required=False),
    )

    index: int
    """0, 1, 2, ..."""
    kind: StepKind
    stage: int
    """Which stage of the protocol this step belongs to."""
    target_kpa: int | None = None
    """Unit: kPa."""
    rate_kpa_s: int | None = None
    """Unit: kPa/s."""
    tolerance_kpa: int | None = None
    """Half width of the band. Unit: kPa."""
    duration_ms: int | None = None
    """In-band time that ends the hold; time without pressure that ends the rest. Unit: ms."""
    timeout_ms: int | None = None
    """Of a hold: longest time out of band; of a prompt: longest wait. Unit: ms."""
    mode: HoldMode | None = None
    open: bool | None = None
    """The operator ends the hold by advancing it."""
    text: str | None = None
    """What the operator is asked, or what an open hold waits for."""
    kp: int | None = None
    """PID gain of this step instead of the profile's. Unit: 1/s, 1/256."""
    ki: int | None = None
    """Unit: 1/s per tick, 1/65536."""
    kd: int | None = None
    """Unit: 1, 1/256."""
    relaxation_kpa_min: int | None = None
    """A sealed hold ends when it loses less than this. Unit: kPa/min."""
    least_ms: int | None = None
    """Time in band before which relaxation does not end it. Unit: ms."""

    @classmethod
    def reply_type(cls) -> type[PlanStepReply]:
        """Return the class of the reply."""
        return PlanStepReply


@dataclass(frozen=True, slots=True)
class PlanCommitRequest(Request[PlanCommitReply]):
    """Completes the upload; the plan can then be started."""

    CODE: ClassVar[Command] = Command.PLAN_COMMIT
    FIELDS: ClassVar[tuple[Field, ...]] = (Field(1, "digest", FieldKind.INT, 0, 4294967295),)

    digest: int
    """CRC-32 over the payloads of plan-begin and every plan-step, in order."""

    @classmethod
    def reply_type(cls) -> type[PlanCommitReply]:
        """Return the class of the reply."""
        return PlanCommitReply


@dataclass(frozen=True, slots=True)
class StartRequest(Request[StartReply]):
    """Starts the committed plan.

    A host that does not know whether its start arrived may repeat it, also in another session: the
    board runs one run-id only once.
    """

    CODE: ClassVar[Command] = Command.START
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "run_id", FieldKind.BYTES, 8, 8),
        Field(2, "die_um", FieldKind.INT, 1000, 100000),
        Field(3, "profile_hash", FieldKind.BYTES, 8, 8, required=False),
    )

    run_id: bytes
    """Chosen by the host, not zeros."""
    die_um: int
    """Diameter of the fitted die, confirmed by a person for this run. Unit: um."""
    profile_hash: bytes | None = None
    """Refused unless the board's profile has this hash, as in hello-reply."""

    @classmethod
    def reply_type(cls) -> type[StartReply]:
        """Return the class of the reply."""
        return StartReply


@dataclass(frozen=True, slots=True)
class PauseRequest(Request[PauseReply]):
    """Freezes setpoint and clocks; the pressure stays regulated."""

    CODE: ClassVar[Command] = Command.PAUSE
    FIELDS: ClassVar[tuple[Field, ...]] = ()

    @classmethod
    def reply_type(cls) -> type[PauseReply]:
        """Return the class of the reply."""
        return PauseReply


@dataclass(frozen=True, slots=True)
class ResumeRequest(Request[ResumeReply]):
    """Continues after a pause or a host loss."""

    CODE: ClassVar[Command] = Command.RESUME
    FIELDS: ClassVar[tuple[Field, ...]] = ()

    @classmethod
    def reply_type(cls) -> type[ResumeReply]:
        """Return the class of the reply."""
        return ResumeReply


@dataclass(frozen=True, slots=True)
class AbortRequest(Request[AbortReply]):
    """Ends the run with a release at the vent rate; the press is then idle.

    Changes nothing during that release. Ends a valve-test as well.
    """

    CODE: ClassVar[Command] = Command.ABORT
    FIELDS: ClassVar[tuple[Field, ...]] = ()

    @classmethod
    def reply_type(cls) -> type[AbortReply]:
        """Return the class of the reply."""
        return AbortReply


@dataclass(frozen=True, slots=True)
class DumpRequest(Request[DumpReply]):
    """Opens the release valve fully during the release that ends a run. It may crack the pellet."""

    CODE: ClassVar[Command] = Command.DUMP
    FIELDS: ClassVar[tuple[Field, ...]] = ()

    @classmethod
    def reply_type(cls) -> type[DumpReply]:
        """Return the class of the reply."""
        return DumpReply


@dataclass(frozen=True, slots=True)
class ConfirmRequest(Request[ConfirmReply]):
    """Answers the open prompt."""

    CODE: ClassVar[Command] = Command.CONFIRM
    FIELDS: ClassVar[tuple[Field, ...]] = (Field(1, "step", FieldKind.INT, 0, 199),)

    step: int
    """Index of the prompt being answered."""

    @classmethod
    def reply_type(cls) -> type[ConfirmReply]:
        """Return the class of the reply."""
        return ConfirmReply


@dataclass(frozen=True, slots=True)
class AdvanceRequest(Request[AdvanceReply]):
    """Ends the hold or rest in progress and continues with the next step.

    An open hold ends as planned by it.
    """

    CODE: ClassVar[Command] = Command.ADVANCE
    FIELDS: ClassVar[tuple[Field, ...]] = (Field(1, "step", FieldKind.INT, 0, 199),)

    step: int
    """Index of the hold or rest to end."""

    @classmethod
    def reply_type(cls) -> type[AdvanceReply]:
        """Return the class of the reply."""
        return AdvanceReply


@dataclass(frozen=True, slots=True)
class ClearRequest(Request[ClearReply]):
    """Clears the latched fault if its cause is gone.

    Over-pressure, emergency-stop, guard-open, no-release and pump-stuck need the board's button,
    unless the board is simulated.
    """

    CODE: ClassVar[Command] = Command.CLEAR
    FIELDS: ClassVar[tuple[Field, ...]] = (Field(1, "fault", FieldKind.INT, 0, 26, enum=Fault),)

    fault: Fault
    """The fault to clear; one that the host has not seen stays latched."""

    @classmethod
    def reply_type(cls) -> type[ClearReply]:
        """Return the class of the reply."""
        return ClearReply


@dataclass(frozen=True, slots=True)
class StepResultRequest(Request[StepResultReply]):
    """Reads what the board measured in a step. It is whole even when telemetry was lost."""

    CODE: ClassVar[Command] = Command.STEP_RESULT
    FIELDS: ClassVar[tuple[Field, ...]] = (Field(1, "step", FieldKind.INT, 0, 199),)

    step: int

    @classmethod
    def reply_type(cls) -> type[StepResultReply]:
        """Return the class of the reply."""
        return StepResultReply


@dataclass(frozen=True, slots=True)
class InterruptedRunRequest(Request[InterruptedRunReply]):
    """Reads which run the last loss of power or reset cut off.

    The board's journal has it until the next run starts. Allowed at any time.
    """

    CODE: ClassVar[Command] = Command.INTERRUPTED_RUN
    FIELDS: ClassVar[tuple[Field, ...]] = ()

    @classmethod
    def reply_type(cls) -> type[InterruptedRunReply]:
        """Return the class of the reply."""
        return InterruptedRunReply


@dataclass(frozen=True, slots=True)
class JournalReadRequest(Request[JournalReadReply]):
    """Reads the journal, the newest record first.

    A record has 32 bytes, little endian: u32 number, u8 journal-kind, u8 state (low half) and
    detail (high half), u8 step, u8 fault, u32 tick, u8 inputs, int24 pressure-kpa, u32 dwell-ms, 8
    bytes run-id, u32 CRC-32 over the 28 bytes before.
    """

    CODE: ClassVar[Command] = Command.JOURNAL_READ
    FIELDS: ClassVar[tuple[Field, ...]] = (Field(1, "back", FieldKind.INT, 0, 4294967295),)

    back: int
    """How many newer records to skip."""

    @classmethod
    def reply_type(cls) -> type[JournalReadReply]:
        """Return the class of the reply."""
        return JournalReadReply


@dataclass(frozen=True, slots=True)
class ValveTestRequest(Request[ValveTestReply]):
    """Opens the valves for a bounded time without a run, to find out how they are wired.

    The pump valve shuts after pump-ms, the release valve keeps its opening to the end; outside a
    test both are without current. The test ends early when the reading has risen by rise-kpa or
    says contact, with any fault, with an open guard, with the board's button and with an abort.
    Another test may follow at once, without the valves moving in between. The first of a series
    needs the board's button, unless the board is simulated; a pause of 30 s ends the series.
    """

    CODE: ClassVar[Command] = Command.VALVE_TEST
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field(1, "pump", FieldKind.INT, 0, 32767),
        Field(2, "pump_ms", FieldKind.INT, 0, 2000),
        Field(3, "release", FieldKind.INT, 0, 32767),
        Field(4, "duration_ms", FieldKind.INT, 10, 30000),
        Field(5, "rise_kpa", FieldKind.INT, 0, 2000000),
    )

    pump: int
    pump_ms: int
    """How long the pump valve is open. Unit: ms."""
    release: int
    """Output-full: without current."""
    duration_ms: int
    """How long the test lasts, not shorter than pump-ms. Unit: ms."""
    rise_kpa: int
    """Unit: kPa."""

    @classmethod
    def reply_type(cls) -> type[ValveTestReply]:
        """Return the class of the reply."""
        return ValveTestReply


@dataclass(frozen=True, slots=True)
class ProfileReadRequest(Request[ProfileReadReply]):
    """Reads the stored profile."""

    CODE: ClassVar[Command] = Command.PROFILE_READ
    FIELDS: ClassVar[tuple[Field, ...]] = ()

    @classmethod
    def reply_type(cls) -> type[ProfileReadReply]:
        """Return the class of the reply."""
        return ProfileReadReply


@dataclass(frozen=True, slots=True)
class ProfileWriteRequest(Profile, Request[ProfileWriteReply]):
    """Stores a profile.

    Refused unless the press is idle. One that raises a limit or changes what a reading means needs
    the board's button, unless the board is simulated.
    """

    CODE: ClassVar[Command] = Command.PROFILE_WRITE

    @classmethod
    def reply_type(cls) -> type[ProfileWriteReply]:
        """Return the class of the reply."""
        return ProfileWriteReply


REQUESTS: Final[dict[Command, tuple[type[Request[Any]], type[Message]]]] = {
    Command.HELLO: (HelloRequest, HelloReply),
    Command.STATUS: (StatusRequest, StatusReply),
    Command.ECHO: (EchoRequest, EchoReply),
    Command.STREAM: (StreamRequest, StreamReply),
    Command.BACKFILL: (BackfillRequest, BackfillReply),
    Command.PLAN_BEGIN: (PlanBeginRequest, PlanBeginReply),
    Command.PLAN_STEP: (PlanStepRequest, PlanStepReply),
    Command.PLAN_COMMIT: (PlanCommitRequest, PlanCommitReply),
    Command.START: (StartRequest, StartReply),
    Command.PAUSE: (PauseRequest, PauseReply),
    Command.RESUME: (ResumeRequest, ResumeReply),
    Command.ABORT: (AbortRequest, AbortReply),
    Command.CONFIRM: (ConfirmRequest, ConfirmReply),
    Command.ADVANCE: (AdvanceRequest, AdvanceReply),
    Command.CLEAR: (ClearRequest, ClearReply),
    Command.PROFILE_READ: (ProfileReadRequest, ProfileReadReply),
    Command.PROFILE_WRITE: (ProfileWriteRequest, ProfileWriteReply),
    Command.STEP_RESULT: (StepResultRequest, StepResultReply),
    Command.INTERRUPTED_RUN: (InterruptedRunRequest, InterruptedRunReply),
    Command.JOURNAL_READ: (JournalReadRequest, JournalReadReply),
    Command.DUMP: (DumpRequest, DumpReply),
    Command.VALVE_TEST: (ValveTestRequest, ValveTestReply),
}
"""Request and reply of every command."""

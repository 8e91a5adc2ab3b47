"""Constants and field tables of every message.

Generated from protocol/pressloop.cddl by protocol/generate.py: do not edit.

A field is `(key, type, low, high, required)`, and the fields of a table are in the order of their
keys. For strings and arrays `low..high` is the length; an array has the limits of its elements in
two more members.
"""

try:
    from micropython import const
except ImportError:  # CPython
    from pressloop_fw.cpython import const


T_INT = const(0)
T_BOOL = const(1)
T_BYTES = const(2)
T_TEXT = const(3)
T_INTS = const(4)

PROTOCOL_MAJOR = const(1)
PROTOCOL_MINOR = const(0)
MAX_PAYLOAD = const(512)
MAX_STEPS = const(200)
TICK_HZ = const(100)
CLOCK_END = const(1073741824)
NO_DISPLACEMENT = const(65535)
NO_FORCE = const(16777216)
OUTPUT_FULL = const(32767)

# First bytes of the SHA-256 of the schema.
SCHEMA_HASH = b"\x21\x9a\xd7\xd7\x6d\x23\xce\x08"

# Kind of a frame. A reply or an error repeats the sequence number of its request.
KIND_REQUEST = const(1)
KIND_REPLY = const(2)
KIND_ERROR = const(3)
KIND_NOTICE = const(4)
KIND_EVENT = const(5)

# Commands that a host can send.
CMD_HELLO = const(1)
CMD_STATUS = const(2)
CMD_ECHO = const(3)
CMD_STREAM = const(4)
CMD_BACKFILL = const(5)
CMD_PLAN_BEGIN = const(6)
CMD_PLAN_STEP = const(7)
CMD_PLAN_COMMIT = const(8)
CMD_START = const(9)
CMD_PAUSE = const(10)
CMD_RESUME = const(11)
CMD_ABORT = const(12)
CMD_CONFIRM = const(13)
CMD_ADVANCE = const(14)
CMD_CLEAR = const(15)
CMD_PROFILE_READ = const(16)
CMD_PROFILE_WRITE = const(17)
CMD_STEP_RESULT = const(18)
CMD_INTERRUPTED_RUN = const(19)
CMD_JOURNAL_READ = const(20)
CMD_DUMP = const(21)
CMD_VALVE_TEST = const(22)

# Messages of a host that the board does not answer.
NOTICE_ALIVE = const(1)
NOTICE_ABORT = const(2)

# Messages that a board sends without a request.
EVENT_TELEMETRY = const(1)

# Why a request was refused. The press is not affected by a refused request.
ERR_UNKNOWN_COMMAND = const(1)
ERR_MALFORMED = const(2)
ERR_MISSING_FIELD = const(3)
ERR_UNKNOWN_FIELD = const(4)
ERR_BAD_TYPE = const(5)
ERR_OUT_OF_RANGE = const(6)
ERR_BAD_SESSION = const(7)
ERR_BAD_VERSION = const(8)
ERR_BAD_STATE = const(9)
ERR_FAULTED = const(10)
ERR_NO_PLAN = const(11)
ERR_PLAN_ORDER = const(12)
ERR_PLAN_DIGEST = const(13)
ERR_OVER_CEILING = const(14)
ERR_OVER_LIMIT = const(15)
ERR_UNKNOWN_DIE = const(16)
ERR_TOLERANCE_UNRESOLVED = const(17)
ERR_RATE_IMPOSSIBLE = const(18)
ERR_NO_END = const(19)
ERR_WRONG_DIRECTION = const(20)
ERR_WRONG_PROMPT = const(21)
ERR_GUARD_OPEN = const(22)
ERR_EMERGENCY_STOP = const(23)
ERR_NO_PROFILE = const(24)
ERR_PROFILE_INVALID = const(25)
ERR_STORAGE = const(26)
ERR_NOT_HELD = const(27)
ERR_PRESSURISED = const(28)
ERR_HOLD_ELSEWHERE = const(29)
ERR_RELAXATION_UNRESOLVED = const(30)
ERR_NOT_SEALED = const(31)
ERR_RUN_REPEATED = const(32)
ERR_CLOCK_SPENT = const(33)
ERR_NEEDS_BUTTON = const(34)
ERR_PROFILE_MISMATCH = const(35)
ERR_ZERO_OFF = const(36)
ERR_SENSORS_DISAGREE = const(37)
ERR_DIE_UNCONFIRMED = const(38)
ERR_PART_MISSING = const(39)
ERR_LOAD_CELL_ZERO_OFF = const(40)
ERR_NO_READING = const(41)
ERR_REST_ABOVE_ZERO = const(42)

# What the press is doing.
STATE_IDLE = const(0)
STATE_RUNNING = const(1)
STATE_PAUSED = const(2)
STATE_PROMPTING = const(3)
STATE_VENTING = const(4)
STATE_FAULT = const(5)

# Kind of a plan step.
STEP_RAMP = const(1)
STEP_HOLD = const(2)
STEP_RELEASE = const(3)
STEP_PROMPT = const(4)
STEP_REST = const(5)

# How a hold keeps its pressure.
HOLD_REGULATED = const(0)
HOLD_SEALED = const(1)

# What the board does when it has not heard its host for the plan's host timeout.
HOST_LOSS_HOLD = const(1)
HOST_LOSS_FINISH = const(2)
HOST_LOSS_VENT = const(3)

# Why a run ended.
END_NONE = const(0)
END_COMPLETED = const(1)
END_ABORTED = const(2)
END_HOST_LOST = const(3)
END_PROMPT_TIMEOUT = const(4)
END_HOLD_TIMEOUT = const(5)
END_FAULT = const(6)
END_CLOCK_SPENT = const(7)

# Why the outputs were made safe. The first fault is latched and stays until `clear`.
FAULT_NONE = const(0)
FAULT_OVER_PRESSURE = const(1)
FAULT_SENSOR_LOW = const(2)
FAULT_SENSOR_HIGH = const(3)
FAULT_EMERGENCY_STOP = const(4)
FAULT_GUARD_OPEN = const(5)
FAULT_NO_PRESSURE_GAIN = const(6)
FAULT_NO_CONTACT = const(7)
FAULT_TICK_OVERRUN = const(8)
FAULT_WATCHDOG = const(9)
FAULT_POWER_LOSS = const(10)
FAULT_INTERNAL = const(11)
FAULT_SAMPLE_CRACKED = const(12)
FAULT_DIE_FAILURE = const(13)
FAULT_TICK_HANG = const(14)
FAULT_NO_RELEASE = const(15)
FAULT_PUMP_STUCK = const(16)
FAULT_LEAK = const(17)
FAULT_SUDDEN_LOSS = const(18)
FAULT_BURST = const(19)
FAULT_SENSOR_FROZEN = const(20)
FAULT_SENSOR_DISAGREE = const(21)
FAULT_SECOND_SENSOR_LOW = const(22)
FAULT_SECOND_SENSOR_HIGH = const(23)
FAULT_LOAD_CELL = const(24)
FAULT_STROKE_END = const(25)
FAULT_ZERO_MOVED = const(26)

# Why the controller last started.
RESET_POWER_ON = const(1)
RESET_HARD = const(2)
RESET_WATCHDOG = const(3)
RESET_DEEP_SLEEP = const(4)
RESET_SOFT = const(5)

# How a step ended.
OUTCOME_PENDING = const(0)
OUTCOME_ACTIVE = const(1)
OUTCOME_DONE = const(2)
OUTCOME_ADVANCED = const(3)
OUTCOME_CUT = const(4)

# Why a dwell ended.
DWELL_NONE = const(0)
DWELL_DURATION = const(1)
DWELL_RELAXATION = const(2)
DWELL_OPERATOR = const(3)
DWELL_LONGEST = const(4)
DWELL_RUN = const(5)

# Bits of the board's digital inputs.
INPUT_EMERGENCY_STOP = const(1)
INPUT_GUARD_OPEN = const(2)
INPUT_BUTTON = const(4)
INPUT_VESSEL_PRESSURE = const(8)

# Bits of a telemetry record's flags.
FLAG_IN_BAND = const(1)
FLAG_DWELLING = const(2)
FLAG_APPROACHING = const(4)
FLAG_SATURATED = const(8)
FLAG_SEALED = const(16)
FLAG_HOST_LOST = const(32)
FLAG_TOPPING_UP = const(64)
FLAG_LOAD_CELL = const(128)

# What a board has: the bits of `capabilities` in hello-reply.
CAP_EMERGENCY_STOP = const(1)
CAP_GUARD = const(2)
CAP_WATCHDOG = const(4)
CAP_PERSISTENT_PROFILE = const(8)
CAP_DISPLACEMENT = const(16)
CAP_SECOND_CHANNEL = const(32)
CAP_LOAD_CELL = const(64)
CAP_DEADMAN = const(256)
CAP_JOURNAL = const(512)
CAP_LID_SWITCH = const(2048)

# How a pressure transducer signals.
SIGNAL_NOT_STATED = const(0)
SIGNAL_CURRENT_LOOP = const(1)
SIGNAL_VOLTAGE = const(2)
SIGNAL_RATIOMETRIC = const(3)

# What converts a signal to counts.
CONVERTER_NOT_STATED = const(0)
CONVERTER_ADS1115 = const(1)
CONVERTER_ADC = const(2)
CONVERTER_NAU7802 = const(3)
CONVERTER_HX711 = const(4)

# How the controller sets the flow of the pump.
PUMP_DRIVE_NOT_STATED = const(0)
PUMP_DRIVE_PWM = const(1)
PUMP_DRIVE_VOLTAGE = const(2)
PUMP_DRIVE_CURRENT = const(3)
PUMP_DRIVE_MOTOR_SPEED = const(4)

# How the controller lets oil out.
RELEASE_DRIVE_NOT_STATED = const(0)
RELEASE_DRIVE_PROPORTIONAL = const(1)
RELEASE_DRIVE_ON_OFF_AND_PROPORTIONAL = const(2)

# What the board's third analogue input reads.
AUXILIARY_NOT_STATED = const(0)
AUXILIARY_DISPLACEMENT = const(1)
AUXILIARY_OIL_TEMPERATURE = const(2)

# What is wrong with a board's flash.
STORAGE_UNAVAILABLE = const(1)
STORAGE_JOURNAL_FULL = const(2)
STORAGE_PROFILE_DAMAGED = const(4)

# What a record of the journal reports.
JOURNAL_BOOT = const(1)
JOURNAL_START = const(2)
JOURNAL_STEP = const(3)
JOURNAL_PAUSE = const(4)
JOURNAL_RESUME = const(5)
JOURNAL_FAULT = const(6)
JOURNAL_CLEAR = const(7)
JOURNAL_END = const(8)
JOURNAL_PROGRESS = const(9)
JOURNAL_PROFILE = const(10)
JOURNAL_FULL = const(11)

# How the last calibration of a press ended.
CALIBRATION_NONE = const(0)
CALIBRATION_PASSED = const(1)
CALIBRATION_FAILED = const(2)

# A telemetry record: struct format, size and the offset of each column.
RECORD_FORMAT = "<IiihHBBBBH"
RECORD_SIZE = const(22)
# The same without its optional last column.
SHORT_RECORD_FORMAT = "<IiihHBBBB"
SHORT_RECORD_SIZE = const(20)
RECORD_TICK = const(0)
RECORD_PRESSURE_KPA = const(4)
RECORD_SETPOINT_KPA = const(8)
RECORD_OUTPUT = const(12)
RECORD_RAW = const(14)
RECORD_STEP = const(16)
RECORD_STATE = const(17)
RECORD_FLAGS = const(18)
RECORD_INPUTS = const(19)
RECORD_DISPLACEMENT_UM = const(20)

# Message keys and field tables.

ERROR_REPLY_CODE = const(1)
ERROR_REPLY_STEP = const(2)
ERROR_REPLY_FIELD = const(3)
ERROR_REPLY_DETAIL = const(4)
ERROR_REPLY_FIELDS = (
    (1, T_INT, 1, 42, True),  # code
    (2, T_INT, 0, 255, False),  # step
    (3, T_INT, 0, 255, False),  # field
    (4, T_INT, 0, 2147483647, False),  # detail
)

HELLO_REQUEST_NONCE = const(1)
HELLO_REQUEST_MAJOR = const(2)
HELLO_REQUEST_MINOR = const(3)
HELLO_REQUEST_HOST = const(4)
HELLO_REQUEST_FIELDS = (
    (1, T_INT, 0, 4294967295, True),  # nonce
    (2, T_INT, 0, 255, True),  # major
    (3, T_INT, 0, 255, True),  # minor
    (4, T_TEXT, 1, 40, True),  # host
)

HELLO_REPLY_NONCE = const(1)
HELLO_REPLY_MAJOR = const(2)
HELLO_REPLY_MINOR = const(3)
HELLO_REPLY_SESSION = const(4)
HELLO_REPLY_FIRMWARE = const(5)
HELLO_REPLY_BOARD = const(6)
HELLO_REPLY_UNIQUE_ID = const(7)
HELLO_REPLY_CAPABILITIES = const(8)
HELLO_REPLY_SCHEMA_HASH = const(9)
HELLO_REPLY_BOOT_ID = const(10)
HELLO_REPLY_RESET_CAUSE = const(11)
HELLO_REPLY_LAST_FAULT = const(12)
HELLO_REPLY_SIMULATED = const(13)
HELLO_REPLY_RING_RECORDS = const(14)
HELLO_REPLY_PYTHON = const(15)
HELLO_REPLY_PROFILE_HASH = const(16)
HELLO_REPLY_BUILD = const(17)
HELLO_REPLY_CHANNELS = const(18)
HELLO_REPLY_CALIBRATION = const(19)
HELLO_REPLY_CALIBRATION_DAY = const(20)
HELLO_REPLY_CALIBRATION_DUE_DAY = const(21)
HELLO_REPLY_CALIBRATION_ERROR_PPM = const(22)
HELLO_REPLY_CALIBRATION_REFERENCE = const(23)
HELLO_REPLY_FOUND_PARTS = const(30)
HELLO_REPLY_MISSING_PARTS = const(31)
HELLO_REPLY_FIELDS = (
    (1, T_INT, 0, 4294967295, True),  # nonce
    (2, T_INT, 0, 255, True),  # major
    (3, T_INT, 0, 255, True),  # minor
    (4, T_INT, 0, 65535, True),  # session
    (5, T_TEXT, 1, 40, True),  # firmware
    (6, T_TEXT, 1, 40, True),  # board
    (7, T_BYTES, 1, 16, True),  # unique-id
    (8, T_INT, 0, 4294967295, True),  # capabilities
    (9, T_BYTES, 8, 8, True),  # schema-hash
    (10, T_INT, 0, 4294967295, True),  # boot-id
    (11, T_INT, 1, 5, True),  # reset-cause
    (12, T_INT, 0, 26, True),  # last-fault
    (13, T_BOOL, 0, 1, True),  # simulated
    (14, T_INT, 0, 65535, True),  # ring-records
    (15, T_TEXT, 0, 40, True),  # python
    (16, T_BYTES, 8, 8, True),  # profile-hash
    (17, T_TEXT, 1, 16, True),  # build
    (18, T_INT, 1, 2, True),  # channels
    (19, T_INT, 0, 2, False),  # calibration
    (20, T_INT, 0, 65535, False),  # calibration-day
    (21, T_INT, 0, 65535, False),  # calibration-due-day
    (22, T_INT, 0, 1000000, False),  # calibration-error-ppm
    (23, T_TEXT, 1, 23, False),  # calibration-reference
    (30, T_TEXT, 0, 60, False),  # found-parts
    (31, T_TEXT, 1, 60, False),  # missing-parts
)

STATUS_REQUEST_FIELDS = ()

STATUS_REPLY_STATE = const(1)
STATUS_REPLY_TICK = const(2)
STATUS_REPLY_PRESSURE_KPA = const(3)
STATUS_REPLY_SETPOINT_KPA = const(4)
STATUS_REPLY_TARGET_KPA = const(5)
STATUS_REPLY_STEP = const(6)
STATUS_REPLY_STAGE = const(7)
STATUS_REPLY_DWELL_MS = const(8)
STATUS_REPLY_REMAINING_MS = const(9)
STATUS_REPLY_RUN_ID = const(10)
STATUS_REPLY_END_REASON = const(11)
STATUS_REPLY_FAULT = const(12)
STATUS_REPLY_INPUTS = const(13)
STATUS_REPLY_HOST_LOST = const(14)
STATUS_REPLY_OLDEST = const(15)
STATUS_REPLY_NEXT = const(16)
STATUS_REPLY_MISSED_TICKS = const(17)
STATUS_REPLY_FRAME_ERRORS = const(18)
STATUS_REPLY_PROMPT = const(19)
STATUS_REPLY_RUN_FIRST = const(20)
STATUS_REPLY_RECORD_EVERY = const(21)
STATUS_REPLY_APPROACHING = const(22)
STATUS_REPLY_SECOND_KPA = const(23)
STATUS_REPLY_LARGEST_DIFFERENCE_KPA = const(24)
STATUS_REPLY_STORAGE = const(40)
STATUS_REPLY_FURTHER_FAULT = const(41)
STATUS_REPLY_TRIM_KPA = const(50)
STATUS_REPLY_LOAD_CELL_KPA = const(51)
STATUS_REPLY_OIL_TEMPERATURE_RAW = const(60)
STATUS_REPLY_RELEASE_DEAD_BAND = const(61)
STATUS_REPLY_ZERO_CORRECTION_KPA = const(62)
STATUS_REPLY_WAITS_FOR_BUTTON = const(63)
STATUS_REPLY_PUMP_DEAD_BAND = const(64)
STATUS_REPLY_TOPPING_UP = const(65)
STATUS_REPLY_FIELDS = (
    (1, T_INT, 0, 5, True),  # state
    (2, T_INT, 0, 4294967295, True),  # tick
    (3, T_INT, -2000000, 2000000, True),  # pressure-kpa
    (4, T_INT, 0, 2000000, True),  # setpoint-kpa
    (5, T_INT, 0, 2000000, True),  # target-kpa
    (6, T_INT, 0, 255, True),  # step
    (7, T_INT, 0, 255, True),  # stage
    (8, T_INT, 0, 1000000000, True),  # dwell-ms
    (9, T_INT, 0, 1000000000, True),  # remaining-ms
    (10, T_BYTES, 8, 8, True),  # run-id
    (11, T_INT, 0, 7, True),  # end-reason
    (12, T_INT, 0, 26, True),  # fault
    (13, T_INT, 0, 255, True),  # inputs
    (14, T_BOOL, 0, 1, True),  # host-lost
    (15, T_INT, 0, 4294967295, True),  # oldest
    (16, T_INT, 0, 4294967295, True),  # next
    (17, T_INT, 0, 4294967295, True),  # missed-ticks
    (18, T_INT, 0, 4294967295, True),  # frame-errors
    (19, T_TEXT, 0, 120, True),  # prompt
    (20, T_INT, 0, 4294967295, True),  # run-first
    (21, T_INT, 0, 65535, True),  # record-every
    (22, T_BOOL, 0, 1, True),  # approaching
    (23, T_INT, -2000000, 2000000, False),  # second-kpa
    (24, T_INT, 0, 2000000, False),  # largest-difference-kpa
    (40, T_INT, 0, 255, False),  # storage
    (41, T_INT, 0, 26, False),  # further-fault
    (50, T_INT, -2000000, 2000000, False),  # trim-kpa
    (51, T_INT, -2000000, 2000000, False),  # load-cell-kpa
    (60, T_INT, 0, 4095, False),  # oil-temperature-raw
    (61, T_INT, 0, 32767, False),  # release-dead-band
    (62, T_INT, -2000000, 2000000, False),  # zero-correction-kpa
    (63, T_BOOL, 0, 1, False),  # waits-for-button
    (64, T_INT, 0, 32767, False),  # pump-dead-band
    (65, T_BOOL, 0, 1, False),  # topping-up
)

ECHO_REQUEST_DATA = const(1)
ECHO_REQUEST_FIELDS = (
    (1, T_BYTES, 0, 500, True),  # data
)

ECHO_REPLY_DATA = const(1)
ECHO_REPLY_FIELDS = (
    (1, T_BYTES, 0, 500, True),  # data
)

STREAM_REQUEST_ON = const(1)
STREAM_REQUEST_BATCH_TICKS = const(2)
STREAM_REQUEST_FIELDS = (
    (1, T_BOOL, 0, 1, True),  # on
    (2, T_INT, 1, 100, True),  # batch-ticks
)

STREAM_REPLY_NEXT = const(1)
STREAM_REPLY_FIELDS = (
    (1, T_INT, 0, 4294967295, True),  # next
)

BACKFILL_REQUEST_FIRST = const(1)
BACKFILL_REQUEST_COUNT = const(2)
BACKFILL_REQUEST_FIELDS = (
    (1, T_INT, 0, 4294967295, True),  # first
    (2, T_INT, 1, 20, True),  # count
)

BACKFILL_REPLY_FIRST = const(1)
BACKFILL_REPLY_RECORDS = const(2)
BACKFILL_REPLY_FIELDS = (
    (1, T_INT, 0, 4294967295, True),  # first
    (2, T_BYTES, 0, 400, True),  # records
)

ALIVE_NOTICE_TICK = const(1)
ALIVE_NOTICE_FIELDS = (
    (1, T_INT, 0, 4294967295, True),  # tick
)

ABORT_NOTICE_FIELDS = ()

TELEMETRY_EVENT_FIRST = const(1)
TELEMETRY_EVENT_TICK = const(2)
TELEMETRY_EVENT_RECORDS = const(3)
TELEMETRY_EVENT_FIELDS = (
    (1, T_INT, 0, 4294967295, True),  # first
    (2, T_INT, 0, 4294967295, True),  # tick
    (3, T_BYTES, 0, 480, True),  # records
)

PLAN_BEGIN_REQUEST_STEPS = const(1)
PLAN_BEGIN_REQUEST_DIE_UM = const(2)
PLAN_BEGIN_REQUEST_CEILING_KPA = const(3)
PLAN_BEGIN_REQUEST_HOST_LOSS = const(4)
PLAN_BEGIN_REQUEST_HOST_LOSS_LIMIT_MS = const(5)
PLAN_BEGIN_REQUEST_HOST_TIMEOUT_MS = const(6)
PLAN_BEGIN_REQUEST_VENT_RATE_KPA_S = const(7)
PLAN_BEGIN_REQUEST_RECORD_EVERY = const(8)
PLAN_BEGIN_REQUEST_ACCEPT_UNRESOLVED = const(9)
PLAN_BEGIN_REQUEST_CRACK_KPA = const(10)
PLAN_BEGIN_REQUEST_FIELDS = (
    (1, T_INT, 1, 200, True),  # steps
    (2, T_INT, 1000, 100000, True),  # die-um
    (3, T_INT, 0, 2000000, True),  # ceiling-kpa
    (4, T_INT, 1, 3, True),  # host-loss
    (5, T_INT, 0, 1000000000, True),  # host-loss-limit-ms
    (6, T_INT, 500, 60000, True),  # host-timeout-ms
    (7, T_INT, 1, 1000000, True),  # vent-rate-kpa-s
    (8, T_INT, 1, 1000, True),  # record-every
    (9, T_BOOL, 0, 1, True),  # accept-unresolved
    (10, T_INT, 0, 2000000, False),  # crack-kpa
)

PLAN_BEGIN_REPLY_FIELDS = ()

PLAN_STEP_REQUEST_INDEX = const(1)
PLAN_STEP_REQUEST_KIND = const(2)
PLAN_STEP_REQUEST_STAGE = const(3)
PLAN_STEP_REQUEST_TARGET_KPA = const(4)
PLAN_STEP_REQUEST_RATE_KPA_S = const(5)
PLAN_STEP_REQUEST_TOLERANCE_KPA = const(6)
PLAN_STEP_REQUEST_DURATION_MS = const(7)
PLAN_STEP_REQUEST_TIMEOUT_MS = const(8)
PLAN_STEP_REQUEST_MODE = const(9)
PLAN_STEP_REQUEST_OPEN = const(10)
PLAN_STEP_REQUEST_TEXT = const(11)
PLAN_STEP_REQUEST_KP = const(12)
PLAN_STEP_REQUEST_KI = const(13)
PLAN_STEP_REQUEST_KD = const(14)
PLAN_STEP_REQUEST_RELAXATION_KPA_MIN = const(15)
PLAN_STEP_REQUEST_LEAST_MS = const(16)
PLAN_STEP_REQUEST_FIELDS = (
    (1, T_INT, 0, 199, True),  # index
    (2, T_INT, 1, 5, True),  # kind
    (3, T_INT, 0, 199, True),  # stage
    (4, T_INT, 0, 2000000, False),  # target-kpa
    (5, T_INT, 1, 1000000, False),  # rate-kpa-s
    (6, T_INT, 1, 1000000, False),  # tolerance-kpa
    (7, T_INT, 10, 1000000000, False),  # duration-ms
    (8, T_INT, 10, 1000000000, False),  # timeout-ms
    (9, T_INT, 0, 1, False),  # mode
    (10, T_BOOL, 0, 1, False),  # open
    (11, T_TEXT, 1, 120, False),  # text
    (12, T_INT, 0, 8191, False),  # kp
    (13, T_INT, 0, 16383, False),  # ki
    (14, T_INT, 0, 4095, False),  # kd
    (15, T_INT, 1, 1000000, False),  # relaxation-kpa-min
    (16, T_INT, 10, 1000000000, False),  # least-ms
)

PLAN_STEP_REPLY_FIELDS = ()

PLAN_COMMIT_REQUEST_DIGEST = const(1)
PLAN_COMMIT_REQUEST_FIELDS = (
    (1, T_INT, 0, 4294967295, True),  # digest
)

PLAN_COMMIT_REPLY_FIELDS = ()

START_REQUEST_RUN_ID = const(1)
START_REQUEST_DIE_UM = const(2)
START_REQUEST_PROFILE_HASH = const(3)
START_REQUEST_FIELDS = (
    (1, T_BYTES, 8, 8, True),  # run-id
    (2, T_INT, 1000, 100000, True),  # die-um
    (3, T_BYTES, 8, 8, False),  # profile-hash
)

START_REPLY_RUN_FIRST = const(1)
START_REPLY_TICK = const(2)
START_REPLY_FIELDS = (
    (1, T_INT, 0, 4294967295, True),  # run-first
    (2, T_INT, 0, 4294967295, True),  # tick
)

PAUSE_REQUEST_FIELDS = ()

PAUSE_REPLY_FIELDS = ()

RESUME_REQUEST_FIELDS = ()

RESUME_REPLY_FIELDS = ()

ABORT_REQUEST_FIELDS = ()

ABORT_REPLY_FIELDS = ()

DUMP_REQUEST_FIELDS = ()

DUMP_REPLY_FIELDS = ()

CONFIRM_REQUEST_STEP = const(1)
CONFIRM_REQUEST_FIELDS = (
    (1, T_INT, 0, 199, True),  # step
)

CONFIRM_REPLY_FIELDS = ()

ADVANCE_REQUEST_STEP = const(1)
ADVANCE_REQUEST_FIELDS = (
    (1, T_INT, 0, 199, True),  # step
)

ADVANCE_REPLY_FIELDS = ()

CLEAR_REQUEST_FAULT = const(1)
CLEAR_REQUEST_FIELDS = (
    (1, T_INT, 0, 26, True),  # fault
)

CLEAR_REPLY_FIELDS = ()

STEP_RESULT_REQUEST_STEP = const(1)
STEP_RESULT_REQUEST_FIELDS = (
    (1, T_INT, 0, 199, True),  # step
)

STEP_RESULT_REPLY_OUTCOME = const(1)
STEP_RESULT_REPLY_TICKS = const(2)
STEP_RESULT_REPLY_DWELL_TICKS = const(3)
STEP_RESULT_REPLY_PEAK_KPA = const(4)
STEP_RESULT_REPLY_LOWEST_KPA = const(5)
STEP_RESULT_REPLY_TOP_UPS = const(6)
STEP_RESULT_REPLY_START_TICK = const(7)
STEP_RESULT_REPLY_DWELL_END = const(8)
STEP_RESULT_REPLY_LOSS_KPA_MIN = const(9)
STEP_RESULT_REPLY_LEAK_KPA_MIN = const(10)
STEP_RESULT_REPLY_FIELDS = (
    (1, T_INT, 0, 4, True),  # outcome
    (2, T_INT, 0, 4294967295, True),  # ticks
    (3, T_INT, 0, 4294967295, True),  # dwell-ticks
    (4, T_INT, -2147483648, 2147483647, True),  # peak-kpa
    (5, T_INT, -2147483648, 2147483647, True),  # lowest-kpa
    (6, T_INT, 0, 65535, True),  # top-ups
    (7, T_INT, 0, 4294967295, True),  # start-tick
    (8, T_INT, 0, 5, True),  # dwell-end
    (9, T_INT, -2147483648, 2147483647, False),  # loss-kpa-min
    (10, T_INT, -2147483648, 2147483647, False),  # leak-kpa-min
)

INTERRUPTED_RUN_REQUEST_FIELDS = ()

INTERRUPTED_RUN_REPLY_RUN_ID = const(1)
INTERRUPTED_RUN_REPLY_STEP = const(2)
INTERRUPTED_RUN_REPLY_DWELL_MS = const(3)
INTERRUPTED_RUN_REPLY_PRESSURE_KPA = const(4)
INTERRUPTED_RUN_REPLY_TICK = const(5)
INTERRUPTED_RUN_REPLY_START_TICK = const(6)
INTERRUPTED_RUN_REPLY_FAULT = const(7)
INTERRUPTED_RUN_REPLY_RESET_CAUSE = const(8)
INTERRUPTED_RUN_REPLY_INPUTS = const(9)
INTERRUPTED_RUN_REPLY_FIELDS = (
    (1, T_BYTES, 8, 8, True),  # run-id
    (2, T_INT, 0, 255, True),  # step
    (3, T_INT, 0, 1000000000, True),  # dwell-ms
    (4, T_INT, -2000000, 2000000, True),  # pressure-kpa
    (5, T_INT, 0, 4294967295, True),  # tick
    (6, T_INT, 0, 4294967295, True),  # start-tick
    (7, T_INT, 0, 26, True),  # fault
    (8, T_INT, 1, 5, True),  # reset-cause
    (9, T_INT, 0, 255, True),  # inputs
)

JOURNAL_READ_REQUEST_BACK = const(1)
JOURNAL_READ_REQUEST_FIELDS = (
    (1, T_INT, 0, 4294967295, True),  # back
)

JOURNAL_READ_REPLY_RECORDS = const(1)
JOURNAL_READ_REPLY_FIELDS = (
    (1, T_BYTES, 0, 480, True),  # records
)

VALVE_TEST_REQUEST_PUMP = const(1)
VALVE_TEST_REQUEST_PUMP_MS = const(2)
VALVE_TEST_REQUEST_RELEASE = const(3)
VALVE_TEST_REQUEST_DURATION_MS = const(4)
VALVE_TEST_REQUEST_RISE_KPA = const(5)
VALVE_TEST_REQUEST_FIELDS = (
    (1, T_INT, 0, 32767, True),  # pump
    (2, T_INT, 0, 2000, True),  # pump-ms
    (3, T_INT, 0, 32767, True),  # release
    (4, T_INT, 10, 30000, True),  # duration-ms
    (5, T_INT, 0, 2000000, True),  # rise-kpa
)

VALVE_TEST_REPLY_TICK = const(1)
VALVE_TEST_REPLY_FIELDS = (
    (1, T_INT, 0, 4294967295, True),  # tick
)

PROFILE_NAME = const(1)
PROFILE_RAM_AREA_MM2 = const(2)
PROFILE_FULL_SCALE_OIL_KPA = const(3)
PROFILE_RAW_ZERO = const(4)
PROFILE_RAW_FULL = const(5)
PROFILE_RAW_FAULT_LOW = const(6)
PROFILE_RAW_FAULT_HIGH = const(7)
PROFILE_ACCURACY_PPM = const(8)
PROFILE_MAX_OIL_KPA = const(9)
PROFILE_DIES_UM = const(10)
PROFILE_PUMP_DEAD_BAND = const(11)
PROFILE_RELEASE_DEAD_BAND = const(12)
PROFILE_PUMP_FLOW_UL_S = const(13)
PROFILE_RELEASE_FLOW_UL_S = const(14)
PROFILE_COMPLIANCE_NL_MPA = const(15)
PROFILE_APPROACH_OPENING = const(16)
PROFILE_CONTACT_OIL_KPA = const(17)
PROFILE_APPROACH_TIMEOUT_MS = const(18)
PROFILE_NO_GAIN_WINDOW_MS = const(19)
PROFILE_KP = const(20)
PROFILE_KI = const(21)
PROFILE_KD = const(22)
PROFILE_FILTER_SHIFT = const(23)
PROFILE_COMPLIANCE_CURVE = const(24)
PROFILE_VALVE_DITHER = const(25)
PROFILE_VALVE_LAG_MS = const(26)
PROFILE_LEAK_NL_MIN = const(27)
PROFILE_LEAK_UNCERTAINTY_NL_MIN = const(28)
PROFILE_RAW_ZERO_FRACTION = const(29)
PROFILE_RAM_AREA_UNCERTAINTY_PPM = const(40)
PROFILE_DIE_UNCERTAINTY_UM = const(41)
PROFILE_REPEATABILITY_PPM = const(42)
PROFILE_TUNING_RESIDUAL_PPM = const(43)
PROFILE_SECOND_FULL_SCALE_OIL_KPA = const(44)
PROFILE_SECOND_RAW_ZERO = const(45)
PROFILE_SECOND_RAW_FULL = const(46)
PROFILE_SECOND_RAW_FAULT_LOW = const(47)
PROFILE_SECOND_RAW_FAULT_HIGH = const(48)
PROFILE_SECOND_ACCURACY_PPM = const(49)
PROFILE_CHANNEL_LAG_MS = const(50)
PROFILE_CHANNEL_FRICTION_PPM = const(51)
PROFILE_CHANNEL_NOISE_PPM = const(52)
PROFILE_SINGLE_CHANNEL_OIL_KPA = const(53)
PROFILE_DIE_LOADS_N = const(54)
PROFILE_RETURN_OIL_KPA = const(60)
PROFILE_FRICTION_PPM = const(61)
PROFILE_FRICTION_N = const(62)
PROFILE_ZERO_DRIFT_PPM = const(63)
PROFILE_LOAD_CELL_CAPACITY_N = const(70)
PROFILE_LOAD_CELL_ERROR_PPM = const(71)
PROFILE_LOAD_CELL_ZERO = const(72)
PROFILE_LOAD_CELL_FULL = const(73)
PROFILE_LOAD_CELL_LAG_MS = const(74)
PROFILE_FRICTION_UNCERTAINTY_PPM = const(75)
PROFILE_APPROACH_UM = const(76)
PROFILE_STROKE_UM = const(77)
PROFILE_HOLD_TO_RUN = const(78)
PROFILE_PARTS = const(80)
PROFILE_CALIBRATION_RESULT = const(90)
PROFILE_CALIBRATION_DAY = const(91)
PROFILE_CALIBRATION_DUE_DAY = const(92)
PROFILE_CALIBRATION_ERROR_PPM = const(93)
PROFILE_CALIBRATION_UNCERTAINTY_PPM = const(94)
PROFILE_CALIBRATION_UNCERTAINTY_N = const(95)
PROFILE_CALIBRATION_REFERENCE = const(96)
PROFILE_CALIBRATION_UP_TO_N = const(97)
PROFILE_LID_SWITCH = const(100)
PROFILE_COMMISSIONED_DAY = const(110)
PROFILE_FIELDS = (
    (1, T_TEXT, 1, 40, True),  # name
    (2, T_INT, 50, 100000, True),  # ram-area-mm2
    (3, T_INT, 1000, 600000, True),  # full-scale-oil-kpa
    (4, T_INT, 0, 65535, True),  # raw-zero
    (5, T_INT, 0, 65535, True),  # raw-full
    (6, T_INT, 0, 65535, True),  # raw-fault-low
    (7, T_INT, 0, 65535, True),  # raw-fault-high
    (8, T_INT, 1, 20000, True),  # accuracy-ppm
    (9, T_INT, 100, 600000, True),  # max-oil-kpa
    (10, T_INTS, 1, 16, True, 1000, 100000),  # dies-um
    (11, T_INT, 0, 32767, True),  # pump-dead-band
    (12, T_INT, 0, 32767, True),  # release-dead-band
    (13, T_INT, 1, 1000000, True),  # pump-flow-ul-s
    (14, T_INT, 1, 10000000, True),  # release-flow-ul-s
    (15, T_INT, 1, 10000000, True),  # compliance-nl-mpa
    (16, T_INT, 0, 32767, True),  # approach-opening
    (17, T_INT, 1, 20000, True),  # contact-oil-kpa
    (18, T_INT, 100, 600000, True),  # approach-timeout-ms
    (19, T_INT, 100, 60000, True),  # no-gain-window-ms
    (20, T_INT, 0, 8191, True),  # kp
    (21, T_INT, 0, 16383, True),  # ki
    (22, T_INT, 0, 4095, True),  # kd
    (23, T_INT, 0, 8, True),  # filter-shift
    (24, T_INTS, 8, 8, False, 1, 10000000),  # compliance-curve
    (25, T_INT, 0, 3276, False),  # valve-dither
    (26, T_INT, 0, 200, False),  # valve-lag-ms
    (27, T_INT, 0, 100000000, False),  # leak-nl-min
    (28, T_INT, 0, 100000000, False),  # leak-uncertainty-nl-min
    (29, T_INT, 0, 255, False),  # raw-zero-fraction
    (40, T_INT, 0, 100000, False),  # ram-area-uncertainty-ppm
    (41, T_INT, 0, 10000, False),  # die-uncertainty-um
    (42, T_INT, 0, 100000, False),  # repeatability-ppm
    (43, T_INT, 0, 1000000, False),  # tuning-residual-ppm
    (44, T_INT, 1000, 600000, False),  # second-full-scale-oil-kpa
    (45, T_INT, 0, 65535, False),  # second-raw-zero
    (46, T_INT, 0, 65535, False),  # second-raw-full
    (47, T_INT, 0, 65535, False),  # second-raw-fault-low
    (48, T_INT, 0, 65535, False),  # second-raw-fault-high
    (49, T_INT, 1, 50000, False),  # second-accuracy-ppm
    (50, T_INT, 0, 100, False),  # channel-lag-ms
    (51, T_INT, 0, 100000, False),  # channel-friction-ppm
    (52, T_INT, 0, 10000, False),  # channel-noise-ppm
    (53, T_INT, 200, 600000, False),  # single-channel-oil-kpa
    (54, T_INTS, 1, 16, False, 0, 10000000),  # die-loads-n
    (60, T_INT, 0, 20000, False),  # return-oil-kpa
    (61, T_INT, 0, 500000, False),  # friction-ppm
    (62, T_INT, 0, 100000, False),  # friction-n
    (63, T_INT, 0, 100000, False),  # zero-drift-ppm
    (70, T_INT, 1, 10000000, False),  # load-cell-capacity-n
    (71, T_INT, 1, 100000, False),  # load-cell-error-ppm
    (72, T_INT, -16000000, 16000000, False),  # load-cell-zero
    (73, T_INT, -16000000, 16000000, False),  # load-cell-full
    (74, T_INT, 0, 300, False),  # load-cell-lag-ms
    (75, T_INT, 0, 1000000, False),  # friction-uncertainty-ppm
    (76, T_INT, 100, 500000, False),  # approach-um
    (77, T_INT, 2000, 1000000, False),  # stroke-um
    (78, T_BOOL, 0, 1, False),  # hold-to-run
    (80, T_INT, 0, 4294967295, False),  # parts
    (90, T_INT, 0, 2, False),  # calibration-result
    (91, T_INT, 0, 65535, False),  # calibration-day
    (92, T_INT, 0, 65535, False),  # calibration-due-day
    (93, T_INT, 0, 1000000, False),  # calibration-error-ppm
    (94, T_INT, 0, 1000000, False),  # calibration-uncertainty-ppm
    (95, T_INT, 0, 10000000, False),  # calibration-uncertainty-n
    (96, T_TEXT, 1, 23, False),  # calibration-reference
    (97, T_INT, 1, 100000000, False),  # calibration-up-to-n
    (100, T_BOOL, 0, 1, False),  # lid-switch
    (110, T_INT, 0, 65535, False),  # commissioned-day
)

PROFILE_READ_REQUEST_FIELDS = ()

PROFILE_WRITE_REPLY_CRC = const(1)
PROFILE_WRITE_REPLY_FIELDS = (
    (1, T_INT, 0, 4294967295, True),  # crc
)

PROFILE_READ_REPLY_FIELDS = PROFILE_FIELDS

PROFILE_WRITE_REQUEST_FIELDS = PROFILE_FIELDS

# Fields of each command's request and reply.
COMMANDS = {
    CMD_HELLO: (HELLO_REQUEST_FIELDS, HELLO_REPLY_FIELDS),
    CMD_STATUS: (STATUS_REQUEST_FIELDS, STATUS_REPLY_FIELDS),
    CMD_ECHO: (ECHO_REQUEST_FIELDS, ECHO_REPLY_FIELDS),
    CMD_STREAM: (STREAM_REQUEST_FIELDS, STREAM_REPLY_FIELDS),
    CMD_BACKFILL: (BACKFILL_REQUEST_FIELDS, BACKFILL_REPLY_FIELDS),
    CMD_PLAN_BEGIN: (PLAN_BEGIN_REQUEST_FIELDS, PLAN_BEGIN_REPLY_FIELDS),
    CMD_PLAN_STEP: (PLAN_STEP_REQUEST_FIELDS, PLAN_STEP_REPLY_FIELDS),
    CMD_PLAN_COMMIT: (PLAN_COMMIT_REQUEST_FIELDS, PLAN_COMMIT_REPLY_FIELDS),
    CMD_START: (START_REQUEST_FIELDS, START_REPLY_FIELDS),
    CMD_PAUSE: (PAUSE_REQUEST_FIELDS, PAUSE_REPLY_FIELDS),
    CMD_RESUME: (RESUME_REQUEST_FIELDS, RESUME_REPLY_FIELDS),
    CMD_ABORT: (ABORT_REQUEST_FIELDS, ABORT_REPLY_FIELDS),
    CMD_CONFIRM: (CONFIRM_REQUEST_FIELDS, CONFIRM_REPLY_FIELDS),
    CMD_ADVANCE: (ADVANCE_REQUEST_FIELDS, ADVANCE_REPLY_FIELDS),
    CMD_CLEAR: (CLEAR_REQUEST_FIELDS, CLEAR_REPLY_FIELDS),
    CMD_PROFILE_READ: (PROFILE_READ_REQUEST_FIELDS, PROFILE_READ_REPLY_FIELDS),
    CMD_PROFILE_WRITE: (PROFILE_WRITE_REQUEST_FIELDS, PROFILE_WRITE_REPLY_FIELDS),
    CMD_STEP_RESULT: (STEP_RESULT_REQUEST_FIELDS, STEP_RESULT_REPLY_FIELDS),
    CMD_INTERRUPTED_RUN: (INTERRUPTED_RUN_REQUEST_FIELDS, INTERRUPTED_RUN_REPLY_FIELDS),
    CMD_JOURNAL_READ: (JOURNAL_READ_REQUEST_FIELDS, JOURNAL_READ_REPLY_FIELDS),
    CMD_DUMP: (DUMP_REQUEST_FIELDS, DUMP_REPLY_FIELDS),
    CMD_VALVE_TEST: (VALVE_TEST_REQUEST_FIELDS, VALVE_TEST_REPLY_FIELDS),
}

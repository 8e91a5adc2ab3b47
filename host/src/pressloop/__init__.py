"""Programme a hydraulic lab press.

    from pressloop import Press, confirm_all

    with Press.open("emulated") as press:
        result = press.run("examples/sodium_three_step.yaml", out="runs/first",
                           on_prompt=confirm_all)
        print(result.end_reason)

The public names are imported when they are first used, so `import pressloop` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from pressloop._version import __version__

if TYPE_CHECKING:
    from pressloop.emulator.description import PressDescription
    from pressloop.emulator.process import EmulatedBoard
    from pressloop.errors import (
        AmbiguousPortError,
        BadInputError,
        BoardTimeoutError,
        CommandRefusedError,
        EmulatorError,
        LinkClosedError,
        NoBoardError,
        PortBusyError,
        PressloopError,
        RecordError,
        RunFailedError,
        VersionMismatchError,
    )
    from pressloop.evaluation import RunRecord, Verification, verify
    from pressloop.machine.profile import MachineProfile
    from pressloop.plotting import RunPlot
    from pressloop.press import Press
    from pressloop.protocol import (
        Hold,
        HostLoss,
        Pid,
        Prompt,
        Protocol,
        Ramp,
        Release,
        Repeat,
        Stage,
        Until,
    )
    from pressloop.protocol.loading import load_protocol
    from pressloop.record import ThinningRules
    from pressloop.run.prompts import OpenPrompt, confirm_all
    from pressloop.run.result import RunResult
    from pressloop.run.run import Run
    from pressloop.run.terminal import ask_on_terminal
    from pressloop.sample import Sample, load_sample
    from pressloop.session.status import PressStatus
    from pressloop.session.telemetry import TelemetryBatch, TelemetryRecord
    from pressloop.transport.discovery import FoundPort, list_boards
    from pressloop.wire.schema import EndReason, Fault, FlagBits, InputBits, State

_HOMES: Final = {
    "AmbiguousPortError": "errors",
    "BadInputError": "errors",
    "BoardTimeoutError": "errors",
    "CommandRefusedError": "errors",
    "EmulatedBoard": "emulator.process",
    "EmulatorError": "errors",
    "EndReason": "wire.schema",
    "Fault": "wire.schema",
    "FlagBits": "wire.schema",
    "FoundPort": "transport.discovery",
    "Hold": "protocol",
    "HostLoss": "protocol",
    "InputBits": "wire.schema",
    "LinkClosedError": "errors",
    "MachineProfile": "machine.profile",
    "NoBoardError": "errors",
    "OpenPrompt": "run.prompts",
    "Pid": "protocol",
    "PortBusyError": "errors",
    "Press": "press",
    "PressDescription": "emulator.description",
    "PressStatus": "session.status",
    "PressloopError": "errors",
    "Prompt": "protocol",
    "Protocol": "protocol",
    "Ramp": "protocol",
    "RecordError": "errors",
    "Release": "protocol",
    "Repeat": "protocol",
    "Run": "run.run",
    "RunFailedError": "errors",
    "RunPlot": "plotting",
    "RunRecord": "evaluation",
    "RunResult": "run.result",
    "Sample": "sample",
    "Stage": "protocol",
    "State": "wire.schema",
    "TelemetryBatch": "session.telemetry",
    "TelemetryRecord": "session.telemetry",
    "ThinningRules": "record",
    "Until": "protocol",
    "Verification": "evaluation",
    "VersionMismatchError": "errors",
    "ask_on_terminal": "run.terminal",
    "confirm_all": "run.prompts",
    "list_boards": "transport.discovery",
    "load_protocol": "protocol.loading",
    "load_sample": "sample",
    "verify": "evaluation",
}

__all__ = [
    "AmbiguousPortError",
    "BadInputError",
    "BoardTimeoutError",
    "CommandRefusedError",
    "EmulatedBoard",
    "EmulatorError",
    "EndReason",
    "Fault",
    "FlagBits",
    "FoundPort",
    "Hold",
    "HostLoss",
    "InputBits",
    "LinkClosedError",
    "MachineProfile",
    "NoBoardError",
    "OpenPrompt",
    "Pid",
    "PortBusyError",
    "Press",
    "PressDescription",
    "PressStatus",
    "PressloopError",
    "Prompt",
    "Protocol",
    "Ramp",
    "RecordError",
    "Release",
    "Repeat",
    "Run",
    "RunFailedError",
    "RunPlot",
    "RunRecord",
    "RunResult",
    "Sample",
    "Stage",
    "State",
    "TelemetryBatch",
    "TelemetryRecord",
    "ThinningRules",
    "Until",
    "Verification",
    "VersionMismatchError",
    "__version__",
    "ask_on_terminal",
    "confirm_all",
    "list_boards",
    "load_protocol",
    "load_sample",
    "verify",
]


def __getattr__(name: str) -> object:
    """Import a public name on first use."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    """Offer the public names for completion."""
    return sorted(__all__)

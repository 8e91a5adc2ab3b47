"""Proves the sensors beside the pressure at rest: oil temperature, displacement, load cell.

A reading that is plausible may come from another wire. So the person pulls the plug of the sensor
on the third analogue input, and presses on the load cell: the reading has to follow.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pressloop.commissioning.bench import CommissioningBench
from pressloop.commissioning.operator import Action
from pressloop.commissioning.readings import BOARDS_ZERO_BAND
from pressloop.commissioning.step import StepFailedError, StepSkippedError
from pressloop.hardware.thermistor import celsius
from pressloop.wire.schema import CapabilityBits, StatusReply

_THERMISTOR_S: Final = 0.5
"""The board reads the thermistor five times a second: the first reading may be older than that."""
_READINGS: Final = 5
_EVERY_S: Final = 0.2
_LOWEST_C: Final = 0.0
_HIGHEST_C: Final = 60.0
"""Oil of a press at rest in a room is between these."""
_HAND_N: Final = 30.0
"""Less than a person's hand presses with."""
_SIGMAS: Final = 5.0


@dataclass(frozen=True)
class _AuxiliarySensor:
    """A sensor on the third analogue input.

    Attributes:
        name: How the codes of its failures begin.
        title: What it is called in a text.
        unit: Unit of its readings.
        max_span: A reading that wanders further while nothing moves is not the sensor's.
        check: What to look at beside its wire if it gives no reading.
    """

    name: str
    title: str
    unit: str
    max_span: float
    check: str


_THERMISTOR: Final = _AuxiliarySensor(
    "oil-temperature", "thermistor", "K", 2.0, "its resistor of 10 kOhm to +3.3 V"
)
_DISPLACEMENT_SENSOR: Final = _AuxiliarySensor(
    "displacement",
    "displacement sensor",
    "mm",
    0.5,
    "its supply, and that it is not below the begin of its range",
)


def prove_oil_temperature(bench: CommissioningBench) -> dict[str, float | str]:
    """Judge the oil's temperature at rest, and that it comes from the thermistor.

    Raises:
        StepSkippedError: The press has no thermistor.
        StepFailedError: `oil-temperature-missing`, `oil-temperature-implausible`,
            `oil-temperature-floats`, `oil-temperature-not-connected` or
            `oil-temperature-not-back`.
    """
    if bench.profile.auxiliary_sensor != "oil-temperature":
        raise StepSkippedError("the press file says that there is no thermistor")
    with bench.watching():
        bench.pass_time(_THERMISTOR_S)
        mean = _mean_at_rest(_THERMISTOR, [_oil_c(reply) for reply in _replies(bench)])
        if not _LOWEST_C <= mean <= _HIGHEST_C:
            raise StepFailedError(
                "oil-temperature-implausible",
                f"the oil of a press at rest reads {mean:.0f} C, and {_LOWEST_C:g} to "
                f"{_HIGHEST_C:g} C is plausible",
                "measure the thermistor: 10 kOhm at 25 C, B 3950 K. Measure the resistor of "
                "10 kOhm to +3.3 V, too",
            )
        bench.operator.show(f"The oil has {mean:.1f} C: compare it with a thermometer.")

        def wait(reads: bool) -> bool:
            return bench.wait_status(
                lambda reply: (_oil_c(reply) is not None) == reads, bench.wait_s
            )

        _prove_plug(bench, _THERMISTOR, wait)
    return {"oil_c": round(mean, 1)}


def prove_displacement(bench: CommissioningBench) -> dict[str, float | str]:
    """Judge the displacement at rest, and that it comes from its sensor.

    Which way it counts, the step `dry-strokes` shows.

    Raises:
        StepSkippedError: The press has no displacement sensor.
        StepFailedError: `displacement-missing`, `displacement-floats`,
            `displacement-not-connected` or `displacement-not-back`.
    """
    fitted = CapabilityBits.DISPLACEMENT in bench.press.hello.capabilities
    if not fitted and bench.profile.auxiliary_sensor != "displacement":
        raise StepSkippedError("the press file says that there is no displacement sensor")
    with bench.watching():
        mean = _mean_at_rest(
            _DISPLACEMENT_SENSOR, [record.displacement_mm for record in bench.stretch(1.0)]
        )

        def wait(reads: bool) -> bool:
            return bench.wait(
                lambda record: (record.displacement_mm is not None) == reads, bench.wait_s
            )

        _prove_plug(bench, _DISPLACEMENT_SENSOR, wait)
    return {"platens_mm": round(mean, 3)}


def prove_load_cell_at_rest(bench: CommissioningBench) -> dict[str, float | str]:
    """Judge the load cell without load, and that it rises under a hand.

    Raises:
        StepSkippedError: The press has no load cell.
        StepFailedError: `load-cell-missing`, `load-cell-zero-off`, `load-cell-still`,
            `load-cell-inverted` or `load-cell-not-back`.
    """
    profile = bench.profile
    capacity_kn = profile.load_cell_capacity_kn
    if capacity_kn is None:
        raise StepSkippedError("the press file says that there is no load cell")
    with bench.watching():
        before = _forces_n(bench)
        mean = statistics.fmean(before)
        most_n = BOARDS_ZERO_BAND * 10 * (profile.load_cell_error_percent or 0.0) * capacity_kn
        if abs(mean) > most_n:
            raise StepFailedError(
                "load-cell-zero-off",
                f"without load the cell reads {mean:+.0f} N, and up to {most_n:.0f} N is plausible",
                "take everything off the cell. If it still reads so, correct "
                "measured.load_cell_zero in the press file",
            )
        least_n = max(_HAND_N, _SIGMAS * statistics.pstdev(before) / math.sqrt(_READINGS))
        bench.operate(
            Action("load-cell", True, "Press on the load cell with your hand, and keep pressing.")
        )
        pressed = bench.wait_status(
            lambda reply: abs(_force_n(bench, reply) - mean) > least_n, bench.wait_s
        )
        change = statistics.fmean(_forces_n(bench)) - mean
        bench.operate(Action("load-cell", False, "Let it go."))
        back = bench.wait_status(
            lambda reply: abs(_force_n(bench, reply) - mean) < least_n, bench.wait_s
        )
    if not pressed or abs(change) < least_n:
        raise StepFailedError(
            "load-cell-still",
            f"the cell was pressed, and its reading changed by {change:+.0f} N",
            "check the wires of the load cell on E+, E-, S+ and S-, and that the hand pressed on "
            "the cell itself: a converter with another wire is at its limit and does not change",
        )
    if change < 0:
        raise StepFailedError(
            "load-cell-inverted",
            f"the cell was pressed, and its reading fell by {-change:.0f} N",
            "exchange the wires of the load cell on S+ and S-",
        )
    if not back:
        raise StepFailedError(
            "load-cell-not-back",
            "the hand let the cell go, and its reading did not come back",
            "look at what the cell stands on and what stands on it; then repeat this step",
        )
    return {"without_load_n": round(mean, 1), "by_hand_n": round(change)}


def _mean_at_rest(sensor: _AuxiliarySensor, readings: list[float | None]) -> float:
    """Return the mean of what a sensor reads while nothing moves.

    Raises:
        StepFailedError: `NAME-missing` or `NAME-floats`.
    """
    title = sensor.title
    present = [reading for reading in readings if reading is not None]
    if len(present) < len(readings):
        raise StepFailedError(
            f"{sensor.name}-missing",
            f"the {title} gives no reading",
            f"check the wire of the {title} on the terminal AUX for a break and for a short "
            f"circuit, and {sensor.check}. If the press file was given to the board just now, "
            "switch the board off and on: it looks for the sensor when it starts",
        )
    span = max(present) - min(present)
    if span > sensor.max_span:
        raise StepFailedError(
            f"{sensor.name}-floats",
            f"the reading of the {title} wanders by {span:.2g} {sensor.unit} while nothing moves",
            f"check the wire of the {title} from end to end, what supplies it, and its shield",
        )
    return statistics.fmean(present)


def _prove_plug(
    bench: CommissioningBench, sensor: _AuxiliarySensor, wait: Callable[[bool], bool]
) -> None:
    """Let the person pull the plug of a sensor and plug it in; its reading has to follow.

    `wait` waits until the sensor reads, or until it does not, and returns whether it came to that.

    Raises:
        StepFailedError: `NAME-not-connected` or `NAME-not-back`.
    """
    title = sensor.title
    bench.operate(Action("auxiliary", True, f"Pull the plug of the {title}."))
    gone = wait(False)
    bench.operate(Action("auxiliary", False, "Plug it in again."))
    back = wait(True)
    if not gone:
        raise StepFailedError(
            f"{sensor.name}-not-connected",
            f"the plug of the {title} was pulled, and the reading stayed",
            f"something else is on the terminal AUX: put the wire of the {title} there",
        )
    if not back:
        raise StepFailedError(
            f"{sensor.name}-not-back",
            f"the {title} was plugged in again, and its reading did not come back",
            "check the plug and its wire; then repeat this step",
        )


def _replies(bench: CommissioningBench) -> list[StatusReply]:
    """Return a second of the board's status."""
    replies = []
    for _ in range(_READINGS):
        replies.append(bench.press.session.status())
        bench.pass_time(_EVERY_S)
    return replies


def _oil_c(reply: StatusReply) -> float | None:
    return None if reply.oil_temperature_raw is None else celsius(reply.oil_temperature_raw)


def _forces_n(bench: CommissioningBench) -> list[float]:
    return [_force_n(bench, reply) for reply in _replies(bench)]


def _force_n(bench: CommissioningBench, reply: StatusReply) -> float:
    """Return the force on the load cell, N.

    Raises:
        StepFailedError: `load-cell-missing`.
    """
    if reply.load_cell_kpa is None:
        raise StepFailedError(
            "load-cell-missing",
            "the board gives no reading of the load cell",
            "check its converter, its bus and its supply; then switch the controller off and on",
        )
    # At rest the board reckons with the smallest die.
    area_mm2 = math.pi / 4 * min(bench.profile.dies_mm) ** 2
    return reply.load_cell_kpa / 1000 * area_mm2

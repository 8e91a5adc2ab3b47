"""Proves the readings at rest: zero, noise, shunt and converter of each pressure channel."""

from __future__ import annotations

from typing import Final

from pressloop.commissioning.bench import CommissioningBench
from pressloop.commissioning.operator import Action
from pressloop.commissioning.step import StepFailedError, StepSkippedError

_READ_S: Final = 2.0
_MAX_NOISE_PERCENT: Final = 0.2
"""Noise above it is no transducer's: tuning takes 0.1 %, with a reserve of two."""
_MAX_ZERO_PERCENT: Final = 1.0
"""A sound transducer is not further from its zero than this, whatever its accuracy."""
BOARDS_ZERO_BAND: Final = 3
"""Accuracies below zero up to which the board accepts a reading at rest."""
_SHUNT_OHM: Final = 150.0


def prove_first_channel(bench: CommissioningBench) -> dict[str, float | str]:
    """Judge converter, level and noise of the first transducer at rest.

    Raises:
        StepFailedError: `converter-missing`, `signal-missing`, `signal-shorted`, `wrong-shunt`,
            `input-floats` or `zero-off`.
    """
    _require_converter(bench)
    profile = bench.profile
    with bench.watching():
        reading = bench.reading(_READ_S)
    span = profile.raw_full - profile.raw_zero
    seated = profile.raw_zero - _return_counts(bench)
    off_percent = 100 * (reading.mean - seated) / span
    noise_percent = 100 * reading.sigma / span
    measured: dict[str, float | str] = {
        "reading_counts": round(reading.mean),
        "zero_off_percent": round(off_percent, 3),
        "noise_percent": round(noise_percent, 4) or "below a count, 0",
    }
    if noise_percent > _MAX_NOISE_PERCENT:
        raise StepFailedError(
            "input-floats",
            f"the reading wanders by {reading.span} counts, one sigma is {noise_percent:.2g} % of "
            f"full scale: nothing drives the input",
            "check the signal wire of the transducer from end to end, its supply and its shield",
        )
    shunt = _SHUNT_OHM * reading.mean / seated
    implied = (
        f"if the press is without pressure and the transducer gives 4 mA, the shunt has "
        f"{shunt:.3g} ohm instead of {_SHUNT_OHM:g}"
    )
    if reading.mean < seated / 10:
        raise StepFailedError(
            "signal-missing",
            f"the reading is {reading.mean:.0f} counts, and {seated:.0f} belong to no pressure: "
            "there is no signal on the terminal of the first transducer",
            "check wire and supply of the transducer, and that it is on the terminal of its name",
        )
    if reading.mean < profile.raw_fault_low:
        raise StepFailedError(
            "wrong-shunt",
            f"the reading is {reading.mean:.0f} counts, below a live zero; {implied}",
            "measure the shunt with the supply off, and fit the right one; or the transducer is "
            "broken",
        )
    if reading.mean > profile.raw_fault_high:
        raise StepFailedError(
            "signal-shorted",
            f"the reading is {reading.mean:.0f} counts, above the range of the transducer",
            "check the wire of the transducer for a short circuit, and measure the shunt",
        )
    above = max(_MAX_ZERO_PERCENT, profile.accuracy_percent)
    # Further below zero than this the board starts no run.
    below = min(above, BOARDS_ZERO_BAND * profile.accuracy_percent)
    if not -below <= off_percent <= above:
        raise StepFailedError(
            "zero-off",
            f"without pressure the reading is off by {off_percent:+.2g} % of full scale, and "
            f"-{below:g} to +{above:g} % is plausible; {implied}",
            "look at the gauge: it must say no pressure. Then compare range and signal of the "
            "transducer with the press file, and measure the shunt; if there are two transducers, "
            "they may be exchanged",
        )
    return measured


def prove_second_channel(bench: CommissioningBench) -> dict[str, float | str]:
    """Judge the second transducer at rest against the first one, and that they are not exchanged.

    Raises:
        StepSkippedError: The press has one channel.
        StepFailedError: `second-missing`, `channels-disagree`, `transducers-swapped` or
            `transducer-not-back`.
    """
    profile = bench.profile
    if profile.second_full_scale_bar is None:
        raise StepSkippedError("the press file says that there is no second transducer")
    with bench.watching():
        bench.require_no_fault()
        bench.pass_time(1.0)
        status = bench.press.session.status()
    if status.second_kpa is None:
        raise StepFailedError(
            "second-missing",
            "the press file describes a second transducer, and the board has no place for one",
            "flash a firmware whose wiring has the second transducer, or correct the press file",
        )
    oil_kpa = 1000 / profile.lever(min(profile.dies_mm))
    difference_bar = abs(status.second_kpa - status.pressure_kpa) / 1000 * oil_kpa / 100
    allowed_bar = (
        profile.full_scale_bar * max(profile.accuracy_percent, _MAX_ZERO_PERCENT)
        + profile.second_full_scale_bar
        * max(profile.second_accuracy_percent or 0.0, _MAX_ZERO_PERCENT)
    ) / 100
    if difference_bar > allowed_bar:
        raise StepFailedError(
            "channels-disagree",
            f"without pressure both channels differ by {difference_bar:.3g} bar of oil, and "
            f"{allowed_bar:.3g} bar is plausible",
            "compare range and signal of both transducers with the press file, and measure the "
            "shunt of the second one",
        )
    _require_own_terminals(bench)
    return {"difference_bar": round(difference_bar, 3)}


def _require_own_terminals(bench: CommissioningBench) -> None:
    """Let the person pull the plug of the first transducer: its reading must go, and come back.

    Two transducers of one range read the same at rest and under pressure. Exchanged, the less
    accurate one would be taken for the one that every pressure is computed from.
    """
    with bench.watching():
        bench.operate(
            Action(
                "first-transducer", True, "Pull the plug of the first transducer, the exact one."
            )
        )
        gone = bench.wait(bench.reads_nothing, bench.wait_s)
        bench.operate(Action("first-transducer", False, "Plug it in again."))
        back = bench.wait(lambda record: not bench.reads_nothing(record), bench.wait_s)
        bench.pass_time(0.5)
        bench.try_to_clear()
    if not gone:
        raise StepFailedError(
            "transducers-swapped",
            "the plug of the first transducer was pulled, and the first reading stayed",
            "exchange the wires of both transducers",
        )
    if not back:
        raise StepFailedError(
            "transducer-not-back",
            "the first transducer was plugged in again, and its reading did not come back",
            "check the plug and its wire; then repeat this step",
        )


def _require_converter(bench: CommissioningBench) -> None:
    """Refuse a board that has another converter than the press file says."""
    has = bench.profile.converter
    if bench.converter is None or has is None or has == bench.converter:
        return
    raise StepFailedError(
        "converter-missing",
        f"the press file says transducer.converter: {bench.converter}, and the board found {has} "
        "when it was switched on: the converter does not answer on its bus",
        "check supply, SDA and SCL of the converter and its address; then switch the controller "
        "off and on",
    )


def _return_counts(bench: CommissioningBench) -> float:
    """Return by how many counts the reading of the seated ram is below that of the moving one."""
    profile = bench.profile
    span = profile.raw_full - profile.raw_zero
    return (profile.return_bar or 0.0) / profile.full_scale_bar * span

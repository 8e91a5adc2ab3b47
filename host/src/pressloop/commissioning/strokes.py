"""Proves pump, release and transducer with the ram free: small pulses first, then dry strokes.

The first pulses are smaller than what oil and hoses swallow before the ram moves. Pulse by pulse
more oil is let in, until the reading answers; all of them together move the ram by 0.3 mm at most.
"""

from __future__ import annotations

import math
from typing import Final

from pressloop.commissioning import vessel
from pressloop.commissioning.bench import CommissioningBench
from pressloop.commissioning.operator import YES, ChoiceQuestion, NumberQuestion, yes_no
from pressloop.commissioning.pulses import (
    READ_S,
    SURE,
    least_answer,
    pulse_of,
    require_response,
    rise_after_pulse,
)
from pressloop.commissioning.step import StepFailedError, StepSkippedError
from pressloop.machine.relief_valve import highest_relief_bar

_PULSE_MM: Final = 0.03
"""Travel of the ram that one pulse is worth."""
_MAX_TRAVEL_MM: Final = 0.3
"""Travel that all pulses together are worth."""
_STROKE_RISE_BAR: Final = 1000.0
"""No bound of its own: the board ends a stroke at contact."""
_STROKE_S: Final = 1.5

OUT: Final = "out"
IN: Final = "in"
STILL: Final = "still"


def ask_relief(bench: CommissioningBench) -> dict[str, float | str]:
    """Ask for the set pressure of the relief valve, and compare it with the limits.

    Raises:
        StepFailedError: `no-relief`, `relief-too-high` or `relief-too-low`.
    """
    profile = bench.profile
    where = "vessel" if profile.is_vessel else "cylinder"
    bar = bench.operator.ask_number(
        NumberQuestion(
            "relief-bar",
            f"Set pressure of the relief valve between pump and {where}, from its label or from "
            "the record of its setting; 0 if there is none",
            "bar",
        )
    )
    limit = profile.max_oil_bar
    if not math.isfinite(bar) or bar <= 0:
        raise StepFailedError(
            "no-relief",
            "there is no relief valve: nothing without software bounds the pressure",
            f"fit one between pump and {where}, set to {limit:g} bar or a little above",
        )
    highest_bar = highest_relief_bar(profile)
    if bar > highest_bar:
        raise StepFailedError(
            "relief-too-high",
            f"the relief valve opens at {bar:g} bar, and the press may have {limit:g} bar",
            f"set it to at most {highest_bar:.0f} bar, and to less if a hose, the "
            f"{where}{'' if profile.is_vessel else ' or a die'} stands less",
        )
    if bar <= profile.contact_bar:
        raise StepFailedError(
            "relief-too-low",
            f"the relief valve opens at {bar:g} bar: the press would not press",
            "read the setting again, in bar of oil",
        )
    highest = f"{bar:g} bar are {bar / 10:.4g} MPa in the vessel"
    if not profile.is_vessel:
        most = bar / 10 * profile.lever(min(profile.dies_mm))
        highest = f"{bar:g} bar of oil are {most:.4g} MPa on the smallest die"
    bench.operator.show(
        f"{highest}. Whether the valve opens there, only a test against a gauge shows: prove it "
        "now and once a year."
    )
    return {"relief_bar": bar}


def prove_pulses(bench: CommissioningBench) -> dict[str, float | str]:
    """Let a little oil in, first with the release open, then with it shut; judge the reading.

    Raises:
        StepFailedError: `not-ready`, `release-inverted`, `no-response`, `response-inverted` or
            `no-release`; in a vessel also as `vessel.prove_water`.
    """
    if bench.profile.is_vessel:
        return vessel.prove_water(bench)
    question = yes_no(
        "motor-on",
        "The pump gets its oil back now: the ram may move by less than a millimetre. The die is "
        "out, the guard is shut, and no hand is near. Switch the pump motor on. Is it running?",
        "it runs",
        "leave it off",
    )
    if bench.operator.ask(question) != YES:
        raise StepFailedError("not-ready", "the pump motor is off", "repeat the step when it runs")
    pulse_s, pulse_ul = pulse_of(bench, _PULSE_MM * bench.profile.ram_area_cm2 * 100)
    most = max(1, int(_MAX_TRAVEL_MM / _PULSE_MM))
    with bench.watching():
        bench.require_no_fault()
        before = bench.reading(1.0)
        answer = least_answer(before)
        direct = rise_after_pulse(bench, before.mean, pulse_s, release=1.0)
        rise = 0.0
        pulses = 0
        # A release that is shut without current is named before more oil is let in.
        while abs(direct) <= answer and abs(rise) < SURE * answer and pulses < most:
            pulses += 1
            rise = rise_after_pulse(bench, before.mean, pulse_s, release=0.0)
        bench.end_test()
        bench.pass_time(1.5)
        left = bench.reading(READ_S).mean - before.mean
    volume = pulses * pulse_ul
    require_response(direct, rise, left, answer, pulse_ul, volume)
    return {"volume_ul": round(volume), "rise_bar": round(bench.bar(rise), 3)}


def prove_dry_strokes(bench: CommissioningBench) -> dict[str, float | str]:
    """Move the free ram out and let it go back; the person or the sensor sees it.

    Raises:
        StepSkippedError: An isostatic vessel has no ram.
        StepFailedError: `not-ready`, `ram-not-free`, `ram-still`, `ram-inverted` or
            `ram-not-back`.
    """
    if bench.profile.is_vessel:
        raise StepSkippedError("an isostatic vessel has no ram")
    question = yes_no(
        "stroke-ready",
        "The ram will come out by a few millimetres, and go back. Nothing is in its way, the guard "
        "is shut, and no hand is near. May it move?",
        "it may",
        "not now",
    )
    if bench.operator.ask(question) != YES:
        raise StepFailedError("not-ready", "the ram may not move", "repeat the step when it may")
    profile = bench.profile
    opening = profile.approach_opening_percent / 100
    with bench.watching():
        bench.require_no_fault()
        begin = bench.record()
        for _ in range(2):
            bench.test_valves(
                pump=opening,
                pump_s=_STROKE_S,
                release=0.0,
                duration_s=10.0,
                rise_bar=_STROKE_RISE_BAR,
            )
            bench.pass_time(_STROKE_S + 0.3)
        out = bench.record()
        shut = out.output == 0
        seen = _moved(bench)
        bench.end_test()
        bench.pass_time(2.0)
        returned = bench.operator.ask(
            yes_no(
                "ram-back",
                "The release valve is open. Is the ram back, or on its way?",
                "it is",
                "it stays",
            )
        )
    if not shut:
        raise StepFailedError(
            "ram-not-free",
            "the board ended the stroke: the reading says that the ram is in contact",
            "take out what is in the way of the ram, and look at the gauge",
        )
    if seen == STILL:
        raise StepFailedError(
            "ram-still",
            "the ram did not move",
            "check pump, oil level and lines; let the air out of the cylinder",
        )
    if seen == IN:
        raise StepFailedError(
            "ram-inverted",
            "the ram moved in when oil was let in",
            "exchange the lines of the cylinder",
        )
    if returned != YES:
        raise StepFailedError(
            "ram-not-back",
            "the ram did not go back",
            "check the return spring, the return line and the release valve",
        )
    measured: dict[str, float | str] = {"ram": seen}
    first, last = begin.displacement_mm, out.displacement_mm
    if first is not None and last is not None:
        measured["closed_by_mm"] = round(last - first, 3)
        if last <= first:
            raise StepFailedError(
                "displacement-inverted",
                f"the ram came out, and the displacement sensor says {last - first:+.3g} mm",
                "the sensor has to count up while the platens close: turn it round, or exchange "
                "its ends",
            )
    return measured


def _moved(bench: CommissioningBench) -> str:
    choices = (
        (OUT, "it came out"),
        (STILL, "it did not move"),
        (IN, "it went in"),
    )
    return bench.operator.ask(ChoiceQuestion("ram-moved", "What did the ram do?", choices))

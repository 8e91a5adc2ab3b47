"""Proves an isostatic vessel, which has no ram and no die: first water, leak, end of a release.

A pulse is measured by the pressure that it makes in a full vessel, not by the travel of a ram. Air
that was left in it shows as volume that makes no pressure, and the pressure switch at the lid is
proved by pressure, not by its plug alone.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from pressloop.commissioning.bench import CommissioningBench
from pressloop.commissioning.channel_difference import ChannelDifference
from pressloop.commissioning.operator import YES, NumberQuestion, yes_no
from pressloop.commissioning.pulses import (
    MAX_LEAK_UL_MIN,
    READ_S,
    least_answer,
    pulse_of,
    require_response,
    rise_after_pulse,
)
from pressloop.commissioning.runs import LIMIT_SHARE, SEALED_S, press_once
from pressloop.commissioning.step import StepFailedError
from pressloop.extras import DataFrame
from pressloop.protocol import Hold, Ramp, Release, Stage
from pressloop.protocol.model.protocol import NO_DIE
from pressloop.wire.schema import InputBits

WATER_MODULUS_MPA: Final = 2200.0
WATER_STIFFENING: Final = 6.5
"""Bulk modulus of water without pressure, and its rise with the pressure."""

_PULSE_MPA: Final = 0.2
"""Pressure that the first pulse makes in a full vessel."""
_CONTACT_SHARE: Final = 0.2
"""But not more than this share of the pressure at which the board ends the test."""
_MAX_PULSES: Final = 8
_LID_MPA: Final = 0.2
"""Pressure at which the switch at the lid has surely opened: twice its own."""
_ENOUGH_SHARE: Final = 0.6
"""Share of the pressure at which the board ends the test that is rise enough without a lid."""
_MAX_RELEASES: Final = 6
"""Waits of 2 s for the pressure to go: air pushes out much water at little pressure."""
_ATMOSPHERE_MPA: Final = 0.1
_MAX_AIR_SHARE: Final = 0.002
"""Air in the vessel, of its volume, above which it was not let out."""
_PARTS: Final = ((0.1, 4.0), (0.025, 10.0))
"""Parts of the release: from which share of the pressure on, and how many times slower."""
_LEAST_RESOLUTIONS: Final = 4
_TOO_FAST: Final = 2.0
_END_S: Final = 1.0


def prove_water(bench: CommissioningBench) -> dict[str, float | str]:
    """Let a little water into the full vessel, first with the release open, then with it shut.

    Raises:
        StepFailedError: `not-ready`, `release-inverted`, `no-response`, `response-inverted`,
            `no-release`, `vessel-air`, `lid-unnoticed` or `lid-stays`.
    """
    profile = bench.profile
    question = yes_no(
        "motor-on",
        "Fill the vessel with water, without a sample, and let the air out of it and of the line. "
        "Shut lid, manual release and guard. The pump gets its supply back now, and the vessel "
        f"less than {profile.contact_bar:g} bar. Switch the pump motor on. Is it running?",
        "it runs",
        "leave it off",
    )
    if bench.operator.ask(question) != YES:
        raise StepFailedError("not-ready", "the pump motor is off", "repeat the step when it runs")
    contact_mpa = profile.contact_bar / 10
    enough_mpa = min(_LID_MPA, _ENOUGH_SHARE * contact_mpa)
    wanted_ul = min(_PULSE_MPA, _CONTACT_SHARE * contact_mpa) * profile.compliance_ul_mpa
    pulse_s, pulse_ul = pulse_of(bench, wanted_ul)
    with bench.watching():
        bench.require_no_fault()
        before = bench.reading(1.0)
        answer = least_answer(before)
        direct = rise_after_pulse(bench, before.mean, pulse_s, release=1.0)
        rise = volume_ul = 0.0
        # A release that is shut without current is named before more water is let in.
        for _ in range(0 if abs(direct) > answer else _MAX_PULSES):
            pulse_s, added_ul = pulse_of(bench, wanted_ul)
            volume_ul += added_ul
            rise = rise_after_pulse(bench, before.mean, pulse_s, release=0.0)
            if rise <= -answer or bench.bar(rise) / 10 >= enough_mpa:
                break
            if rise < answer:
                # Air takes up the first pulses; the board ends the test at contact in any case.
                wanted_ul *= 2
        under_pressure = bench.inputs()
        bench.end_test()
        for _ in range(_MAX_RELEASES):
            bench.pass_time(1.5)
            left = bench.reading(READ_S).mean - before.mean
            at_rest = bench.inputs()
            if left <= answer and InputBits.VESSEL_PRESSURE not in at_rest:
                break
    require_response(direct, rise, left, answer, pulse_ul, volume_ul)
    rise_mpa = bench.bar(rise) / 10
    full_ul = rise_mpa * profile.compliance_ul_mpa
    air_ul = max(0.0, volume_ul - full_ul) * (_ATMOSPHERE_MPA + rise_mpa) / rise_mpa
    if air_ul > _MAX_AIR_SHARE * WATER_MODULUS_MPA * profile.compliance_ul_mpa:
        raise StepFailedError(
            "vessel-air",
            f"{volume_ul:.0f} uL of water raised the pressure by {10 * rise_mpa:.2g} bar, and a "
            f"full vessel takes {full_ul:.0f} uL for that: about {air_ul / 1000:.2g} mL of air are "
            "in it",
            "let the air out of vessel and line; if there is none, correct vessel.volume_ml and "
            "pump.flow_ml_s in the press file",
        )
    if profile.lid_switch and rise_mpa >= _LID_MPA:
        _require_lid(rise_mpa, under_pressure)
    if InputBits.VESSEL_PRESSURE in at_rest:
        raise _lid_stays("the release is open")
    return {
        "volume_ul": round(volume_ul),
        "rise_bar": round(10 * rise_mpa, 3),
        "air_ml": round(air_ul / 1000, 2),
    }


def prove_vessel_leak(bench: CommissioningBench) -> dict[str, float | str]:
    """Press the full vessel, shut both valves for 20 s, release it slowest at the end.

    Raises:
        StepFailedError: `over-limit`, `leak`, `lid-unnoticed`, `release-too-fast`, or the run did
            not complete.
    """
    bore_mm, limit_mpa = _full_vessel(bench)
    target = LIMIT_SHARE * limit_mpa
    limits = bench.profile.limits(round(bore_mm * 1000))
    rate = min(limits.fastest_rise_kpa_s, limits.fastest_fall_kpa_s) / 4000
    rate = min(rate, target / 5)
    parts = release_parts(target, rate, limits.resolution_kpa / 1000)
    channels = ChannelDifference(target)
    (first_mpa, first_rate), *slower = parts
    stages = [
        Stage(
            name="leak",
            ramp=Ramp(target=f"{target:.3f} MPa", rate=f"{rate:.3f} MPa/s"),
            hold=Hold(duration=f"{SEALED_S:g} s", tolerance="25 %", timeout="20 s", mode="sealed"),
            release=Release(target=f"{first_mpa:.3f} MPa", rate=f"{first_rate:.3f} MPa/s"),
        )
    ]
    for number, (mpa, slow) in enumerate(slower, 2):
        stages.append(
            Stage(
                name=f"release {number}",
                release=Release(target=f"{mpa:.3f} MPa", rate=f"{slow:.3f} MPa/s"),
            )
        )
    result = press_once(bench, "leak", NO_DIE, limit_mpa, stages, rate, channels.look)
    frame = result.frame()
    measured = judge_leak(frame, bench.profile.compliance_ul_mpa)
    if bench.profile.lid_switch:
        _judge_lid(frame)
    end_rate = fastest_fall(frame[frame.step_id == frame.step_id.max()])
    if end_rate > _TOO_FAST * parts[-1][1]:
        raise StepFailedError(
            "release-too-fast",
            f"at its end the release fell by {end_rate:.2g} MPa/s, not by {parts[-1][1]:.2g}",
            "the release valve does not let little water pass: look at its dead band, or fit a "
            "smaller one; air in the pores of a body leaves last",
        )
    return measured | {"end_release_mpa_s": round(end_rate, 3)} | channels.measured()


def release_parts(
    target_mpa: float, rate_mpa_s: float, resolution_mpa: float
) -> list[tuple[float, float]]:
    """Return the parts of a release: down to which pressure, MPa, and how fast, MPa/s.

    The last one is the slowest. A part that the transducer cannot tell from zero is left out.
    """
    parts: list[tuple[float, float]] = []
    rate = rate_mpa_s
    for share, slower in _PARTS:
        if share * target_mpa > _LEAST_RESOLUTIONS * resolution_mpa:
            parts.append((share * target_mpa, rate))
            rate = rate_mpa_s / slower
    return [*parts, (0.0, rate)]


def judge_leak(frame: DataFrame, compliance_ul_mpa: float) -> dict[str, float | str]:
    """Return the leak in the sealed hold of a run, by the stiffness of water at that pressure.

    Args:
        frame: The records of the run.
        compliance_ul_mpa: What a full vessel takes up without pressure, uL per MPa.

    Raises:
        StepFailedError: `leak`: it is too large, or the valves did not shut.
    """
    held = frame[frame.sealed.to_numpy(np.bool_)]
    if len(held) < 2:
        raise StepFailedError(
            "leak", "the valves did not shut", "look at the record of the run: pressloop plot"
        )
    time_s = held.time_s.to_numpy(np.float64)
    pressure_mpa = held.pressure_mpa.to_numpy(np.float64)
    seconds = max(1.0, float(time_s[-1] - time_s[0]))
    # A line through all readings: the first and the last one alone are as noisy as any other.
    lost_mpa = -float(np.polyfit(time_s - time_s[0], pressure_mpa, 1)[0]) * seconds
    mean_mpa = float(pressure_mpa.mean())
    stiffer = 1 + WATER_STIFFENING * mean_mpa / WATER_MODULUS_MPA
    leak = lost_mpa * compliance_ul_mpa / stiffer / seconds * 60 * 10 / mean_mpa
    if leak > MAX_LEAK_UL_MIN:
        raise StepFailedError(
            "leak",
            f"the shut vessel lost {lost_mpa:.3g} MPa in {seconds:.0f} s, about {leak:.0f} uL/min "
            "at 10 MPa",
            "look for drops at lid and fittings; if there are none, a valve does not shut",
        )
    return {"leak_ul_min": round(leak, 1)}


def fastest_fall(frame: DataFrame) -> float:
    """Return the fastest fall of the pressure in records, over a second, MPa/s; 0 if too few."""
    ticks = max(1, round(_END_S * 100))
    pressure = frame.pressure_mpa.to_numpy(np.float64)
    if len(pressure) <= ticks:
        return 0.0
    return max(0.0, float((pressure[:-ticks] - pressure[ticks:]).max()) / _END_S)


def _full_vessel(bench: CommissioningBench) -> tuple[float, float]:
    """Ask for the limit in the vessel; once in a walk. Returns bore, mm, and limit, MPa.

    Raises:
        StepFailedError: `over-limit`.
    """
    if bench.blank is not None:
        return bench.blank
    bore_mm = bench.profile.dies_mm[0]
    highest = bench.profile.limits(round(bore_mm * 1000)).pellet_limit_kpa / 1000
    limit_mpa = bench.operator.ask_number(
        NumberQuestion(
            "limit-mpa",
            "Highest pressure in the vessel, a usual pressure of it; the vessel is full of water, "
            f"without a sample; at most {highest / 1.1:.0f}",
            "MPa",
        )
    )
    if not 0 < limit_mpa <= highest / 1.1 or not math.isfinite(limit_mpa):
        raise StepFailedError(
            "over-limit",
            f"{limit_mpa:g} MPa needs a ceiling a tenth higher, and this vessel may have "
            f"{highest:.0f} MPa",
            "choose a lower pressure",
        )
    bench.blank = bore_mm, limit_mpa
    return bench.blank


def _judge_lid(frame: DataFrame) -> None:
    """Judge the switch at the lid by a whole run.

    Raises:
        StepFailedError: `lid-unnoticed`; `lid-stays`: the run ended before it was clear.
    """
    pressed = frame[frame.pressure_mpa > max(1.0, 10 * _LID_MPA)]
    missed = pressed[~pressed.vessel_pressure.to_numpy(np.bool_)]
    if len(missed):
        _require_lid(float(missed.pressure_mpa.max()), InputBits(0))
    if bool(frame.vessel_pressure.iloc[-1]):
        raise _lid_stays("the run has ended")


def _lid_stays(when: str) -> StepFailedError:
    return StepFailedError(
        "lid-stays",
        f"{when}, and the switch at the lid still says that there is pressure",
        "look at the gauge; if it says no pressure, the switch hangs, or its line is blocked",
    )


def _require_lid(pressure_mpa: float, inputs: InputBits) -> None:
    if InputBits.VESSEL_PRESSURE in inputs:
        return
    raise StepFailedError(
        "lid-unnoticed",
        f"there were {pressure_mpa:.2g} MPa in the vessel, and the switch at the lid said that "
        "there is no pressure: the lid could be opened",
        "check that the line of the switch is open and that it opens above 0.1 MPa",
    )

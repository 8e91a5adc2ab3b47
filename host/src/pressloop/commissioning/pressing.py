"""Proves the closed press on a steel blank: leak, tuning, load cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from pressloop.commissioning.bench import CommissioningBench
from pressloop.commissioning.channel_difference import ChannelDifference
from pressloop.commissioning.operator import YES, NumberQuestion, yes_no
from pressloop.commissioning.pulses import MAX_LEAK_UL_MIN
from pressloop.commissioning.runs import LIMIT_SHARE, SEALED_S, fresh_folder, press_once
from pressloop.commissioning.step import StepFailedError, StepSkippedError
from pressloop.commissioning.vessel import prove_vessel_leak
from pressloop.errors import PressloopError
from pressloop.protocol import Hold, Ramp, Release, Stage
from pressloop.run.result import RunResult
from pressloop.session.status import PressStatus

_MAX_CELL_DIFFERENCE: Final = 0.1
"""Difference between load cell and oil that friction of the seals may explain."""


def prove_leak(bench: CommissioningBench) -> dict[str, float | str]:
    """Press the blank, shut both valves for 20 s, and judge the loss.

    Raises:
        StepFailedError: `leak`, `channels-disagree`, or the run did not complete; in a vessel also
            as `vessel.prove_vessel_leak`.
    """
    if bench.profile.is_vessel:
        return prove_vessel_leak(bench)
    die_mm, limit_mpa = _blank(bench)
    target = LIMIT_SHARE * limit_mpa
    channels = ChannelDifference(target)
    result = _press(bench, "leak", die_mm, target, seal=True, look=channels.look)
    frame = result.frame()
    held = frame[frame.sealed.to_numpy(np.bool_)]
    if len(held) < 2:
        raise StepFailedError(
            "leak", "the valves did not shut", "look at the record of the run: pressloop plot"
        )
    lost_mpa = float(held.pressure_mpa.iloc[0] - held.pressure_mpa.iloc[-1])
    seconds = float(held.time_s.iloc[-1] - held.time_s.iloc[0])
    profile = bench.profile
    lever = profile.lever(die_mm)
    oil_mpa = target / lever
    leak = lost_mpa / lever * profile.compliance_ul_mpa / max(seconds, 1) * 60 * 10 / oil_mpa
    if leak > MAX_LEAK_UL_MIN:
        raise StepFailedError(
            "leak",
            f"the shut press lost {lost_mpa:.3g} MPa in {seconds:.0f} s, about {leak:.0f} uL/min "
            f"at 10 MPa of oil",
            "look for drops at fittings and at the rod; if there are none, a valve does not shut",
        )
    return {"leak_ul_min": round(leak, 1), **channels.measured()}


def prove_tuning(bench: CommissioningBench) -> dict[str, float | str]:
    """Tune the press on the blank: three runs, and the profile that they give is stored.

    Raises:
        StepSkippedError: An isostatic vessel is not tuned.
        StepFailedError: `tuning`: it did not succeed.
    """
    if bench.profile.is_vessel:
        raise StepSkippedError("an isostatic vessel has no ram to tune on a blank")
    die_mm, limit_mpa = _blank(bench)
    folder = fresh_folder(bench.folder / "tune")
    try:
        result = bench.press.tune(
            f"{limit_mpa:g} MPa", f"{die_mm:g} mm", out=folder, on_status=bench.on_status
        )
    except PressloopError as error:
        raise StepFailedError("tuning", error.message, error.hint) from error
    bench.profile = bench.press.profile()
    return {
        "pump_dead_band_percent": round(result.after.pump_dead_band_percent, 2),
        "release_dead_band_percent": round(result.after.release_dead_band_percent, 2),
        "leak_ul_min": round(result.after.leak_ul_min or 0.0, 1),
        "records": str(folder),
    }


def prove_load_cell(bench: CommissioningBench) -> dict[str, float | str]:
    """Press the blank and compare the load cell with the oil.

    Raises:
        StepSkippedError: The press has no load cell.
        StepFailedError: `load-cell-missing` or `load-cell`.
    """
    if bench.profile.load_cell_capacity_kn is None:
        raise StepSkippedError("the press file says that there is no load cell")
    die_mm, limit_mpa = _blank(bench)
    target = LIMIT_SHARE * limit_mpa
    shares: list[float] = []

    def look(status: PressStatus) -> None:
        reply = bench.press.session.status()
        if reply.load_cell_kpa is None or status.pressure_mpa < target / 2:
            return
        oil_kpa = reply.pressure_kpa + (reply.trim_kpa or 0)
        shares.append(reply.load_cell_kpa / oil_kpa - 1)

    _press(bench, "load-cell", die_mm, target, seal=False, look=look)
    if not shares:
        raise StepFailedError(
            "load-cell-missing",
            "the board gives no reading of the load cell",
            "check its converter, its bus and its supply; then switch the controller off and on",
        )
    difference = float(np.median(shares))
    if abs(difference) > _MAX_CELL_DIFFERENCE:
        raise StepFailedError(
            "load-cell",
            f"the load cell reads {100 * difference:+.1f} % of what the oil says",
            "the die must stand on the cell alone; then check the sign of its signal, its "
            "capacity and the area of the ram in the press file",
        )
    return {"load_cell_differs_percent": round(100 * difference, 2)}


def _blank(bench: CommissioningBench) -> tuple[float, float]:
    """Ask for the die with the steel blank, and for the limit on it; once in a walk.

    Raises:
        StepFailedError: `not-ready`, `unknown-die` or `over-limit`.
    """
    if bench.blank is not None:
        return bench.blank
    profile = bench.profile
    dies = ", ".join(f"{die:g}" for die in profile.dies_mm)
    ready = yes_no(
        "blank-in",
        "Put a die with a hardened steel blank under the ram, shut the guard, and switch the pump "
        "motor on. The press will press it. Ready?",
        "ready",
        "not yet",
    )
    if bench.operator.ask(ready) != YES:
        raise StepFailedError("not-ready", "there is no blank in the press", "put it in first")
    die_mm = bench.operator.ask_number(
        NumberQuestion("die-mm", f"Diameter that is marked on this die ({dies})", "mm")
    )
    if round(die_mm * 1000) not in profile.dies_um:
        raise StepFailedError(
            "unknown-die",
            f"the press has no die of {die_mm:g} mm; its dies: {dies}",
            "read the diameter again, or add the die to the press file",
        )
    highest = profile.limits(round(die_mm * 1000)).pellet_limit_kpa / 1000
    limit_mpa = bench.operator.ask_number(
        NumberQuestion(
            "limit-mpa",
            "Highest pressure on the blank, a usual pressure of this press; at most "
            f"{highest / 1.1:.0f}",
            "MPa",
        )
    )
    if not 0 < limit_mpa <= highest / 1.1:
        raise StepFailedError(
            "over-limit",
            f"{limit_mpa:g} MPa needs a ceiling a tenth higher, and this press may reach "
            f"{highest:.0f} MPa on this die",
            "choose a lower pressure",
        )
    bench.blank = die_mm, limit_mpa
    return bench.blank


def _press(
    bench: CommissioningBench,
    name: str,
    die_mm: float,
    target_mpa: float,
    *,
    seal: bool,
    look: Callable[[PressStatus], None],
) -> RunResult:
    limits = bench.profile.limits(round(die_mm * 1000))
    fastest = min(limits.fastest_rise_kpa_s, limits.fastest_fall_kpa_s) / 1000
    rate = min(fastest / 4, target_mpa / 5)
    stage = Stage(
        name=name,
        ramp=Ramp(target=f"{target_mpa:.3f} MPa", rate=f"{rate:.3f} MPa/s"),
        hold=Hold(
            duration=f"{SEALED_S if seal else SEALED_S / 2:g} s",
            tolerance="25 %" if seal else "5 %",
            timeout="20 s",
            mode="sealed" if seal else "regulated",
        ),
        release=Release(target="0 MPa", rate=f"{rate:.3f} MPa/s"),
    )
    die = f"{die_mm:g} mm"
    return press_once(bench, name, die, target_mpa / LIMIT_SHARE, [stage], rate, look)
